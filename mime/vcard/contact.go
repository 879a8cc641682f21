package vcard

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"mailfs/mapi"
	"mailfs/mime/contentline"
)

// plain are lines that hold one property each.
var plain = []struct {
	line string
	tag  mapi.PropertyTag
	name mapi.PropertyName
}{
	{"NICKNAME", mapi.PidTagNickname, mapi.PropertyName{}},
	{"TITLE", mapi.PidTagTitle, mapi.PropertyName{}},
	{"ROLE", mapi.PidTagProfession, mapi.PropertyName{}},
	{"X-MS-ASSISTANT", mapi.PidTagAssistant, mapi.PropertyName{}},
	{"X-MS-MANAGER", mapi.PidTagManagerName, mapi.PropertyName{}},
	{"X-MS-SPOUSE", mapi.PidTagSpouseName, mapi.PropertyName{}},
	{"X-MS-CARDPICTURE-INITIALS", mapi.PidTagInitials, mapi.PropertyName{}},
	{"X-MS-OFFICE", mapi.PidTagOfficeLocation, mapi.PropertyName{}},
	{"X-MS-HOBBIES", mapi.PidTagHobbies, mapi.PropertyName{}},
	{"X-MS-IMADDRESS", 0, mapi.PidLidInstantMessagingAddress},
	{"FBURL", 0, mapi.PidLidFreeBusyLocation},
	{"X-PHONETIC-FIRST-NAME", 0, mapi.PidLidYomiFirstName},
	{"X-PHONETIC-LAST-NAME", 0, mapi.PidLidYomiLastName},
	{"X-MS-YOMI-COMPANY", 0, mapi.PidLidYomiCompanyName},
	{"X-MS-USERFIELD1", 0, mapi.PidLidContactUserField1},
	{"X-MS-USERFIELD2", 0, mapi.PidLidContactUserField2},
	{"X-MS-USERFIELD3", 0, mapi.PidLidContactUserField3},
	{"X-MS-USERFIELD4", 0, mapi.PidLidContactUserField4},
}

// phones are the numbers by their types, those with most types first, so that a line
// finds the one that fits best ([MS-OXVCARD] 2.1.3.5).
var phones = []struct {
	types []string
	tag   mapi.PropertyTag
}{
	{[]string{"WORK", "FAX"}, mapi.PidTagBusinessFaxNumber},
	{[]string{"HOME", "FAX"}, mapi.PidTagHomeFaxNumber},
	{[]string{"FAX"}, mapi.PidTagPrimaryFaxNumber},
	{[]string{"CELL"}, mapi.PidTagMobileTelephoneNumber},
	{[]string{"PAGER"}, mapi.PidTagPagerTelephoneNumber},
	{[]string{"CAR"}, mapi.PidTagCarTelephoneNumber},
	{[]string{"ISDN"}, mapi.PidTagIsdnNumber},
	{[]string{"X-RADIO"}, mapi.PidTagRadioTelephoneNumber},
	{[]string{"X-TELEX"}, mapi.PidTagTelexNumber},
	{[]string{"X-COMPANY"}, mapi.PidTagCompanyMainTelephoneNumber},
	{[]string{"X-ASSISTANT"}, mapi.PidTagAssistantTelephoneNumber},
	{[]string{"X-CALLBACK"}, mapi.PidTagCallbackTelephoneNumber},
	{[]string{"WORK"}, mapi.PidTagBusinessTelephoneNumber},
	{[]string{"WORK"}, mapi.PidTagBusiness2TelephoneNumber},
	{[]string{"HOME"}, mapi.PidTagHomeTelephoneNumber},
	{[]string{"HOME"}, mapi.PidTagHome2TelephoneNumber},
	{[]string{"PREF"}, mapi.PidTagPrimaryTelephoneNumber},
	{[]string{"VOICE"}, mapi.PidTagOtherTelephoneNumber},
}

// emails are the address slots of a contact.
var emails = []struct {
	display, typ, addr, original, entryID mapi.PropertyName
}{
	{mapi.PidLidEmail1DisplayName, mapi.PidLidEmail1AddressType, mapi.PidLidEmail1EmailAddress, mapi.PidLidEmail1OriginalDisplayName, mapi.PidLidEmail1OriginalEntryId},
	{mapi.PidLidEmail2DisplayName, mapi.PidLidEmail2AddressType, mapi.PidLidEmail2EmailAddress, mapi.PidLidEmail2OriginalDisplayName, mapi.PidLidEmail2OriginalEntryId},
	{mapi.PidLidEmail3DisplayName, mapi.PidLidEmail3AddressType, mapi.PidLidEmail3EmailAddress, mapi.PidLidEmail3OriginalDisplayName, mapi.PidLidEmail3OriginalEntryId},
}

