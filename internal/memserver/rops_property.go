package memserver

import (
	"slices"

	"mailfs/mapi"
	"mailfs/mapi/rop"
)

func propertyHandler(q rop.Request) handler {
	switch q := q.(type) {
	case *rop.GetPropertiesSpecificRequest:
		return onHolder(func(op *operation, h *holder) (rop.Response, mapi.ErrorCode) { return op.getSpecific(q, h) })
	case *rop.GetPropertiesAllRequest:
		return onHolder(func(op *operation, h *holder) (rop.Response, mapi.ErrorCode) { return op.getAll(q, h) })
	case *rop.GetPropertiesListRequest:
		return onHolder(func(_ *operation, h *holder) (rop.Response, mapi.ErrorCode) {
			return &rop.GetPropertiesListResponse{PropertyTags: h.tags()}, ecSuccess
		})
	case *rop.SetPropertiesRequest:
		return onHolder(func(op *operation, h *holder) (rop.Response, mapi.ErrorCode) {
			problems, code := op.setAll(q.PropertyValues, h)
			return &rop.SetPropertiesResponse{PropertyProblems: problems}, code
		})
	case *rop.SetPropertiesNoReplicateRequest:
		return onHolder(func(op *operation, h *holder) (rop.Response, mapi.ErrorCode) {
			problems, code := op.setAll(q.PropertyValues, h)
			return &rop.SetPropertiesNoReplicateResponse{PropertyProblems: problems}, code
		})
	case *rop.DeletePropertiesRequest:
		return onHolder(func(op *operation, h *holder) (rop.Response, mapi.ErrorCode) {
			problems, code := op.deleteAll(q.PropertyTags, h)
			return &rop.DeletePropertiesResponse{PropertyProblems: problems}, code
		})
	case *rop.DeletePropertiesNoReplicateRequest:
		return onHolder(func(op *operation, h *holder) (rop.Response, mapi.ErrorCode) {
			problems, code := op.deleteAll(q.PropertyTags, h)
			return &rop.DeletePropertiesNoReplicateResponse{PropertyProblems: problems}, code
		})
	case *rop.CopyToRequest:
		return onHolder(func(op *operation, h *holder) (rop.Response, mapi.ErrorCode) { return op.copyTo(q, h) })
	case *rop.CopyPropertiesRequest:
		return onHolder(func(op *operation, h *holder) (rop.Response, mapi.ErrorCode) { return op.copyProperties(q, h) })
	}
	return nil
}

// holder gives one face to everything that has properties.
type holder struct {
	box      *Mailbox
	bag      *mapi.PropertyBag              // the settable ones
	computed func(id uint16) (any, bool)    // the others
	readOnly func(id uint16) mapi.ErrorCode // why a property can't be set; success when it can
	writable bool
	special  func(p mapi.Property) bool // takes settable properties that are not in the bag
	changed  func()                     // called after the bag was changed
	message  *messageObject             // set for messages
}

func onHolder(h func(*operation, *holder) (rop.Response, mapi.ErrorCode)) handler {
	return func(op *operation) (rop.Response, mapi.ErrorCode) {
		hd, ok := op.holder(op.in)
		if !ok {
			return nil, ecNotSupported
		}
		return h(op, hd)
	}
}

// holder returns the properties of an object.
func (op *operation) holder(o *object) (*holder, bool) {
	m := o.box
	h := &holder{box: m, writable: true, readOnly: func(uint16) mapi.ErrorCode { return ecSuccess }, special: func(mapi.Property) bool { return false }, changed: func() {}}
	switch v := o.v.(type) {
	case *logonObject:
		h.bag = &m.state.store
		h.computed = m.storeComputed
		h.guardComputed()
	case *folderObject:
		f, ok := m.liveFolder(v.id)
		if !ok {
			return nil, false
		}
		g := f.clone()
		h.bag = &g.props
		h.computed = func(id uint16) (any, bool) { return m.folderComputed(f, id) }
		h.guardComputed()
		h.changed = func() {
			if now, ok := m.liveFolder(v.id); ok {
				m.changeFolder(now, func(n *folder) { n.props = g.props.Clone() })
			}
		}
	case *messageObject:
		h.message, h.writable = v, v.writable
		h.bag = &v.draft.Properties
		h.computed = func(id uint16) (any, bool) {
			if v.embedding != nil {
				return embeddedComputed(v, id)
			}
			return m.messageComputed(v.view(), id)
		}
		h.readOnly = v.readOnly
		h.special = v.take
		h.changed = func() { v.dirty = true }
	case *attachmentObject:
		h.writable = v.writable
		h.bag = &v.draft.Properties
		h.computed = func(id uint16) (any, bool) { return attachmentComputed(v, id) }
		h.readOnly = func(id uint16) mapi.ErrorCode {
			if id == mapi.PidTagAttachNumber.ID() || id == mapi.PidTagAttachSize.ID() || id == mapi.PidTagAccess.ID() {
				return ecComputed
			}
			return ecSuccess
		}
	default:
		return nil, false
	}
	return h, true
}

