package rop

import "mailfs/mapi"

// CopyFolderRequest copies a folder from the source folder to the destination folder
// ([MS-OXCROPS] 2.2.4.8).
type CopyFolderRequest struct {
	WantAsynchronous bool
	WantRecursive    bool // with its subfolders
	UseUnicode       bool
	FolderID         mapi.FID
	NewFolderName    string
}

// ROP returns IDCopyFolder.
func (*CopyFolderRequest) ROP() ID { return IDCopyFolder }

func (*CopyFolderRequest) layout() layout { return layoutSrcDst }

func (q *CopyFolderRequest) code(c *coder) {
	boolean(c, &q.WantAsynchronous)
	boolean(c, &q.WantRecursive)
	boolean(c, &q.UseUnicode)
	u64(c, &q.FolderID)
	text(c, q.UseUnicode, &q.NewFolderName)
}

// CopyFolderResponse answers CopyFolderRequest ([MS-OXCROPS] 2.2.4.8.2).
// PartialCompletion is present on failure, too; DestHandleIndex only when ReturnValue
// is 0x00000503 (NullDestinationObject).
type CopyFolderResponse struct {
	Status
	DestHandleIndex   uint32
	PartialCompletion bool // something was not copied
}

// ROP returns IDCopyFolder.
func (*CopyFolderResponse) ROP() ID { return IDCopyFolder }

func (p *CopyFolderResponse) code(c *coder) { boolean(c, &p.PartialCompletion) }

func (p *CopyFolderResponse) codeFailure(c *coder) {
	nullDestination(c, p.ReturnValue, &p.DestHandleIndex)
	boolean(c, &p.PartialCompletion)
}
