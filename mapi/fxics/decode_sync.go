package fxics

import (
	"io"

	"mailfs/mapi"
	"mailfs/mapi/idset"
)

// The anonymous properties of progress, group and error elements
// ([MS-OXCFXICS] 2.2.4.3.4, 2.2.4.3.8, 2.2.4.3.15, 2.2.4.3.18, 2.2.4.3.19).
const (
	tagStructure mapi.PropertyTag = 0x00000102
	tagNumber    mapi.PropertyTag = 0x00000003
	tagFlag      mapi.PropertyTag = 0x0000000B
)

// nextSync reads an element of contentsSync, hierarchySync or state
// ([MS-OXCFXICS] 2.2.4.2).
func (d *Decoder) nextSync() (Element, error) {
	for {
		if d.root == RootState && d.stated {
			return nil, d.end()
		}
		tok, err := d.peek()
		if err == io.EOF {
			return nil, d.corrupt("stream ends before its state: %w", io.ErrUnexpectedEOF)
		}
		if err != nil {
			return nil, err
		}
		switch {
		case tok.Marker == FXErrorInfo:
			return nil, errInterrupted
		case tok.Marker == IncrSyncEnd:
			if !d.stated {
				return nil, d.corrupt("synchronization ends without its state")
			}
			d.skip()
			return nil, d.end()
		case tok.Marker == 0 && tok.Property.Tag == mapi.MetaTagIncrSyncGroupId:
			id, _ := tok.Property.Value.(int32)
			d.groupID, d.groupSent = uint32(id), true
			d.skip()
			continue
		}
		return d.syncElement(tok)
	}
}

func (d *Decoder) syncElement(tok *Token) (Element, error) {
	if tok.Marker == 0 {
		return d.outOfBand(tok)
	}
	contents := d.root == RootContentsSync
	switch {
	case tok.Marker == IncrSyncStateBegin:
		return d.state()
	case d.root == RootState:
	case tok.Marker == IncrSyncDel:
		return d.deletions()
	case tok.Marker == IncrSyncChg && !contents:
		return d.folderChange()
	case !contents:
	case tok.Marker == IncrSyncChg:
		return d.messageChangeFull()
	case tok.Marker == IncrSyncChgPartial:
		return d.messageChangePartial()
	case tok.Marker == IncrSyncRead:
		return d.readStateChanges()
	case tok.Marker == IncrSyncProgressMode:
		return d.progressTotal()
	case tok.Marker == IncrSyncProgressPerMsg:
		return d.progressMessage()
	case tok.Marker == IncrSyncGroupInfo:
		return d.groupInfo()
	}
	return nil, d.unexpected(tok, "between the elements of a synchronization")
}

// outOfBand reads a meta-property that stands alone. The grammar has these in
// messageList only; readers ignore a DN prefix wherever it comes.
func (d *Decoder) outOfBand(tok *Token) (Element, error) {
	switch tok.Property.Tag {
	case mapi.MetaTagDnPrefix:
		d.skip()
		prefix, _ := tok.Property.Value.(mapi.String8)
		return &DNPrefix{prefix}, nil
	case mapi.MetaTagEcWarning:
		d.skip()
		code, _ := tok.Property.Value.(int32)
		return &Warning{mapi.ErrorCode(code)}, nil
	}
	return nil, d.unexpected(tok, "between elements")
}

// folderChange = IncrSyncChg propList
func (d *Decoder) folderChange() (Element, error) {
	d.skip()
	props, err := d.propList()
	f := &FolderChange{mapi.Folder{
		SourceKey:       mapi.SourceKey(props.Bytes(mapi.PidTagSourceKey)),
		ParentSourceKey: mapi.SourceKey(props.Bytes(mapi.PidTagParentSourceKey)),
		ChangeKey:       mapi.ChangeKey(props.Bytes(mapi.PidTagChangeKey)),
		DisplayName:     props.String(mapi.PidTagDisplayName),
		LastModified:    props.Time(mapi.PidTagLastModificationTime),
		Properties:      props,
	}}
	if err == nil {
		_, err = d.within()
	}
	if err != nil && err != errInterrupted {
		return f, err
	}
	pcl, broken := d.lineage(props)
	f.PCL = pcl
	switch {
	case err == nil && broken != nil:
		return nil, broken
	case err != nil && broken == nil:
		return f, errAtBoundary
	}
	return f, err
}

// lineage checks what identifies an object and its version, which no consumer can
// do without ([MS-OXCFXICS] 2.2.4.3.5, 2.2.4.3.14), and returns the PCL.
func (d *Decoder) lineage(props mapi.PropertyBag) (mapi.PCL, error) {
	if len(props.Bytes(mapi.PidTagSourceKey)) == 0 {
		return nil, d.corrupt("change without a source key")
	}
	if len(props.Bytes(mapi.PidTagChangeKey)) == 0 {
		return nil, d.corrupt("change without a change key")
	}
	pcl, err := mapi.ParsePCL(props.Bytes(mapi.PidTagPredecessorChangeList))
	if err != nil {
		return nil, d.corrupt("predecessor change list: %w", err)
	}
	if len(pcl) == 0 {
		return nil, d.corrupt("change without a predecessor change list")
	}
	return pcl, nil
}

