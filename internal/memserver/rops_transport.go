package memserver

import (
	"mailfs/mapi"
	"mailfs/mapi/rop"
)

func transportHandler(q rop.Request) handler {
	switch q.(type) {
	case *rop.SubmitMessageRequest:
		return onMessage(func(op *operation, o *messageObject) (rop.Response, mapi.ErrorCode) {
			return &rop.SubmitMessageResponse{}, op.submit(o)
		})
	case *rop.TransportSendRequest:
		return onMessage(func(op *operation, o *messageObject) (rop.Response, mapi.ErrorCode) {
			code := op.submit(o)
			return &rop.TransportSendResponse{PropertyValues: senderProperties(o.draft)}, code
		})
	case *rop.GetAddressTypesRequest:
		return func(*operation) (rop.Response, mapi.ErrorCode) {
			return &rop.GetAddressTypesResponse{AddressTypes: []string{"EX", "SMTP"}}, ecSuccess
		}
	case *rop.SetSpoolerRequest:
		return onStore(func(*operation) (rop.Response, mapi.ErrorCode) { return &rop.SetSpoolerResponse{}, ecSuccess })
	case *rop.GetTransportFolderRequest:
		return onStore(func(op *operation) (rop.Response, mapi.ErrorCode) {
			return &rop.GetTransportFolderResponse{FolderID: mapi.NewFID(ownReplID, op.box.state.special[FolderOutbox])}, ecSuccess
		})
	}
	return nil
}

// senderProperties are what the server told a message of its sender.
func senderProperties(c *mapi.Message) []mapi.Property {
	var out []mapi.Property
	for _, tag := range []mapi.PropertyTag{mapi.PidTagSenderName, mapi.PidTagSenderEntryId, mapi.PidTagSenderAddressType, mapi.PidTagSenderEmailAddress,
		mapi.PidTagSentRepresentingName, mapi.PidTagSentRepresentingAddressType, mapi.PidTagSentRepresentingEmailAddress} {
		if p, ok := c.Properties.Lookup(mapi.Key{ID: tag.ID()}); ok {
			out = append(out, p)
		}
	}
	return out
}

// submit hands a message over for sending ([MS-OXOMSG] 3.2.5.1): it is delivered to the
// recipients that have a mailbox here, and the sent message moves to Sent Items.
func (op *operation) submit(o *messageObject) mapi.ErrorCode {
	if len(o.draft.Recipients) == 0 {
		return ecNoRecipients
	}
	if code := op.store(o, false); code != ecSuccess {
		return code
	}
	m := op.box
	v, ok := m.liveMessage(o.id)
	if !ok {
		return ecObjectDeleted
	}
	now := m.srv.now()
	c := copyContent(v.content)
	c.Properties.Set(mapi.PidTagClientSubmitTime, now)
	for _, p := range []mapi.Property{
		{Tag: mapi.PidTagSenderName, Value: m.cfg.DisplayName}, {Tag: mapi.PidTagSenderEntryId, Value: m.userEntryID()}, {Tag: mapi.PidTagSenderAddressType, Value: "SMTP"},
		{Tag: mapi.PidTagSenderEmailAddress, Value: m.cfg.Address}, {Tag: mapi.PidTagSenderSmtpAddress, Value: m.cfg.Address},
		{Tag: mapi.PidTagSentRepresentingName, Value: m.cfg.DisplayName}, {Tag: mapi.PidTagSentRepresentingAddressType, Value: "SMTP"},
		{Tag: mapi.PidTagSentRepresentingEmailAddress, Value: m.cfg.Address}, {Tag: mapi.PidTagSentRepresentingSmtpAddress, Value: m.cfg.Address},
	} {
		if !c.Properties.Has(p.Tag) {
			c.Properties.Put(p)
		}
	}
	w := v.clone()
	w.flags &^= flagUnsent
	w.read, w.content = true, c
	m.stamp(w, now)
	m.finishContent(w)
	m.putMessage(w)
	for _, r := range c.Recipients {
		m.srv.deliverLater(r.Properties.String(mapi.PidTagSmtpAddress), r.Properties.String(mapi.PidTagEmailAddress), c)
	}
	if sent := m.state.special[FolderSentItems]; w.folder != sent {
		o.base = m.moveMessage(w, sent, m.allocID(1))
		o.id, o.folder, o.draft = o.base.id, sent, copyContent(o.base.content)
	}
	return ecSuccess
}

// deliverLater delivers a copy to the mailbox with one of the addresses, if there is
// one. It does not wait: the sender's mailbox is locked.
func (s *Server) deliverLater(smtp, email string, c *mapi.Message) {
	box, ok := s.Mailbox(smtp)
	if !ok {
		if box, ok = s.Mailbox(email); !ok {
			return
		}
	}
	msg := copyContent(c)
	msg.Properties.Delete(mapi.Key{ID: mapi.PidTagSearchKey.ID()})
	msg.Properties.Delete(mapi.Key{ID: tagArticleNumber.ID()})
	s.background.Add(1)
	go func() {
		defer s.background.Done()
		// The Inbox is always there.
		_, _ = box.Deliver(box.Folder(FolderInbox), msg)
	}()
}
