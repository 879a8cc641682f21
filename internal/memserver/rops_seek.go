package memserver

import (
	"encoding/binary"
	"slices"

	"mailfs/mapi"
	"mailfs/mapi/rop"
)

// seekHandler has the operations that move about in a table.
func seekHandler(q rop.Request) handler {
	switch q := q.(type) {
	case *rop.SeekRowRequest:
		return onTable(func(_ *operation, t *tableObject) (rop.Response, mapi.ErrorCode) {
			from, ok := t.origin(q.Origin)
			if !ok {
				return nil, ecInvalidParam
			}
			moved, less := t.seek(from, q.RowCount)
			resp := &rop.SeekRowResponse{HasSoughtLess: less}
			if q.WantRowMovedCount {
				resp.RowsSought = moved
			}
			return resp, ecSuccess
		})
	case *rop.SeekRowBookmarkRequest:
		return onTable(func(_ *operation, t *tableObject) (rop.Response, mapi.ErrorCode) {
			from, gone, code := t.bookmark(q.Bookmark)
			if code != ecSuccess {
				return nil, code
			}
			moved, less := t.seek(from, q.RowCount)
			return &rop.SeekRowBookmarkResponse{RowNoLongerVisible: gone, HasSoughtLess: less, RowsSought: moved}, ecSuccess
		})
	case *rop.SeekRowFractionalRequest:
		return onTable(func(_ *operation, t *tableObject) (rop.Response, mapi.ErrorCode) {
			if q.Denominator == 0 {
				return nil, ecInvalidParam
			}
			at := uint64(len(t.rows)) * uint64(q.Numerator) / uint64(q.Denominator)
			t.pos = int(min(at, uint64(len(t.rows))))
			return &rop.SeekRowFractionalResponse{}, ecSuccess
		})
	case *rop.CreateBookmarkRequest:
		return onTable(func(_ *operation, t *tableObject) (rop.Response, mapi.ErrorCode) {
			if t.marks == nil {
				t.marks = map[uint32]tableRow{}
			}
			t.nextMark++
			var row tableRow
			if t.pos < len(t.rows) {
				row = t.rows[t.pos]
			}
			t.marks[t.nextMark] = row
			return &rop.CreateBookmarkResponse{Bookmark: binary.LittleEndian.AppendUint32(nil, t.nextMark)}, ecSuccess
		})
	case *rop.FreeBookmarkRequest:
		return onTable(func(_ *operation, t *tableObject) (rop.Response, mapi.ErrorCode) {
			if len(q.Bookmark) != 4 {
				return nil, ecInvalidBookmark
			}
			id := binary.LittleEndian.Uint32(q.Bookmark)
			if _, ok := t.marks[id]; !ok {
				return nil, ecInvalidBookmark
			}
			delete(t.marks, id)
			return &rop.FreeBookmarkResponse{}, ecSuccess
		})
	case *rop.FindRowRequest:
		return onTable(func(_ *operation, t *tableObject) (rop.Response, mapi.ErrorCode) { return t.findRow(q) })
	}
	return nil
}

func (t *tableObject) origin(o uint8) (int, bool) {
	switch o {
	case rop.BookmarkBeginning:
		return 0, true
	case rop.BookmarkCurrent:
		return t.pos, true
	case rop.BookmarkEnd:
		return len(t.rows), true
	}
	return 0, false
}

// seek moves n rows from a position and tells how many it was, and whether that was
// less than asked.
func (t *tableObject) seek(from int, n int32) (moved int32, less bool) {
	to := int64(from) + int64(n)
	clamped := min(max(to, 0), int64(len(t.rows)))
	t.pos = int(clamped)
	return int32(clamped - int64(from)), clamped != to
}

// bookmark finds the row of a bookmark. Where the row is gone the table stands at its
// beginning.
func (t *tableObject) bookmark(b []byte) (pos int, gone bool, code mapi.ErrorCode) {
	if len(b) != 4 {
		return 0, false, ecInvalidBookmark
	}
	row, ok := t.marks[binary.LittleEndian.Uint32(b)]
	if !ok {
		return 0, false, ecInvalidBookmark
	}
	if row.holder == nil {
		return len(t.rows), false, ecSuccess
	}
	i := slices.IndexFunc(t.rows, func(r tableRow) bool { return r.key == row.key })
	if i < 0 {
		return 0, true, ecSuccess
	}
	return i, false, ecSuccess
}

// findRow follows [MS-OXCTABL] 3.2.5.14.
func (t *tableObject) findRow(q *rop.FindRowRequest) (rop.Response, mapi.ErrorCode) {
	if len(t.columns) == 0 {
		return nil, ecNullObject
	}
	r, code := readRestriction(q.RestrictionData)
	if code != ecSuccess {
		return nil, code
	}
	resp := &rop.FindRowResponse{}
	from, ok := t.origin(q.Origin)
	if q.Origin == rop.BookmarkCustom {
		if from, resp.RowNoLongerVisible, code = t.bookmark(q.Bookmark); code != ecSuccess {
			return nil, code
		}
		ok = true
	}
	if !ok {
		return nil, ecInvalidParam
	}
	step := 1
	if q.FindRowFlags&rop.FindRowBackwards != 0 {
		step = -1
		from = min(from, len(t.rows)-1)
	}
	for i := from; i >= 0 && i < len(t.rows); i += step {
		if t.rows[i].matcher.matches(r) {
			t.pos = i
			resp.HasRowData = true
			if err := resp.SetRow(t.columns, t.row(t.rows[i])); err != nil {
				return nil, ecError
			}
			return resp, ecSuccess
		}
	}
	return nil, ecNotFound
}
