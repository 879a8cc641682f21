package rop

// FastTransferDestinationPutBufferRequest uploads a piece of a FastTransfer stream
// ([MS-OXCROPS] 2.2.12.2).
type FastTransferDestinationPutBufferRequest struct {
	TransferData []byte
}

// ROP returns IDFastTransferDestinationPutBuffer.
func (*FastTransferDestinationPutBufferRequest) ROP() ID { return IDFastTransferDestinationPutBuffer }

func (*FastTransferDestinationPutBufferRequest) layout() layout { return layoutIn }

func (q *FastTransferDestinationPutBufferRequest) code(c *coder) {
	bytes16(c, &q.TransferData)
}

// FastTransferDestinationPutBufferResponse answers FastTransferDestinationPutBufferRequest ([MS-OXCROPS] 2.2.12.2.2). The
// fields are present on failure, too.
type FastTransferDestinationPutBufferResponse struct {
	Status
	TransferStatus  uint16 // Transfer…
	InProgressCount uint16
	TotalStepCount  uint16
	Reserved        uint8
	BufferUsedSize  uint16
}

// ROP returns IDFastTransferDestinationPutBuffer.
func (*FastTransferDestinationPutBufferResponse) ROP() ID { return IDFastTransferDestinationPutBuffer }

func (p *FastTransferDestinationPutBufferResponse) code(c *coder) {
	u16(c, &p.TransferStatus)
	u16(c, &p.InProgressCount)
	u16(c, &p.TotalStepCount)
	u8(c, &p.Reserved)
	u16(c, &p.BufferUsedSize)
}

func (p *FastTransferDestinationPutBufferResponse) codeFailure(c *coder) { p.code(c) }
