package fs

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"mailfs/mapi"
	"mailfs/mime"
	"mailfs/replica"
)

// typed adds a folder of a container class.
func (b *bed) typed(name, class string) {
	b.t.Helper()
	if err := b.folder(name, replica.SpecialNone); err != nil {
		b.t.Fatal(err)
	}
	err := b.r.Update(func(u *replica.Update) error {
		n, err := u.Node(b.folders[name])
		if err != nil {
			return err
		}
		n.Folder.Class = class
		u.Remote(true)
		return u.Save(n)
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func typedBed(t *testing.T) *bed {
	b := newBed(t)
	b.typed("Calendar", "IPF.Appointment")
	b.typed("Tasks", "IPF.Task")
	b.typed("Contacts", "IPF.Contact")
	return b
}

func calendarFile(components ...string) string {
	return "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n" + strings.Join(components, "") + "END:VCALENDAR\n"
}

func event(uid, summary string) string {
	return "BEGIN:VEVENT\nUID:" + uid + "\nDTSTAMP:20261101T000000Z\nDTSTART:20261202T090000Z\nDTEND:20261202T100000Z\nSUMMARY:" + summary + "\nX-OWN-LINE:kept\nEND:VEVENT\n"
}

func task(summary string) string {
	return "BEGIN:VTODO\nUID:t1\nDTSTAMP:20261101T000000Z\nSUMMARY:" + summary + "\nEND:VTODO\n"
}

func card(name string) string {
	return "BEGIN:VCARD\nVERSION:3.0\nFN:" + name + "\nN:;" + name + ";;;\nEMAIL:" + strings.ToLower(name) + "@example.test\nX-OWN-LINE:kept\nEND:VCARD\n"
}

// TestTypedFiles: which files become items, where, and of which class.
func TestTypedFiles(t *testing.T) {
	meeting, todo, bo := calendarFile(event("e1", "Team")), calendarFile(task("Mow")), card("Bo")
	for _, tt := range []struct {
		path, text, class, kind string // class "" stays local
		invalid                 string // what the reason says
	}{
		{"Calendar/a.ics", meeting, "IPM.Appointment", "text/calendar", ""},
		{"Calendar/A.ICS", meeting, "IPM.Appointment", "text/calendar", ""},
		{"Tasks/a.ics", todo, "IPM.Task", "text/calendar", ""},
		{"Contacts/a.vcf", bo, "IPM.Contact", "text/vcard", ""},
		{"Contacts/l.vcf", "BEGIN:VCARD\nVERSION:4.0\nKIND:group\nFN:Team\nMEMBER:mailto:bo@example.test\nEND:VCARD\n", "IPM.DistList", "text/vcard", ""},
		{"Calendar/a.eml", note("one", "x"), "IPM.Note", "message/rfc822", ""},
		{"Inbox/a.ics", meeting, "", "", ""},
		{"Inbox/a.vcf", bo, "", "", ""},
		{"Contacts/a.ics", meeting, "", "", ""},
		{"Calendar/a.vcf", bo, "", "", ""},
		{"Calendar/.a.ics", meeting, "", "", ""},
		{"Calendar/a.ics~", meeting, "", "", ""},
		{"Calendar/two.ics", calendarFile(event("e1", "a"), event("e2", "b")), "", "", "one item"},
		{"Calendar/text.ics", "no calendar\n", "", "", "malformed"},
		{"Calendar/todo.ics", todo, "", "", "it is a task, and only events can be here"},
		{"Tasks/event.ics", meeting, "", "", "it is an event, and only tasks can be here"},
		{"Contacts/two.vcf", bo + card("Cy"), "", "", "one item"},
	} {
		t.Run(tt.path, func(t *testing.T) {
			b := typedBed(t)
			h := b.open(tt.path, syscall.O_CREAT|syscall.O_WRONLY)
			b.write(h, tt.text)
			err := b.close(h)
			b.pass()
			if got := b.read(tt.path); got != tt.text {
				t.Fatalf("holds %q", got)
			}
			if tt.invalid != "" {
				if reason := b.xattr(tt.path, xattrError); err != syscall.EINVAL || !strings.Contains(reason, tt.invalid) {
					t.Fatalf("close: %v, reason %q", err, reason)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if got := b.xattr(tt.path, xattrClass); got != tt.class || b.xattr(tt.path, xattrMimeType) != tt.kind {
				t.Fatalf("class %q, %q", got, b.xattr(tt.path, xattrMimeType))
			}
			if tt.class == "" {
				b.wantChanges()
				return
			}
			b.wantChanges("create " + tt.path)
			b.wantSealed(tt.path, tt.text)
		})
	}
}

// wantSealed checks what another replica would make of an item that was written here: the very bytes.
func (b *bed) wantSealed(path, text string) {
	b.t.Helper()
	var m *mapi.Message
	if err := b.r.View(func(v *replica.View) (err error) { m, err = v.Message(b.at(path).node.Num); return err }); err != nil {
		b.t.Fatal(err)
	}
	im, err := mime.Renderer{}.OpenFile(m)
	if err != nil {
		b.t.Fatal(err)
	}
	var got strings.Builder
	if _, err := im.WriteTo(&got); err != nil || got.String() != text {
		b.t.Fatalf("%s is elsewhere %q, %v, want %q", path, got.String(), err, text)
	}
}

// deliverItem adds an item of the server.
func (b *bed) deliverItem(path, ext, text string) replica.Num {
	b.t.Helper()
	m, err := mime.ParseFile(ext, strings.NewReader(text), mime.Options{})
	if err != nil {
		b.t.Fatal(err)
	}
	dir, name := split(path)
	num := b.must(b.deliver(dir, name, note("placeholder", "x")))
	err = b.r.Update(func(u *replica.Update) error {
		u.Remote(true)
		n, err := u.Node(num)
		if err != nil {
			return err
		}
		n.Message.Class = m.Properties.String(mapi.PidTagMessageClass)
		return b.put(u, n, m)
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return num
}

// TestTypedSaves: the ways in which programs save make the next version of a calendar item, also where new ones would
// be local files, and under a name that somebody gave it.
func TestTypedSaves(t *testing.T) {
	before, after := calendarFile(event("e1", "before")), calendarFile(event("e1", "after"))
	for name, save := range map[string]func(b *bed, path string){
		"in place":  func(b *bed, path string) { b.save(path, after) },
		"by rename": func(b *bed, path string) { dir, _ := split(path); b.saveByRename(dir+"/.tmp", path, after) },
		"as vim":    func(b *bed, path string) { b.vimSave(path, after, false) },
		"anew":      func(b *bed, path string) { b.unlink(path); b.save(path, after) },
	} {
		for _, folder := range []string{"Calendar", "Deleted Items"} {
			t.Run(name+" in "+folder, func(t *testing.T) {
				b := typedBed(t)
				path := folder + "/x.ics"
				num := b.deliverItem(path, ".ics", before)
				key := b.node(num).Message.SourceKey
				if got := b.read(path); got != before {
					t.Fatalf("shown as %q", got)
				}
				save(b, path)
				b.pass()
				b.wantChanges("edit " + path)
				b.wantText(path, after)
				b.wantSealed(path, after)
				if n := b.at(path).node; n.Message.SourceKey != key || n.Message.Class != "IPM.Appointment" || n.Message.Subject != "after" {
					t.Fatalf("saved as %+v", n.Message)
				}
			})
		}
	}
	t.Run("as a task", func(t *testing.T) {
		b := typedBed(t)
		b.deliverItem("Calendar/x.ics", ".ics", before)
		h := b.open("Calendar/x.ics", syscall.O_WRONLY|syscall.O_TRUNC)
		b.write(h, calendarFile(task("Mow")))
		if err := b.close(h); err != syscall.EINVAL {
			t.Fatalf("a task in place of an event: %v", err)
		}
	})
	t.Run("moved", func(t *testing.T) {
		b := typedBed(t)
		num := b.deliverItem("Calendar/x.ics", ".ics", before)
		b.mustRename("Calendar/x.ics", "Inbox/y.ics")
		b.save("Inbox/y.ics", after)
		b.pass()
		if n := b.node(num); n.Message.Class != "IPM.Appointment" {
			t.Fatalf("%+v", n.Message)
		}
		b.wantText("Inbox/y.ics", after)
	})
}

// TestFolderInTypedFolder: a folder that is made in a calendar is one.
func TestFolderInTypedFolder(t *testing.T) {
	b := typedBed(t)
	for dir, class := range map[string]string{"Calendar": "IPF.Appointment", "Contacts": "IPF.Contact", "Inbox": "IPF.Note"} {
		e, err := b.tree.mkdir(b.dirID(dir), "new", 0o755)
		if err != nil || e.node.Folder.Class != class {
			t.Fatalf("%s/new: %+v, %v", dir, e.node.Folder, err)
		}
	}
	b.save("Calendar/new/a.ics", calendarFile(event("e1", "x")))
	b.pass()
	if got := b.xattr("Calendar/new/a.ics", xattrClass); got != "IPM.Appointment" {
		t.Fatalf("class %q", got)
	}
}

// TestSealed: a message that was written here has its very bytes with it, whatever way it was saved; flags that were
// set since make no difference.
func TestSealed(t *testing.T) {
	odd := func(body string) string {
		return "from:  Anna   <anna@example.org>\r\nSUBJECT: one\r\nX-Odd:   folded\r\n\tvalue  \r\n\r\n" + body + "\r\n\r\n\r\n"
	}
	b := newBed(t)
	b.save("Inbox/new.eml", odd("made here"))
	b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	b.save("Inbox/a.eml", odd("edited"))
	b.must(b.deliver("Inbox", "b.eml", note("two", "first")))
	b.saveByRename("Inbox/.tmp", "Inbox/b.eml", odd("replaced"))
	b.pass()
	for path, body := range map[string]string{"new": "made here", "a": "edited", "b": "replaced"} {
		b.wantSealed(fmt.Sprintf("Inbox/%s.eml", path), odd(body))
	}
}
