package rop

import "mailfs/mapi"

// CreateFolderRequest creates a folder below the input folder ([MS-OXCROPS]
// 2.2.4.2).
type CreateFolderRequest struct {
	FolderType        uint8 // FolderGeneric or FolderSearch
	UseUnicodeStrings bool
	OpenExisting      bool // open a folder of that name instead of failing
	Reserved          uint8
	DisplayName       string
	Comment           string
}

// ROP returns IDCreateFolder.
func (*CreateFolderRequest) ROP() ID { return IDCreateFolder }

func (*CreateFolderRequest) layout() layout { return layoutInOut }

func (q *CreateFolderRequest) code(c *coder) {
	u8(c, &q.FolderType)
	boolean(c, &q.UseUnicodeStrings)
	boolean(c, &q.OpenExisting)
	u8(c, &q.Reserved)
	text(c, q.UseUnicodeStrings, &q.DisplayName)
	text(c, q.UseUnicodeStrings, &q.Comment)
}

// CreateFolderResponse answers CreateFolderRequest ([MS-OXCROPS] 2.2.4.2.2).
type CreateFolderResponse struct {
	Status
	FolderID         mapi.FID
	IsExistingFolder bool    // always false in a private mailbox
	HasRules         bool    // only with IsExistingFolder
	IsGhosted        bool    // only with IsExistingFolder
	Servers          Servers // only with IsGhosted
}

// ROP returns IDCreateFolder.
func (*CreateFolderResponse) ROP() ID { return IDCreateFolder }

func (p *CreateFolderResponse) code(c *coder) {
	u64(c, &p.FolderID)
	boolean(c, &p.IsExistingFolder)
	if !p.IsExistingFolder {
		return
	}
	boolean(c, &p.HasRules)
	boolean(c, &p.IsGhosted)
	if p.IsGhosted {
		servers(c, &p.Servers)
	}
}
