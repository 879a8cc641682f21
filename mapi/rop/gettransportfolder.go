package rop

import "mailfs/mapi"

// GetTransportFolderRequest asks for the folder of outgoing messages
// ([MS-OXCROPS] 2.2.7.8).
type GetTransportFolderRequest struct{}

// ROP returns IDGetTransportFolder.
func (*GetTransportFolderRequest) ROP() ID { return IDGetTransportFolder }

func (*GetTransportFolderRequest) layout() layout { return layoutIn }

func (*GetTransportFolderRequest) code(*coder) {}

// GetTransportFolderResponse answers GetTransportFolderRequest ([MS-OXCROPS] 2.2.7.8.2).
type GetTransportFolderResponse struct {
	Status
	FolderID mapi.FID
}

// ROP returns IDGetTransportFolder.
func (*GetTransportFolderResponse) ROP() ID { return IDGetTransportFolder }

func (p *GetTransportFolderResponse) code(c *coder) {
	u64(c, &p.FolderID)
}
