package rop

// ReleaseRequest gives a server object up ([MS-OXCROPS] 2.2.15.3). It has no
// response.
type ReleaseRequest struct{}

// ROP returns IDRelease.
func (*ReleaseRequest) ROP() ID { return IDRelease }

func (*ReleaseRequest) layout() layout { return layoutIn }

func (*ReleaseRequest) code(*coder) {}
