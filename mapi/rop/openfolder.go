package rop

import "mailfs/mapi"

// OpenFolderRequest opens a folder
// ([MS-OXCROPS] 2.2.4.1).
type OpenFolderRequest struct {
	FolderID      mapi.FID
	OpenModeFlags uint8 // OpenSoftDeleted
}

// ROP returns IDOpenFolder.
func (*OpenFolderRequest) ROP() ID { return IDOpenFolder }

func (*OpenFolderRequest) layout() layout { return layoutInOut }

func (q *OpenFolderRequest) code(c *coder) {
	u64(c, &q.FolderID)
	u8(c, &q.OpenModeFlags)
}

// OpenFolderResponse answers OpenFolderRequest ([MS-OXCROPS] 2.2.4.1.2).
type OpenFolderResponse struct {
	Status
	HasRules  bool
	IsGhosted bool    // always false in a private mailbox
	Servers   Servers // only with IsGhosted
}

// ROP returns IDOpenFolder.
func (*OpenFolderResponse) ROP() ID { return IDOpenFolder }

func (p *OpenFolderResponse) code(c *coder) {
	boolean(c, &p.HasRules)
	boolean(c, &p.IsGhosted)
	if p.IsGhosted {
		servers(c, &p.Servers)
	}
}