func (h *holder) guardComputed() {
	h.readOnly = func(id uint16) mapi.ErrorCode {
		if _, is := h.computed(id); is {
			return ecComputed
		}
		return ecSuccess
	}
}

// readOnly tells which properties of a message a client can't set.
func (o *messageObject) readOnly(id uint16) mapi.ErrorCode {
	switch mapi.NewTag(id, 0) {
	case 0x0E070000:
		if o.base != nil || o.id != 0 && o.imported == nil {
			return ecAccessDenied // only before the first save ([MS-OXCMSG] 2.2.1.6)
		}
		return ecSuccess
	case 0x30070000, 0x30080000, 0x0E170000, 0x3A120000:
		return ecSuccess
	}
	if storeOwned(id) {
		return ecComputed
	}
	return ecSuccess
}

// take accepts the settable properties that are not part of the content.
func (o *messageObject) take(p mapi.Property) bool {
	n, _ := asInt(p.Value)
	v := int32(n)
	switch mapi.NewTag(p.Tag.ID(), 0) {
	case 0x0E070000:
		o.flags = &v
	case 0x0E170000:
		o.status = &v
	case 0x30070000:
		if t, ok := p.Value.(mapi.FileTime); ok && o.base == nil {
			o.draft.Properties.Set(mapi.PidTagCreationTime, t)
		}
	case 0x30080000, 0x3A120000:
		// The time of a change is the store's to tell, or that of the import.
	default:
		return false
	}
	return true
}

func embeddedComputed(o *messageObject, id uint16) (any, bool) {
	switch mapi.NewTag(id, 0) {
	case 0x0E070000:
		f := int32(o.draft.Properties.Int(mapi.PidTagMessageFlags))
		if o.flags != nil {
			f = *o.flags
		}
		if hasAttachments(o.draft) {
			f |= flagHasAttach
		}
		return f, true
	case 0x0FFE0000:
		return int32(5), true
	case 0x0E080000:
		return int32(messageSize(o.draft)), true
	}
	return contentComputed(o.draft, id)
}

func attachmentComputed(a *attachmentObject, id uint16) (any, bool) {
	switch mapi.NewTag(id, 0) {
	case 0x0E210000:
		return int32(a.draft.Number), true
	case 0x0E200000:
		return int32(attachmentSize(&a.draft)), true
	case 0x0FF40000:
		return int32(0x7), true
	case 0x0FFE0000:
		return int32(7), true // attachment
	}
	return nil, false
}

func attachmentSize(a *mapi.Attachment) int64 {
	n := bagSize(a.Properties)
	if a.Embedded != nil {
		n += messageSize(a.Embedded)
	}
	return n
}

// get returns the value of a property in the type that the tag asks for.
func (h *holder) get(tag mapi.PropertyTag) (mapi.Property, mapi.ErrorCode) {
	p := h.box.fromWire(mapi.Property{Tag: tag})
	if tag.Named() && p.Name.IsZero() {
		return p, ecNotFound
	}
	var v any
	stored, inBag := h.bag.Lookup(p.Key())
	if p.Name.IsZero() && h.computed != nil {
		if c, is := h.computed(tag.ID()); is {
			v, inBag = c, false
		}
	}
	if inBag {
		v = stored.Value
	}
	if v == nil {
		return p, ecNotFound
	}
	if code, isErr := v.(mapi.ErrorCode); isErr && tag.Type() != mapi.TypeErrorCode {
		return p, code
	}
	out, ok := convert(v, tag.Type())
	if !ok {
		return p, ecNotFound
	}
	p.Value = out
	if tag.Type() == mapi.TypeUnspecified {
		p.Tag = tag.WithType(typeOf(out))
	} else {
		p.Tag = tag
	}
	return p, ecSuccess
}

