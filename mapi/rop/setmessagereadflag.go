package rop

// SetMessageReadFlagRequest sets or clears the read flag of an open message
// ([MS-OXCROPS] 2.2.6.11).
type SetMessageReadFlagRequest struct {
	ReadFlags  uint8    // ReadFlag…
	ClientData [24]byte // only in a log on to public folders
}

// ROP returns IDSetMessageReadFlag.
func (*SetMessageReadFlagRequest) ROP() ID { return IDSetMessageReadFlag }

func (*SetMessageReadFlagRequest) layout() layout { return layoutRspIn }

func (q *SetMessageReadFlagRequest) code(c *coder) {
	u8(c, &q.ReadFlags)
	if c.public {
		clientData(c, &q.ClientData)
	}
}

func clientData(c *coder, v *[24]byte) {
	if c.reading() {
		copy(v[:], c.r.Take(len(v)))
	} else {
		c.b.Raw(v[:])
	}
}

// SetMessageReadFlagResponse answers SetMessageReadFlagRequest ([MS-OXCROPS]
// 2.2.6.11.2).
type SetMessageReadFlagResponse struct {
	Status
	// ReadStatusChanged says that the read state of a public folder's message has
	// changed. On the wire the log on follows, and ClientData.
	ReadStatusChanged bool
	ClientData        [24]byte // only with ReadStatusChanged
}

// ROP returns IDSetMessageReadFlag.
func (*SetMessageReadFlagResponse) ROP() ID { return IDSetMessageReadFlag }

func (p *SetMessageReadFlagResponse) code(c *coder) {
	boolean(c, &p.ReadStatusChanged)
	if p.ReadStatusChanged {
		u8(c, &c.logonID)
		clientData(c, &p.ClientData)
	}
}
