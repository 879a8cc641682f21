package rop

// RestrictRequest limits a table to the rows that match
// ([MS-OXCROPS] 2.2.5.3).
type RestrictRequest struct {
	RestrictFlags   uint8  // TableAsync or 0
	RestrictionData []byte // an encoded restriction, empty to remove the present one
}

// ROP returns IDRestrict.
func (*RestrictRequest) ROP() ID { return IDRestrict }

func (*RestrictRequest) layout() layout { return layoutIn }

func (q *RestrictRequest) code(c *coder) {
	u8(c, &q.RestrictFlags)
	bytes16(c, &q.RestrictionData)
}

// RestrictResponse answers RestrictRequest ([MS-OXCROPS] 2.2.5.3.2).
type RestrictResponse struct {
	Status
	TableStatus uint8 // TableStatus…
}

// ROP returns IDRestrict.
func (*RestrictResponse) ROP() ID { return IDRestrict }

func (p *RestrictResponse) code(c *coder) {
	u8(c, &p.TableStatus)
}