// contact reads a person.
func (p *parser) contact(it *Item) {
	bag := &it.Message.Properties
	bag.Set(mapi.PidTagMessageClass, classContact)
	p.names(bag)
	for _, f := range plain {
		if v := p.card.Text(f.line); v != "" {
			if f.tag != 0 {
				bag.Set(f.tag, v)
			} else {
				set(bag, f.name, v)
			}
		}
	}
	p.organization(bag)
	p.phones(bag)
	p.emails(bag)
	p.addresses(bag)
	p.urls(bag)
	p.days(bag)
	p.certificates(bag)
	p.photo(it)
	switch strings.ToUpper(strings.TrimSpace(p.card.Value("GENDER"))) {
	case "F":
		bag.Set(mapi.PidTagGender, int16(1))
	case "M":
		bag.Set(mapi.PidTagGender, int16(2))
	}
}

// names sets all forms of the name ([MS-OXVCARD] 2.1.3.1).
func (p *parser) names(bag *mapi.PropertyBag) {
	parts := contentline.Split(p.card.Value("N"), ';')
	part := func(i int) string {
		if i >= len(parts) {
			return ""
		}
		var out []string
		for _, s := range contentline.Split(parts[i], ',') {
			if s = oneLine(contentline.Unescape(s)); s != "" {
				out = append(out, s)
			}
		}
		return strings.Join(out, " ")
	}
	for i, tag := range []mapi.PropertyTag{mapi.PidTagSurname, mapi.PidTagGivenName, mapi.PidTagMiddleName, mapi.PidTagDisplayNamePrefix, mapi.PidTagGeneration} {
		if v := part(i); v != "" {
			bag.Set(tag, v)
		}
	}
	full := oneLine(p.card.Text("FN"))
	if full == "" {
		full = oneLine(strings.Join([]string{part(3), part(1), part(2), part(0), part(4)}, " "))
	}
	if full == "" {
		full = oneLine(contentline.Unescape(contentline.Split(p.card.Value("ORG"), ';')[0]))
	}
	setName(bag, full)
	fileUnder := full
	if part(0) != "" && part(1) != "" {
		fileUnder = part(0) + ", " + oneLine(part(1)+" "+part(2))
	}
	if v := oneLine(p.card.Text("SORT-STRING")); v != "" {
		fileUnder = v
	}
	set(bag, mapi.PidLidFileUnder, fileUnder)
}

func setName(bag *mapi.PropertyBag, full string) {
	bag.Set(mapi.PidTagDisplayName, full)
	bag.Set(mapi.PidTagSubject, full)
	bag.Set(mapi.PidTagSubjectPrefix, "")
	bag.Set(mapi.PidTagNormalizedSubject, full)
	bag.Set(mapi.PidTagConversationTopic, full)
}

func (p *parser) organization(bag *mapi.PropertyBag) {
	parts := contentline.Split(p.card.Value("ORG"), ';')
	if v := oneLine(contentline.Unescape(parts[0])); v != "" {
		bag.Set(mapi.PidTagCompanyName, v)
	}
	if len(parts) > 1 {
		if v := oneLine(contentline.Unescape(strings.Join(parts[1:], ", "))); v != "" {
			bag.Set(mapi.PidTagDepartmentName, v)
		}
	}
}

// types returns the types of a line in upper case. The label that Apple's programs
// give a group of lines counts as one.
func types(l contentline.Line) []string {
	var out []string
	for _, p := range l.Params {
		switch p.Name {
		case "TYPE":
			for _, v := range p.Values {
				for t := range strings.SplitSeq(strings.ToUpper(v), ",") {
					out = append(out, strings.TrimSpace(t))
				}
			}
		case "PREF":
			out = append(out, "PREF")
		}
	}
	return out
}

func (p *parser) phones(bag *mapi.PropertyBag) {
	for _, l := range p.card.Lines {
		if l.Name != "TEL" {
			continue
		}
		number := oneLine(strings.TrimPrefix(l.Text(), "tel:"))
		t := types(l)
		if number == "" {
			continue
		}
		for _, ph := range phones {
			if !bag.Has(ph.tag) && fits(t, ph.types) {
				bag.Set(ph.tag, number)
				break
			}
		}
	}
}

// devices are the types of which a number has to have the same as its place.
var devices = []string{"FAX", "CELL", "PAGER", "CAR", "ISDN", "X-RADIO", "X-TELEX", "X-COMPANY", "X-ASSISTANT", "X-CALLBACK"}

// fits reports whether a number with some types may stand in a place for others. Other
// numbers, and the preferred one, are at no certain place.
func fits(have, want []string) bool {
	for _, d := range devices {
		if slices.Contains(have, d) != slices.Contains(want, d) {
			return false
		}
	}
	for _, w := range want {
		switch {
		case w == "VOICE" && (slices.Contains(have, "HOME") || slices.Contains(have, "WORK")):
			return false
		case w != "VOICE" && !slices.Contains(have, w):
			return false
		}
	}
	return true
}

