package rop

import "mailfs/mapi"

// Pending says that events wait on another session of the client ([MS-OXCROPS]
// 2.2.14.3).
type Pending struct {
	SessionIndex uint16
}

// ROP returns IDPending.
func (*Pending) ROP() ID { return IDPending }

// Result returns 0: it carries no return value.
func (*Pending) Result() mapi.ErrorCode { return 0 }

func (p *Pending) code(c *coder) { u16(c, &p.SessionIndex) }
