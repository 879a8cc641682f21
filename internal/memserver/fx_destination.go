package memserver

import (
	"bytes"
	"errors"
	"io"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/rop"
)

// destination is a FastTransfer upload context ([MS-OXCFXICS] 3.2.5.8.2). The bytes are
// kept until the client releases the context, which is how it tells that the stream
// is complete; then what they say is done.
type destination struct {
	target *object
	root   fxics.Root
	data   bytes.Buffer
	failed bool
}

// maxUpload bounds the stream of one context in bytes.
const maxUpload = 1 << 28

func (op *operation) destinationConfigure(q *rop.FastTransferDestinationConfigureRequest) (rop.Response, mapi.ErrorCode) {
	const copyTo, copyProperties, copyMessages, copyFolder = 1, 2, 3, 4
	if q.CopyFlags&^rop.CopyMove != 0 {
		return nil, ecInvalidParam
	}
	d := &destination{target: op.in}
	_, isFolder := op.in.v.(*folderObject)
	switch q.SourceOperation {
	case copyMessages:
		d.root = fxics.RootMessageList
	case copyFolder:
		d.root = fxics.RootTopFolder
	case copyTo, copyProperties:
		switch op.in.v.(type) {
		case *folderObject:
			d.root = fxics.RootFolderContent
		case *messageObject:
			d.root = fxics.RootMessageContent
		case *attachmentObject:
			d.root = fxics.RootAttachmentContent
		default:
			return nil, ecNotSupported
		}
	default:
		return nil, ecInvalidParam
	}
	if !isFolder && (q.SourceOperation == copyMessages || q.SourceOperation == copyFolder) {
		return nil, ecInvalidParam
	}
	op.made = d
	return &rop.FastTransferDestinationConfigureResponse{}, ecSuccess
}

// put takes the next bytes of the stream.
func (op *operation) put(data []byte) mapi.ErrorCode {
	d, ok := op.in.v.(*destination)
	switch {
	case !ok:
		return ecNotSupported
	case d.failed || d.data.Len()+len(data) > maxUpload:
		d.failed = true
		return ecError
	}
	d.data.Write(data)
	return ecSuccess
}

func (op *operation) putBuffer(q *rop.FastTransferDestinationPutBufferRequest) (rop.Response, mapi.ErrorCode) {
	if code := op.put(q.TransferData); code != ecSuccess {
		return nil, code
	}
	return &rop.FastTransferDestinationPutBufferResponse{TransferStatus: rop.TransferDone, BufferUsedSize: uint16(len(q.TransferData))}, ecSuccess
}

func (op *operation) putBufferExtended(q *rop.FastTransferDestinationPutBufferExtendedRequest) (rop.Response, mapi.ErrorCode) {
	if code := op.put(q.TransferData); code != ecSuccess {
		return nil, code
	}
	return &rop.FastTransferDestinationPutBufferExtendedResponse{TransferStatus: rop.TransferDone, BufferUsedSize: uint16(len(q.TransferData))}, ecSuccess
}

// finish does what the stream says. The mailbox is locked.
func (d *destination) finish() {
	if d.failed || d.data.Len() == 0 {
		return
	}
	m := d.target.box
	dec := fxics.NewDecoder(&d.data, d.root, nil)
	var into []mapi.GlobCnt // open folders, the innermost last
	if f, ok := d.target.v.(*folderObject); ok {
		into = append(into, f.id)
	}
	for {
		e, err := dec.Next()
		if errors.Is(err, io.EOF) || err != nil {
			return // what was complete before an error stays
		}
		switch e := e.(type) {
		case *fxics.MessageContent:
			d.message(m, into, e)
		case *fxics.AttachmentContent:
			if a, ok := d.target.v.(*attachmentObject); ok {
				mergeBag(m, &a.draft.Properties, e.Attachment.Properties)
				if e.Attachment.Embedded != nil {
					a.draft.Embedded = e.Attachment.Embedded
				}
			}
		case *fxics.FolderStart:
			into = d.folder(m, into, e)
		case *fxics.FolderEnd:
			if len(into) > 1 {
				into = into[:len(into)-1]
			}
		}
	}
}

// mergeBag stores uploaded properties over those that are there.
func mergeBag(m *Mailbox, dst *mapi.PropertyBag, src mapi.PropertyBag) {
	for _, p := range src {
		if p.Name.IsZero() && (storeOwned(p.Tag.ID()) || internalProperty(p.Tag.ID())) && p.Tag.ID() != mapi.PidTagMessageFlags.ID() {
			continue
		}
		dst.Put(textual(m.names.canonical(p)))
	}
}

// internalProperty tells the properties of providers that are ignored in uploads and left out of downloads
// ([MS-OXCFXICS] 3.2.5.11, 3.2.5.12).
func internalProperty(id uint16) bool { return id >= 0x6600 && id <= 0x67FF }

func (d *destination) message(m *Mailbox, into []mapi.GlobCnt, e *fxics.MessageContent) {
	if o, ok := d.target.v.(*messageObject); ok {
		mergeBag(m, &o.draft.Properties, e.Message.Properties)
		if len(e.Message.Recipients) > 0 || e.Parts&fxics.PartRecipients != 0 {
			o.draft.Recipients = e.Message.Recipients
		}
		if len(e.Message.Attachments) > 0 || e.Parts&fxics.PartAttachments != 0 {
			o.draft.Attachments = e.Message.Attachments
			o.nextAtt = nextAttachment(o.draft)
		}
		o.dirty = true
		return
	}
	if len(into) == 0 {
		return
	}
	id := into[len(into)-1]
	if _, ok := m.liveFolder(id); !ok {
		return
	}
	c := &mapi.Message{Recipients: e.Message.Recipients, Attachments: e.Message.Attachments}
	mergeBag(m, &c.Properties, e.Message.Properties)
	m.addMessage(id, c, e.FAI, c.Properties.Int(mapi.PidTagMessageFlags)&int64(flagRead) != 0)
}

func (d *destination) folder(m *Mailbox, into []mapi.GlobCnt, e *fxics.FolderStart) []mapi.GlobCnt {
	if len(into) == 0 || e.Kind == fxics.FolderRoot {
		return into
	}
	parent := into[len(into)-1]
	name := e.Properties.String(mapi.PidTagDisplayName)
	if f, taken := m.childNamed(parent, name); taken {
		return append(into, f.id)
	}
	f := m.newFolder(parent, name, e.Properties.String(mapi.PidTagComment), e.Properties.String(mapi.PidTagContainerClass))
	return append(into, f.id)
}
