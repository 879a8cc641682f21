package rop

import "mailfs/mapi"

// GetLocalReplicaIDsRequest reserves ids for the client to use
// ([MS-OXCROPS] 2.2.13.13).
type GetLocalReplicaIDsRequest struct {
	IDCount uint32
}

// ROP returns IDGetLocalReplicaIDs.
func (*GetLocalReplicaIDsRequest) ROP() ID { return IDGetLocalReplicaIDs }

func (*GetLocalReplicaIDsRequest) layout() layout { return layoutIn }

func (q *GetLocalReplicaIDsRequest) code(c *coder) {
	u32(c, &q.IDCount)
}

// GetLocalReplicaIDsResponse answers GetLocalReplicaIDsRequest ([MS-OXCROPS] 2.2.13.13.2).
type GetLocalReplicaIDsResponse struct {
	Status
	ReplGUID    mapi.GUID
	GlobalCount mapi.GlobCnt // the first counter of the range
}

// ROP returns IDGetLocalReplicaIDs.
func (*GetLocalReplicaIDsResponse) ROP() ID { return IDGetLocalReplicaIDs }

func (p *GetLocalReplicaIDsResponse) code(c *coder) {
	guid(c, &p.ReplGUID)
	counter(c, &p.GlobalCount)
}
