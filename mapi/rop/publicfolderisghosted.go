package rop

import "mailfs/mapi"

// PublicFolderIsGhostedRequest asks whether a public folder lives elsewhere
// ([MS-OXCROPS] 2.2.3.7).
type PublicFolderIsGhostedRequest struct {
	FolderID mapi.FID
}

// ROP returns IDPublicFolderIsGhosted.
func (*PublicFolderIsGhostedRequest) ROP() ID { return IDPublicFolderIsGhosted }

func (*PublicFolderIsGhostedRequest) layout() layout { return layoutIn }

func (q *PublicFolderIsGhostedRequest) code(c *coder) {
	u64(c, &q.FolderID)
}

// PublicFolderIsGhostedResponse answers PublicFolderIsGhostedRequest ([MS-OXCROPS] 2.2.3.7.2).
type PublicFolderIsGhostedResponse struct {
	Status
	IsGhosted bool
	Servers   Servers // only with IsGhosted
}

// ROP returns IDPublicFolderIsGhosted.
func (*PublicFolderIsGhostedResponse) ROP() ID { return IDPublicFolderIsGhosted }

func (p *PublicFolderIsGhostedResponse) code(c *coder) {
	boolean(c, &p.IsGhosted)
	if p.IsGhosted {
		servers(c, &p.Servers)
	}
}
