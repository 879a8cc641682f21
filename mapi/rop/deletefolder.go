package rop

import "mailfs/mapi"

// DeleteFolderRequest deletes a folder below the input folder
// ([MS-OXCROPS] 2.2.4.3).
type DeleteFolderRequest struct {
	DeleteFolderFlags uint8 // DeleteFolder…
	FolderID          mapi.FID
}

// ROP returns IDDeleteFolder.
func (*DeleteFolderRequest) ROP() ID { return IDDeleteFolder }

func (*DeleteFolderRequest) layout() layout { return layoutIn }

func (q *DeleteFolderRequest) code(c *coder) {
	u8(c, &q.DeleteFolderFlags)
	u64(c, &q.FolderID)
}

// DeleteFolderResponse answers DeleteFolderRequest ([MS-OXCROPS] 2.2.4.3.2). The
// fields are present on failure, too.
type DeleteFolderResponse struct {
	Status
	PartialCompletion bool // some items were not deleted
}

// ROP returns IDDeleteFolder.
func (*DeleteFolderResponse) ROP() ID { return IDDeleteFolder }

func (p *DeleteFolderResponse) code(c *coder) {
	boolean(c, &p.PartialCompletion)
}

func (p *DeleteFolderResponse) codeFailure(c *coder) { p.code(c) }
