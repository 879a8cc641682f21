package syncer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"mailfs/mapi"
	"mailfs/mapi/rop"
)

const (
	inlineValue = 4 << 10   // values larger than this go through a stream
	streamPiece = 14 << 10  // bytes per RopWriteStream: two of them fit a payload of 32 KiB
	setBudget   = 14 << 10  // bytes of values per RopSetProperties
	rowBudget   = 14 << 10  // bytes of recipients per RopModifyRecipients
	holdBudget  = 512 << 10 // bytes of requests that are gathered before they are sent
	maxEmbedded = 32        // depth of embedded messages that is sent
)

// isComputed reports whether the server makes a property itself, or whether it has a
// way of its own: such a property is not sent, and a problem with it is none.
func isComputed(tag mapi.PropertyTag) bool {
	switch tag.WithType(mapi.TypeUnspecified) {
	case id(mapi.PidTagMid), id(mapi.PidTagFolderId), id(mapi.PidTagParentFolderId), id(mapi.PidTagInstID),
		id(mapi.PidTagChangeNumber), id(mapi.PidTagSourceKey), id(mapi.PidTagParentSourceKey), id(mapi.PidTagChangeKey),
		id(mapi.PidTagPredecessorChangeList), id(mapi.PidTagEntryId), id(mapi.PidTagParentEntryId),
		id(mapi.PidTagStoreEntryId), id(mapi.PidTagRecordKey), id(mapi.PidTagStoreRecordKey),
		id(mapi.PidTagMappingSignature), id(mapi.PidTagObjectType), id(mapi.PidTagAccess), id(mapi.PidTagAccessLevel),
		id(mapi.PidTagMessageSize), id(mapi.PidTagHasAttachments), id(mapi.PidTagLastModificationTime),
		id(mapi.PidTagMessageRecipients), id(mapi.PidTagMessageAttachments), id(mapi.PidTagOriginalEntryId),
		id(mapi.PidTagAssociated), id(mapi.PidTagAttachNumber), id(mapi.PidTagAttachSize), id(mapi.PidTagRead),
		id(mapi.PidTagDisplayTo), id(mapi.PidTagDisplayCc), id(mapi.PidTagDisplayBcc), id(mapi.PidTagMessageStatus),
		id(mapi.PidTagHasNamedProperties), id(mapi.PidTagInConflict), id(mapi.PidTagMessageFlags),
		id(mapi.PidTagInternetArticleNumber), id(mapi.PidTagCreatorName), id(mapi.PidTagCreatorEntryId), id(mapi.PidTagLocalCommitTime),
		id(mapi.PidTagConversationId), id(mapi.PidTagLastModifierName), id(mapi.PidTagLastModifierEntryId):
		return true
	}
	return false
}

func id(tag mapi.PropertyTag) mapi.PropertyTag { return tag.WithType(mapi.TypeUnspecified) }

// messageWriter turns a message into the requests that make it on the server.
type messageWriter struct {
	l    *link
	b    *batch
	ids  map[mapi.PropertyName]uint16
	sets []*answer
	tags [][]mapi.PropertyTag // of each of sets
	rest []*answer            // of everything else
	// failed tells that what is written to will not be there; nothing more is sent then.
	failed func() bool
	err    error // of what was sent and forgotten
}

// writeMessage adds to the batch what fills a message object. Long messages are sent
// in between, so that they need not fit into memory.
func (w *messageWriter) writeMessage(ctx context.Context, obj *object, m *mapi.Message, depth int) error {
	if depth > maxEmbedded {
		return fmt.Errorf("messages within messages are %d deep", depth)
	}
	if err := w.writeProperties(ctx, obj, m.Properties, nil); err != nil {
		return err
	}
	if err := w.writeRecipients(obj, m.Recipients); err != nil {
		return err
	}
	for i := range m.Attachments {
		if err := w.writeAttachment(ctx, obj, &m.Attachments[i], depth); err != nil {
			return err
		}
	}
	return nil
}

// writeProperties sets the values of a bag, the large ones through streams.
func (w *messageWriter) writeProperties(ctx context.Context, obj *object, bag mapi.PropertyBag, skip func(mapi.PropertyTag) bool) error {
	var values []mapi.Property
	var large []mapi.Property
	size := 0
	flush := func() {
		if len(values) > 0 {
			w.set(obj, values)
		}
		values, size = nil, 0
	}
	for _, p := range bag {
		q, ok := w.wire(p)
		if !ok || isComputed(q.Tag) && p.Name.IsZero() || skip != nil && skip(q.Tag) {
			continue
		}
		n := valueBytes(q.Value)
		if n > inlineValue && streamable(q.Tag.Type()) {
			large = append(large, q)
			continue
		}
		if size += n + 8; size > setBudget {
			flush()
			size = n + 8
		}
		values = append(values, q)
	}
	flush()
	for _, p := range large {
		if err := w.writeStream(ctx, obj, p.Tag, p.Value); err != nil {
			return err
		}
	}
	return nil
}