// tags lists all properties, computed ones as well.
func (h *holder) tags() []mapi.PropertyTag {
	var out []mapi.PropertyTag
	seen := map[uint16]bool{}
	for _, p := range *h.bag {
		t := h.box.toWire(p).Tag
		if !seen[t.ID()] {
			seen[t.ID()] = true
			out = append(out, t)
		}
	}
	for _, id := range computedIDs {
		if seen[id] || h.computed == nil {
			continue
		}
		if v, ok := h.computed(id); ok && v != nil {
			out = append(out, mapi.NewTag(id, typeOf(v)))
		}
	}
	return out
}

// computedIDs are the ids that some kind of object works out.
var computedIDs = []uint16{
	0x0037, 0x0E02, 0x0E03, 0x0E04, 0x0E07, 0x0E08, 0x0E09, 0x0E17, 0x0E1B, 0x0E1D, 0x0E20, 0x0E21, 0x0E69, 0x0FF4, 0x0FF7, 0x0FF8,
	0x0FF9, 0x0FFA, 0x0FFE, 0x0FFF, 0x3001, 0x3007, 0x3008, 0x3601, 0x3602, 0x3603, 0x360A, 0x3617, 0x35E0, 0x35E2, 0x35E3,
	0x35E4, 0x35E5, 0x35E6, 0x35E7, 0x4082, 0x65E0, 0x65E1, 0x65E2, 0x65E3, 0x6619, 0x661B, 0x661C, 0x6638, 0x6639, 0x663E,
	0x664A, 0x6705, 0x670A, 0x670B, 0x6748, 0x6749, 0x674A, 0x67A4, 0x67AA,
}

// fromWire gives a property with a number of a named property its name.
func (m *Mailbox) fromWire(p mapi.Property) mapi.Property {
	if p.Tag.Named() {
		if n, ok := m.names.name(p.Tag.ID()); ok {
			p.Name = n
		}
	}
	return p
}

// toWire gives a named property its number in this mailbox.
func (m *Mailbox) toWire(p mapi.Property) mapi.Property {
	if !p.Name.IsZero() {
		if id, ok := m.names.lookup(p.Name, true); ok {
			p.Tag = mapi.NewTag(id, p.Tag.Type())
		}
	}
	return p
}

// textual turns 8-bit strings into text: the store keeps nothing else.
func textual(p mapi.Property) mapi.Property {
	switch v := p.Value.(type) {
	case mapi.String8:
		p.Tag, p.Value = p.Tag.WithType(mapi.TypeString), decodeString8(v)
	case []mapi.String8:
		out := make([]string, len(v))
		for i, s := range v {
			out[i] = decodeString8(s)
		}
		p.Tag, p.Value = p.Tag.WithType(mapi.TypeMultiString), out
	}
	return p
}

// getSpecific follows [MS-OXCPRPT] 3.2.5.1. Values that do not fit are told as errors;
// the client fetches them as streams.
func (op *operation) getSpecific(q *rop.GetPropertiesSpecificRequest, h *holder) (rop.Response, mapi.ErrorCode) {
	limit := int64(q.PropertySizeLimit)
	room := int64(op.room - 16 - 7*len(q.PropertyTags))
	row := make([]mapi.Property, len(q.PropertyTags))
	for i, tag := range q.PropertyTags {
		p, code := h.get(tag)
		if code == ecSuccess {
			p = untyped(p, tag, q.WantUnicode != 0)
			n := valueSize(p.Value)
			switch {
			case limit > 0 && n > limit, n > room, n > 0xFFFF:
				code = ecMemory
			default:
				room -= n
			}
		}
		if code != ecSuccess {
			p = mapi.Property{Tag: tag, Value: code}
		}
		if p.Tag.Type() == mapi.TypeServerID || p.Tag.Type() == mapi.TypeBinary {
			p.Value = wireBytes(p.Value)
		}
		row[i] = p
	}
	resp := &rop.GetPropertiesSpecificResponse{}
	if err := resp.SetRow(q.PropertyTags, row); err != nil {
		return nil, ecError
	}
	return resp, ecSuccess
}

