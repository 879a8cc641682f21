package mime

import (
	"fmt"
	"strings"

	"mailfs/mapi"
)

// detail is one line of the readable form of a typed item: a label, and the property
// by tag or by name.
type detail struct {
	label string
	tag   mapi.PropertyTag
	name  mapi.PropertyName
}

// detailLines lists what is shown of each kind of item, by message class. The first
// class that fits counts.
var detailLines = []struct {
	class string
	lines []detail
}{
	{"IPM.Appointment", meetingLines},
	{"IPM.Schedule.Meeting", meetingLines},
	{"IPM.Contact", []detail{
		{label: "Name", tag: mapi.PidTagDisplayName},
		{label: "Company", tag: mapi.PidTagCompanyName},
		{label: "Department", tag: mapi.PidTagDepartmentName},
		{label: "Job title", tag: mapi.PidTagTitle},
		{label: "E-mail", name: mapi.PidLidEmail1EmailAddress},
		{label: "E-mail 2", name: mapi.PidLidEmail2EmailAddress},
		{label: "E-mail 3", name: mapi.PidLidEmail3EmailAddress},
		{label: "Messaging", name: mapi.PidLidInstantMessagingAddress},
		{label: "Business phone", tag: mapi.PidTagBusinessTelephoneNumber},
		{label: "Home phone", tag: mapi.PidTagHomeTelephoneNumber},
		{label: "Mobile phone", tag: mapi.PidTagMobileTelephoneNumber},
		{label: "Fax", tag: mapi.PidTagBusinessFaxNumber},
		{label: "Business address", name: mapi.PidLidWorkAddress},
		{label: "Home address", name: mapi.PidLidHomeAddress},
		{label: "Other address", name: mapi.PidLidOtherAddress},
		{label: "Web page", tag: mapi.PidTagBusinessHomePage},
		{label: "Birthday", tag: mapi.PidTagBirthday},
	}},
	{"IPM.DistList", []detail{
		{label: "List", name: mapi.PidLidDistributionListName},
	}},
	{"IPM.Task", []detail{
		{label: "Start", name: mapi.PidLidTaskStartDate},
		{label: "Due", name: mapi.PidLidTaskDueDate},
		{label: "Completed", name: mapi.PidLidTaskDateCompleted},
		{label: "Owner", name: mapi.PidLidTaskOwner},
		{label: "Part complete", name: mapi.PidLidPercentComplete},
	}},
	{"IPM.Activity", []detail{
		{label: "Kind", name: mapi.PidLidLogTypeDesc},
		{label: "Start", name: mapi.PidLidLogStart},
		{label: "End", name: mapi.PidLidLogEnd},
	}},
}

var meetingLines = []detail{
	{label: "Start", name: mapi.PidLidAppointmentStartWhole},
	{label: "End", name: mapi.PidLidAppointmentEndWhole},
	{label: "Recurrence", name: mapi.PidLidRecurrencePattern},
	{label: "Where", name: mapi.PidLidLocation},
}

// details returns what a typed item says besides its body, a line each, "" for
// ordinary messages. Times are in UTC: a rendered message knows no time zone.
func (c *conversion) details() string {
	class := c.p.text(mapi.PidTagMessageClass)
	for _, kind := range detailLines {
		if !isClass(class, kind.class) {
			continue
		}
		var b strings.Builder
		for _, d := range kind.lines {
			v := c.p.Get(d.tag)
			if !d.name.IsZero() {
				v = c.p.GetNamed(d.name)
			}
			if s := strings.TrimSpace(c.p.readable(v)); s != "" {
				b.WriteString(d.label + ": " + strings.Join(strings.Fields(s), " ") + "\n")
			}
		}
		return b.String()
	}
	return ""
}

// readable returns a value as one would write it, "" when it has no such form.
func (p props) readable(v any) string {
	switch x := v.(type) {
	case string, mapi.String8:
		return p.valid(x)
	case mapi.FileTime:
		if t := x.Time(); believable(t) && t.Year() < yearOfNone {
			return t.Format("Mon, 2 Jan 2006 15:04 UTC")
		}
	case float64:
		return fmt.Sprintf("%.0f%%", x*100)
	}
	return ""
}
