package fxics

import (
	"io"

	"mailfs/mapi"
)

// messageContent = propList messageChildren
func (d *Decoder) messageContent(m *mapi.Message, parts *Parts, depth int) (err error) {
	if m.Properties, err = d.propList(); err != nil {
		return atBoundary(err, depth)
	}
	return d.children(m, parts, depth)
}

// atBoundary tells an interruption at the level of the outermost message from one
// within something that has a mark of its end.
func atBoundary(err error, depth int) error {
	if err == errInterrupted && depth == 0 {
		return errAtBoundary
	}
	return err
}

// messageChildren = [ MetaTagFXDelProp ] [ *recipient ] [ MetaTagFXDelProp ] [ *attachment ]
//
// It ends where neither of them follows. Depth counts the embedded messages around.
func (d *Decoder) children(m *mapi.Message, parts *Parts, depth int) error {
	for {
		tok, err := d.peek()
		switch {
		case err == io.EOF:
			return nil // the root may be a message; others find out
		case err != nil:
			return err
		case tok.Marker == FXErrorInfo:
			return atBoundary(errInterrupted, depth)
		case tok.Marker == 0 && tok.Property.Tag == mapi.MetaTagFXDelProp:
			d.skip()
			*parts |= partOf(tok.Property.Value, depth)
		case tok.Marker == StartRecip:
			if err := d.recipient(m); err != nil {
				return err
			}
		case tok.Marker == NewAttach:
			if err := d.attachment(m, parts, depth); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// partOf returns what a MetaTagFXDelProp in a message marks; nothing for a value
// that does not belong there.
func partOf(v any, depth int) Parts {
	n, _ := v.(int32)
	switch {
	case mapi.PropertyTag(n) == mapi.PidTagMessageRecipients && depth == 0:
		return PartRecipients
	case mapi.PropertyTag(n) == mapi.PidTagMessageRecipients:
		return PartEmbeddedRecipients
	case mapi.PropertyTag(n) == mapi.PidTagMessageAttachments && depth == 0:
		return PartAttachments
	case mapi.PropertyTag(n) == mapi.PidTagMessageAttachments:
		return PartEmbeddedAttachments
	}
	return 0
}

// recipient = StartRecip propList EndToRecip
func (d *Decoder) recipient(m *mapi.Message) error {
	d.skip()
	props, err := d.propList()
	if err == nil {
		err = d.expect(EndToRecip)
	}
	if err == nil {
		m.Recipients = append(m.Recipients, mapi.NewRecipient(props))
	}
	return err
}

// attachment = NewAttach PidTagAttachNumber attachmentContent EndAttach
func (d *Decoder) attachment(m *mapi.Message, parts *Parts, depth int) error {
	d.skip()
	var a mapi.Attachment
	err := d.attachmentContent(&a, parts, depth)
	if err == nil {
		err = d.expect(EndAttach)
	}
	if err == nil {
		a.Number = uint32(a.Properties.Int(mapi.PidTagAttachNumber))
		m.Attachments = append(m.Attachments, a)
	}
	return err
}

// attachmentContent = propList [ StartEmbed messageContent EndEmbed ]
func (d *Decoder) attachmentContent(a *mapi.Attachment, parts *Parts, depth int) (err error) {
	if a.Properties, err = d.propList(); err != nil {
		return err
	}
	tok, err := d.peek()
	if err == io.EOF {
		return nil // the root may be an attachment
	}
	if err != nil || tok.Marker != StartEmbed {
		return err
	}
	if depth++; depth > d.opt.maxDepth() {
		return d.corrupt("messages embedded more than %d deep", d.opt.maxDepth())
	}
	d.skip()
	a.Embedded = new(mapi.Message)
	if err := d.messageContent(a.Embedded, parts, depth); err != nil {
		return err
	}
	return d.expect(EndEmbed)
}

// nextSingle reads a stream whose root is one message or attachment.
func (d *Decoder) nextSingle() (Element, error) {
	if d.started {
		return nil, d.end()
	}
	d.started = true
	if d.root == RootAttachmentContent {
		out := new(AttachmentContent)
		err := d.attachmentContent(&out.Attachment, &out.Parts, 0)
		return out, err
	}
	out := new(MessageContent)
	err := d.messageContent(&out.Message, &out.Parts, 0)
	return out, err
}

// nextInList reads an element of messageList or of a folder's content.
func (d *Decoder) nextInList() (Element, error) {
	if d.root == RootFolderContent && !d.started {
		d.started = true
		return d.folderStart(FolderRoot)
	}
	tok, err := d.peek()
	if err == io.EOF && d.folders > 0 {
		return nil, d.corrupt("stream ends within a folder: %w", io.ErrUnexpectedEOF)
	}
	if err == io.EOF && d.root == RootTopFolder && !d.started {
		return nil, d.corrupt("stream without its folder: %w", io.ErrUnexpectedEOF)
	}
	if err != nil {
		return nil, err
	}
	inFolder := d.folders > 0 || d.root == RootFolderContent
	switch tok.Marker {
	case 0:
		return d.listProperty(tok, inFolder)
	case FXErrorInfo:
		return nil, errInterrupted
	case StartMessage, StartFAIMsg:
		if inFolder || d.root == RootMessageList {
			return d.message(tok.Marker == StartFAIMsg)
		}
	case StartTopFld:
		if d.root == RootTopFolder && !d.started {
			d.started = true
			return d.folderStart(FolderTop)
		}
	case StartSubFld:
		if inFolder {
			return d.folderStart(FolderSub)
		}
	case EndFolder:
		if d.folders > 0 {
			d.skip()
			d.folders--
			return new(FolderEnd), nil
		}
	}
	return nil, d.unexpected(tok, "between the elements of a list")
}

// listProperty reads a meta-property between the messages and folders of a list.
func (d *Decoder) listProperty(tok *Token, inFolder bool) (Element, error) {
	switch tag := tok.Property.Tag; {
	case inFolder && tag == mapi.MetaTagFXDelProp:
		d.skip()
		n, _ := tok.Property.Value.(int32)
		return &ClearSubobjects{mapi.PropertyTag(n)}, nil
	case inFolder && tag == mapi.MetaTagNewFXFolder:
		d.skip()
		raw, err := mapi.ValueBytes(tok.Property.Value)
		return &NewFXFolder{raw}, err
	}
	return d.outOfBand(tok)
}

// message = ( StartMessage / StartFAIMsg ) messageContent EndMessage
func (d *Decoder) message(fai bool) (Element, error) {
	d.skip()
	out := &MessageContent{FAI: fai}
	err := d.messageContent(&out.Message, &out.Parts, 0)
	if err == nil {
		err = d.expect(EndMessage)
	}
	return out, err
}

// folderStart reads the start of a folder and its properties.
func (d *Decoder) folderStart(kind FolderKind) (Element, error) {
	if kind != FolderRoot {
		d.skip()
		if d.folders++; d.folders > d.opt.maxDepth() {
			return nil, d.corrupt("folders nest more than %d deep", d.opt.maxDepth())
		}
	}
	props, err := d.propList()
	return &FolderStart{kind, props}, err
}
