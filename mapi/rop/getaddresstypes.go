package rop

// GetAddressTypesRequest asks which address types the server can send to
// ([MS-OXCROPS] 2.2.7.3).
type GetAddressTypesRequest struct{}

// ROP returns IDGetAddressTypes.
func (*GetAddressTypesRequest) ROP() ID { return IDGetAddressTypes }

func (*GetAddressTypesRequest) layout() layout { return layoutIn }

func (*GetAddressTypesRequest) code(*coder) {}

// GetAddressTypesResponse answers GetAddressTypesRequest ([MS-OXCROPS] 2.2.7.3.2).
type GetAddressTypesResponse struct {
	Status
	AddressTypes []string
}

// ROP returns IDGetAddressTypes.
func (*GetAddressTypesResponse) ROP() ID { return IDGetAddressTypes }

func (p *GetAddressTypesResponse) code(c *coder) {
	n := count16(c, len(p.AddressTypes))
	sized16(c, func() { list(c, uint64(n), 1, &p.AddressTypes, cstring) })
}
