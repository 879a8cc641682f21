package ical

import (
	"strconv"
	"strings"
	"time"

	"mailfs/mapi"
	"mailfs/mime/contentline"
	"mailfs/mime/oxocal"
)

// Values of PidLidTaskStatus ([MS-OXOTASK] 2.2.2.2.2).
const (
	taskNotStarted = 0
	taskInProgress = 1
	taskComplete   = 2
	taskWaiting    = 3
	taskDeferred   = 4
)

var taskStatus = map[string]int32{"NEEDS-ACTION": taskNotStarted, "IN-PROCESS": taskInProgress, "COMPLETED": taskComplete, "CANCELLED": taskDeferred}

// task reads a to-do ([MS-OXCICAL] has none: the mapping follows [MS-OXOTASK] 2.2.2).
// The dates of tasks are days, which stand for themselves in every time zone.
func (p *parser) task(c component) (*Item, error) {
	it := &Item{Message: &mapi.Message{}}
	bag := &it.Message.Properties
	bag.Set(mapi.PidTagMessageClass, classTask)
	p.common(it, c)
	set(bag, uidName, uidOf(c))
	day := func(name string) (time.Time, bool) {
		l, ok := c.Find(name)
		if !ok {
			return time.Time{}, false
		}
		w, ok := p.when(l)
		return w.local.Truncate(24 * time.Hour), ok
	}
	start, hasStart := day("DTSTART")
	due, hasDue := day("DUE")
	if d, ok := parseDuration(c.Value("DURATION")); ok && hasStart && !hasDue {
		due, hasDue = start.Add(d).Truncate(24*time.Hour), true
	}
	if hasStart {
		set(bag, mapi.PidLidTaskStartDate, mapi.NewFileTime(start))
		set(bag, mapi.PidLidCommonStart, mapi.NewFileTime(p.opt.Zone.Rule.UTC(start)))
	}
	if hasDue {
		set(bag, mapi.PidLidTaskDueDate, mapi.NewFileTime(due))
		set(bag, mapi.PidLidCommonEnd, mapi.NewFileTime(p.opt.Zone.Rule.UTC(due)))
	}
	p.taskProgress(bag, c)
	p.taskReminder(bag, c, start, due)
	set(bag, mapi.PidLidTaskFRecurring, false)
	if l, ok := c.Find("RRULE"); ok {
		p.taskRecurrence(bag, l, start, due)
	}
	set(bag, mapi.PidLidTaskOwner, "")
	set(bag, mapi.PidLidTaskVersion, int32(1))
	for _, name := range []mapi.PropertyName{mapi.PidLidTaskMode, mapi.PidLidTaskOwnership, mapi.PidLidTaskAcceptanceState, mapi.PidLidTaskHistory} {
		set(bag, name, int32(0))
	}
	set(bag, mapi.PidLidTaskState, int32(1)) // not assigned, [MS-OXOTASK] 2.2.2.2.14
	set(bag, mapi.PidLidTaskFCreator, true)
	set(bag, mapi.PidLidTeamTask, false)
	recurring := int32(0)
	if flag(*bag, mapi.PidLidTaskFRecurring) {
		recurring = 1
	}
	bag.Set(mapi.PidTagIconIndex, 0x500+recurring)
	set(bag, mapi.PidLidSideEffects, int32(sideEffects))
	return it, nil
}

func (p *parser) taskProgress(bag *mapi.PropertyBag, c component) {
	status := taskStatus[strings.ToUpper(strings.TrimSpace(c.Value("STATUS")))]
	percent := float64(min(atoi(c.Value("PERCENT-COMPLETE")), 100)) / 100
	if l, ok := c.Find("COMPLETED"); ok {
		if w, ok := p.when(l); ok {
			status = taskComplete
			set(bag, mapi.PidLidTaskDateCompleted, mapi.NewFileTime(w.local.Truncate(24*time.Hour)))
		}
	}
	switch {
	case status == taskComplete:
		percent = 1
	case percent == 1:
		status = taskComplete
	case percent > 0 && status == taskNotStarted:
		status = taskInProgress
	}
	if v := strings.TrimSpace(c.Value("X-MAILFS-TASK-STATUS")); v == "WAITING" && status != taskComplete {
		status = taskWaiting
	}
	set(bag, mapi.PidLidTaskStatus, status)
	set(bag, mapi.PidLidPercentComplete, percent)
	set(bag, mapi.PidLidTaskComplete, status == taskComplete)
}

