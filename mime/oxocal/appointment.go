package oxocal

import (
	"fmt"

	"mailfs/mapi/wire"
)

// Overrides tells which properties an exception has of its own
// ([MS-OXOCAL] 2.2.1.44.2).
type Overrides uint16

// The overrides.
const (
	OverrideSubject Overrides = 1 << iota
	OverrideMeetingType
	OverrideReminderDelta
	OverrideReminder
	OverrideLocation
	OverrideBusyStatus
	OverrideAttachment
	OverrideAllDay
	OverrideColor
	OverrideBody
)

// Exception is an occurrence that differs from its series: ExceptionInfo and
// ExtendedException in one ([MS-OXOCAL] 2.2.1.44.2 and 2.2.1.44.4).
type Exception struct {
	Start, End  Minutes
	Original    Minutes // start that the occurrence would have
	Overrides   Overrides
	Subject     string
	MeetingType uint32
	Delta       uint32 // reminder, minutes before the start
	Reminder    uint32
	Location    string
	BusyStatus  uint32
	Attachment  uint32
	AllDay      uint32
	Color       uint32

	subject8, location8 []byte // the 8-bit forms as they came
	highlight           []byte // ChangeHighlight
	reserved1           []byte
	reserved2           []byte
}

// Appointment is an AppointmentRecurrencePattern ([MS-OXOCAL] 2.2.1.44.5).
type Appointment struct {
	Recurrence
	Reader2, Writer2       uint32 // versions
	StartOffset, EndOffset uint32 // minutes from midnight
	Exceptions             []Exception

	reserved1, reserved2 []byte
	short                bool // it ends behind the exceptions, as some programs write it
	rest                 []byte
}

// NewAppointment returns an Appointment with the versions set.
func NewAppointment() *Appointment {
	return &Appointment{Recurrence: *NewRecurrence(), Reader2: versionReader2, Writer2: versionWriter2}
}

// ParseAppointment reads the value of PidLidAppointmentRecur.
func ParseAppointment(p []byte) (*Appointment, error) {
	r := wire.NewReader(p)
	a := &Appointment{Recurrence: *readRecurrence(r)}
	a.Reader2, a.Writer2, a.StartOffset, a.EndOffset = r.Uint32(), r.Uint32(), r.Uint32(), r.Uint32()
	const smallest = 4 + 4 + 4 + 2
	for range r.Count(uint64(r.Uint16()), smallest) {
		a.Exceptions = append(a.Exceptions, readException(r))
	}
	if r.Err() == nil && r.Len() == 0 {
		a.short = true
		return a, nil
	}
	a.reserved1 = counted(r)
	for i := range a.Exceptions {
		a.readExtended(r, &a.Exceptions[i])
	}
	a.reserved2 = counted(r)
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("%w: appointment: %w", ErrFormat, err)
	}
	a.rest = r.Bytes(r.Len())
	return a, nil
}

// counted reads a block with its size before.
func counted(r *wire.Reader) []byte {
	return r.Bytes(r.Count(uint64(r.Uint32()), 1))
}

func readException(r *wire.Reader) Exception {
	e := Exception{Start: Minutes(r.Uint32()), End: Minutes(r.Uint32()), Original: Minutes(r.Uint32()), Overrides: Overrides(r.Uint16())}
	text := func() []byte {
		r.Uint16() // the length with its terminating zero
		return r.Bytes(int(r.Uint16()))
	}
	number := func(o Overrides, v *uint32) {
		if e.Overrides&o != 0 {
			*v = r.Uint32()
		}
	}
	if e.Overrides&OverrideSubject != 0 {
		e.subject8 = text()
	}
	number(OverrideMeetingType, &e.MeetingType)
	number(OverrideReminderDelta, &e.Delta)
	number(OverrideReminder, &e.Reminder)
	if e.Overrides&OverrideLocation != 0 {
		e.location8 = text()
	}
	number(OverrideBusyStatus, &e.BusyStatus)
	number(OverrideAttachment, &e.Attachment)
	number(OverrideAllDay, &e.AllDay)
	number(OverrideColor, &e.Color)
	e.Subject, e.Location = string(e.subject8), string(e.location8)
	return e
}

const hasText = OverrideSubject | OverrideLocation

