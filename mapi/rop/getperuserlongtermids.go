package rop

import "mailfs/mapi"

// GetPerUserLongTermIDsRequest lists the public folders for which a user has read information
// ([MS-OXCROPS] 2.2.3.10).
type GetPerUserLongTermIDsRequest struct {
	DatabaseGUID mapi.GUID
}

// ROP returns IDGetPerUserLongTermIDs.
func (*GetPerUserLongTermIDsRequest) ROP() ID { return IDGetPerUserLongTermIDs }

func (*GetPerUserLongTermIDsRequest) layout() layout { return layoutIn }

func (q *GetPerUserLongTermIDsRequest) code(c *coder) {
	guid(c, &q.DatabaseGUID)
}

// GetPerUserLongTermIDsResponse answers GetPerUserLongTermIDsRequest ([MS-OXCROPS] 2.2.3.10.2).
type GetPerUserLongTermIDsResponse struct {
	Status
	LongTermIDs []mapi.LongTermID
}

// ROP returns IDGetPerUserLongTermIDs.
func (*GetPerUserLongTermIDsResponse) ROP() ID { return IDGetPerUserLongTermIDs }

func (p *GetPerUserLongTermIDsResponse) code(c *coder) {
	list16(c, 24, &p.LongTermIDs, longTermID)
}