func (p *parser) emails(bag *mapi.PropertyBag) {
	name := bag.String(mapi.PidTagDisplayName)
	n := 0
	var slots []int32
	for _, l := range p.card.Lines {
		addr := oneLine(l.Text())
		if l.Name != "EMAIL" || addr == "" || n >= len(emails) {
			continue
		}
		e := emails[n]
		set(bag, e.typ, "SMTP")
		set(bag, e.addr, addr)
		set(bag, e.original, addr)
		set(bag, e.display, displayOf(name, addr))
		set(bag, e.entryID, mapi.NewOneOffEntryID(name, "SMTP", addr).Bytes())
		slots = append(slots, int32(n))
		n++
	}
	if n > 0 {
		set(bag, mapi.PidLidAddressBookProviderEmailList, slots)
		set(bag, mapi.PidLidAddressBookProviderArrayType, int32(1<<n-1))
	}
}

// displayOf is how Outlook shows an address of a contact.
func displayOf(name, addr string) string {
	if name == "" {
		return addr
	}
	return fmt.Sprintf("%s (%s)", name, addr)
}

func (p *parser) urls(bag *mapi.PropertyBag) {
	for _, l := range p.card.Lines {
		if l.Name != "URL" {
			continue
		}
		tag := mapi.PidTagBusinessHomePage
		if slices.Contains(types(l), "HOME") {
			tag = mapi.PidTagPersonalHomePage
		}
		if v := oneLine(contentline.Unescape(l.Value)); v != "" && !bag.Has(tag) {
			bag.Set(tag, v)
			if tag == mapi.PidTagBusinessHomePage {
				set(bag, mapi.PidLidHtml, v)
			}
		}
	}
}

func (p *parser) days(bag *mapi.PropertyBag) {
	for _, f := range []struct {
		lines []string
		tag   mapi.PropertyTag
		local mapi.PropertyName
	}{{[]string{"BDAY"}, mapi.PidTagBirthday, mapi.PidLidBirthdayLocal}, {[]string{"ANNIVERSARY", "X-ANNIVERSARY", "X-MS-ANNIVERSARY"}, mapi.PidTagWeddingAnniversary, mapi.PidLidWeddingAnniversaryLocal}} {
		for _, line := range f.lines {
			if t, ok := date(p.card.Value(line)); ok && !bag.Has(f.tag) {
				bag.Set(f.tag, mapi.NewFileTime(t))
				set(bag, f.local, mapi.NewFileTime(t))
			}
		}
	}
}

// binary returns the bytes of a line with an inline value.
func binary(l contentline.Line) ([]byte, bool) {
	v := l.Value
	switch {
	case l.Has("ENCODING", "B") || l.Has("ENCODING", "BASE64"):
	case strings.HasPrefix(strings.ToLower(v), "data:"):
		_, v, _ = strings.Cut(v, ",")
	default:
		return nil, false
	}
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(v), ""))
	return data, err == nil && len(data) > 0
}

func (p *parser) certificates(bag *mapi.PropertyBag) {
	var certs [][]byte
	for _, l := range p.card.Lines {
		if l.Name != "KEY" {
			continue
		}
		if data, ok := binary(l); ok && len(data) < 1<<16 {
			certs = append(certs, data)
		}
	}
	if len(certs) > 0 {
		bag.Set(mapi.PidTagUserX509Certificate, certs)
	}
}

const photoName = "ContactPicture.jpg" // [MS-OXOCNTC] 2.2.1.8.3

// photo makes an attachment of the picture.
func (p *parser) photo(it *Item) {
	l, ok := p.card.Find("PHOTO")
	if !ok {
		return
	}
	data, ok := binary(l)
	if !ok {
		return
	}
	a := mapi.Attachment{Number: 0}
	a.Properties = mapi.PropertyBag{
		{Tag: mapi.PidTagAttachNumber, Value: int32(0)},
		{Tag: mapi.PidTagAttachMethod, Value: int32(1)},
		{Tag: mapi.PidTagRenderingPosition, Value: int32(-1)},
		{Tag: mapi.PidTagAttachLongFilename, Value: photoName},
		{Tag: mapi.PidTagAttachFilename, Value: "CONTAC~1.JPG"},
		{Tag: mapi.PidTagAttachExtension, Value: ".jpg"},
		{Tag: mapi.PidTagDisplayName, Value: photoName},
		{Tag: mapi.PidTagAttachmentContactPhoto, Value: true},
		{Tag: mapi.PidTagAttachmentFlags, Value: int32(0)},
		{Tag: mapi.PidTagAttachDataBinary, Value: data},
	}
	it.Message.Attachments = append(it.Message.Attachments, a)
	set(&it.Message.Properties, mapi.PidLidHasPicture, true)
}
