package rop

import "mailfs/mapi"

// CopyToRequest copies all properties from one object to another
// ([MS-OXCROPS] 2.2.8.12).
type CopyToRequest struct {
	WantAsynchronous bool
	WantSubObjects   bool
	CopyFlags        uint8 // Copy…
	ExcludedTags     []mapi.PropertyTag
}

// ROP returns IDCopyTo.
func (*CopyToRequest) ROP() ID { return IDCopyTo }

func (*CopyToRequest) layout() layout { return layoutSrcDst }

func (q *CopyToRequest) code(c *coder) {
	boolean(c, &q.WantAsynchronous)
	boolean(c, &q.WantSubObjects)
	u8(c, &q.CopyFlags)
	tags(c, &q.ExcludedTags)
}

// CopyToResponse answers CopyToRequest ([MS-OXCROPS] 2.2.8.12.2).
// DestHandleIndex is present only when ReturnValue is 0x00000503
// (NullDestinationObject).
type CopyToResponse struct {
	Status
	DestHandleIndex  uint32
	PropertyProblems []PropertyProblem
}

// ROP returns IDCopyTo.
func (*CopyToResponse) ROP() ID { return IDCopyTo }

func (p *CopyToResponse) code(c *coder) {
	problems(c, &p.PropertyProblems)
}

func (p *CopyToResponse) codeFailure(c *coder) {
	nullDestination(c, p.ReturnValue, &p.DestHandleIndex)

}
