package rop

// FreeBookmarkRequest gives a bookmark up
// ([MS-OXCROPS] 2.2.5.14).
type FreeBookmarkRequest struct {
	Bookmark []byte
}

// ROP returns IDFreeBookmark.
func (*FreeBookmarkRequest) ROP() ID { return IDFreeBookmark }

func (*FreeBookmarkRequest) layout() layout { return layoutIn }

func (q *FreeBookmarkRequest) code(c *coder) {
	bytes16(c, &q.Bookmark)
}

// FreeBookmarkResponse answers FreeBookmarkRequest ([MS-OXCROPS] 2.2.5.14.2).
type FreeBookmarkResponse struct {
	Status
}

// ROP returns IDFreeBookmark.
func (*FreeBookmarkResponse) ROP() ID { return IDFreeBookmark }

func (*FreeBookmarkResponse) code(*coder) {}
