package rop

// AbortRequest stops an asynchronous operation on a table
// ([MS-OXCROPS] 2.2.5.5).
type AbortRequest struct{}

// ROP returns IDAbort.
func (*AbortRequest) ROP() ID { return IDAbort }

func (*AbortRequest) layout() layout { return layoutIn }

func (*AbortRequest) code(*coder) {}

// AbortResponse answers AbortRequest ([MS-OXCROPS] 2.2.5.5.2).
type AbortResponse struct {
	Status
	TableStatus uint8 // TableStatus…
}

// ROP returns IDAbort.
func (*AbortResponse) ROP() ID { return IDAbort }

func (p *AbortResponse) code(c *coder) {
	u8(c, &p.TableStatus)
}
