package rop

import "mailfs/mapi"

// GetPerUserGUIDRequest asks for the replica of a public folder's read information
// ([MS-OXCROPS] 2.2.3.11).
type GetPerUserGUIDRequest struct {
	LongTermID mapi.LongTermID
}

// ROP returns IDGetPerUserGUID.
func (*GetPerUserGUIDRequest) ROP() ID { return IDGetPerUserGUID }

func (*GetPerUserGUIDRequest) layout() layout { return layoutIn }

func (q *GetPerUserGUIDRequest) code(c *coder) {
	longTermID(c, &q.LongTermID)
}

// GetPerUserGUIDResponse answers GetPerUserGUIDRequest ([MS-OXCROPS] 2.2.3.11.2).
type GetPerUserGUIDResponse struct {
	Status
	DatabaseGUID mapi.GUID
}

// ROP returns IDGetPerUserGUID.
func (*GetPerUserGUIDResponse) ROP() ID { return IDGetPerUserGUID }

func (p *GetPerUserGUIDResponse) code(c *coder) {
	guid(c, &p.DatabaseGUID)
}