// header consumes the marker that starts a message change, and its header.
func (d *Decoder) header(m *MessageChange) (err error) {
	d.skip()
	if m.Header, err = d.propList(); err != nil {
		return err
	}
	if _, err = d.within(); err != nil {
		return err
	}
	_, err = d.lineage(m.Header)
	return err
}

// messageChangeFull = IncrSyncChg messageChangeHeader IncrSyncMessage propList messageChildren
func (d *Decoder) messageChangeFull() (Element, error) {
	m := new(MessageChange)
	err := d.header(m)
	if err == nil {
		err = d.expect(IncrSyncMessage)
	}
	if err == nil {
		err = d.messageContent(&m.Message, &m.Parts, 0)
	}
	return m, err
}

// messageChangePartial = [groupInfo] [MetaTagIncrSyncGroupId] IncrSyncChgPartial messageChangeHeader
// *( MetaTagIncrementalSyncMessagePartial propList ) messageChildren
func (d *Decoder) messageChangePartial() (Element, error) {
	m := &MessageChange{Partial: &Partial{GroupID: d.groupID, Inherited: !d.groupSent}}
	d.groupSent = false
	if err := d.header(m); err != nil {
		return m, err
	}
	for {
		tok, err := d.within()
		if err != nil {
			return m, err
		}
		if tok.Marker != 0 || tok.Property.Tag != mapi.MetaTagIncrementalSyncMessagePartial {
			return m, d.children(&m.Message, &m.Parts, 0)
		}
		d.skip()
		index, _ := tok.Property.Value.(int32)
		props, err := d.propList()
		props.Delete(mapi.Key{ID: tagNumber.ID()})
		if len(props) == 0 {
			props = nil
		}
		m.Partial.Groups = append(m.Partial.Groups, GroupChange{uint32(index), props})
		if err != nil {
			return m, atBoundary(err, 0)
		}
	}
}

// state = IncrSyncStateBegin propList IncrSyncStateEnd
func (d *Decoder) state() (Element, error) {
	d.skip()
	props, err := d.propList()
	if err != nil {
		return nil, err
	}
	s := &State{Hierarchy: true, Wire: props}
	for _, p := range props {
		tag := stateTag(p.Tag)
		if tag == 0 {
			continue // not part of a state; kept in Wire
		}
		if tag == mapi.MetaTagCnsetSeenFAI || tag == mapi.MetaTagCnsetRead {
			s.Hierarchy = false
		}
		raw, err := mapi.ValueBytes(p.Value)
		if err != nil {
			return nil, err
		}
		if err := s.Set(p.Tag, raw); err != nil {
			return nil, d.corrupt("state: %w", err)
		}
	}
	if err := d.expect(IncrSyncStateEnd); err != nil {
		return nil, err
	}
	d.stated = true
	return s, nil
}

// deletions = IncrSyncDel propList
func (d *Decoder) deletions() (Element, error) {
	out := new(Deletions)
	var err error
	out.Wire, err = d.replSets(out.sets())
	return out, err
}

// readStateChanges = IncrSyncRead propList
func (d *Decoder) readStateChanges() (Element, error) {
	out := new(ReadStateChanges)
	var err error
	out.Wire, err = d.replSets(out.sets())
	return out, err
}

// replSets consumes a marker and a property list and parses the sets in it.
func (d *Decoder) replSets(sets []taggedSet) (mapi.PropertyBag, error) {
	d.skip()
	props, err := d.wholeList()
	if err != nil {
		return nil, err
	}
	for _, s := range sets {
		raw, err := props.BytesErr(s.tag)
		if err != nil {
			return nil, err
		}
		if *s.set, err = idset.DecodeReplSet(raw); err != nil {
			return nil, d.corrupt("%s: %w", s.tag, err)
		}
	}
	return props, nil
}

// progressTotal = IncrSyncProgressMode propList
func (d *Decoder) progressTotal() (Element, error) {
	d.skip()
	props, err := d.wholeList()
	if err != nil {
		return nil, err
	}
	out := new(ProgressTotal)
	if err := out.parse(props.Bytes(tagStructure)); err != nil {
		return nil, d.corrupt("%w", err)
	}
	return out, nil
}

// progressPerMessage = IncrSyncProgressPerMsg propList
func (d *Decoder) progressMessage() (Element, error) {
	d.skip()
	var out ProgressMessage
	for _, tag := range []mapi.PropertyTag{tagNumber, tagFlag} { // both have id 0: no property list
		tok, err := d.within()
		if err != nil {
			return nil, err
		}
		if tok.Marker != 0 || tok.Property.Tag != tag {
			return nil, d.unexpected(tok, "in the progress of a message")
		}
		d.skip()
		switch v := tok.Property.Value.(type) {
		case int32:
			out.Size = v
		case bool:
			out.FAI = v
		}
	}
	return &out, nil
}

// groupInfo = IncrSyncGroupInfo propList
func (d *Decoder) groupInfo() (Element, error) {
	d.skip()
	props, err := d.wholeList()
	if err != nil {
		return nil, err
	}
	out := new(PropertyGroupInfo)
	if err := out.parse(props.Bytes(tagStructure)); err != nil {
		return nil, d.corrupt("%w", err)
	}
	return out, nil
}
