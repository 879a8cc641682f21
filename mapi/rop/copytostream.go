package rop

// CopyToStreamRequest copies from one stream to another
// ([MS-OXCROPS] 2.2.9.9).
type CopyToStreamRequest struct {
	ByteCount uint64
}

// ROP returns IDCopyToStream.
func (*CopyToStreamRequest) ROP() ID { return IDCopyToStream }

func (*CopyToStreamRequest) layout() layout { return layoutSrcDst }

func (q *CopyToStreamRequest) code(c *coder) {
	u64(c, &q.ByteCount)
}

// CopyToStreamResponse answers CopyToStreamRequest ([MS-OXCROPS] 2.2.9.9.2). The
// fields are present on failure, too; DestHandleIndex only when ReturnValue is
// 0x00000503 (NullDestinationObject).
type CopyToStreamResponse struct {
	Status
	DestHandleIndex  uint32
	ReadByteCount    uint64
	WrittenByteCount uint64
}

// ROP returns IDCopyToStream.
func (*CopyToStreamResponse) ROP() ID { return IDCopyToStream }

func (p *CopyToStreamResponse) code(c *coder) {
	u64(c, &p.ReadByteCount)
	u64(c, &p.WrittenByteCount)
}

func (p *CopyToStreamResponse) codeFailure(c *coder) {
	nullDestination(c, p.ReturnValue, &p.DestHandleIndex)
	u64(c, &p.ReadByteCount)
	u64(c, &p.WrittenByteCount)
}
