package syncer_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"mailfs/internal/memserver"
	"mailfs/internal/names"
	"mailfs/mime"
	"mailfs/replica"
)

// Sizes that another renderer computed are computed again, before anything else and also while the server is away.
func TestSizesOfAnotherRenderer(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "text")
	w.deliver("two", "text")
	c := w.client(t)
	c.pass()
	one, two := c.at("Inbox", "*one*"), c.at("Inbox", "*two*")
	right := one.Size
	c.update(func(u *replica.Update) error {
		one.Size, one.Message.Renderer = 7, mime.Version-1
		return u.Save(one)
	})
	c.offline.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.s.Run(ctx) }()
	deadline := time.After(20 * time.Second)
	events, stop := c.rep.Subscribe()
	defer stop()
	for c.at("Inbox", "*one*").Size != right {
		select {
		case <-events:
		case <-deadline:
			t.Fatalf("the size stays %d", c.at("Inbox", "*one*").Size)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := c.at("Inbox", "*one*"); n.Message.Renderer != mime.Version || !n.Exact {
		t.Errorf("%+v", n.Message)
	}
	if n := c.at("Inbox", "*two*"); n.Size != two.Size {
		t.Errorf("the other one has %d bytes, it had %d", n.Size, two.Size)
	}
}

// Items that an earlier version showed as messages have a name that fits their file from then on; what their user called
// them stays.
func TestNamesOfAnotherRenderer(t *testing.T) {
	w := newMemWorld(t)
	for _, name := range []string{"Bo Berg", "Cy Dahl"} {
		m, err := mime.ParseFile(mime.ExtContact, strings.NewReader("BEGIN:VCARD\nVERSION:3.0\nFN:"+name+"\nEND:VCARD\n"), mime.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.box.Deliver(w.box.Folder(memserver.FolderContacts), m); err != nil {
			t.Fatal(err)
		}
	}
	c := w.client(t)
	c.pass()
	bo, cy := c.at("Contacts", "Bo*"), c.at("Contacts", "Cy*")
	if !strings.HasSuffix(bo.Name, ".vcf") {
		t.Fatalf("called %s", bo.Name)
	}
	mails := "2020-01-01 0000 (no sender) - Bo Berg." + names.ShortID(bo.Message.SourceKey) + ".eml"
	c.update(func(u *replica.Update) error {
		for n, name := range map[*replica.Node]string{bo: mails, cy: "mine.eml"} {
			n.Message.Renderer = 2
			if err := u.Save(n); err != nil {
				return err
			}
			if err := u.Move(n.Num, n.Parent, name); err != nil {
				return err
			}
		}
		return nil
	})
	defer c.runs()()
	c.until("the new name", func() bool { return c.find("Contacts", bo.Name) != nil })
	if n := c.at("Contacts", bo.Name); n.Num != bo.Num || n.Size != bo.Size {
		t.Errorf("%+v, was %+v", n, bo)
	}
	c.until("the other size", func() bool { return c.at("Contacts", "mine.eml").Message.Renderer == mime.Version })
}
