package rop

// FastTransferDestinationPutBufferExtendedRequest uploads a piece of a FastTransfer stream
// ([MS-OXCROPS] 2.2.12.3).
type FastTransferDestinationPutBufferExtendedRequest struct {
	TransferData []byte
}

// ROP returns IDFastTransferDestinationPutBufferExtended.
func (*FastTransferDestinationPutBufferExtendedRequest) ROP() ID {
	return IDFastTransferDestinationPutBufferExtended
}

func (*FastTransferDestinationPutBufferExtendedRequest) layout() layout { return layoutIn }

func (q *FastTransferDestinationPutBufferExtendedRequest) code(c *coder) {
	bytes16(c, &q.TransferData)
}

// FastTransferDestinationPutBufferExtendedResponse answers FastTransferDestinationPutBufferExtendedRequest ([MS-OXCROPS] 2.2.12.3.2). The
// fields are present on failure, too.
type FastTransferDestinationPutBufferExtendedResponse struct {
	Status
	TransferStatus  uint16 // Transfer…
	InProgressCount uint32
	TotalStepCount  uint32
	Reserved        uint8
	BufferUsedSize  uint16
}

// ROP returns IDFastTransferDestinationPutBufferExtended.
func (*FastTransferDestinationPutBufferExtendedResponse) ROP() ID {
	return IDFastTransferDestinationPutBufferExtended
}

func (p *FastTransferDestinationPutBufferExtendedResponse) code(c *coder) {
	u16(c, &p.TransferStatus)
	u32(c, &p.InProgressCount)
	u32(c, &p.TotalStepCount)
	u8(c, &p.Reserved)
	u16(c, &p.BufferUsedSize)
}

func (p *FastTransferDestinationPutBufferExtendedResponse) codeFailure(c *coder) { p.code(c) }
