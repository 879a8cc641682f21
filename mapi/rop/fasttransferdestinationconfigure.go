package rop

// FastTransferDestinationConfigureRequest starts an upload of a FastTransfer stream
// ([MS-OXCROPS] 2.2.12.1).
type FastTransferDestinationConfigureRequest struct {
	SourceOperation uint8 // 1 CopyTo, 2 CopyProperties, 3 CopyMessages, 4 CopyFolder
	CopyFlags       uint8
}

// ROP returns IDFastTransferDestinationConfigure.
func (*FastTransferDestinationConfigureRequest) ROP() ID { return IDFastTransferDestinationConfigure }

func (*FastTransferDestinationConfigureRequest) layout() layout { return layoutInOut }

func (q *FastTransferDestinationConfigureRequest) code(c *coder) {
	u8(c, &q.SourceOperation)
	u8(c, &q.CopyFlags)
}

// FastTransferDestinationConfigureResponse answers FastTransferDestinationConfigureRequest ([MS-OXCROPS] 2.2.12.1.2).
type FastTransferDestinationConfigureResponse struct {
	Status
}

// ROP returns IDFastTransferDestinationConfigure.
func (*FastTransferDestinationConfigureResponse) ROP() ID { return IDFastTransferDestinationConfigure }

func (*FastTransferDestinationConfigureResponse) code(*coder) {}
