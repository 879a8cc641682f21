package rop

import "mailfs/mapi"

// IDFromLongTermIDRequest turns a long id into the short form valid in this log on
// ([MS-OXCROPS] 2.2.3.9).
type IDFromLongTermIDRequest struct {
	LongTermID mapi.LongTermID
}

// ROP returns IDIDFromLongTermID.
func (*IDFromLongTermIDRequest) ROP() ID { return IDIDFromLongTermID }

func (*IDFromLongTermIDRequest) layout() layout { return layoutIn }

func (q *IDFromLongTermIDRequest) code(c *coder) {
	longTermID(c, &q.LongTermID)
}

// IDFromLongTermIDResponse answers IDFromLongTermIDRequest ([MS-OXCROPS] 2.2.3.9.2).
type IDFromLongTermIDResponse struct {
	Status
	ObjectID uint64 // a mapi.FID or mapi.MID
}

// ROP returns IDIDFromLongTermID.
func (*IDFromLongTermIDResponse) ROP() ID { return IDIDFromLongTermID }

func (p *IDFromLongTermIDResponse) code(c *coder) {
	u64(c, &p.ObjectID)
}
