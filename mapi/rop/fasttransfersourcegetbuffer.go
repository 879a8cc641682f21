package rop

import "mailfs/mapi"

// FastTransferSourceGetBufferRequest downloads a piece of a FastTransfer stream
// ([MS-OXCROPS] 2.2.12.4).
type FastTransferSourceGetBufferRequest struct {
	BufferSize        uint16 // an exact limit, or BufferSizeMarker
	MaximumBufferSize uint16 // only with BufferSizeMarker
}

// ROP returns IDFastTransferSourceGetBuffer.
func (*FastTransferSourceGetBufferRequest) ROP() ID { return IDFastTransferSourceGetBuffer }

func (*FastTransferSourceGetBufferRequest) layout() layout { return layoutIn }

func (q *FastTransferSourceGetBufferRequest) code(c *coder) {
	u16(c, &q.BufferSize)
	if q.BufferSize == BufferSizeMarker {
		u16(c, &q.MaximumBufferSize)
	}
}

// FastTransferSourceGetBufferResponse answers FastTransferSourceGetBufferRequest
// ([MS-OXCROPS] 2.2.12.4.2). The fields are present on failure, too, save that with
// 0x00000480 (ServerBusy) BackoffTime replaces TransferBuffer.
type FastTransferSourceGetBufferResponse struct {
	Status
	TransferStatus  uint16 // Transfer…
	InProgressCount uint16
	TotalStepCount  uint16 // approximate
	Reserved        uint8
	// TransferBufferSize is the length of TransferBuffer. Encoding sets it, save with
	// ServerBusy, where it says how much was left out.
	TransferBufferSize uint16
	TransferBuffer     []byte
	BackoffTime        uint32 // milliseconds, only with ServerBusy
}

// ROP returns IDFastTransferSourceGetBuffer.
func (*FastTransferSourceGetBufferResponse) ROP() ID { return IDFastTransferSourceGetBuffer }

func (p *FastTransferSourceGetBufferResponse) code(c *coder) {
	u16(c, &p.TransferStatus)
	u16(c, &p.InProgressCount)
	u16(c, &p.TotalStepCount)
	u8(c, &p.Reserved)
	if p.ReturnValue == mapi.EcServerBusy {
		u16(c, &p.TransferBufferSize)
		u32(c, &p.BackoffTime)
		return
	}
	bytes16(c, &p.TransferBuffer)
	if c.reading() {
		p.TransferBufferSize = uint16(len(p.TransferBuffer))
	}
}

func (p *FastTransferSourceGetBufferResponse) codeFailure(c *coder) { p.code(c) }
