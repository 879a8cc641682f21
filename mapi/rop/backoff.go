package rop

import "mailfs/mapi"

// Backoff says that the server is busy and wants requests later ([MS-OXCROPS]
// 2.2.15.2).
type Backoff struct {
	LogonID        uint8
	Duration       uint32 // milliseconds to leave the whole log on alone
	BackoffRops    []BackoffRop
	AdditionalData []byte
}

// BackoffRop tells how long to do without one operation ([MS-OXCROPS]
// 2.2.15.2.1.1).
type BackoffRop struct {
	ROP      ID
	Duration uint32 // milliseconds
}

// ROP returns IDBackoff.
func (*Backoff) ROP() ID { return IDBackoff }

// Result returns 0: it carries no return value.
func (*Backoff) Result() mapi.ErrorCode { return 0 }

func (p *Backoff) code(c *coder) {
	u8(c, &p.LogonID)
	u32(c, &p.Duration)
	n := count8(c, len(p.BackoffRops))
	list(c, uint64(n), 5, &p.BackoffRops, func(c *coder, r *BackoffRop) {
		u8(c, &r.ROP)
		u32(c, &r.Duration)
	})
	bytes16(c, &p.AdditionalData)
}
