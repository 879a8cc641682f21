package rop

import "mailfs/mapi"

// LongTermIDFromIDRequest turns a short folder or message id into its long form
// ([MS-OXCROPS] 2.2.3.8).
type LongTermIDFromIDRequest struct {
	ObjectID uint64 // a mapi.FID or mapi.MID
}

// ROP returns IDLongTermIDFromID.
func (*LongTermIDFromIDRequest) ROP() ID { return IDLongTermIDFromID }

func (*LongTermIDFromIDRequest) layout() layout { return layoutIn }

func (q *LongTermIDFromIDRequest) code(c *coder) {
	u64(c, &q.ObjectID)
}

// LongTermIDFromIDResponse answers LongTermIDFromIDRequest ([MS-OXCROPS] 2.2.3.8.2).
type LongTermIDFromIDResponse struct {
	Status
	LongTermID mapi.LongTermID
}

// ROP returns IDLongTermIDFromID.
func (*LongTermIDFromIDResponse) ROP() ID { return IDLongTermIDFromID }

func (p *LongTermIDFromIDResponse) code(c *coder) {
	longTermID(c, &p.LongTermID)
}
