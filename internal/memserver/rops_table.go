package memserver

import (
	"cmp"
	"slices"

	"mailfs/mapi"
	"mailfs/mapi/rop"
)

// tableObject is an open table. Its rows are made anew when something in the mailbox
// has changed since; the current row stays the current one ([MS-OXCTABL] 3.2.1).
type tableObject struct {
	made     mapi.FileTime // newest commit time of the mailbox when the rows were made
	box      *Mailbox
	source   func() []tableRow // the rows as they are now, unsorted
	columns  []mapi.PropertyTag
	all      []uint16 // ids of properties that rows can have
	restrict mapi.Restriction
	sort     []mapi.SortOrder
	rows     []tableRow
	pos      int
	marks    map[uint32]tableRow
	nextMark uint32
	sub      *subscription
}

// tableRow is a row: who it is, and how to get at its properties.
type tableRow struct {
	key     uint64 // of folder, message or attachment
	matcher matcher
	holder  *holder
}

func tableHandler(q rop.Request) handler {
	switch q := q.(type) {
	case *rop.GetHierarchyTableRequest:
		return onFolder(func(op *operation, f *folder) (rop.Response, mapi.ErrorCode) { return op.hierarchyTable(q, f) })
	case *rop.GetContentsTableRequest:
		return onFolder(func(op *operation, f *folder) (rop.Response, mapi.ErrorCode) { return op.contentsTable(q, f) })
	case *rop.GetAttachmentTableRequest:
		return onMessage(func(op *operation, o *messageObject) (rop.Response, mapi.ErrorCode) {
			op.made = op.attachmentTable(o)
			return &rop.GetAttachmentTableResponse{}, ecSuccess
		})
	case *rop.GetPermissionsTableRequest:
		return onFolder(func(op *operation, _ *folder) (rop.Response, mapi.ErrorCode) {
			op.made = newTable(op.box, func() []tableRow { return nil }, nil)
			return &rop.GetPermissionsTableResponse{}, ecSuccess
		})
	case *rop.GetRulesTableRequest:
		return onFolder(func(op *operation, _ *folder) (rop.Response, mapi.ErrorCode) {
			op.made = newTable(op.box, func() []tableRow { return nil }, nil)
			return &rop.GetRulesTableResponse{}, ecSuccess
		})
	case *rop.SetColumnsRequest:
		return onTable(func(op *operation, t *tableObject) (rop.Response, mapi.ErrorCode) { return t.setColumns(q) })
	case *rop.SortTableRequest:
		return onTable(func(op *operation, t *tableObject) (rop.Response, mapi.ErrorCode) { return t.setSort(q) })
	case *rop.RestrictRequest:
		return onTable(func(op *operation, t *tableObject) (rop.Response, mapi.ErrorCode) { return t.setRestriction(q) })
	case *rop.QueryRowsRequest:
		return onTable(func(op *operation, t *tableObject) (rop.Response, mapi.ErrorCode) { return op.queryRows(q, t) })
	case *rop.AbortRequest:
		return onTable(func(*operation, *tableObject) (rop.Response, mapi.ErrorCode) { return nil, ecUnableToAbort })
	case *rop.GetStatusRequest:
		return onTable(func(*operation, *tableObject) (rop.Response, mapi.ErrorCode) {
			return &rop.GetStatusResponse{}, ecSuccess
		})
	case *rop.QueryPositionRequest:
		return onTable(func(_ *operation, t *tableObject) (rop.Response, mapi.ErrorCode) {
			return &rop.QueryPositionResponse{Numerator: uint32(t.pos), Denominator: uint32(len(t.rows))}, ecSuccess
		})
	case *rop.QueryColumnsAllRequest:
		return onTable(func(_ *operation, t *tableObject) (rop.Response, mapi.ErrorCode) { return t.queryColumnsAll() })
	case *rop.ResetTableRequest:
		return onTable(func(_ *operation, t *tableObject) (rop.Response, mapi.ErrorCode) {
			t.columns, t.restrict, t.sort, t.marks = nil, nil, nil, nil
			t.refresh()
			return &rop.ResetTableResponse{}, ecSuccess
		})
	}
	return seekHandler(q)
}

// ecUnableToAbort says that no asynchronous work is under way.
const ecUnableToAbort mapi.ErrorCode = 0x80040114

func onTable(h func(*operation, *tableObject) (rop.Response, mapi.ErrorCode)) handler {
	return func(op *operation) (rop.Response, mapi.ErrorCode) {
		t, ok := op.in.v.(*tableObject)
		if !ok {
			return nil, ecNotSupported
		}
		t.catchUp()
		return h(op, t)
	}
}

