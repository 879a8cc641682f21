package rop

// TellVersionRequest tells a server the version of another one
// ([MS-OXCROPS] 2.2.12.9).
type TellVersionRequest struct {
	Version [3]uint16 // major, minor, build
}

// ROP returns IDTellVersion.
func (*TellVersionRequest) ROP() ID { return IDTellVersion }

func (*TellVersionRequest) layout() layout { return layoutIn }

func (q *TellVersionRequest) code(c *coder) {
	version(c, &q.Version)
}

// TellVersionResponse answers TellVersionRequest ([MS-OXCROPS] 2.2.12.9.2).
type TellVersionResponse struct {
	Status
}

// ROP returns IDTellVersion.
func (*TellVersionResponse) ROP() ID { return IDTellVersion }

func (*TellVersionResponse) code(*coder) {}
