package memserver

import (
	"slices"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/rop"
)

// changeSteps builds the steps of the messages to send.
func (d *download) changeSteps(changes []*message) []step {
	var steps []step
	if d.has(rop.SyncProgress) {
		var t fxics.ProgressTotal
		for _, v := range changes {
			if v.fai {
				t.FAICount++
				t.FAISize += uint64(v.size)
			} else {
				t.NormalCount++
				t.NormalSize += uint64(v.size)
			}
		}
		steps = append(steps, element(&t))
	}
	groupsSent := false
	for _, v := range changes {
		steps = append(steps, d.box.counted(func(enc *fxics.Encoder) error {
			for _, w := range d.box.versions(v) {
				if d.has(rop.SyncProgress) {
					if err := enc.Encode(&fxics.ProgressMessage{Size: w.size, FAI: w.fai}); err != nil {
						return err
					}
				}
				e := d.messageChange(w)
				if e.Partial != nil && !groupsSent {
					groupsSent = true
					if err := enc.Encode(groupInfo()); err != nil {
						return err
					}
				}
				if err := enc.Encode(e); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	return steps
}

// versions returns what is sent for a message: the message itself or, for one that
// holds versions in conflict, each of them as a message of its own
// ([MS-OXCFXICS] 3.1.5.6.2.1).
func (m *Mailbox) versions(v *message) []*message {
	if v.status&statusInConflict == 0 || m.srv.cfg.ResolveMessagesWhole {
		return []*message{v}
	}
	var out []*message
	for _, e := range conflictVersions(v) {
		w := v.clone()
		w.status &^= statusInConflict
		w.content = e
		p := e.Properties
		w.changeKey = mapi.ChangeKey(p.Bytes(mapi.PidTagChangeKey))
		w.pcl, _ = mapi.ParsePCL(p.Bytes(mapi.PidTagPredecessorChangeList)) // written by this store
		w.modified = p.Time(mapi.PidTagLastModificationTime)
		w.size = int32(messageSize(e))
		w.history = nil
		out = append(out, w)
	}
	return out
}

// messageChange builds the element of one message version.
func (d *download) messageChange(v *message) *fxics.MessageChange {
	e := &fxics.MessageChange{Header: d.header(v)}
	if groups, ok := d.partialGroups(v); ok {
		d.fillPartial(e, v, groups)
		return e
	}
	flt := d.filter
	if v.fai && flt.include && d.has(rop.SyncIgnoreSpecifiedOnFAI) {
		flt = nil
	}
	base := d.box.sentProperties(v)
	if !flt.wantsAll() {
		base = flt.selectFrom(base, func(id uint16) (any, bool) { return d.box.messageComputed(v, id) })
	}
	e.Message.Properties = base
	if flt.wantsTag(tagMessageSubObjects) {
		e.Message.Recipients = v.content.Recipients
		e.Parts |= fxics.PartRecipients | fxics.PartEmbeddedRecipients
	}
	if flt.wantsTag(tagAttachSubObjects) {
		e.Message.Attachments = v.content.Attachments
		e.Parts |= fxics.PartAttachments | fxics.PartEmbeddedAttachments
	}
	e.Message = d.send.message(e.Message)
	return e
}

// wantsAll reports whether the filter lets every property pass.
func (f *filter) wantsAll() bool { return f == nil || !f.include && len(f.keys) == 0 }

// header builds the messageChangeHeader ([MS-OXCFXICS] 2.2.4.3.14).
func (d *download) header(v *message) mapi.PropertyBag {
	foreign := v.foreign
	if d.has(rop.SyncNoForeignIdentifiers) {
		foreign = ""
	}
	h := mapi.PropertyBag{
		{Tag: mapi.PidTagSourceKey, Value: []byte(d.box.sourceKeyOf(v.id, foreign))},
		{Tag: mapi.PidTagLastModificationTime, Value: v.modified},
		{Tag: mapi.PidTagChangeKey, Value: []byte(v.changeKey)},
		{Tag: mapi.PidTagPredecessorChangeList, Value: v.pcl.Bytes()},
		{Tag: mapi.PidTagAssociated, Value: v.fai},
	}
	if d.wants(rop.SyncExtraEid) {
		h = append(h, mapi.Property{Tag: mapi.PidTagMid, Value: int64(mapi.NewMID(ownReplID, v.id))})
	}
	if d.wants(rop.SyncExtraMessageSize) {
		h = append(h, mapi.Property{Tag: mapi.PidTagMessageSize, Value: v.size})
	}
	if d.wants(rop.SyncExtraCN) {
		h = append(h, mapi.Property{Tag: mapi.PidTagChangeNumber, Value: int64(mapi.NewCN(ownReplID, v.cn))})
	}
	return h
}

// sentProperties returns the properties of a message that travel when nothing is
// filtered: the stored ones and those few computed ones that a client can't work
// out itself.
func (m *Mailbox) sentProperties(v *message) mapi.PropertyBag {
	b := make(mapi.PropertyBag, 0, len(v.content.Properties)+8)
	for i := range v.content.Properties {
		if id := v.content.Properties[i].Tag.ID(); v.content.Properties[i].Name.IsZero() && (storeOwned(id) || internalProperty(id)) {
			continue // versions in conflict carry these inside
		}
		b = append(b, v.content.Properties[i])
	}
	add := func(t mapi.PropertyTag, val any) { b = append(b, mapi.Property{Tag: t, Value: val}) }
	add(mapi.PidTagMessageFlags, v.messageFlags())
	if status := m.toldStatus(v); status != 0 {
		add(mapi.PidTagMessageStatus, status)
	}
	b = append(b, missingSubject(v.content)...)
	if v.created != 0 {
		add(mapi.PidTagCreationTime, v.created)
	}
	add(mapi.PidTagLastModificationTime, v.modified)
	add(mapi.PidTagParentSourceKey, []byte(m.folderSourceKey(v.folder)))
	return b
}

// toldStatus is the PidTagMessageStatus that travels.
func (m *Mailbox) toldStatus(v *message) int32 {
	if m.srv.cfg.ResolveMessagesWhole {
		return v.status &^ statusInConflict
	}
	return v.status
}

// missingSubject returns the whole subject or its main part where only the other one
// is stored.
func missingSubject(c *mapi.Message) mapi.PropertyBag {
	whole, main := c.Properties.Has(mapi.PidTagSubject), c.Properties.Has(tagNormalizedSubject)
	tag := mapi.PidTagSubject
	switch {
	case whole == main:
		return nil
	case whole:
		tag = tagNormalizedSubject
	}
	v, _ := contentComputed(c, tag.ID())
	return mapi.PropertyBag{{Tag: tag.WithType(typeOf(v)), Value: v}}
}

// partialGroups returns the property groups of a change that can be sent partially:
// the client asked for it, holds the message, and everything that happened since
// the version it has seen is known by group.
func (d *download) partialGroups(v *message) ([]uint32, bool) {
	m := d.box
	if !d.send.partial || v.fai || len(v.history) == 0 || !d.initial.Given.Contains(m.longID(v.id)) {
		return nil, false
	}
	// The read state is in no group, and a message that is sent is not told among the
	// read states.
	if v.readCN != 0 && !d.initial.Read.Contains(m.longID(v.readCN)) {
		return nil, false
	}
	groups := []uint32{}
	at := v.cn
	for i := len(v.history) - 1; i >= 0; i-- {
		e := v.history[i]
		if e.cn != at || e.groups == nil {
			return nil, false
		}
		for _, g := range e.groups {
			if !slices.Contains(groups, g) {
				groups = append(groups, g)
			}
		}
		if at = e.before; d.initial.Seen.Contains(m.longID(at)) {
			slices.Sort(groups)
			return groups, len(groups) > 0
		}
	}
	return nil, false
}

// fillPartial puts the content of the given groups into e.
func (d *download) fillPartial(e *fxics.MessageChange, v *message, groups []uint32) {
	e.Partial = &fxics.Partial{GroupID: groupMapID}
	base := d.box.sentProperties(v)
	for _, n := range groups {
		g := fxics.GroupChange{Index: n}
		for _, want := range propertyGroups[n] {
			switch want.Tag {
			case tagMessageSubObjects:
				if d.filter.wantsTag(want.Tag) {
					e.Message.Recipients = v.content.Recipients
					e.Parts |= fxics.PartRecipients
				}
				continue
			case tagAttachSubObjects:
				if d.filter.wantsTag(want.Tag) {
					e.Message.Attachments = v.content.Attachments
					e.Parts |= fxics.PartAttachments | fxics.PartEmbeddedRecipients | fxics.PartEmbeddedAttachments
				}
				continue
			}
			if p, ok := lookupFold(base, want.Key()); ok && d.filter.wants(p.Key()) {
				g.Properties = append(g.Properties, d.send.text(p))
			}
		}
		e.Partial.Groups = append(e.Partial.Groups, g)
	}
	e.Message = d.send.message(e.Message)
}

// lookupFold is PropertyBag.Lookup for names in any case.
func lookupFold(b mapi.PropertyBag, k mapi.Key) (mapi.Property, bool) {
	k = foldKey(k)
	for i := range b {
		if foldKey(b[i].Key()) == k {
			return b[i], true
		}
	}
	return mapi.Property{}, false
}

// groupInfo announces the property groups ([MS-OXCFXICS] 2.2.2.8).
func groupInfo() *fxics.PropertyGroupInfo {
	info := &fxics.PropertyGroupInfo{GroupID: groupMapID}
	for _, g := range propertyGroups {
		var ids []fxics.PropertyID
		for _, p := range g {
			ids = append(ids, fxics.PropertyID{Tag: p.Tag, Name: p.Name})
		}
		info.Groups = append(info.Groups, ids)
	}
	return info
}
