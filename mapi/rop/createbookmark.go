package rop

// CreateBookmarkRequest marks the position in a table
// ([MS-OXCROPS] 2.2.5.11).
type CreateBookmarkRequest struct{}

// ROP returns IDCreateBookmark.
func (*CreateBookmarkRequest) ROP() ID { return IDCreateBookmark }

func (*CreateBookmarkRequest) layout() layout { return layoutIn }

func (*CreateBookmarkRequest) code(*coder) {}

// CreateBookmarkResponse answers CreateBookmarkRequest ([MS-OXCROPS] 2.2.5.11.2).
type CreateBookmarkResponse struct {
	Status
	Bookmark []byte
}

// ROP returns IDCreateBookmark.
func (*CreateBookmarkResponse) ROP() ID { return IDCreateBookmark }

func (p *CreateBookmarkResponse) code(c *coder) {
	bytes16(c, &p.Bookmark)
}
