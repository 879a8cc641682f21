package syncer_test

import (
	"testing"
	"time"

	"mailfs/mapi"
	"mailfs/replica"
)

// ready makes the queued changes of an item wait, or go.
func (c *client) ready(num replica.Num, at time.Time) {
	c.t.Helper()
	c.update(func(u *replica.Update) error {
		list, err := u.ChangesOf(num)
		if err != nil {
			return err
		}
		for _, ch := range list {
			ch.Ready = at
			if err := u.SaveChange(ch); err != nil {
				return err
			}
		}
		return nil
	})
}

// A message is removed here; before that goes up, somebody else changes it, and a download comes. The deletion is void,
// and the message is what it is on the server.
func TestRestoredAsItIsThere(t *testing.T) {
	type act = func(w *world, mid mapi.MID) error
	edit := func(w *world, mid mapi.MID) error {
		return w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, "edited there\r\n") })
	}
	flag := func(w *world, mid mapi.MID) error {
		return w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagFlagStatus, int32(2)) })
	}
	mark := func(w *world, mid mapi.MID) error { return w.box.MarkRead(mid, true) }
	for name, acts := range map[string][]act{
		"edit": {edit}, "flag": {flag}, "edit, mark": {edit, mark}, "mark, edit": {mark, edit}, "flag, mark": {flag, mark},
		"edit, flag": {edit, flag},
	} {
		for _, between := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				w := newMemWorld(t)
				mid := w.deliver("one", "at first")
				c := w.client(t)
				c.pass()
				num := c.at("Inbox", "*one*").Num
				c.unlink(num, false)
				c.ready(num, time.Now().Add(time.Hour))
				for _, f := range acts {
					if err := f(w, mid); err != nil {
						t.Fatal(err)
					}
					if between {
						c.pass()
					}
				}
				c.pass()
				c.ready(num, time.Now())
				c.pass()
				c.pass()
				fresh := w.client(t)
				same(t, c, fresh)
				c.at("Inbox", "*one*")
			})
		}
	}
}

// readyLast is ready for the last change of an item alone.
func (c *client) readyLast(num replica.Num, at time.Time) {
	c.t.Helper()
	c.update(func(u *replica.Update) error {
		list, err := u.ChangesOf(num)
		if err != nil {
			return err
		}
		ch := list[len(list)-1]
		ch.Ready = at
		return u.SaveChange(ch)
	})
}