func (a *Appointment) readExtended(r *wire.Reader, e *Exception) {
	if a.Writer2 >= versionHighlight {
		e.highlight = counted(r)
	}
	e.reserved1 = counted(r)
	if e.Overrides&hasText == 0 {
		return
	}
	r.Take(12) // the three dates again
	text := func() string { return wire.DecodeUTF16(r.Take(2 * int(r.Uint16()))) }
	if e.Overrides&OverrideSubject != 0 {
		e.Subject = text()
	}
	if e.Overrides&OverrideLocation != 0 {
		e.Location = text()
	}
	e.reserved2 = counted(r)
}

// Bytes returns the form of PidLidAppointmentRecur. An error means that a text is too
// long for it.
func (a *Appointment) Bytes() ([]byte, error) {
	var b wire.Builder
	a.append(&b)
	b.Uint32(a.Reader2)
	b.Uint32(a.Writer2)
	b.Uint32(a.StartOffset)
	b.Uint32(a.EndOffset)
	if len(a.Exceptions) > 0xFFFF {
		return nil, fmt.Errorf("%w: %d exceptions", ErrFormat, len(a.Exceptions))
	}
	b.Uint16(uint16(len(a.Exceptions)))
	for i := range a.Exceptions {
		a.Exceptions[i].append(&b)
	}
	if a.short {
		return b.Finish()
	}
	b.Counted32(func() { b.Raw(a.reserved1) })
	for i := range a.Exceptions {
		a.Exceptions[i].appendExtended(&b, a.Writer2)
	}
	b.Counted32(func() { b.Raw(a.reserved2) })
	b.Raw(a.rest)
	return b.Finish()
}

func (e *Exception) append(b *wire.Builder) {
	b.Uint32(uint32(e.Start))
	b.Uint32(uint32(e.End))
	b.Uint32(uint32(e.Original))
	b.Uint16(uint16(e.Overrides))
	text := func(raw []byte, s string) {
		if raw == nil {
			raw = eightBit(s)
		}
		b.Uint16(uint16(min(len(raw)+1, 0xFFFF)))
		b.Counted16(func() { b.Raw(raw) })
	}
	number := func(o Overrides, v uint32) {
		if e.Overrides&o != 0 {
			b.Uint32(v)
		}
	}
	if e.Overrides&OverrideSubject != 0 {
		text(e.subject8, e.Subject)
	}
	number(OverrideMeetingType, e.MeetingType)
	number(OverrideReminderDelta, e.Delta)
	number(OverrideReminder, e.Reminder)
	if e.Overrides&OverrideLocation != 0 {
		text(e.location8, e.Location)
	}
	number(OverrideBusyStatus, e.BusyStatus)
	number(OverrideAttachment, e.Attachment)
	number(OverrideAllDay, e.AllDay)
	number(OverrideColor, e.Color)
}

// eightBit returns the form of a text for readers that do not know the extended one.
func eightBit(s string) []byte {
	out := []byte{}
	for _, c := range s {
		if c > 0x7F {
			c = '?'
		}
		out = append(out, byte(c))
	}
	return out
}

func (e *Exception) appendExtended(b *wire.Builder, writer uint32) {
	if writer >= versionHighlight {
		highlight := e.highlight
		if highlight == nil {
			highlight = make([]byte, 4)
		}
		b.Counted32(func() { b.Raw(highlight) })
	}
	b.Counted32(func() { b.Raw(e.reserved1) })
	if e.Overrides&hasText == 0 {
		return
	}
	b.Uint32(uint32(e.Start))
	b.Uint32(uint32(e.End))
	b.Uint32(uint32(e.Original))
	text := func(s string) {
		raw := wire.AppendUTF16(nil, s)
		if len(raw)/2 > 0xFFFF {
			b.Fail(fmt.Errorf("%w: a text of %d characters", ErrFormat, len(raw)/2))
			return
		}
		b.Uint16(uint16(len(raw) / 2))
		b.Raw(raw)
	}
	if e.Overrides&OverrideSubject != 0 {
		text(e.Subject)
	}
	if e.Overrides&OverrideLocation != 0 {
		text(e.Location)
	}
	b.Counted32(func() { b.Raw(e.reserved2) })
}
