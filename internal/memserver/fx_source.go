package memserver

import (
	"bytes"
	"html"
	"math"
	"slices"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/rop"
)

// source is a FastTransfer download context ([MS-OXCFXICS] 3.2.1). Its steps are
// encoded one at a time, when the client asks for more bytes: what is in memory is
// one message, however long the stream.
type source struct {
	root    fxics.Root
	begun   bool // the client has asked for bytes
	failed  bool
	prepare func() []step // called once, with the mailbox locked, at the first GetBuffer
	steps   []step
	next    int
	buf     bytes.Buffer
	split   fxics.Splitter
	enc     *fxics.Encoder
	closed  bool
	sync    *download // of a synchronization, nil for copies
}

// step writes some elements of a stream.
type step func(*fxics.Encoder) error

func element(e fxics.Element) step { return func(enc *fxics.Encoder) error { return enc.Encode(e) } }

// counted counts a message as sent when the first of its bytes are handed out.
func (m *Mailbox) counted(f step) step {
	return func(enc *fxics.Encoder) error {
		m.srv.stats.add(func(st *Stats) { st.MessagesSent++ })
		return f(enc)
	}
}

// begin works out the steps.
func (s *source) begin() {
	if s.begun {
		return
	}
	s.begun = true
	s.steps = s.prepare()
	s.prepare = nil
	s.enc = fxics.NewEncoder(&s.buf, s.root)
}

// fill encodes steps until n bytes are there or the stream is complete.
func (s *source) fill(n int) error {
	for s.buf.Len() < n && s.next < len(s.steps) {
		f := s.steps[s.next]
		s.steps[s.next] = nil
		s.next++
		if err := f(s.enc); err != nil {
			return err
		}
	}
	if s.next == len(s.steps) && !s.closed {
		s.closed = true
		return s.enc.Close()
	}
	return nil
}

func (s *source) done() bool { return s.closed && s.buf.Len() == 0 }

// getBufferOverhead is a GetBuffer answer without its bytes.
const getBufferOverhead = 15

// getBuffer hands out the next bytes of a stream ([MS-OXCFXICS] 3.2.5.8.1.5).
func (op *operation) getBuffer(q *rop.FastTransferSourceGetBufferRequest) (rop.Response, mapi.ErrorCode) {
	s, ok := op.in.v.(*source)
	if !ok {
		return nil, ecNotSupported
	}
	room := op.room - getBufferOverhead
	want := int(q.BufferSize)
	if q.BufferSize != rop.BufferSizeMarker && want > room {
		op.need = want + getBufferOverhead // [MS-OXCFXICS] 3.2.5.8.1.5
		return nil, ecBufferTooSmall
	}
	if q.BufferSize == rop.BufferSizeMarker {
		want = min(int(q.MaximumBufferSize), room)
	}
	if want <= 0 {
		return nil, ecBufferTooSmall
	}
	if s.failed {
		return nil, ecError
	}
	s.begin()
	if err := s.fill(want); err != nil {
		s.failed = true
		return nil, ecError
	}
	chunk := s.buf.Next(s.split.Cut(s.buf.Bytes(), want))
	if len(chunk) == 0 && s.buf.Len() > 0 {
		return nil, ecBufferTooSmall
	}
	resp := &rop.FastTransferSourceGetBufferResponse{TransferStatus: rop.TransferPartial, TransferBuffer: bytes.Clone(chunk)}
	if s.done() {
		resp.TransferStatus = rop.TransferDone
		if s.sync != nil {
			s.sync.finished = true
		}
	}
	resp.InProgressCount, resp.TotalStepCount = progress(s.next, len(s.steps))
	op.ss.srv.stats.add(func(st *Stats) { st.StreamBytes += uint64(len(chunk)) })
	return resp, ecSuccess
}

// progress fits counts into 16 bits each.
func progress(done, total int) (uint16, uint16) {
	for total > math.MaxUint16 {
		done, total = done/2, total/2
	}
	return uint16(done), uint16(total)
}

// sendOptions tells how strings are to be sent ([MS-OXCFXICS] 2.2.3.1.1.1.1).
type sendOptions struct {
	unicode bool
	useCpid bool
	partial bool
	recover bool

	versions bool // PidTagInConflict travels: see Config.ResolveMessagesWhole
	fillsIn  bool // see Config.FillsIn
}

func (op *operation) sendOptions(o uint8) (sendOptions, mapi.ErrorCode) {
	send, code := parseSendOptions(o)
	send.versions, send.fillsIn = op.box.srv.cfg.ResolveMessagesWhole, op.box.srv.cfg.FillsIn
	return send, code
}

func parseSendOptions(o uint8) (sendOptions, mapi.ErrorCode) {
	const ignored = 0x60 // Reserved1 and Reserved2
	const known = ignored | rop.SendUnicode | rop.SendUseCpid | rop.SendRecoverMode | rop.SendForceUnicode | rop.SendPartialItem
	if o&^known != 0 {
		return sendOptions{}, ecInvalidParam
	}
	// ForUpload is Unicode with UseCpid; its streams are for servers only, and it
	// excludes RecoverMode.
	if o&rop.SendForUpload == rop.SendForUpload && o&rop.SendRecoverMode != 0 {
		return sendOptions{}, ecInvalidParam
	}
	useCpid := o&rop.SendUseCpid != 0 && o&rop.SendForceUnicode == 0
	return sendOptions{
		unicode: o&(rop.SendUnicode|rop.SendForceUnicode) != 0 && !useCpid, useCpid: useCpid,
		partial: o&rop.SendPartialItem != 0, recover: o&rop.SendRecoverMode != 0,
	}, ecSuccess
}

// typeUTF16 is the code page type of UTF-16 strings ([MS-OXCFXICS] 2.2.4.1.1.1).
const typeUTF16 mapi.PropertyType = 0x8000 | 1200

