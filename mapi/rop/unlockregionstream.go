package rop

// UnlockRegionStreamRequest unlocks a part of a stream
// ([MS-OXCROPS] 2.2.9.11).
type UnlockRegionStreamRequest struct {
	RegionOffset uint64
	RegionSize   uint64
	LockFlags    uint32
}

// ROP returns IDUnlockRegionStream.
func (*UnlockRegionStreamRequest) ROP() ID { return IDUnlockRegionStream }

func (*UnlockRegionStreamRequest) layout() layout { return layoutIn }

func (q *UnlockRegionStreamRequest) code(c *coder) {
	u64(c, &q.RegionOffset)
	u64(c, &q.RegionSize)
	u32(c, &q.LockFlags)
}

// UnlockRegionStreamResponse answers UnlockRegionStreamRequest ([MS-OXCROPS] 2.2.9.11.2).
type UnlockRegionStreamResponse struct {
	Status
}

// ROP returns IDUnlockRegionStream.
func (*UnlockRegionStreamResponse) ROP() ID { return IDUnlockRegionStream }

func (*UnlockRegionStreamResponse) code(*coder) {}
