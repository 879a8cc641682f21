package mime

import (
	"errors"
	"slices"
	"strings"

	"mailfs/mapi"
	"mailfs/mime/tnef"
)

// isTNEF reports whether a part is a message in the form of [MS-OXTNEF].
func (e *entity) isTNEF() bool {
	switch e.ctype {
	case "application/ms-tnef", "application/vnd.ms-tnef":
		return true
	}
	return strings.EqualFold(e.name(), "winmail.dat") && e.embedded == nil
}

// unpack takes over what a TNEF part holds ([MS-OXCMAIL] 2.2.3.4.3). done is false when
// it can't be read; then it stays the attachment that it is.
func (p *parser) unpack(m *mapi.Message, e *entity) (done bool, err error) {
	blob := blobOf(e.data)
	if blob == nil || p.unpacked {
		return false, nil
	}
	in, err := tnef.Decode(blob, tnef.Options{
		Text: func(codepage int, b []byte) string {
			s, _ := decode(charsetOf(codepage), b)
			return s
		},
		Store: p.opt.Store,
	})
	if errors.Is(err, tnef.ErrFormat) {
		p.unsupported("%v", err)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	p.unpacked = true
	return true, p.adopt(m, in)
}

// adopt adds the properties and attachments of an unpacked message.
func (p *parser) adopt(m, in *mapi.Message) error {
	bag := &m.Properties
	hadText := bag.Has(mapi.PidTagBody)
	meeting := isClass(props{in.Properties, ""}.text(mapi.PidTagMessageClass), classMeeting)
	for _, prop := range in.Properties {
		switch prop.Tag.ID() {
		case mapi.PidTagBody.ID():
			if !hadText {
				bag.Put(prop)
			}
		case mapi.PidTagMessageClass.ID():
			if class, ok := prop.Value.(string); ok && class != "" && len(class) < 256 {
				bag.Set(mapi.PidTagMessageClass, class)
			}
		default:
			if adoptable(prop) || !meeting && receiverProperty(prop.Tag) {
				bag.Put(prop)
			}
		}
	}
	if err := adoptBody(bag, in.Properties); err != nil {
		return err
	}
	for _, a := range in.Attachments {
		safeAttachment(&a)
		if n, err := p.adoptEmbedded(&a); err != nil || n > maxParts {
			return err
		}
		a.Number = uint32(len(m.Attachments))
		a.Properties.Set(mapi.PidTagAttachNumber, int32(a.Number))
		m.Attachments = append(m.Attachments, a)
	}
	return nil
}

// adoptEmbedded does for an embedded message what adopt does for the outer one.
func (p *parser) adoptEmbedded(a *mapi.Attachment) (parts int, err error) {
	p.parts++
	if a.Embedded == nil {
		return p.parts, nil
	}
	in := a.Embedded
	out := &mapi.Message{Recipients: in.Recipients}
	for _, prop := range in.Properties {
		if adoptable(prop) || senderProperty(prop.Tag) || prop.Tag.ID() == mapi.PidTagBody.ID() {
			out.Properties.Put(prop)
		}
	}
	for _, tag := range []mapi.PropertyTag{mapi.PidTagSubject, mapi.PidTagMessageClass, mapi.PidTagInternetMessageId, mapi.PidTagClientSubmitTime, mapi.PidTagMessageDeliveryTime} {
		if v := in.Properties.Get(tag); v != nil {
			out.Properties.Set(tag, v)
		}
	}
	if !out.Properties.Has(mapi.PidTagMessageClass) {
		out.Properties.Set(mapi.PidTagMessageClass, classNote)
	}
	out.Attachments = in.Attachments
	in.Attachments = nil
	for i := range out.Attachments {
		safeAttachment(&out.Attachments[i])
		if n, err := p.adoptEmbedded(&out.Attachments[i]); err != nil || n > maxParts {
			return n, err
		}
	}
	a.Embedded = out
	return p.parts, adoptBody(&out.Properties, in.Properties)
}

// adoptBody sets which of the bodies is the original one.
func adoptBody(bag *mapi.PropertyBag, in mapi.PropertyBag) error {
	switch {
	case in.Has(mapi.PidTagHtml):
		bag.Set(mapi.PidTagNativeBody, int32(nativeHTML))
		bag.Delete(mapi.Key{ID: mapi.PidTagRtfCompressed.ID()})
	case in.Has(mapi.PidTagRtfCompressed):
		native := int32(nativeRTF)
		packed, err := in.BytesErr(mapi.PidTagRtfCompressed)
		if err != nil {
			return err
		}
		if rtf, err := DecompressRTF(packed); err == nil {
			switch rtfKindOf(rtf) {
			case rtfHTML:
				native = nativeHTML
			case rtfText:
				native = nativePlain
			}
		}
		if native != nativePlain || !bag.Has(mapi.PidTagBody) {
			bag.Delete(mapi.Key{ID: mapi.PidTagHtml.ID()})
		}
		bag.Set(mapi.PidTagNativeBody, native)
		bag.Set(mapi.PidTagRtfInSync, true)
	}
	return nil
}

// adoptable tells the properties that a sender may set from those that belong to the
// store, or that the header of the message tells.
func adoptable(p mapi.Property) bool {
	if !p.Name.IsZero() {
		return p.Name.Set != mapi.PSInternetHeaders
	}
	switch id := p.Tag.ID(); {
	case id >= 0x0057 && id <= 0x0059, id == 0x3007, id == 0x3008, id >= 0x10F2 && id <= 0x10F6, id >= 0x0E00 && id < 0x1000, id >= 0x3FF0 && id < 0x4000, id >= 0x4000 && id < 0x5800, id >= 0x5F00 && id < 0x6800:
		return false // computed, or the store's own ([MS-OXPROPS] 1.3.3)
	case senderProperty(p.Tag):
		return false
	}
	switch p.Tag.ID() {
	case mapi.PidTagSubject.ID(), mapi.PidTagSubjectPrefix.ID(), mapi.PidTagMessageClass.ID(), mapi.PidTagBody.ID(),
		mapi.PidTagTransportMessageHeaders.ID(), mapi.PidTagInternetMessageId.ID(), mapi.PidTagClientSubmitTime.ID(),
		mapi.PidTagMessageDeliveryTime.ID(), mapi.PidTagEntryId.ID(), mapi.PidTagSearchKey.ID(),
		mapi.PidTagReplyRecipientEntries.ID(), mapi.PidTagReplyRecipientNames.ID(), mapi.PidTagNativeBody.ID():
		return false
	}
	return true
}

// receiverProperty reports whether a property tells which mailbox received a message before it came here ([MS-OXOMSG]
// 2.2.1.37, 2.2.1.39). In whose name it did is left out: programs answer in the name of that one, and take meetings for
// those of a mailbox whose delegate the user is ([MS-OXODLGT] 3.2.4.3), which is why those have neither.
func receiverProperty(tag mapi.PropertyTag) bool {
	return slices.ContainsFunc([]mapi.PropertyTag{
		mapi.PidTagReceivedByEntryId, mapi.PidTagReceivedByName, mapi.PidTagReceivedByAddressType, mapi.PidTagReceivedByEmailAddress,
		mapi.PidTagReceivedBySearchKey,
	}, func(t mapi.PropertyTag) bool { return t.ID() == tag.ID() })
}

// senderProperty reports whether a property names a mailbox of the header, or the one
// that received the message.
func senderProperty(tag mapi.PropertyTag) bool {
	for _, g := range messageGroups {
		for _, t := range []mapi.PropertyTag{g.name, g.typ, g.email, g.smtp, g.entryID, g.searchKey} {
			if t.ID() == tag.ID() {
				return true
			}
		}
	}
	id := tag.ID()
	return id >= 0x003F && id <= 0x0044 || id >= 0x0051 && id <= 0x0053 || id >= 0x0075 && id <= 0x0078 // PidTagReceived…
}

// safeAttachment makes sure that an attachment from outside holds its own data: one by
// reference could lead anywhere.
func safeAttachment(a *mapi.Attachment) {
	bag := &a.Properties
	switch method := bag.Int(mapi.PidTagAttachMethod); {
	case a.Embedded != nil:
		bag.Set(mapi.PidTagAttachMethod, int32(methodEmbedded))
	case method != methodOLE:
		if props := (props{*bag, ""}); props.text(mapi.PidTagAttachMimeTag) == "" {
			bag.Set(mapi.PidTagAttachMimeTag, mediaType(props, methodByValue)[0])
		}
		bag.Set(mapi.PidTagAttachMethod, int32(methodByValue))
		if !bag.Has(mapi.PidTagAttachDataBinary) {
			bag.Set(mapi.PidTagAttachDataBinary, []byte{})
		}
	}
	for _, tag := range []mapi.PropertyTag{mapi.PidTagAttachPathname, mapi.PidTagAttachLongPathname} {
		bag.Delete(mapi.Key{ID: tag.ID()})
	}
}
