package rop

import "mailfs/mapi"

// CopyPropertiesRequest copies properties from one object to another
// ([MS-OXCROPS] 2.2.8.11).
type CopyPropertiesRequest struct {
	WantAsynchronous bool
	CopyFlags        uint8 // Copy…
	PropertyTags     []mapi.PropertyTag
}

// ROP returns IDCopyProperties.
func (*CopyPropertiesRequest) ROP() ID { return IDCopyProperties }

func (*CopyPropertiesRequest) layout() layout { return layoutSrcDst }

func (q *CopyPropertiesRequest) code(c *coder) {
	boolean(c, &q.WantAsynchronous)
	u8(c, &q.CopyFlags)
	tags(c, &q.PropertyTags)
}

// CopyPropertiesResponse answers CopyPropertiesRequest ([MS-OXCROPS] 2.2.8.11.2).
// DestHandleIndex is present only when ReturnValue is 0x00000503
// (NullDestinationObject).
type CopyPropertiesResponse struct {
	Status
	DestHandleIndex  uint32
	PropertyProblems []PropertyProblem
}

// ROP returns IDCopyProperties.
func (*CopyPropertiesResponse) ROP() ID { return IDCopyProperties }

func (p *CopyPropertiesResponse) code(c *coder) {
	problems(c, &p.PropertyProblems)
}

func (p *CopyPropertiesResponse) codeFailure(c *coder) {
	nullDestination(c, p.ReturnValue, &p.DestHandleIndex)

}
