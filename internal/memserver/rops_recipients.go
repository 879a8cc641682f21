package memserver

import (
	"slices"

	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/mapi/wire"
)

const (
	// codePage is that of every log on.
	codePage = 1252
	// rowOverhead is kept free beside recipient rows in an answer.
	rowOverhead = 256
	// maxRows is how many recipients one answer may bring.
	maxRows = 255
)

// rowFixed are the properties that a RecipientRow has fields for; they are not
// repeated as columns ([MS-OXCMSG] 2.2.3.5.1).
var rowFixed = []uint16{
	mapi.PidTagAddressType.ID(), mapi.PidTagDisplayName.ID(), mapi.PidTagEmailAddress.ID(), mapi.PidTagRecipientType.ID(),
	mapi.PidTagRowid.ID(), mapi.PidTagTransmittableDisplayName.ID(), mapi.PidTagSendRichInfo.ID(), mapi.PidTagDisplayType.ID(),
}

// recipientColumns are the further properties of a message's recipients.
func recipientColumns(rs []mapi.Recipient) []mapi.PropertyTag {
	var cols []mapi.PropertyTag
	seen := map[uint16]bool{}
	for i := range rs {
		for _, p := range rs[i].Properties {
			id := p.Tag.ID()
			if !p.Name.IsZero() || seen[id] || slices.Contains(rowFixed, id) || valueSize(p.Value) > 0x1000 {
				continue
			}
			seen[id] = true
			cols = append(cols, p.Tag)
		}
	}
	return cols
}

// recipientRow encodes one recipient.
func recipientRow(r *mapi.Recipient, cols []mapi.PropertyTag) ([]byte, bool) {
	row := mapi.NewRecipientRow(r.Properties, cols)
	var b wire.Builder
	row.Append(&b, cols)
	p, err := b.Finish()
	return p, err == nil
}

// messageHeader is what opening a message tells of it; recipients go in as far as
// there is room.
func (op *operation) messageHeader(c *mapi.Message, overhead int) rop.MessageHeader {
	h := rop.MessageHeader{HasNamedProperties: hasNamed(c.Properties), RecipientCount: uint16(min(len(c.Recipients), 0xFFFF))}
	if c.Properties.Has(mapi.PidTagSubjectPrefix) {
		h.SubjectPrefix = rop.NewTypedString(c.Properties.String(mapi.PidTagSubjectPrefix))
	}
	if s, ok := contentComputed(c, tagNormalizedSubject.ID()); ok {
		if text, ok := s.(string); ok {
			h.NormalizedSubject = rop.NewTypedString(text)
		}
	}
	h.RecipientColumns = recipientColumns(c.Recipients)
	room := op.room - overhead - 4*len(h.RecipientColumns) - 2*len(h.NormalizedSubject.Text) - 2*len(h.SubjectPrefix.Text)
	for i := range c.Recipients {
		r := &c.Recipients[i]
		raw, ok := recipientRow(r, h.RecipientColumns)
		if room -= len(raw) + 7; !ok || room < 0 || i >= maxRows {
			break
		}
		h.RecipientRows = append(h.RecipientRows, rop.OpenRecipientRow{RecipientType: wireType(r), CodePageID: codePage, RecipientRow: raw})
	}
	return h
}

// wireType returns the recipient type with its flag bits.
func wireType(r *mapi.Recipient) uint8 {
	if v, ok := r.Properties.Get(mapi.PidTagRecipientType).(int32); ok {
		return uint8(v)
	}
	return uint8(r.Type)
}

// readRecipients follows [MS-OXCMSG] 3.2.5.6.
func (op *operation) readRecipients(q *rop.ReadRecipientsRequest, o *messageObject) (rop.Response, mapi.ErrorCode) {
	rs := o.draft.Recipients
	from := slices.IndexFunc(rs, func(r mapi.Recipient) bool { return r.RowID >= q.RowID })
	if from < 0 {
		return nil, ecNotFound
	}
	cols := recipientColumns(rs)
	resp := &rop.ReadRecipientsResponse{}
	room := op.room - rowOverhead
	for i := from; i < len(rs) && len(resp.RecipientRows) < maxRows; i++ {
		raw, ok := recipientRow(&rs[i], cols)
		if !ok {
			return nil, ecError
		}
		if room -= len(raw) + 11; room < 0 {
			break
		}
		resp.RecipientRows = append(resp.RecipientRows, rop.ReadRecipientRow{RowID: rs[i].RowID, RecipientType: wireType(&rs[i]), CodePageID: codePage, RecipientRow: raw})
	}
	if len(resp.RecipientRows) == 0 {
		return nil, ecBufferTooSmall
	}
	return resp, ecSuccess
}

// modifyRecipients follows [MS-OXCMSG] 3.2.5.5: a row without data deletes, others
// replace or add.
func (op *operation) modifyRecipients(q *rop.ModifyRecipientsRequest, o *messageObject) (rop.Response, mapi.ErrorCode) {
	if !o.writable {
		return nil, ecAccessDenied
	}
	for _, row := range q.RecipientRows {
		at := slices.IndexFunc(o.draft.Recipients, func(r mapi.Recipient) bool { return r.RowID == row.RowID })
		if len(row.RecipientRow) == 0 {
			if at >= 0 {
				o.draft.Recipients = slices.Delete(o.draft.Recipients, at, at+1)
			}
			continue
		}
		r := wire.NewReader(row.RecipientRow)
		parsed := mapi.ReadRecipientRow(r, q.RecipientColumns)
		if r.Err() != nil {
			return nil, ecInvalidParam
		}
		t, _ := mapi.ParseRecipientType(uint32(row.RecipientType))
		rec := mapi.Recipient{RowID: row.RowID, Type: t, Properties: op.recipientBag(parsed, row)}
		if at >= 0 {
			o.draft.Recipients[at] = rec
		} else {
			o.draft.Recipients = append(o.draft.Recipients, rec)
		}
	}
	slices.SortStableFunc(o.draft.Recipients, func(a, b mapi.Recipient) int { return int(a.RowID) - int(b.RowID) })
	o.dirty = true
	return &rop.ModifyRecipientsResponse{}, ecSuccess
}

// recipientBag turns a row into stored properties: text is text, and the row's own
// fields are properties as well.
func (op *operation) recipientBag(row mapi.RecipientRow, from rop.ModifyRecipientRow) mapi.PropertyBag {
	bag := mapi.PropertyBag{
		{Tag: mapi.PidTagRowid, Value: int32(from.RowID)},
		{Tag: mapi.PidTagRecipientType, Value: int32(from.RecipientType)},
	}
	for _, p := range row.Properties("") {
		p = op.box.fromWire(p)
		if s, ok := p.Value.(mapi.String8); ok {
			p.Tag, p.Value = p.Tag.WithType(mapi.TypeString), decodeString8(s)
		}
		if _, isErr := p.Value.(mapi.ErrorCode); isErr || p.Value == nil || slices.Contains([]uint16{mapi.PidTagRowid.ID(), mapi.PidTagRecipientType.ID()}, p.Tag.ID()) {
			continue
		}
		bag.Put(p)
	}
	return bag
}
