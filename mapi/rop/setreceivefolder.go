package rop

import "mailfs/mapi"

// SetReceiveFolderRequest sets the folder that gets messages of a class
// ([MS-OXCROPS] 2.2.3.3).
type SetReceiveFolderRequest struct {
	FolderID     mapi.FID
	MessageClass string // "" for the default folder
}

// ROP returns IDSetReceiveFolder.
func (*SetReceiveFolderRequest) ROP() ID { return IDSetReceiveFolder }

func (*SetReceiveFolderRequest) layout() layout { return layoutIn }

func (q *SetReceiveFolderRequest) code(c *coder) {
	u64(c, &q.FolderID)
	cstring(c, &q.MessageClass)
}

// SetReceiveFolderResponse answers SetReceiveFolderRequest ([MS-OXCROPS] 2.2.3.3.2).
type SetReceiveFolderResponse struct {
	Status
}

// ROP returns IDSetReceiveFolder.
func (*SetReceiveFolderResponse) ROP() ID { return IDSetReceiveFolder }

func (*SetReceiveFolderResponse) code(*coder) {}
