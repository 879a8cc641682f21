package rop

import "mailfs/mapi"

// GetReceiveFolderRequest asks which folder gets messages of a class
// ([MS-OXCROPS] 2.2.3.2).
type GetReceiveFolderRequest struct {
	MessageClass string // "" for the default folder
}

// ROP returns IDGetReceiveFolder.
func (*GetReceiveFolderRequest) ROP() ID { return IDGetReceiveFolder }

func (*GetReceiveFolderRequest) layout() layout { return layoutIn }

func (q *GetReceiveFolderRequest) code(c *coder) {
	cstring(c, &q.MessageClass)
}

// GetReceiveFolderResponse answers GetReceiveFolderRequest ([MS-OXCROPS] 2.2.3.2.2).
type GetReceiveFolderResponse struct {
	Status
	FolderID             mapi.FID
	ExplicitMessageClass string // the class that matched
}

// ROP returns IDGetReceiveFolder.
func (*GetReceiveFolderResponse) ROP() ID { return IDGetReceiveFolder }

func (p *GetReceiveFolderResponse) code(c *coder) {
	u64(c, &p.FolderID)
	cstring(c, &p.ExplicitMessageClass)
}
