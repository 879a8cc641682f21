package rop

import "mailfs/mapi"

// GetOwningServersRequest asks which servers hold a public folder
// ([MS-OXCROPS] 2.2.3.6).
type GetOwningServersRequest struct {
	FolderID mapi.FID
}

// ROP returns IDGetOwningServers.
func (*GetOwningServersRequest) ROP() ID { return IDGetOwningServers }

func (*GetOwningServersRequest) layout() layout { return layoutIn }

func (q *GetOwningServersRequest) code(c *coder) {
	u64(c, &q.FolderID)
}

// GetOwningServersResponse answers GetOwningServersRequest ([MS-OXCROPS] 2.2.3.6.2).
type GetOwningServersResponse struct {
	Status
	Servers Servers
}

// ROP returns IDGetOwningServers.
func (*GetOwningServersResponse) ROP() ID { return IDGetOwningServers }

func (p *GetOwningServersResponse) code(c *coder) {
	servers(c, &p.Servers)
}
