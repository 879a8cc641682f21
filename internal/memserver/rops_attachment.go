package memserver

import (
	"slices"

	"mailfs/mapi"
	"mailfs/mapi/rop"
)

func attachmentHandler(q rop.Request) handler {
	switch q := q.(type) {
	case *rop.OpenAttachmentRequest:
		return onMessage(func(op *operation, o *messageObject) (rop.Response, mapi.ErrorCode) {
			i := attachmentIndex(o.draft, q.AttachmentID)
			if i < 0 {
				return nil, ecNotFound
			}
			a := copyContent(&mapi.Message{Attachments: o.draft.Attachments[i : i+1]}).Attachments[0]
			op.made = &attachmentObject{msg: o, draft: a, writable: o.writable && q.OpenAttachmentFlags&rop.OpenReadWrite != 0}
			return &rop.OpenAttachmentResponse{}, ecSuccess
		})
	case *rop.CreateAttachmentRequest:
		return onMessage((*operation).createAttachment)
	case *rop.DeleteAttachmentRequest:
		return onMessage(func(_ *operation, o *messageObject) (rop.Response, mapi.ErrorCode) {
			i := attachmentIndex(o.draft, q.AttachmentID)
			if i < 0 {
				return nil, ecNotFound
			}
			o.draft.Attachments = slices.Delete(o.draft.Attachments, i, i+1)
			o.dirty = true
			return &rop.DeleteAttachmentResponse{}, ecSuccess
		})
	case *rop.SaveChangesAttachmentRequest:
		return onAttachment((*operation).saveAttachment)
	case *rop.OpenEmbeddedMessageRequest:
		return onAttachment(func(op *operation, a *attachmentObject) (rop.Response, mapi.ErrorCode) { return op.openEmbedded(q, a) })
	case *rop.GetValidAttachmentsRequest:
		return onMessage(func(_ *operation, o *messageObject) (rop.Response, mapi.ErrorCode) {
			resp := &rop.GetValidAttachmentsResponse{}
			for i := range o.draft.Attachments {
				resp.AttachmentIDs = append(resp.AttachmentIDs, o.draft.Attachments[i].Number)
			}
			return resp, ecSuccess
		})
	}
	return nil
}

func onAttachment(h func(*operation, *attachmentObject) (rop.Response, mapi.ErrorCode)) handler {
	return func(op *operation) (rop.Response, mapi.ErrorCode) {
		a, ok := op.in.v.(*attachmentObject)
		if !ok {
			return nil, ecNotSupported
		}
		return h(op, a)
	}
}

func attachmentIndex(c *mapi.Message, number uint32) int {
	return slices.IndexFunc(c.Attachments, func(a mapi.Attachment) bool { return a.Number == number })
}

// createAttachment follows [MS-OXCMSG] 3.2.5.13. The attachment becomes part of the
// message when it is saved.
func (op *operation) createAttachment(o *messageObject) (rop.Response, mapi.ErrorCode) {
	if !o.writable {
		return nil, ecAccessDenied
	}
	now := op.box.srv.now()
	a := &attachmentObject{msg: o, writable: true, draft: mapi.Attachment{Number: o.nextAtt}}
	o.nextAtt++
	a.draft.Properties = mapi.PropertyBag{
		{Tag: mapi.PidTagAttachNumber, Value: int32(a.draft.Number)},
		{Tag: mapi.PidTagCreationTime, Value: now},
		{Tag: mapi.PidTagLastModificationTime, Value: now},
	}
	op.made = a
	return &rop.CreateAttachmentResponse{AttachmentID: a.draft.Number}, ecSuccess
}

// saveAttachment writes an attachment into its message, which is still to be saved.
func (op *operation) saveAttachment(a *attachmentObject) (rop.Response, mapi.ErrorCode) {
	if !a.writable {
		return nil, ecAccessDenied
	}
	saved := copyContent(&mapi.Message{Attachments: []mapi.Attachment{a.draft}}).Attachments[0]
	saved.Properties.Set(mapi.PidTagAttachNumber, int32(saved.Number))
	if i := attachmentIndex(a.msg.draft, saved.Number); i >= 0 {
		a.msg.draft.Attachments[i] = saved
	} else {
		a.msg.draft.Attachments = append(a.msg.draft.Attachments, saved)
	}
	a.msg.dirty = true
	return &rop.SaveChangesAttachmentResponse{}, ecSuccess
}

// openEmbedded follows [MS-OXCMSG] 3.2.5.17.
func (op *operation) openEmbedded(q *rop.OpenEmbeddedMessageRequest, a *attachmentObject) (rop.Response, mapi.ErrorCode) {
	o := &messageObject{folder: a.msg.folder, embedding: a, writable: a.writable && q.OpenModeFlags != rop.OpenRead, created: op.box.srv.now()}
	switch {
	case a.draft.Embedded != nil:
		o.draft = copyContent(a.draft.Embedded)
	case q.OpenModeFlags == rop.OpenCreate && a.writable:
		o.draft = &mapi.Message{}
		a.draft.Embedded = &mapi.Message{}
	default:
		return nil, ecNotFound
	}
	o.nextAtt = nextAttachment(o.draft)
	op.made = o
	return &rop.OpenEmbeddedMessageResponse{Header: op.messageHeader(o.draft, rowOverhead)}, ecSuccess
}
