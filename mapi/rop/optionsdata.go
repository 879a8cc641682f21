package rop

// OptionsDataRequest asks for the options of an address type ([MS-OXCROPS]
// 2.2.7.9).
type OptionsDataRequest struct {
	AddressType string
	WantWin32   bool
}

// ROP returns IDOptionsData.
func (*OptionsDataRequest) ROP() ID { return IDOptionsData }

func (*OptionsDataRequest) layout() layout { return layoutIn }

func (q *OptionsDataRequest) code(c *coder) {
	cstring(c, &q.AddressType)
	boolean(c, &q.WantWin32)
}

// OptionsDataResponse answers OptionsDataRequest ([MS-OXCROPS] 2.2.7.9.2).
type OptionsDataResponse struct {
	Status
	Reserved     uint8
	OptionsInfo  []byte
	HelpFile     []byte
	HelpFileName string // only when HelpFile is not empty
}

// ROP returns IDOptionsData.
func (*OptionsDataResponse) ROP() ID { return IDOptionsData }

func (p *OptionsDataResponse) code(c *coder) {
	u8(c, &p.Reserved)
	bytes16(c, &p.OptionsInfo)
	bytes16(c, &p.HelpFile)
	if len(p.HelpFile) > 0 {
		cstring(c, &p.HelpFileName)
	}
}
