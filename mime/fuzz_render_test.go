package mime

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"mailfs/mapi"
)

// fuzzTags are the properties that FuzzRender sets, besides the named ones.
var fuzzTags = []mapi.PropertyTag{
	mapi.PidTagMessageClass, mapi.PidTagSubject, mapi.PidTagBody, mapi.PidTagHtml, mapi.PidTagRtfCompressed, mapi.PidTagNativeBody, mapi.PidTagInternetCodepage,
	mapi.PidTagTransportMessageHeaders, mapi.PidTagClientSubmitTime, mapi.PidTagExpiryTime, mapi.PidTagMessageFlags, mapi.PidTagImportance, mapi.PidTagSensitivity,
	mapi.PidTagSenderName, mapi.PidTagSenderAddressType, mapi.PidTagSenderEmailAddress, mapi.PidTagSenderEntryId, mapi.PidTagSentRepresentingEmailAddress,
	mapi.PidTagReplyRecipientEntries, mapi.PidTagReplyRecipientNames, mapi.PidTagReadReceiptRequested, mapi.PidTagConversationIndex, mapi.PidTagInternetReferences,
	mapi.PidTagDisplayName, mapi.PidTagEmailAddress, mapi.PidTagAddressType, mapi.PidTagEntryId, mapi.PidTagRecipientFlags, mapi.PidTagRecipientTrackStatus,
	mapi.PidTagAttachMethod, mapi.PidTagAttachMimeTag, mapi.PidTagAttachLongFilename, mapi.PidTagAttachDataBinary, mapi.PidTagAttachContentId, mapi.PidTagAttachContentLocation,
	mapi.PidTagAttachLongPathname, mapi.PidTagAttachRendering, mapi.PidTagAttachmentFlags, mapi.PidTagTextAttachmentCharset, mapi.PidTagSurname, mapi.PidTagBirthday,
	mapi.PidTagStartDate, mapi.PidTagUserX509Certificate, mapi.PidTagMobileTelephoneNumber, mapi.PidTagAttachmentContactPhoto,
}

var fuzzNames = []struct {
	name mapi.PropertyName
	typ  mapi.PropertyType
}{
	{mapi.PidLidAppointmentRecur, mapi.TypeBinary}, {mapi.PidLidRecurring, mapi.TypeBoolean}, {mapi.PidLidAppointmentStartWhole, mapi.TypeTime}, {mapi.PidLidAppointmentEndWhole, mapi.TypeTime},
	{mapi.PidLidAppointmentSubType, mapi.TypeBoolean}, {mapi.PidLidTimeZoneStruct, mapi.TypeBinary}, {mapi.PidLidTimeZoneDescription, mapi.TypeString}, {mapi.PidLidGlobalObjectId, mapi.TypeBinary},
	{mapi.PidLidAppointmentTimeZoneDefinitionStartDisplay, mapi.TypeBinary}, {mapi.PidLidAppointmentTimeZoneDefinitionRecur, mapi.TypeBinary}, {mapi.PidLidReminderSet, mapi.TypeBoolean},
	{mapi.PidLidReminderDelta, mapi.TypeInteger32}, {mapi.PidLidReminderTime, mapi.TypeTime}, {mapi.PidLidLocation, mapi.TypeString}, {mapi.PidLidBusyStatus, mapi.TypeInteger32},
	{mapi.PidLidTaskRecurrence, mapi.TypeBinary}, {mapi.PidLidTaskFRecurring, mapi.TypeBoolean}, {mapi.PidLidTaskStartDate, mapi.TypeTime}, {mapi.PidLidTaskDueDate, mapi.TypeTime},
	{mapi.PidLidTaskStatus, mapi.TypeInteger32}, {mapi.PidLidPercentComplete, mapi.TypeFloating64}, {mapi.PidLidEmail1EmailAddress, mapi.TypeString}, {mapi.PidLidWorkAddressStreet, mapi.TypeString},
	{mapi.PidLidDistributionListMembers, mapi.TypeMultiBinary}, {mapi.PidLidDistributionListName, mapi.TypeString}, {mapi.StringName(mapi.PSPublicStrings, "Keywords"), mapi.TypeMultiString},
	{mapi.StringName(mapi.PSInternetHeaders, "X-Field"), mapi.TypeString}, {mapi.StringName(mapi.PSInternetHeaders, "Content-Type"), mapi.TypeString}, {mapi.StringName(mapi.PSInternetHeaders, "Content-Disposition"), mapi.TypeString},
	{mapi.StringName(mapi.PSETIDMailfs, "ICalendar"), mapi.TypeString}, {mapi.StringName(mapi.PSETIDMailfs, "VCard"), mapi.TypeString}, {calendarPartName, mapi.TypeString}, {textParameters, mapi.TypeString},
	{mapi.PidLidExceptionReplaceTime, mapi.TypeTime}, {mapi.PidLidAppointmentSequence, mapi.TypeInteger32},
}

