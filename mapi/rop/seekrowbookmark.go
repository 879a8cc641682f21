package rop

// SeekRowBookmarkRequest moves the position in a table, counted from a bookmark
// ([MS-OXCROPS] 2.2.5.9).
type SeekRowBookmarkRequest struct {
	Bookmark          []byte
	RowCount          int32 // negative to go back
	WantRowMovedCount bool
}

// ROP returns IDSeekRowBookmark.
func (*SeekRowBookmarkRequest) ROP() ID { return IDSeekRowBookmark }

func (*SeekRowBookmarkRequest) layout() layout { return layoutIn }

func (q *SeekRowBookmarkRequest) code(c *coder) {
	bytes16(c, &q.Bookmark)
	u32(c, &q.RowCount)
	boolean(c, &q.WantRowMovedCount)
}

// SeekRowBookmarkResponse answers SeekRowBookmarkRequest ([MS-OXCROPS] 2.2.5.9.2).
type SeekRowBookmarkResponse struct {
	Status
	RowNoLongerVisible bool
	HasSoughtLess      bool
	RowsSought         int32
}

// ROP returns IDSeekRowBookmark.
func (*SeekRowBookmarkResponse) ROP() ID { return IDSeekRowBookmark }

func (p *SeekRowBookmarkResponse) code(c *coder) {
	boolean(c, &p.RowNoLongerVisible)
	boolean(c, &p.HasSoughtLess)
	u32(c, &p.RowsSought)
}
