package memserver

import (
	"fmt"
	"hash/crc32"
	"maps"
	"reflect"
	"slices"
	"strings"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/rop"
)

func sprintf(f string, args ...any) string { return fmt.Sprintf(f, args...) }

// same notes how two decoded bodies differ.
func (r *replay) same(what string, theirs, mine any, err1, err2 error) {
	if err1 != nil || err2 != nil {
		r.t.Fatalf("%s: %s: %v, %v", r.at, what, err1, err2)
	}
	for _, d := range fieldDiffs(theirs, mine) {
		r.note("%s %s", what, d)
	}
}

// fieldDiffs compares two structs of one type field by field.
func fieldDiffs(theirs, mine any) []string {
	a, b := reflect.Indirect(reflect.ValueOf(theirs)), reflect.Indirect(reflect.ValueOf(mine))
	if a.Type() != b.Type() {
		return []string{fmt.Sprintf("is a %s, recorded a %s", b.Type(), a.Type())}
	}
	var out []string
	for i := range a.NumField() {
		if !a.Type().Field(i).IsExported() || reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			continue
		}
		if _, ok := a.Field(i).Interface().(rop.MessageHeader); ok {
			out = append(out, fieldDiffs(a.Field(i).Interface(), b.Field(i).Interface())...)
			continue
		}
		out = append(out, fmt.Sprintf("%s is %s, recorded %s", a.Type().Field(i).Name, short(b.Field(i).Interface()), short(a.Field(i).Interface())))
	}
	return out
}

func short(v any) string {
	if b, ok := v.([]byte); ok {
		return fmt.Sprintf("%x (%d bytes, %08x)", b[:min(len(b), 40)], len(b), crc32.ChecksumIEEE(b))
	}
	s := fmt.Sprintf("%v", v)
	if len(s) > 120 {
		s = fmt.Sprintf("%s… (%08x)", s[:120], crc32.ChecksumIEEE([]byte(s)))
	}
	return s
}

// compareAnswers notes how the answers to one buffer differ.
func (r *replay) compareAnswers(ss *replaySession, q rop.Requests, handles []rop.Handle, theirs, mine []rop.MatchedAnswer) {
	theirs, theirStream := splitStream(theirs)
	mine, mineStream := splitStream(mine)
	r.newStreams(ss, q, handles)
	for _, c := range q.Calls {
		if c.Request.ROP() == rop.IDFastTransferSourceGetBuffer {
			r.stream(ss, q.Handles[c.In], theirStream, mineStream)
		}
	}
	if a, b := ropNames(theirs), ropNames(mine); a != b {
		r.note("answers are %s, recorded %s", b, a)
		return
	}
	for i := range theirs {
		a, b := theirs[i].Response, mine[i].Response
		name := a.ROP().String()
		if a.Result() != b.Result() {
			r.note("%s answers %v, recorded %v", name, b.Result(), a.Result())
			continue
		}
		if rows := r.rows(ss, q, theirs[i], mine[i]); rows {
			continue
		}
		for _, d := range fieldDiffs(a, b) {
			r.note("%s %s", name, d)
		}
	}
}

func ropNames(list []rop.MatchedAnswer) string {
	var out []string
	for _, a := range list {
		out = append(out, a.Response.ROP().String())
	}
	return strings.Join(out, " ")
}

// splitStream takes the GetBuffer answers out.
func splitStream(list []rop.MatchedAnswer) (rest []rop.MatchedAnswer, stream []*rop.FastTransferSourceGetBufferResponse) {
	for _, a := range list {
		if g, ok := a.Response.(*rop.FastTransferSourceGetBufferResponse); ok {
			stream = append(stream, g)
			continue
		}
		rest = append(rest, a)
	}
	return rest, stream
}