// taskReminder sets the time of a reminder, which for tasks is absolute.
func (p *parser) taskReminder(bag *mapi.PropertyBag, c component, start, due time.Time) {
	if start.IsZero() {
		start = due
	}
	at, ok := p.trigger(c, p.opt.Zone.Rule.UTC(start), p.opt.Zone.Rule.UTC(due))
	ok = ok && at.Year() > 1601
	set(bag, mapi.PidLidReminderSet, ok)
	if ok {
		set(bag, mapi.PidLidReminderTime, mapi.NewFileTime(at))
		set(bag, mapi.PidLidReminderSignalTime, mapi.NewFileTime(at))
	}
}

func (p *parser) taskRecurrence(bag *mapi.PropertyBag, l contentline.Line, start, due time.Time) {
	if start.IsZero() {
		start = due
	}
	c, ok := parseRule(l.Value, start, func(until string) (time.Time, bool) {
		w, ok := p.when(contentline.Line{Value: until})
		return w.local, ok
	})
	if !ok || start.IsZero() {
		p.unsupported("recurrence %s", l.Value)
		return
	}
	set(bag, mapi.PidLidTaskRecurrence, c.Bytes())
	set(bag, mapi.PidLidTaskFRecurring, true)
	set(bag, mapi.PidLidTaskDeadOccurrence, false)
	set(bag, mapi.PidLidTaskResetReminder, false)
}

// task writes a to-do.
func (r *renderer) task() {
	c := contentline.New("VTODO")
	c.Add("UID", r.uid())
	c.AddRaw("DTSTAMP", r.stamp.UTC().Format(utcForm))
	date := func(name string, from mapi.PropertyName) bool {
		t, ok := moment(r.bag, from)
		if ok {
			c.Lines = append(c.Lines, contentline.Line{Name: name, Value: t.Format(dateForm)}.With("VALUE", "DATE"))
		}
		return ok
	}
	hasStart := date("DTSTART", mapi.PidLidTaskStartDate)
	hasDue := date("DUE", mapi.PidLidTaskDueDate)
	r.common(c)
	status := number(r.bag, mapi.PidLidTaskStatus)
	if flag(r.bag, mapi.PidLidTaskComplete) {
		status = taskComplete
	}
	switch status {
	case taskInProgress:
		c.AddRaw("STATUS", "IN-PROCESS")
	case taskComplete:
		c.AddRaw("STATUS", "COMPLETED")
		if t, ok := moment(r.bag, mapi.PidLidTaskDateCompleted); ok {
			c.AddRaw("COMPLETED", t.Format(utcForm))
		}
	case taskWaiting:
		c.AddRaw("STATUS", "IN-PROCESS")
		c.AddRaw("X-MAILFS-TASK-STATUS", "WAITING")
	case taskDeferred:
		c.AddRaw("STATUS", "CANCELLED")
	default:
		c.AddRaw("STATUS", "NEEDS-ACTION")
	}
	if f, ok := r.bag.GetNamed(mapi.PidLidPercentComplete).(float64); ok && f > 0 && f <= 1 {
		c.AddRaw("PERCENT-COMPLETE", strconv.Itoa(int(f*100+0.5)))
	}
	if rec, err := oxocal.ParseRecurrence(bytesOf(r.bag, mapi.PidLidTaskRecurrence)); err == nil && flag(r.bag, mapi.PidLidTaskFRecurring) && (hasStart || hasDue) {
		if rule, ok := formatRule(rec, rec.Start, func(m oxocal.Minutes) string { return m.Time().Format(dateForm) }); ok {
			c.AddRaw("RRULE", rule)
		}
	}
	if at, ok := moment(r.bag, mapi.PidLidReminderTime); ok && flag(r.bag, mapi.PidLidReminderSet) {
		a := contentline.New("VALARM")
		a.AddRaw("ACTION", "DISPLAY")
		a.Add("DESCRIPTION", "Reminder")
		a.Lines = append(a.Lines, contentline.Line{Name: "TRIGGER", Value: at.Format(utcForm)}.With("VALUE", "DATE-TIME"))
		c.Children = append(c.Children, a)
	}
	r.cal.Children = append(r.cal.Children, c)
}