func newTable(box *Mailbox, source func() []tableRow, all []uint16) *tableObject {
	t := &tableObject{box: box, source: source, all: all}
	t.refresh()
	return t
}

// refresh makes the rows anew and goes back to the first.
func (t *tableObject) refresh() {
	rows := t.source()
	if t.restrict != nil {
		rows = slices.DeleteFunc(rows, func(r tableRow) bool { return !r.matcher.matches(t.restrict) })
	}
	if len(t.sort) > 0 {
		sortRows(rows, t.sort)
	}
	t.rows, t.pos, t.made = rows, 0, t.box.last
}

// catchUp makes the rows anew if the mailbox has changed.
func (t *tableObject) catchUp() {
	if t.made == t.box.last {
		return
	}
	pos, atEnd := t.pos, t.pos >= len(t.rows)
	var key uint64
	if !atEnd {
		key = t.rows[pos].key
	}
	t.refresh()
	if atEnd && pos > 0 {
		t.pos = len(t.rows)
		return
	}
	if i := slices.IndexFunc(t.rows, func(r tableRow) bool { return r.key == key }); i >= 0 && !atEnd {
		t.pos = i
		return
	}
	t.pos = min(pos, len(t.rows))
}

// sortRows sorts by the columns of order; rows without a value come first.
func sortRows(rows []tableRow, order []mapi.SortOrder) {
	type keyed struct {
		row  tableRow
		vals []any
	}
	list := make([]keyed, len(rows))
	for i, r := range rows {
		list[i] = keyed{row: r, vals: make([]any, len(order))}
		for k, o := range order {
			list[i].vals[k] = r.matcher.get(o.Tag)
		}
	}
	slices.SortStableFunc(list, func(a, b keyed) int {
		for k, o := range order {
			n := compareCells(a.vals[k], b.vals[k])
			if o.Direction == mapi.SortDescending {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return 0
	})
	for i := range list {
		rows[i] = list[i].row
	}
}

func compareCells(a, b any) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	n, _ := compareValues(a, b)
	return n
}

// watch registers the table for changes of its folder, unless the client did not
// want to hear of them.
func (op *operation) watch(t *tableObject, flags uint8, sub subscription) {
	if flags&rop.TableNoNotifications != 0 {
		return
	}
	sub.table, sub.logon, sub.queue = true, op.call.LogonID, op.ss.events
	m := op.box
	op.onHandle = func(h uint32) {
		sub.handle = h
		t.sub = &sub
		m.mu.Lock()
		m.subs = append(m.subs, t.sub)
		m.mu.Unlock()
	}
}

func (op *operation) hierarchyTable(q *rop.GetHierarchyTableRequest, f *folder) (rop.Response, mapi.ErrorCode) {
	const known = rop.TableDepth | rop.TableDeferredErrors | rop.TableNoNotifications | rop.TableSoftDeletes | rop.TableUseUnicode | rop.TableSuppressesNotifications
	if q.TableFlags&^known != 0 {
		return nil, ecInvalidParam
	}
	m := op.box
	deep := q.TableFlags&rop.TableDepth != 0
	soft := q.TableFlags&rop.TableSoftDeletes != 0
	id := f.id
	t := newTable(m, func() []tableRow {
		var list []*folder
		var depths []int32
		switch {
		case soft:
			list = m.deletedChildren(id)
		case deep:
			list, depths = m.descendantsDeep(id)
		default:
			list = m.children(id)
		}
		rows := make([]tableRow, len(list))
		for i, c := range list {
			depth := int32(1)
			if depths != nil {
				depth = depths[i]
			}
			rows[i] = m.folderRow(c, depth)
		}
		return rows
	}, folderColumnIDs)
	op.watch(t, q.TableFlags, subscription{folder: f.id, hier: true, deep: deep})
	op.made = t
	return &rop.GetHierarchyTableResponse{RowCount: uint32(len(t.rows))}, ecSuccess
}

func (m *Mailbox) deletedChildren(parent mapi.GlobCnt) []*folder {
	var out []*folder
	for _, f := range m.state.folders {
		if f.parent == parent && f.deleted {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b *folder) int { return cmp.Compare(a.id, b.id) })
	return out
}

func (m *Mailbox) folderRow(f *folder, depth int32) tableRow {
	h := &holder{box: m, bag: &f.props, computed: func(id uint16) (any, bool) {
		if id == tagDepth.ID() {
			return depth, true
		}
		return m.folderComputed(f, id)
	}}
	return tableRow{key: uint64(f.id), holder: h, matcher: matcher{get: h.value}}
}

// value is get without the reason why there is none.
func (h *holder) value(tag mapi.PropertyTag) any {
	p, code := h.get(tag)
	if code != ecSuccess {
		return nil
	}
	return p.Value
}

func (op *operation) contentsTable(q *rop.GetContentsTableRequest, f *folder) (rop.Response, mapi.ErrorCode) {
	const known = rop.TableAssociated | rop.TableDeferredErrors | rop.TableNoNotifications | rop.TableSoftDeletes | rop.TableUseUnicode | rop.TableConversationMembers
	if q.TableFlags&^known != 0 {
		return nil, ecInvalidParam
	}
	m, id := op.box, f.id
	fai, soft := q.TableFlags&rop.TableAssociated != 0, q.TableFlags&rop.TableSoftDeletes != 0
	t := newTable(m, func() []tableRow {
		x := m.state.indexes[id]
		if x == nil {
			return nil
		}
		items := x.items
		if soft {
			items = x.removed
		}
		list := (&folderIndex{items: items}).sorted(func(v *message) bool { return v.fai == fai })
		rows := make([]tableRow, len(list))
		for i, v := range list {
			h := &holder{box: m, bag: &v.content.Properties, computed: func(id uint16) (any, bool) { return m.messageComputed(v, id) }}
			rows[i] = tableRow{key: uint64(v.id), holder: h, matcher: m.messageMatcher(v)}
		}
		return rows
	}, messageColumnIDs)
	op.watch(t, q.TableFlags, subscription{folder: f.id})
	op.made = t
	return &rop.GetContentsTableResponse{RowCount: uint32(len(t.rows))}, ecSuccess
}

func (op *operation) attachmentTable(o *messageObject) *tableObject {
	m := op.box
	return newTable(m, func() []tableRow {
		var rows []tableRow
		for i := range o.draft.Attachments {
			a := &attachmentObject{draft: o.draft.Attachments[i]}
			h := &holder{box: m, bag: &a.draft.Properties, computed: func(id uint16) (any, bool) { return attachmentComputed(a, id) }}
			rows = append(rows, tableRow{key: uint64(a.draft.Number), holder: h, matcher: matcher{get: h.value}})
		}
		return rows
	}, attachmentColumnIDs)
}

// The columns that RopQueryColumnsAll tells of each kind of table.
var (
	folderColumnIDs = []uint16{0x3001, 0x3004, 0x3007, 0x3008, 0x3601, 0x3602, 0x3603, 0x360A, 0x3613, 0x3617, 0x6748, 0x6749,
		0x65E0, 0x65E2, 0x65E3, 0x670A, 0x670B, 0x663E, 0x0FFF, 0x0FF4, 0x67A4}
	messageColumnIDs = []uint16{0x001A, 0x0037, 0x0E03, 0x0E04, 0x0E06, 0x0E07, 0x0E08, 0x0E17, 0x0E1B, 0x0E1D, 0x0E69, 0x0FFF,
		0x0FF4, 0x0C1A, 0x0039, 0x3007, 0x3008, 0x674A, 0x6748, 0x67A4, 0x65E0, 0x65E2, 0x65E3, 0x67AA}
	attachmentColumnIDs = []uint16{0x0E20, 0x0E21, 0x3001, 0x3703, 0x3704, 0x3705, 0x3707, 0x370B, 0x370E, 0x3712, 0x3714, 0x7FFE}
)

func (t *tableObject) setColumns(q *rop.SetColumnsRequest) (rop.Response, mapi.ErrorCode) {
	if len(q.PropertyTags) == 0 || q.SetColumnsFlags&^rop.TableAsync != 0 {
		return nil, ecInvalidParam
	}
	for _, tag := range q.PropertyTags {
		switch tag.Type() {
		case mapi.TypeErrorCode, mapi.TypeNull:
			return nil, ecInvalidParam
		}
	}
	t.columns = q.PropertyTags
	return &rop.SetColumnsResponse{}, ecSuccess
}

func (t *tableObject) setSort(q *rop.SortTableRequest) (rop.Response, mapi.ErrorCode) {
	if q.SortTableFlags&^rop.TableAsync != 0 || int(q.CategoryCount) > len(q.SortOrders) || q.ExpandedCount > q.CategoryCount {
		return nil, ecInvalidParam
	}
	if q.CategoryCount > 0 {
		return nil, ecNotSupported // there are no categorized tables here
	}
	t.sort, t.marks = q.SortOrders, nil
	t.refresh()
	return &rop.SortTableResponse{}, ecSuccess
}

func (t *tableObject) setRestriction(q *rop.RestrictRequest) (rop.Response, mapi.ErrorCode) {
	if q.RestrictFlags&^rop.TableAsync != 0 {
		return nil, ecInvalidParam
	}
	r, code := readRestriction(q.RestrictionData)
	if code != ecSuccess {
		return nil, code
	}
	t.restrict, t.marks = r, nil
	t.refresh()
	return &rop.RestrictResponse{}, ecSuccess
}

func (t *tableObject) queryColumnsAll() (rop.Response, mapi.ErrorCode) {
	resp := &rop.QueryColumnsAllResponse{}
	for _, id := range t.all {
		tag := mapi.NewTag(id, mapi.TypeUnspecified)
		for _, r := range t.rows {
			if p, code := r.holder.get(tag); code == ecSuccess {
				resp.PropertyTags = append(resp.PropertyTags, p.Tag)
				break
			}
		}
	}
	return resp, ecSuccess
}

// cellLimit is where values in tables are cut, in bytes ([MS-OXCTABL] 2.2.2.5.2). The
// terminating zero of a string counts.
const (
	cellLimit      = 510
	cellCharacters = cellLimit/2 - 1
)

// cell cuts a value to what a table shows.
func cell(v any) any {
	switch d := v.(type) {
	case string:
		n := 0
		for i := range d {
			if n == cellCharacters {
				return d[:i]
			}
			n++
		}
	case mapi.String8:
		return d[:min(len(d), cellLimit-1)]
	case []byte:
		return d[:min(len(d), cellLimit)]
	case mapi.Blob:
		p := make([]byte, min(d.Size(), cellLimit))
		if _, err := d.ReadAt(p, 0); err != nil && len(p) > 0 {
			return ecError
		}
		return p
	}
	return v
}

// row returns the cells of one row.
func (t *tableObject) row(r tableRow) []mapi.Property {
	out := make([]mapi.Property, len(t.columns))
	for i, tag := range t.columns {
		p, code := r.holder.get(tag)
		if code != ecSuccess {
			out[i] = mapi.Property{Tag: tag, Value: code}
			continue
		}
		p.Value = cell(p.Value)
		out[i] = p
	}
	return out
}

const queryRowsOverhead = 16

// queryRows follows [MS-OXCTABL] 3.2.5.5.
func (op *operation) queryRows(q *rop.QueryRowsRequest, t *tableObject) (rop.Response, mapi.ErrorCode) {
	if len(t.columns) == 0 {
		return nil, ecNullObject // columns have to be set first ([MS-OXCTABL] 3.2.5.5)
	}
	if q.QueryRowsFlags&^(rop.QueryRowsNoAdvance|rop.QueryRowsEnablePackedBuffers) != 0 {
		return nil, ecInvalidParam
	}
	var rows [][]mapi.Property
	resp := &rop.QueryRowsResponse{}
	room, pos := op.room-queryRowsOverhead, t.pos
	for len(rows) < int(q.RowCount) {
		next := pos + 1
		if !q.ForwardRead {
			next = pos - 1
			pos = next
		}
		if pos < 0 || pos >= len(t.rows) {
			pos = max(pos, 0)
			break
		}
		row := t.row(t.rows[pos])
		n := rowSize(row)
		if n > room {
			if len(rows) == 0 {
				return nil, ecBufferTooSmall
			}
			if !q.ForwardRead {
				pos++
			}
			break
		}
		room -= n
		rows = append(rows, row)
		if q.ForwardRead {
			pos = next
		}
	}
	resp.Origin = rop.BookmarkCurrent
	switch {
	case q.ForwardRead && pos >= len(t.rows):
		resp.Origin = rop.BookmarkEnd
	case !q.ForwardRead && pos <= 0:
		resp.Origin = rop.BookmarkBeginning
	}
	if q.QueryRowsFlags&rop.QueryRowsNoAdvance == 0 {
		t.pos = pos
	}
	if err := resp.SetRows(t.columns, rows); err != nil {
		return nil, ecError
	}
	return resp, ecSuccess
}

// rowSize returns the most bytes that a row can take.
func rowSize(row []mapi.Property) int {
	n := 1
	for _, p := range row {
		n += 7 + int(valueSize(p.Value))
	}
	return n
}

// moreRows takes what came off what is still asked for.
func moreRows(last *rop.Call, r *rop.QueryRowsResponse) bool {
	q, ok := last.Request.(*rop.QueryRowsRequest)
	if !ok || q.QueryRowsFlags&rop.QueryRowsEnablePackedBuffers == 0 || r.ReturnValue != ecSuccess ||
		r.Origin != rop.BookmarkCurrent || r.RowCount == 0 || q.RowCount <= r.RowCount {
		return false
	}
	next := *q
	next.RowCount -= r.RowCount
	last.Request = &next
	return true
}
