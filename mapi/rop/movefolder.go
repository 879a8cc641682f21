package rop

import "mailfs/mapi"

// MoveFolderRequest moves a folder from the source folder to the destination folder
// ([MS-OXCROPS] 2.2.4.7).
type MoveFolderRequest struct {
	WantAsynchronous bool
	UseUnicode       bool
	FolderID         mapi.FID
	NewFolderName    string
}

// ROP returns IDMoveFolder.
func (*MoveFolderRequest) ROP() ID { return IDMoveFolder }

func (*MoveFolderRequest) layout() layout { return layoutSrcDst }

func (q *MoveFolderRequest) code(c *coder) {
	boolean(c, &q.WantAsynchronous)
	boolean(c, &q.UseUnicode)
	u64(c, &q.FolderID)
	text(c, q.UseUnicode, &q.NewFolderName)
}

// MoveFolderResponse answers MoveFolderRequest ([MS-OXCROPS] 2.2.4.7.2).
// PartialCompletion is present on failure, too; DestHandleIndex only when ReturnValue
// is 0x00000503 (NullDestinationObject).
type MoveFolderResponse struct {
	Status
	DestHandleIndex   uint32
	PartialCompletion bool // something was not moved
}

// ROP returns IDMoveFolder.
func (*MoveFolderResponse) ROP() ID { return IDMoveFolder }

func (p *MoveFolderResponse) code(c *coder) { boolean(c, &p.PartialCompletion) }

func (p *MoveFolderResponse) codeFailure(c *coder) {
	nullDestination(c, p.ReturnValue, &p.DestHandleIndex)
	boolean(c, &p.PartialCompletion)
}
