package rop

// FastTransferSourceCopyFolderRequest starts a download of a folder
// ([MS-OXCROPS] 2.2.12.5).
type FastTransferSourceCopyFolderRequest struct {
	CopyFlags   uint8
	SendOptions uint8 // Send…
}

// ROP returns IDFastTransferSourceCopyFolder.
func (*FastTransferSourceCopyFolderRequest) ROP() ID { return IDFastTransferSourceCopyFolder }

func (*FastTransferSourceCopyFolderRequest) layout() layout { return layoutInOut }

func (q *FastTransferSourceCopyFolderRequest) code(c *coder) {
	u8(c, &q.CopyFlags)
	u8(c, &q.SendOptions)
}

// FastTransferSourceCopyFolderResponse answers FastTransferSourceCopyFolderRequest ([MS-OXCROPS] 2.2.12.5.2).
type FastTransferSourceCopyFolderResponse struct {
	Status
}

// ROP returns IDFastTransferSourceCopyFolder.
func (*FastTransferSourceCopyFolderResponse) ROP() ID { return IDFastTransferSourceCopyFolder }

func (*FastTransferSourceCopyFolderResponse) code(*coder) {}
