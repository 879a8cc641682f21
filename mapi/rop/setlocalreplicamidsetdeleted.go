package rop

import "mailfs/mapi"

// SetLocalReplicaMidsetDeletedRequest gives back ids that the client reserved and
// will not use in a folder ([MS-OXCROPS] 2.2.13.12).
type SetLocalReplicaMidsetDeletedRequest struct {
	LongTermIDRanges []LongTermIDRange
}

// LongTermIDRange is a range of ids, both ends included ([MS-OXCROPS]
// 2.2.13.12.1.1).
type LongTermIDRange struct {
	Min, Max mapi.LongTermID
}

// ROP returns IDSetLocalReplicaMidsetDeleted.
func (*SetLocalReplicaMidsetDeletedRequest) ROP() ID { return IDSetLocalReplicaMidsetDeleted }

func (*SetLocalReplicaMidsetDeletedRequest) layout() layout { return layoutIn }

func (q *SetLocalReplicaMidsetDeletedRequest) code(c *coder) {
	sized16(c, func() {
		list32(c, 48, &q.LongTermIDRanges, func(c *coder, r *LongTermIDRange) {
			longTermID(c, &r.Min)
			longTermID(c, &r.Max)
		})
	})
}

// SetLocalReplicaMidsetDeletedResponse answers SetLocalReplicaMidsetDeletedRequest
// ([MS-OXCROPS] 2.2.13.12.2).
type SetLocalReplicaMidsetDeletedResponse struct {
	Status
}

// ROP returns IDSetLocalReplicaMidsetDeleted.
func (*SetLocalReplicaMidsetDeletedResponse) ROP() ID { return IDSetLocalReplicaMidsetDeleted }

func (*SetLocalReplicaMidsetDeletedResponse) code(*coder) {}