// text turns a property into the form in which its strings are to travel.
func (o sendOptions) text(p mapi.Property) mapi.Property {
	if o.unicode {
		return p
	}
	switch v := p.Value.(type) {
	case string:
		if o.useCpid {
			p.Tag = p.Tag.WithType(typeUTF16)
			return p
		}
		p.Tag, p.Value = p.Tag.WithType(mapi.TypeString8), encodeString8(v)
	case []string:
		out := make([]mapi.String8, len(v))
		for i, s := range v {
			out[i] = encodeString8(s)
		}
		p.Tag, p.Value = p.Tag.WithType(mapi.TypeMultiString8), out
	}
	return p
}

// bag applies text to each property of a bag, which it does not change.
func (o sendOptions) bag(b mapi.PropertyBag) mapi.PropertyBag {
	if o.unicode {
		return b
	}
	out := make(mapi.PropertyBag, len(b))
	for i, p := range b {
		out[i] = o.text(p)
	}
	return out
}

// filledIn is a bag with what Config.FillsIn adds.
func filledIn(b mapi.PropertyBag) mapi.PropertyBag {
	b = slices.Clone(b)
	if text := b.String(mapi.PidTagBody); text != "" && !b.Has(mapi.PidTagHtml) && !b.Has(mapi.PidTagRtfCompressed) {
		b.Set(mapi.PidTagHtml, []byte(`<html><head><meta name="Generator" content="gromox-texttohtml" /></head><body>`+
			html.EscapeString(text)+`</body></html>`))
	}
	if b.Has(mapi.PidTagBody) && !b.Has(mapi.PidTagReadReceiptRequested) {
		b.Set(mapi.PidTagReadReceiptRequested, false)
	}
	return b
}

// message prepares a message, which it does not change: text is applied to everything, and what is in the message loses its
// internal properties. Its own are the caller's business, who may have added ids.
func (o sendOptions) message(c mapi.Message) mapi.Message {
	if o.fillsIn {
		c.Properties = filledIn(c.Properties)
	}
	out := mapi.Message{Properties: o.bag(c.Properties)}
	for _, r := range c.Recipients {
		r.Properties = o.bag(transmitted(r.Properties))
		out.Recipients = append(out.Recipients, r)
	}
	for _, a := range c.Attachments {
		version := o.versions && isVersion(a)
		a.Properties = o.bag(transmitted(a.Properties))
		if version {
			a.Properties = append(slices.Clip(a.Properties), mapi.Property{Tag: mapi.PidTagInConflict, Value: true})
		}
		if a.Embedded != nil {
			e := *a.Embedded
			e.Properties = transmitted(e.Properties)
			e = o.message(e)
			a.Embedded = &e
		}
		out.Attachments = append(out.Attachments, a)
	}
	return out
}

// transmitted returns the properties that may travel ([MS-OXCFXICS] 3.2.5.12). The id of an embedded message, whether one is
// associated, and its locale are of the internal range, too, and do ([MS-OXCFXICS] 2.2.4.3.1 and what a server sent).
func transmitted(b mapi.PropertyBag) mapi.PropertyBag {
	internal := func(p mapi.Property) bool {
		id := p.Tag.ID()
		return p.Name.IsZero() && internalProperty(id) && id != mapi.PidTagMid.ID() && id != mapi.PidTagAssociated.ID() &&
			id != mapi.PidTagLocaleId.ID()
	}
	if !slices.ContainsFunc(b, internal) {
		return b
	}
	return slices.DeleteFunc(slices.Clone(b), internal)
}

// filter selects properties and subobjects ([MS-OXCFXICS] 3.2.5.10).
type filter struct {
	include bool // list holds what to send; otherwise what to leave out
	list    []mapi.Property
	keys    map[mapi.Key]bool
}

// newFilter reads a list of tags, named properties among them.
func (m *Mailbox) newFilter(include bool, tags []mapi.PropertyTag) *filter {
	f := &filter{include: include, keys: map[mapi.Key]bool{}}
	for _, t := range tags {
		p := mapi.Property{Tag: t}
		if t.Named() {
			n, ok := m.names.name(t.ID())
			if !ok {
				continue
			}
			p.Name = n
		}
		f.list = append(f.list, p)
		f.keys[p.Key()] = true
	}
	return f
}

// wants reports whether a property or kind of subobject is to be sent.
func (f *filter) wants(k mapi.Key) bool { return f == nil || f.keys[k] == f.include }

func (f *filter) wantsTag(t mapi.PropertyTag) bool { return f.wants(mapi.Key{ID: t.ID()}) }

// selectFrom returns the properties to send: all of base that are wanted or, with an
// include list, those that get knows.
func (f *filter) selectFrom(base mapi.PropertyBag, get func(uint16) (any, bool)) mapi.PropertyBag {
	if f == nil {
		return base
	}
	out := make(mapi.PropertyBag, 0, len(base))
	if !f.include {
		for i := range base {
			if f.wants(base[i].Key()) {
				out = append(out, base[i])
			}
		}
		return out
	}
	for _, p := range f.list {
		if q, ok := base.Lookup(p.Key()); ok {
			out = append(out, q)
			continue
		}
		if p.Name.IsZero() {
			if v, ok := get(p.Tag.ID()); ok && v != nil {
				out = append(out, mapi.Property{Tag: tagFor(p.Tag, v), Value: v})
			}
		}
	}
	return out
}

// tagFor gives a tag the type of a value that the store worked out.
func tagFor(t mapi.PropertyTag, v any) mapi.PropertyTag {
	have := typeOf(v)
	if t.Type() == mapi.TypeServerID || t.Type() == mapi.TypeObject {
		return t
	}
	return t.WithType(have)
}