func (w *messageWriter) set(obj *object, values []mapi.Property) {
	tags := make([]mapi.PropertyTag, len(values))
	for i, v := range values {
		tags[i] = v.Tag
	}
	w.sets = append(w.sets, w.b.do(obj, &rop.SetPropertiesRequest{PropertyValues: values}))
	w.tags = append(w.tags, tags)
}

// wire gives a property the number that the server has for its name.
func (w *messageWriter) wire(p mapi.Property) (mapi.Property, bool) {
	p.Value = withoutNUL(p.Value)
	if _, isErr := p.Value.(mapi.ErrorCode); isErr || p.Value == nil || p.Tag.Type() == mapi.TypeUnspecified {
		return p, false
	}
	_, coded := p.Tag.Type().CodePage()
	if t := p.Tag.Type(); coded || t == mapi.TypeString || t == mapi.TypeString8 {
		// what the value is counts: a stream can have a string in any of several forms
		switch p.Value.(type) {
		case string:
			p.Tag = p.Tag.WithType(mapi.TypeString)
		case mapi.String8:
			p.Tag = p.Tag.WithType(mapi.TypeString8)
		default:
			return p, false
		}
	}
	if !p.Name.IsZero() {
		n, ok := w.ids[p.Name]
		if !ok {
			return p, false
		}
		p.Tag = mapi.NewTag(n, p.Tag.Type())
		p.Name = mapi.PropertyName{}
		return p, true
	}
	return p, !p.Tag.Named()
}

// withoutNUL takes NUL characters out of strings: one would end the string, and what follows it would be taken for the next
// value ([MS-OXCDATA] 2.11.1).
func withoutNUL(v any) any {
	drop := func(s string) string { return strings.ReplaceAll(s, "\x00", "") }
	switch d := v.(type) {
	case string:
		return drop(d)
	case mapi.String8:
		return mapi.String8(drop(string(d)))
	case []string:
		if slices.ContainsFunc(d, func(s string) bool { return strings.Contains(s, "\x00") }) {
			d = slices.Clone(d)
			for i := range d {
				d[i] = drop(d[i])
			}
		}
		return d
	}
	return v
}

func streamable(t mapi.PropertyType) bool {
	return t == mapi.TypeBinary || t == mapi.TypeString || t == mapi.TypeString8 || t == mapi.TypeObject
}

// valueBytes is the size of a value on the wire, roughly.
func valueBytes(v any) int {
	switch d := v.(type) {
	case string:
		return 2*len(d) + 2
	case mapi.String8:
		return len(d) + 1
	case []byte:
		return len(d) + 2
	case mapi.Blob:
		return int(min(d.Size(), 1<<30))
	case []string:
		n := 4
		for _, s := range d {
			n += 2*len(s) + 2
		}
		return n
	case [][]byte:
		n := 4
		for _, s := range d {
			n += len(s) + 2
		}
		return n
	}
	return 16
}

