package rop

// GetStoreStateRequest asks for the state of the store
// ([MS-OXCROPS] 2.2.3.5).
type GetStoreStateRequest struct{}

// ROP returns IDGetStoreState.
func (*GetStoreStateRequest) ROP() ID { return IDGetStoreState }

func (*GetStoreStateRequest) layout() layout { return layoutIn }

func (*GetStoreStateRequest) code(*coder) {}

// GetStoreStateResponse answers GetStoreStateRequest ([MS-OXCROPS] 2.2.3.5.2).
type GetStoreStateResponse struct {
	Status
	StoreState uint32
}

// ROP returns IDGetStoreState.
func (*GetStoreStateResponse) ROP() ID { return IDGetStoreState }

func (p *GetStoreStateResponse) code(c *coder) {
	u32(c, &p.StoreState)
}