// newStreams notes which handles of the recorded server are downloads.
func (r *replay) newStreams(ss *replaySession, q rop.Requests, handles []rop.Handle) {
	for _, c := range q.Calls {
		var root fxics.Root
		switch p := c.Request.(type) {
		case *rop.SynchronizationConfigureRequest:
			root = fxics.RootContentsSync
			if p.SynchronizationType == rop.SyncHierarchy {
				root = fxics.RootHierarchySync
			}
		case *rop.SynchronizationGetTransferStateRequest:
			root = fxics.RootState
		case *rop.FastTransferSourceCopyMessagesRequest:
			root = fxics.RootMessageList
		case *rop.FastTransferSourceCopyFolderRequest:
			root = fxics.RootTopFolder
		case *rop.FastTransferSourceCopyToRequest, *rop.FastTransferSourceCopyPropertiesRequest:
			root = fxics.RootMessageContent
		default:
			continue
		}
		if int(c.Out) < len(handles) && handles[c.Out] != rop.NoHandle {
			ss.streams[handles[c.Out]] = &replayStream{root: root}
		}
	}
}

// stream collects the bytes of both sides and compares them when the recorded side
// is at its end.
func (r *replay) stream(ss *replaySession, h rop.Handle, theirs, mine []*rop.FastTransferSourceGetBufferResponse) {
	s := ss.streams[h]
	if s == nil {
		r.note("GetBuffer of an unknown handle")
		return
	}
	done := false
	for _, g := range theirs {
		s.theirs.Write(g.TransferBuffer)
		done = done || g.TransferStatus == rop.TransferDone
	}
	for _, g := range mine {
		if g.ReturnValue != 0 {
			r.note("GetBuffer answers %v", g.ReturnValue)
			return
		}
		s.mine.Write(g.TransferBuffer)
		s.mineDone = s.mineDone || g.TransferStatus == rop.TransferDone
	}
	if !done {
		return
	}
	for !s.mineDone {
		s.rest(r, ss, ss.handles[h])
	}
	r.compareStreams(s.root, s.theirs.Bytes(), s.mine.Bytes())
	delete(ss.streams, h)
}

// rest fetches one more buffer than was recorded: ours may be filled differently.
func (s *replayStream) rest(r *replay, ss *replaySession, h rop.Handle) {
	o := r.srv.sessions[ss.cookies[cookieContext]].handles[uint32(h)]
	src, ok := o.v.(*source)
	if !ok {
		r.t.Fatalf("%s: the handle is a %T", r.at, o.v)
	}
	r.box.mu.Lock()
	defer r.box.mu.Unlock()
	if err := src.fill(1 << 30); err != nil {
		r.t.Fatalf("%s: %v", r.at, err)
	}
	s.mine.Write(src.buf.Next(src.buf.Len()))
	s.mineDone = true
	if src.sync != nil {
		src.sync.finished = true
	}
}

// compareStreams notes how two streams differ, by elements: their order and bytes are
// a server's own choice in much.
func (r *replay) compareStreams(root fxics.Root, theirs, mine []byte) {
	a, b := elements(r.t, theirs, root), elements(r.t, mine, root)
	ak, bk := kinds(a), kinds(b)
	if !maps.Equal(ak, bk) {
		r.note("stream has %v, recorded %v", bk, ak)
	}
	r.compareKeyed(a, b)
	for _, pair := range pairs[*fxics.Deletions](a, b) {
		r.diffSets("deletions Deleted", pair[0].Deleted, pair[1].Deleted)
		r.diffSets("deletions NoLongerInScope", pair[0].NoLongerInScope, pair[1].NoLongerInScope)
	}
	for _, pair := range pairs[*fxics.ReadStateChanges](a, b) {
		r.diffSets("read", pair[0].Read, pair[1].Read)
		r.diffSets("unread", pair[0].Unread, pair[1].Unread)
	}
	for _, pair := range pairs[*fxics.State](a, b) {
		x, y := pair[0].ICSState, pair[1].ICSState
		r.diffSets("state Given", x.Given, y.Given)
		r.diffSets("state Seen", x.Seen, y.Seen)
		r.diffSets("state SeenFAI", x.SeenFAI, y.SeenFAI)
		r.diffSets("state Read", x.Read, y.Read)
	}
	for _, pair := range pairs[*fxics.ProgressTotal](a, b) {
		for _, d := range fieldDiffs(pair[0], pair[1]) {
			r.note("progress %s", d)
		}
	}
}