// writeStream writes a value through a stream.
func (w *messageWriter) writeStream(ctx context.Context, obj *object, tag mapi.PropertyTag, v any) error {
	st := w.open(obj, &rop.OpenStreamRequest{PropertyTag: tag, OpenModeFlags: rop.OpenCreate})
	src := streamBytes(v)
	for {
		p := make([]byte, streamPiece)
		n, err := io.ReadFull(src, p)
		if n > 0 {
			w.do(st, &rop.WriteStreamRequest{Data: p[:n]})
			if err := w.relieve(ctx); err != nil {
				return err
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		}
		if err != nil {
			return err
		}
		if w.stopped() {
			break
		}
	}
	w.do(st, &rop.CommitStreamRequest{})
	w.b.release(st)
	return nil
}

// relieve sends what has gathered when it is much, and keeps of the answers only whether all went well: the requests
// hold the bytes that they sent.
func (w *messageWriter) relieve(ctx context.Context) error {
	if w.b.bytes < holdBudget {
		return nil
	}
	if err := w.b.run(ctx); err != nil {
		return err
	}
	w.err = w.problem()
	w.rest, w.sets, w.tags = nil, nil, nil
	return nil
}

// stopped reports whether it is no use to send more.
func (w *messageWriter) stopped() bool { return w.err != nil || w.failed() }

func (w *messageWriter) writeRecipients(obj *object, list []mapi.Recipient) error {
	if len(list) == 0 {
		return nil
	}
	plain := make([]mapi.Recipient, len(list))
	for i, r := range list {
		plain[i] = r
		plain[i].Properties = make(mapi.PropertyBag, 0, len(r.Properties))
		for _, p := range r.Properties {
			if q, ok := w.wire(p); ok && p.Name.IsZero() {
				plain[i].Properties = append(plain[i].Properties, q)
			}
		}
	}
	list = plain
	columns := slices.DeleteFunc(mapi.RecipientColumns(list), barredColumn)
	var rows []rop.ModifyRecipientRow
	size := 0
	flush := func() {
		w.do(obj, &rop.ModifyRecipientsRequest{RecipientColumns: columns, RecipientRows: rows})
		rows, size = nil, 0
	}
	for i, r := range list {
		_, flags := mapi.ParseRecipientType(uint32(r.Properties.Int(mapi.PidTagRecipientType)))
		row, err := rop.NewModifyRecipientRow(uint32(i), r.Type, uint8(flags), mapi.NewRecipientRow(r.Properties, columns), columns)
		if err != nil {
			return err
		}
		if size+len(row.RecipientRow) > rowBudget && len(rows) > 0 {
			flush()
		}
		rows = append(rows, row)
		size += len(row.RecipientRow) + 8
	}
	flush()
	return nil
}

// instanceKey is PidTagInstanceKey ([MS-OXOABK] 2.2.3.6).
const instanceKey mapi.PropertyTag = 0x0FF60102

// barredColumn reports whether a property may not be a column of RopModifyRecipients,
// though the fixed part of most rows has no place for it: the server makes it from
// the address ([MS-OXCMSG] 2.2.3.5.1).
func barredColumn(tag mapi.PropertyTag) bool {
	switch id(tag) {
	case id(mapi.PidTagEntryId), id(mapi.PidTagSearchKey), id(instanceKey):
		return true
	}
	return false
}

// writeAttachment adds an attachment with its data or embedded message.
func (w *messageWriter) writeAttachment(ctx context.Context, msg *object, a *mapi.Attachment, depth int) error {
	if w.stopped() {
		return nil
	}
	att := w.open(msg, &rop.CreateAttachmentRequest{})
	skip := func(tag mapi.PropertyTag) bool {
		return a.Embedded != nil && tag.ID() == mapi.PidTagAttachDataObject.ID()
	}
	if err := w.writeProperties(ctx, att, a.Properties, skip); err != nil {
		return err
	}
	if a.Embedded != nil {
		inner := w.open(att, &rop.OpenEmbeddedMessageRequest{CodePageID: rop.CodePageLogon, OpenModeFlags: rop.OpenCreate})
		if err := w.writeMessage(ctx, inner, a.Embedded, depth+1); err != nil {
			return err
		}
		w.do(inner, &rop.SaveChangesMessageRequest{SaveFlags: rop.SaveKeepOpenReadWrite})
		w.b.release(inner)
	}
	// QUIRK: gromox 3.10 wants the message in the slot that the answer goes to.
	w.rest = append(w.rest, w.b.doTo(att, msg, &rop.SaveChangesAttachmentRequest{SaveFlags: rop.SaveKeepOpenReadWrite}))
	w.b.release(att)
	return w.relieve(ctx)
}

func (w *messageWriter) open(in *object, q rop.Request) *object {
	obj, a := w.b.open(in, q)
	w.rest = append(w.rest, a)
	return obj
}

func (w *messageWriter) do(in *object, q rop.Request) { w.rest = append(w.rest, w.b.do(in, q)) }

// problem returns what the server would not set and should have.
func (w *messageWriter) problem() error {
	if w.err != nil {
		return w.err
	}
	for _, a := range w.rest {
		if err := a.err(); err != nil {
			return err
		}
		if r, ok := a.resp().(*rop.WriteStreamResponse); ok && int(r.WrittenSize) == 0 {
			return mapi.EcStreamSizeError
		}
	}
	for i, a := range w.sets {
		r, ok := a.resp().(*rop.SetPropertiesResponse)
		if err := a.err(); err != nil {
			return err
		}
		if !ok {
			continue
		}
		for _, p := range r.PropertyProblems {
			if fatalProblem(p) && int(p.Index) < len(w.tags[i]) {
				return fmt.Errorf("property %v: %w", w.tags[i][p.Index], p.ErrorCode)
			}
		}
	}
	return nil
}

// fatalProblem reports whether a property that was not set makes the item
// incomplete. Properties that only the server writes are told apart by the code.
func fatalProblem(p rop.PropertyProblem) bool {
	switch p.ErrorCode {
	case mapi.EcOutOfMemory, mapi.EcTooBig, mapi.EcQuotaExceeded, mapi.EcStoreFull:
		return true
	}
	return false
}

// namesIn collects the named properties of a message.
func namesIn(m *mapi.Message) []mapi.PropertyName {
	seen := map[mapi.PropertyName]bool{}
	collectNames(m, seen, 0)
	out := make([]mapi.PropertyName, 0, len(seen))
	for n := range seen {
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b mapi.PropertyName) int {
		if a.String() < b.String() {
			return -1
		}
		return 1
	})
	return out
}

func collectNames(m *mapi.Message, seen map[mapi.PropertyName]bool, depth int) {
	if depth > maxEmbedded {
		return
	}
	bag := func(b mapi.PropertyBag) {
		for _, p := range b {
			if !p.Name.IsZero() {
				seen[p.Name] = true
			}
		}
	}
	bag(m.Properties)
	for i := range m.Attachments {
		bag(m.Attachments[i].Properties)
		if e := m.Attachments[i].Embedded; e != nil {
			collectNames(e, seen, depth+1)
		}
	}
}

var errNotHere = errors.New("the content of the message is not here")
