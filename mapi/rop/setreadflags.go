package rop

import "mailfs/mapi"

// SetReadFlagsRequest sets or clears the read flag of messages in a folder
// ([MS-OXCROPS] 2.2.6.10).
type SetReadFlagsRequest struct {
	WantAsynchronous bool
	ReadFlags        uint8 // ReadFlag…
	MessageIDs       []mapi.MID
}

// ROP returns IDSetReadFlags.
func (*SetReadFlagsRequest) ROP() ID { return IDSetReadFlags }

func (*SetReadFlagsRequest) layout() layout { return layoutIn }

func (q *SetReadFlagsRequest) code(c *coder) {
	boolean(c, &q.WantAsynchronous)
	u8(c, &q.ReadFlags)
	list16(c, 8, &q.MessageIDs, u64)
}

// SetReadFlagsResponse answers SetReadFlagsRequest ([MS-OXCROPS] 2.2.6.10.2). The
// fields are present on failure, too.
type SetReadFlagsResponse struct {
	Status
	PartialCompletion bool // some messages were not changed
}

// ROP returns IDSetReadFlags.
func (*SetReadFlagsResponse) ROP() ID { return IDSetReadFlags }

func (p *SetReadFlagsResponse) code(c *coder) {
	boolean(c, &p.PartialCompletion)
}

func (p *SetReadFlagsResponse) codeFailure(c *coder) { p.code(c) }
