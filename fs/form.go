package fs

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"mailfs/internal/names"
	"mailfs/mapi"
	"mailfs/mime"
	"mailfs/replica"
)

// form is the kind of file that an item is. The zero form is that of what is local.
type form struct {
	ext   string // one of mime's extensions
	class string // of what the file has to hold, where the form does not say it all: an appointment, or a task
}

const (
	classAppointment = "IPM.Appointment"
	classTask        = "IPM.Task"
)

// item reports whether files of the form are items of the mailbox.
func (f form) item() bool { return f.ext != "" }

// itemForm returns the form of a message. It follows from its class, whatever its name is here.
func itemForm(n *replica.Node) form {
	f := form{ext: mime.Extension(n.Message.Class)}
	if f.ext == mime.ExtCalendar {
		f.class = classAppointment
		if isClass(n.Message.Class, classTask) {
			f.class = classTask
		}
	}
	return f
}

// nameForm returns the form in which a file of this name is an item of a directory: in each folder that of messages,
// in a typed one that of its items, too.
func nameForm(dir *replica.Node, name string) form {
	if dir.Kind != replica.KindFolder {
		return form{}
	}
	switch ext := names.ItemExt(name); {
	case ext == mime.ExtMessage:
		return form{ext: ext}
	case ext == mime.ExtCalendar && names.FolderExt(dir.Folder.Class) == ext:
		if isClass(dir.Folder.Class, "IPF.Task") {
			return form{ext, classTask}
		}
		return form{ext, classAppointment}
	case ext != "" && names.FolderExt(dir.Folder.Class) == ext:
		return form{ext: ext}
	}
	return form{}
}

// heirForm returns the form that a file has to have to be the next version of a message under a name: that of the
// message, if the name is one that such items, or new ones in this folder, have.
func heirForm(dir *replica.Node, name string, message *replica.Node) form {
	f := itemForm(message)
	if dir.Kind == replica.KindFolder && names.ItemExt(name) == f.ext || nameForm(dir, name).item() {
		return f
	}
	return form{}
}

// formOf returns the form in which a node is, or may become, an item. n may be as it was in an earlier View.
func (t *tree) formOf(v *replica.View, n *replica.Node) form {
	switch {
	case n.Kind == replica.KindMessage:
		return itemForm(n)
	case n.Kind != replica.KindFile || names.ItemExt(n.Name) == "":
		return form{}
	}
	dir, err := v.Node(n.Parent)
	if err != nil {
		return form{}
	}
	if c, ok := claimOf(n); ok {
		if old, err := v.Node(c.Item); err == nil && old.Kind == replica.KindMessage {
			return heirForm(dir, n.Name, old)
		}
	}
	return nameForm(dir, n.Name)
}

func isClass(class, of string) bool {
	return len(class) >= len(of) && strings.EqualFold(class[:len(of)], of) && (len(class) == len(of) || class[len(of)] == '.')
}

// check tells whether bytes are an item of the form.
func (t *tree) check(f form, r io.Reader) error {
	if f.ext == mime.ExtMessage {
		return mime.Check(r)
	}
	_, err := t.parse(f, r, nil)
	return err
}

// parse makes a message object of what a user wrote. Data of attachments goes to store as it is read, or stays in
// memory.
func (t *tree) parse(f form, r io.Reader, store func(io.Reader) (mapi.Blob, error)) (*mapi.Message, error) {
	return t.parseWith(f, r, mime.Options{Store: store})
}

func (t *tree) parseWith(f form, r io.Reader, opt mime.Options) (*mapi.Message, error) {
	opt.Zone = mime.ZoneOf(t.opt.Location, t.clock.Now().Year())
	m, err := mime.ParseFile(f.ext, r, opt)
	var partly *mime.UnsupportedError
	if err != nil && (!errors.As(err, &partly) || m == nil) {
		return nil, err // else what was not understood was kept as it came
	}
	if class := m.Properties.String(mapi.PidTagMessageClass); f.class != "" && !isClass(class, f.class) {
		return nil, fmt.Errorf("%w: %s, and %s", mime.ErrNotItem, isA[isClass(class, classTask)], wants[f.class])
	}
	return m, nil
}

var (
	isA   = map[bool]string{true: "it is a task", false: "it is an event"}
	wants = map[string]string{classAppointment: "only events can be here", classTask: "only tasks can be here"}
)

// reasonOf is the text of an error of check, without the names of packages in it.
func reasonOf(err error) string {
	return strings.NewReplacer("mime: ", "", "ical: ", "", "vcard: ", "").Replace(err.Error())
}