// wireBytes reads a Blob into memory.
func wireBytes(v any) any {
	if b, ok := v.(mapi.Blob); ok {
		p, err := mapi.ValueBytes(b)
		if err != nil {
			return ecError
		}
		return p
	}
	return v
}

// untyped gives a string that was asked for without a type the form that the
// client wants.
func untyped(p mapi.Property, asked mapi.PropertyTag, unicode bool) mapi.Property {
	if asked.Type() != mapi.TypeUnspecified || unicode {
		return p
	}
	if s, ok := p.Value.(string); ok {
		p.Tag, p.Value = p.Tag.WithType(mapi.TypeString8), encodeString8(s)
	}
	return p
}

// getAll follows [MS-OXCPRPT] 3.2.5.2.
func (op *operation) getAll(q *rop.GetPropertiesAllRequest, h *holder) (rop.Response, mapi.ErrorCode) {
	limit, room := int64(q.PropertySizeLimit), int64(op.room-16)
	resp := &rop.GetPropertiesAllResponse{}
	for _, tag := range h.tags() {
		p, code := h.get(tag)
		if code != ecSuccess {
			continue
		}
		p = untyped(p, tag.WithType(mapi.TypeUnspecified), q.WantUnicode != 0)
		p.Value = wireBytes(p.Value)
		n := valueSize(p.Value)
		if limit > 0 && n > limit || n+8 > room || n > 0xFFFF {
			p = mapi.Property{Tag: tag.WithType(mapi.TypeErrorCode), Value: ecMemory}
			n = 4
		}
		room -= n + 8
		p.Name = mapi.PropertyName{}
		resp.PropertyValues = append(resp.PropertyValues, p)
	}
	return resp, ecSuccess
}

// setAll follows [MS-OXCPRPT] 3.2.5.4: what can't be set is told, the rest is set.
func (op *operation) setAll(values []mapi.Property, h *holder) ([]rop.PropertyProblem, mapi.ErrorCode) {
	if !h.writable {
		return nil, ecAccessDenied
	}
	var problems []rop.PropertyProblem
	fail := func(i int, code mapi.ErrorCode) {
		problems = append(problems, rop.PropertyProblem{Index: uint16(i), PropertyTag: values[i].Tag, ErrorCode: code})
	}
	splitSubject(values, h.bag)
	any := false
	for i, p := range values {
		p = h.box.fromWire(p)
		if p.Tag.Named() && p.Name.IsZero() {
			fail(i, ecInvalidParam)
			continue
		}
		if code := h.set(p); code != ecSuccess {
			fail(i, code)
			continue
		}
		any = true
	}
	if any {
		h.changed()
	}
	return problems, ecSuccess
}

// set stores one property.
func (h *holder) set(p mapi.Property) mapi.ErrorCode {
	if p.Tag.Type() == mapi.TypeErrorCode || p.Tag.Type() == mapi.TypeNull || p.Tag.Type() == mapi.TypeUnspecified {
		return ecInvalidParam
	}
	if p.Name.IsZero() {
		if code := h.readOnly(p.Tag.ID()); code != ecSuccess {
			return code
		}
		if h.special(p) {
			return ecSuccess
		}
	}
	h.bag.Put(textual(p))
	return ecSuccess
}

// splitSubject drops the parts of the old subject that new values make wrong
// ([MS-OXCMSG] 3.2.4.1): a new whole without its parts, or new parts without a whole.
func splitSubject(values []mapi.Property, bag *mapi.PropertyBag) {
	has := func(t mapi.PropertyTag) bool {
		return slices.ContainsFunc(values, func(p mapi.Property) bool { return p.Tag.ID() == t.ID() })
	}
	switch whole, parts := has(mapi.PidTagSubject), has(mapi.PidTagSubjectPrefix) || has(tagNormalizedSubject); {
	case whole:
		bag.Delete(mapi.Key{ID: mapi.PidTagSubjectPrefix.ID()})
		bag.Delete(mapi.Key{ID: tagNormalizedSubject.ID()})
	case parts:
		bag.Delete(mapi.Key{ID: mapi.PidTagSubject.ID()})
	}
}

