package ical

import (
	"strings"

	"mailfs/mapi"
	"mailfs/mime/contentline"
)

// participation are the values of PARTSTAT by PidTagRecipientTrackStatus.
var participation = map[int32]string{trackTentative: "TENTATIVE", trackAccepted: "ACCEPTED", trackDeclined: "DECLINED", trackNotYet: "NEEDS-ACTION", trackNone: "NEEDS-ACTION"}

// person reads ORGANIZER or ATTENDEE.
func person(l contentline.Line) (Person, bool) {
	addr := strings.TrimSpace(l.Value)
	if len(addr) >= 7 && strings.EqualFold(addr[:7], "mailto:") {
		addr = addr[7:]
	}
	if !strings.Contains(addr, "@") {
		addr = l.Get("EMAIL")
	}
	name := oneLine(l.Get("CN"))
	if name == "" {
		name = addr
	}
	return Person{name, addr}, addr != "" || name != ""
}

// people reads who takes part ([MS-OXCICAL] 2.1.3.1.1.20.2).
func (p *parser) people(it *Item, c component) {
	bag := &it.Message.Properties
	if l, ok := c.Find("ORGANIZER"); ok {
		it.Organizer, _ = person(l)
	}
	rsvp := false
	for _, l := range c.Lines {
		if l.Name != "ATTENDEE" {
			continue
		}
		who, ok := person(l)
		if !ok {
			continue
		}
		a := Attendee{Person: who, Type: mapi.RecipientTo, Sendable: true}
		switch strings.ToUpper(l.Get("ROLE")) {
		case "OPT-PARTICIPANT":
			a.Type = mapi.RecipientCc
		case "NON-PARTICIPANT":
			a.Type = mapi.RecipientBcc
		}
		if kind := strings.ToUpper(l.Get("CUTYPE")); kind == "RESOURCE" || kind == "ROOM" {
			a.Type = mapi.RecipientBcc
		}
		switch strings.ToUpper(l.Get("PARTSTAT")) {
		case "ACCEPTED":
			a.Track = trackAccepted
		case "DECLINED":
			a.Track = trackDeclined
		case "TENTATIVE":
			a.Track = trackTentative
		}
		rsvp = rsvp || strings.EqualFold(l.Get("RSVP"), "TRUE")
		it.Attendees = append(it.Attendees, a)
	}
	if len(it.Attendees) == 0 {
		set(bag, mapi.PidLidAppointmentStateFlags, int32(0))
		set(bag, mapi.PidLidResponseStatus, int32(trackNone))
		return
	}
	state := int32(stateMeeting)
	if strings.EqualFold(strings.TrimSpace(c.Value("STATUS")), "CANCELLED") {
		state |= stateCanceled
	}
	set(bag, mapi.PidLidAppointmentStateFlags, state)
	set(bag, mapi.PidLidResponseStatus, int32(trackOrganizer))
	set(bag, mapi.PidLidFInvited, true)
	bag.Set(mapi.PidTagResponseRequested, rsvp)
	bag.Set(mapi.PidTagReplyRequested, rsvp)
}

// people writes who takes part.
func (r *renderer) people(c component) {
	var others []Attendee
	organizer := r.it.Organizer
	for _, a := range r.it.Attendees {
		if a.Organizer {
			if organizer.Addr == "" {
				organizer = a.Person
			}
			continue
		}
		others = append(others, a)
	}
	if len(others) == 0 {
		return
	}
	if organizer.Addr != "" {
		c.Lines = append(c.Lines, contentline.Line{Name: "ORGANIZER", Value: mailto(organizer.Addr)}.With("CN", oneLine(organizer.Name)))
	}
	for _, a := range others {
		if a.Addr == "" {
			continue
		}
		l := contentline.Line{Name: "ATTENDEE", Value: mailto(a.Addr)}.With("CN", oneLine(a.Name))
		switch a.Type {
		case mapi.RecipientCc:
			l = l.With("ROLE", "OPT-PARTICIPANT")
		case mapi.RecipientBcc:
			l = l.With("CUTYPE", "RESOURCE").With("ROLE", "NON-PARTICIPANT")
		default:
			l = l.With("ROLE", "REQ-PARTICIPANT")
		}
		if s := participation[a.Track]; s != "" {
			l = l.With("PARTSTAT", s)
		}
		if r.bag.Bool(mapi.PidTagResponseRequested) {
			l = l.With("RSVP", "TRUE")
		}
		c.Lines = append(c.Lines, l)
	}
}

// mailto writes an address as a URI.
func mailto(addr string) string {
	return "mailto:" + strings.Map(func(c rune) rune {
		if c <= ' ' || c == 0x7F {
			return -1
		}
		return c
	}, addr)
}
