package rop

// GetStatusRequest asks for the state of an asynchronous operation on a table
// ([MS-OXCROPS] 2.2.5.6).
type GetStatusRequest struct{}

// ROP returns IDGetStatus.
func (*GetStatusRequest) ROP() ID { return IDGetStatus }

func (*GetStatusRequest) layout() layout { return layoutIn }

func (*GetStatusRequest) code(*coder) {}

// GetStatusResponse answers GetStatusRequest ([MS-OXCROPS] 2.2.5.6.2).
type GetStatusResponse struct {
	Status
	TableStatus uint8 // TableStatus…
}

// ROP returns IDGetStatus.
func (*GetStatusResponse) ROP() ID { return IDGetStatus }

func (p *GetStatusResponse) code(c *coder) {
	u8(c, &p.TableStatus)
}