// fuzzValue makes a value of a type.
func fuzzValue(typ mapi.PropertyType, p []byte) any {
	n := uint64(0)
	for _, c := range p[:min(len(p), 8)] {
		n = n<<8 | uint64(c)
	}
	switch typ {
	case mapi.TypeString:
		if len(p)%5 == 4 {
			return mapi.String8(p)
		}
		return string(p)
	case mapi.TypeBinary:
		return p
	case mapi.TypeBoolean:
		return len(p)%2 == 1
	case mapi.TypeInteger32:
		return int32(n)
	case mapi.TypeTime:
		return mapi.FileTime(n)
	case mapi.TypeFloating64:
		return float64(n%200) / 100
	case mapi.TypeMultiString:
		return []string{string(p), "x"}
	case mapi.TypeMultiBinary:
		return [][]byte{p}
	}
	return nil
}

// fuzzMessage makes a message of bytes: runs of a property, a length and a value, and
// steps into recipients, attachments and embedded messages and out of them.
func fuzzMessage(data []byte) *mapi.Message {
	m := &mapi.Message{}
	stack := []*mapi.Message{m}
	bag := &m.Properties
	for len(data) > 1 {
		op, n := int(data[0]), int(data[1])
		data = data[2:]
		if op >= 0xF0 {
			n *= 16
		}
		v := data[:min(n, len(data))]
		data = data[len(v):]
		current := stack[len(stack)-1]
		switch {
		case op < len(fuzzTags):
			tag := fuzzTags[op]
			if val := fuzzValue(tag.Type(), v); val != nil {
				bag.Set(tag, val)
			}
		case op >= 0x40 && op < 0x40+len(fuzzNames):
			f := fuzzNames[op-0x40]
			bag.SetNamed(f.name, f.typ, fuzzValue(f.typ, v))
		case op == 0x80:
			current.Recipients = append(current.Recipients, mapi.Recipient{Type: mapi.RecipientType(n % 4)})
			bag = &current.Recipients[len(current.Recipients)-1].Properties
		case op == 0x81:
			current.Attachments = append(current.Attachments, mapi.Attachment{})
			bag = &current.Attachments[len(current.Attachments)-1].Properties
		case op == 0x82 && len(current.Attachments) > 0 && len(stack) < 5:
			e := &mapi.Message{}
			current.Attachments[len(current.Attachments)-1].Embedded = e
			stack = append(stack, e)
			bag = &e.Properties
		case op == 0x83 && len(stack) > 1:
			stack = stack[:len(stack)-1]
			bag = &stack[len(stack)-1].Properties
		case op == 0xF0:
			bag.Set(mapi.PidTagHtml, v)
		case op == 0xF1:
			bag.Set(mapi.PidTagRtfCompressed, CompressRTF(v))
			bag.Set(mapi.PidTagNativeBody, int32(nativeRTF))
		}
	}
	return m
}

// FuzzRender: whatever the properties hold, a message is rendered in both forms, with
// the size that was promised, and what was rendered is accepted.
func FuzzRender(f *testing.F) {
	class := func(s string) []byte { return append([]byte{0, byte(len(s))}, s...) }
	f.Add(append(class("IPM.Note"), "\x01\x03abc\x02\x04text\x81\x00\x20\x05a.txt\x21\x02hi"...))
	f.Add(append(class("IPM.Appointment"), "\x42\x08\x01\xdd\x5a\x7f\x00\x00\x00\x00\x4d\x04room\x80\x01\x18\x03a@b"...))
	f.Add(append(class("IPM.Contact"), "\x27\x03Doe\x55\x03a@b\x2b\x05+49 3"...))
	f.Add(append(class("IPM.Task"), "\x51\x08\x01\xdd\x5a\x7f\x00\x00\x00\x00"...))
	f.Add(append(class("IPM.Schedule.Meeting.Request"), "\x42\x08\x01\xdd\x5a\x7f\x00\x00\x00\x00\x5f\x20BEGIN:VCALENDAR\nEND:VCALENDAR\n"...))
	f.Add(append(class("REPORT.IPM.Note.NDR"), "\x80\x01\x17\x01x\xf1\x02{\\rtf1\\fromhtml1 {\\*\\htmltag <p>}x}"...))
	f.Add(append(class("IPM.Note.SMIME"), "\x81\x00\x21\x03abc"...))
	f.Add([]byte("\x07\x20From: \xfc <a@b>\r\nX: y\r\n z\r\n\x81\x00\x82\x00\x01\x02in\x83\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := fuzzMessage(data)
		one := renderChecked(t, m)
		var partly *UnsupportedError
		if _, err := Parse(bytes.NewReader(one), Options{}); err != nil && !errors.As(err, &partly) {
			t.Fatalf("rendered message is refused: %v\n%q", err, one)
		}
		im, err := Renderer{Options{Calendar: true}}.OpenFile(m)
		if err != nil {
			t.Fatal(err)
		}
		ext := Extension(propsOf(m.Properties, "").text(mapi.PidTagMessageClass))
		if _, err := ParseFile(ext, io.NewSectionReader(im, 0, im.Size()), Options{}); err != nil && !errors.As(err, &partly) {
			var b bytes.Buffer
			_, _ = im.WriteTo(&b)
			t.Fatalf("rendered %s is refused: %v\n%q", ext, err, b.Bytes())
		}
	})
}