func (op *operation) deleteAll(tags []mapi.PropertyTag, h *holder) ([]rop.PropertyProblem, mapi.ErrorCode) {
	if !h.writable {
		return nil, ecAccessDenied
	}
	var problems []rop.PropertyProblem
	for i, tag := range tags {
		p := h.box.fromWire(mapi.Property{Tag: tag})
		if p.Name.IsZero() && h.readOnly(tag.ID()) != ecSuccess {
			problems = append(problems, rop.PropertyProblem{Index: uint16(i), PropertyTag: tag, ErrorCode: ecComputed})
			continue
		}
		h.bag.Delete(p.Key())
	}
	h.changed()
	return problems, ecSuccess
}

// copyTo follows [MS-OXCPRPT] 3.2.5.8.
func (op *operation) copyTo(q *rop.CopyToRequest, src *holder) (rop.Response, mapi.ErrorCode) {
	dst, ok := op.holder(op.dst)
	if !ok {
		return nil, ecNotSupported
	}
	flt := op.box.newFilter(false, q.ExcludedTags)
	problems, code := op.copyBag(src, dst, flt, q.CopyFlags)
	if code != ecSuccess {
		return nil, code
	}
	if q.WantSubObjects && src.message != nil && dst.message != nil {
		c := copyContent(src.message.draft)
		if flt.wantsTag(tagMessageSubObjects) {
			dst.message.draft.Recipients = c.Recipients
		}
		if flt.wantsTag(tagAttachSubObjects) {
			dst.message.draft.Attachments = c.Attachments
			dst.message.nextAtt = nextAttachment(dst.message.draft)
		}
	}
	return &rop.CopyToResponse{PropertyProblems: problems}, ecSuccess
}

func (op *operation) copyProperties(q *rop.CopyPropertiesRequest, src *holder) (rop.Response, mapi.ErrorCode) {
	dst, ok := op.holder(op.dst)
	if !ok {
		return nil, ecNotSupported
	}
	problems, code := op.copyBag(src, dst, op.box.newFilter(true, q.PropertyTags), q.CopyFlags)
	if code != ecSuccess {
		return nil, code
	}
	for i, tag := range q.PropertyTags {
		if _, ok := src.bag.Lookup(op.box.fromWire(mapi.Property{Tag: tag}).Key()); !ok {
			problems = append(problems, rop.PropertyProblem{Index: uint16(i), PropertyTag: tag, ErrorCode: ecNotFound})
		}
	}
	return &rop.CopyPropertiesResponse{PropertyProblems: problems}, ecSuccess
}

func (op *operation) copyBag(src, dst *holder, flt *filter, flags uint8) ([]rop.PropertyProblem, mapi.ErrorCode) {
	switch {
	case flags&^(rop.CopyMove|rop.CopyNoOverwrite) != 0:
		return nil, ecInvalidParam
	case !dst.writable:
		return nil, ecAccessDenied
	}
	var taken []mapi.Key
	for _, p := range *src.bag {
		if !flt.wants(p.Key()) {
			continue
		}
		if _, there := dst.bag.Lookup(p.Key()); there && flags&rop.CopyNoOverwrite != 0 {
			continue
		}
		dst.bag.Put(p)
		taken = append(taken, p.Key())
	}
	dst.changed()
	if flags&rop.CopyMove != 0 {
		for _, k := range taken {
			src.bag.Delete(k)
		}
		src.changed()
	}
	return nil, ecSuccess
}

// messageMatcher evaluates restrictions on a stored message.
func (m *Mailbox) messageMatcher(v *message) matcher {
	h := &holder{box: m, bag: &v.content.Properties, computed: func(id uint16) (any, bool) { return m.messageComputed(v, id) }}
	get := func(tag mapi.PropertyTag) any {
		p, code := h.get(tag)
		if code != ecSuccess {
			return nil
		}
		return p.Value
	}
	return matcher{get: get, sub: func(tag mapi.PropertyTag, visit func(lookup) bool) bool {
		var bags []mapi.PropertyBag
		switch tag {
		case tagMessageSubObjects:
			for i := range v.content.Recipients {
				bags = append(bags, v.content.Recipients[i].Properties)
			}
		case tagAttachSubObjects:
			for i := range v.content.Attachments {
				bags = append(bags, v.content.Attachments[i].Properties)
			}
		}
		return slices.ContainsFunc(bags, func(b mapi.PropertyBag) bool {
			return visit(func(t mapi.PropertyTag) any {
				out, ok := convert(b.Get(t), t.Type())
				if !ok {
					return nil
				}
				return out
			})
		})
	}}
}
