package rop

// ProgressRequest asks how far an asynchronous operation has come ([MS-OXCROPS]
// 2.2.8.13).
type ProgressRequest struct {
	WantCancel bool
}

// ROP returns IDProgress.
func (*ProgressRequest) ROP() ID { return IDProgress }

func (*ProgressRequest) layout() layout { return layoutIn }

func (q *ProgressRequest) code(c *coder) { boolean(c, &q.WantCancel) }

// ProgressResponse answers ProgressRequest ([MS-OXCROPS] 2.2.8.13.2), and in place of
// their own response the requests that want an asynchronous operation. On the wire it
// repeats the log on.
type ProgressResponse struct {
	Status
	CompletedTaskCount uint32
	TotalTaskCount     uint32
}

// ROP returns IDProgress.
func (*ProgressResponse) ROP() ID { return IDProgress }

func (p *ProgressResponse) code(c *coder) {
	u8(c, &c.logonID)
	u32(c, &p.CompletedTaskCount)
	u32(c, &p.TotalTaskCount)
}
