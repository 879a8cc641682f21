package fxics

import (
	"bytes"

	"mailfs/mapi"
	"mailfs/mapi/idset"
)

// NewMessageHeader returns the header of a message change with the five properties
// that it must have, in their fixed order ([MS-OXCFXICS] 2.2.4.3.14). PidTagMid,
// PidTagMessageSize and PidTagChangeNumber may be set behind them.
func NewMessageHeader(key mapi.SourceKey, modified mapi.FileTime, change mapi.ChangeKey, pcl mapi.PCL, associated bool) mapi.PropertyBag {
	return mapi.PropertyBag{
		{Tag: mapi.PidTagSourceKey, Value: []byte(key)},
		{Tag: mapi.PidTagLastModificationTime, Value: modified},
		{Tag: mapi.PidTagChangeKey, Value: []byte(change)},
		{Tag: mapi.PidTagPredecessorChangeList, Value: pcl.Bytes()},
		{Tag: mapi.PidTagAssociated, Value: associated},
	}
}

func (e *Encoder) folderChange(f *FolderChange) {
	e.w.Marker(IncrSyncChg)
	if len(f.Properties) > 0 {
		e.bag(f.Properties)
		return
	}
	e.set(mapi.PidTagParentSourceKey, []byte(f.ParentSourceKey))
	e.set(mapi.PidTagSourceKey, []byte(f.SourceKey))
	e.set(mapi.PidTagLastModificationTime, f.LastModified)
	e.set(mapi.PidTagChangeKey, []byte(f.ChangeKey))
	e.set(mapi.PidTagPredecessorChangeList, f.PCL.Bytes())
	e.set(mapi.PidTagDisplayName, f.DisplayName)
}

func (e *Encoder) messageChange(m *MessageChange) {
	if m.Partial == nil {
		e.w.Marker(IncrSyncChg)
		e.bag(m.Header)
		e.w.Marker(IncrSyncMessage)
		e.messageContent(&m.Message, m.Parts)
		return
	}
	if id := m.Partial.GroupID; !m.Partial.Inherited || !e.groupSent || e.groupID != id {
		e.set(mapi.MetaTagIncrSyncGroupId, int32(id))
		e.groupID, e.groupSent = id, true
	}
	e.w.Marker(IncrSyncChgPartial)
	e.bag(m.Header)
	for _, g := range m.Partial.Groups {
		e.set(mapi.MetaTagIncrementalSyncMessagePartial, int32(g.Index))
		if len(g.Properties) == 0 {
			e.set(tagNumber, int32(0)) // marks an empty group ([MS-OXCFXICS] 2.2.4.3.15)
		}
		e.bag(g.Properties)
	}
	e.children(&m.Message, m.Parts)
}

func (e *Encoder) message(m *MessageContent) {
	if e.root == RootMessageContent {
		e.messageContent(&m.Message, m.Parts)
		return
	}
	start := StartMessage
	if m.FAI {
		start = StartFAIMsg
	}
	e.w.Marker(start)
	e.messageContent(&m.Message, m.Parts)
	e.w.Marker(EndMessage)
}

func (e *Encoder) messageContent(m *mapi.Message, parts Parts) {
	e.bag(m.Properties)
	e.children(m, parts)
}

func (e *Encoder) children(m *mapi.Message, parts Parts) {
	if parts&PartRecipients != 0 {
		e.set(mapi.MetaTagFXDelProp, int32(mapi.PidTagMessageRecipients))
	}
	for i := range m.Recipients {
		e.recipient(&m.Recipients[i])
	}
	if parts&PartAttachments != 0 {
		e.set(mapi.MetaTagFXDelProp, int32(mapi.PidTagMessageAttachments))
	}
	for i := range m.Attachments {
		a := &m.Attachments[i]
		e.w.Marker(NewAttach)
		e.attachmentContent(a, e.first(mapi.PidTagAttachNumber, int32(a.Number), a.Properties), parts)
		e.w.Marker(EndAttach)
	}
}

// recipient writes a recipient: PidTagRowid first ([MS-OXCFXICS] 2.2.4.3.23), and
// PidTagRecipientType even if only r.Type tells it.
func (e *Encoder) recipient(r *mapi.Recipient) {
	e.w.Marker(StartRecip)
	rest := e.first(mapi.PidTagRowid, int32(r.RowID), r.Properties)
	if !r.Properties.Has(mapi.PidTagRecipientType) {
		e.set(mapi.PidTagRecipientType, int32(r.Type))
	}
	e.bag(rest)
	e.w.Marker(EndToRecip)
}

// first writes the property that has to be first, its value taken from props if it
// is there, and returns the others.
func (e *Encoder) first(tag mapi.PropertyTag, v int32, props mapi.PropertyBag) mapi.PropertyBag {
	if len(props) > 0 && props[0].Tag == tag && props[0].Name.IsZero() {
		e.bag(props[:1])
		return props[1:]
	}
	p, ok := props.Lookup(mapi.Key{ID: tag.ID()})
	if !ok {
		e.set(tag, v)
		return props
	}
	e.bag(mapi.PropertyBag{p})
	rest := props.Clone()
	rest.Delete(p.Key())
	return rest
}

func (e *Encoder) attachmentContent(a *mapi.Attachment, props mapi.PropertyBag, parts Parts) {
	e.bag(props)
	if a.Embedded == nil {
		return
	}
	var inner Parts
	if parts&PartEmbeddedRecipients != 0 {
		inner |= PartRecipients | PartEmbeddedRecipients
	}
	if parts&PartEmbeddedAttachments != 0 {
		inner |= PartAttachments | PartEmbeddedAttachments
	}
	e.w.Marker(StartEmbed)
	e.messageContent(a.Embedded, inner)
	e.w.Marker(EndEmbed)
}

// replSets writes the sets of an element: those that were on the wire before in the
// form and order that they had there, unless the set has changed.
func (e *Encoder) replSets(sets []taggedSet, was mapi.PropertyBag) {
	for _, p := range was {
		for i, s := range sets {
			if s.tag != p.Tag {
				continue
			}
			sets[i].tag = 0
			if raw, err := mapi.ValueBytes(p.Value); err == nil {
				if old, err := idset.DecodeReplSet(raw); err != nil || !old.Equal(*s.set) {
					p.Value = s.set.Encode()
				}
			}
		}
		e.w.Property(p)
	}
	for _, s := range sets {
		if s.tag != 0 && !s.set.IsEmpty() {
			e.set(s.tag, s.set.Encode())
		}
	}
}

// state writes a state, as replSets does. One that was not on the wire before has
// all of its properties, those of empty sets too.
func (e *Encoder) state(s *State) {
	e.w.Marker(IncrSyncStateBegin)
	written := make(map[mapi.PropertyTag]bool)
	for _, p := range s.Wire {
		var old ICSState
		tag := stateTag(p.Tag)
		if raw, err := mapi.ValueBytes(p.Value); tag != 0 {
			written[tag] = true
			if err != nil || old.Set(tag, raw) != nil || !bytes.Equal(old.encoded(tag), s.encoded(tag)) {
				p.Value = s.encoded(tag)
			}
		}
		e.w.Property(p)
	}
	for _, p := range s.Properties(!s.Hierarchy && e.root != RootHierarchySync) {
		if !written[p.Tag] && (s.Wire == nil || len(p.Data) > 0) {
			e.set(p.Tag, p.Data)
		}
	}
	e.w.Marker(IncrSyncStateEnd)
}