func (r *replay) diffSets(what string, theirs, mine fmt.Stringer) {
	if theirs.String() != mine.String() {
		r.note("%s is %s, recorded %s", what, mine, theirs)
	}
}

func kinds(list []fxics.Element) map[string]int {
	out := map[string]int{}
	for _, e := range list {
		out[strings.TrimPrefix(fmt.Sprintf("%T", e), "*fxics.")]++
	}
	return out
}

// pairs matches the elements of one kind, one after the other.
func pairs[T fxics.Element](a, b []fxics.Element) [][2]T {
	pick := func(list []fxics.Element) (out []T) {
		for _, e := range list {
			if x, ok := e.(T); ok {
				out = append(out, x)
			}
		}
		return out
	}
	x, y := pick(a), pick(b)
	var out [][2]T
	for i := range min(len(x), len(y)) {
		out = append(out, [2]T{x[i], y[i]})
	}
	return out
}

// keyed gives each object of a stream a name and its parts.
func keyed(list []fxics.Element) (order []string, parts map[string]map[string]string) {
	parts = map[string]map[string]string{}
	add := func(key string, p map[string]string) {
		order = append(order, key)
		parts[key] = p
	}
	for _, e := range list {
		switch e := e.(type) {
		case *fxics.FolderChange:
			p := map[string]string{}
			bagParts("folder", e.Properties, p)
			add("folder "+e.SourceKey.String(), p)
		case *fxics.MessageChange:
			p := map[string]string{"parts": fmt.Sprint(e.Parts &^ (fxics.PartEmbeddedRecipients | fxics.PartEmbeddedAttachments))}
			bagParts("header", e.Header, p)
			messageParts("message", &e.Message, p)
			if e.Partial != nil {
				for _, g := range e.Partial.Groups {
					bagParts("message", g.Properties, p)
				}
				p = onlyPartial(p)
			}
			add("message "+e.SourceKey().String(), p)
		case *fxics.MessageContent:
			p := map[string]string{"fai": fmt.Sprint(e.FAI)}
			messageParts("message", &e.Message, p)
			id := e.Message.Properties.String(mapi.PidTagInternetMessageId) + " " + e.Message.Properties.String(mapi.PidTagSubject) + fmt.Sprint(e.Message.Properties.Int(tagArticleNumber))
			add("content "+id, p)
		case *fxics.FolderStart:
			p := map[string]string{}
			bagParts("folder", e.Properties, p)
			add("start "+e.Properties.String(mapi.PidTagDisplayName), p)
		}
	}
	return order, parts
}

// onlyPartial keeps the header and the properties of a partial change: it says nothing
// of the rest.
func onlyPartial(p map[string]string) map[string]string {
	out := map[string]string{"partial": "true"}
	for k, v := range p {
		if strings.HasPrefix(k, "header ") || strings.HasPrefix(k, "message 0x") || strings.HasPrefix(k, "message 0002") {
			out[k] = v
		}
	}
	return out
}

func messageParts(prefix string, m *mapi.Message, p map[string]string) {
	bagParts(prefix, m.Properties, p)
	p[prefix+" recipients"] = fmt.Sprint(len(m.Recipients))
	p[prefix+" attachments"] = fmt.Sprint(len(m.Attachments))
	for i := range m.Recipients {
		bagParts(fmt.Sprintf("%s recipient %d", prefix, i), m.Recipients[i].Properties, p)
	}
	for i := range m.Attachments {
		bagParts(fmt.Sprintf("%s attachment %d", prefix, i), m.Attachments[i].Properties, p)
		if e := m.Attachments[i].Embedded; e != nil {
			messageParts(fmt.Sprintf("%s attachment %d embedded", prefix, i), e, p)
		}
	}
}

