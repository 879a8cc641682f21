package rop

// LockRegionStreamRequest locks a part of a stream
// ([MS-OXCROPS] 2.2.9.10).
type LockRegionStreamRequest struct {
	RegionOffset uint64
	RegionSize   uint64
	LockFlags    uint32
}

// ROP returns IDLockRegionStream.
func (*LockRegionStreamRequest) ROP() ID { return IDLockRegionStream }

func (*LockRegionStreamRequest) layout() layout { return layoutIn }

func (q *LockRegionStreamRequest) code(c *coder) {
	u64(c, &q.RegionOffset)
	u64(c, &q.RegionSize)
	u32(c, &q.LockFlags)
}

// LockRegionStreamResponse answers LockRegionStreamRequest ([MS-OXCROPS] 2.2.9.10.2).
type LockRegionStreamResponse struct {
	Status
}

// ROP returns IDLockRegionStream.
func (*LockRegionStreamResponse) ROP() ID { return IDLockRegionStream }

func (*LockRegionStreamResponse) code(*coder) {}