func bagParts(prefix string, b mapi.PropertyBag, p map[string]string) {
	for _, q := range b {
		key := fmt.Sprintf("%s 0x%08X", prefix, uint32(q.Tag))
		if !q.Name.IsZero() {
			key = fmt.Sprintf("%s %s %04X", prefix, foldName(q.Name), uint16(q.Tag.Type()))
		}
		p[key] = short(q.Value)
	}
}

// compareKeyed notes which objects and which of their parts differ; equal
// differences of several objects are told once, with their number.
func (r *replay) compareKeyed(a, b []fxics.Element) {
	ao, ap := keyed(a)
	bo, bp := keyed(b)
	common := func(list []string, other map[string]map[string]string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(k string) bool { _, ok := other[k]; return !ok })
	}
	for _, k := range ao {
		if _, ok := bp[k]; !ok {
			r.note("stream lacks %s", k)
		}
	}
	for _, k := range bo {
		if _, ok := ap[k]; !ok {
			r.note("stream also has %s", k)
		}
	}
	if !slices.Equal(common(ao, bp), common(bo, ap)) {
		r.note("stream has the objects in another order")
	}
	count, example := map[string]int{}, map[string]string{}
	tell := func(what, ex string) {
		if count[what]++; example[what] == "" {
			example[what] = ex
		}
	}
	for _, k := range common(ao, bp) {
		x, y := ap[k], bp[k]
		for part, v := range x {
			w, ok := y[part]
			switch {
			case !ok && y["partial"] != "":
			case !ok:
				tell("lacks "+part, v)
			case v != w:
				tell("differs in "+part, w+" recorded "+v)
			}
		}
		for part, w := range y {
			if _, ok := x[part]; !ok {
				tell("also has "+part, w)
			}
		}
	}
	for _, what := range slices.Sorted(maps.Keys(count)) {
		r.note("object %s (%d times, e.g. %s)", what, count[what], example[what])
	}
}

// rows compares answers that hold rows, cell by cell; false says that there are none.
func (r *replay) rows(ss *replaySession, q rop.Requests, theirs, mine rop.MatchedAnswer) bool {
	var cols []mapi.PropertyTag
	if theirs.Call >= 0 {
		if g, ok := q.Calls[theirs.Call].Request.(*rop.GetPropertiesSpecificRequest); ok {
			cols = g.PropertyTags
			a, err1 := theirs.Response.(*rop.GetPropertiesSpecificResponse).Row(cols)
			b, err2 := mine.Response.(*rop.GetPropertiesSpecificResponse).Row(cols)
			if err1 != nil || err2 != nil {
				r.t.Fatalf("%s: %v, %v", r.at, err1, err2)
			}
			r.cells("GetPropertiesSpecific", a, b)
			return true
		}
	}
	x, ok := theirs.Response.(*rop.QueryRowsResponse)
	if !ok {
		return false
	}
	y := mine.Response.(*rop.QueryRowsResponse)
	if x.RowCount != y.RowCount || x.Origin != y.Origin {
		r.note("QueryRows has %d rows at %d, recorded %d at %d", y.RowCount, y.Origin, x.RowCount, x.Origin)
	}
	cols = r.columns(ss, q, theirs)
	a, err1 := x.Rows(cols)
	b, err2 := y.Rows(cols)
	if err1 != nil || err2 != nil {
		r.t.Fatalf("%s: rows: %v, %v", r.at, err1, err2)
	}
	for i := range min(len(a), len(b)) {
		r.cells("QueryRows", a[i], b[i])
	}
	return true
}

func (r *replay) columns(ss *replaySession, q rop.Requests, a rop.MatchedAnswer) []mapi.PropertyTag {
	for _, c := range q.Calls {
		if s, ok := c.Request.(*rop.SetColumnsRequest); ok {
			return s.PropertyTags
		}
	}
	return ss.theirs[q.Handles[q.Calls[a.Call].In]]
}

func (r *replay) cells(what string, a, b []mapi.Property) {
	for k := range a {
		if x, y := short(a[k].Value), short(b[k].Value); x != y || a[k].Tag != b[k].Tag {
			r.note("%s 0x%08X is %s, recorded %s", what, uint32(a[k].Tag), y, x)
		}
	}
}
