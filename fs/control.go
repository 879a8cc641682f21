package fs

import (
	"bytes"
	"fmt"
	"path"
	"strings"
	"syscall"

	"mailfs/internal/names"
	"mailfs/replica"
)

// The control directory, .mailfs, is found by its name but not listed, so that nothing that walks the mount walks
// into it. Its files are made when they are opened.

var controlFiles = []struct {
	name string
	id   nodeID
}{
	{"associated", controlAssoc},
	{"events", controlEvents},
	{"failures", failuresDir},
	{"local", controlLocal},
	{"status", controlStatus},
	{"version", controlVers},
}

func (t *tree) controlEntry(id nodeID) entry {
	a, _ := t.controlAttr(id)
	name := names.Control
	for _, c := range controlFiles {
		if c.id == id {
			name = c.name
		}
	}
	return entry{id: id, node: &replica.Node{Name: name}, attr: a}
}

func (t *tree) controlEntries() (out []entry) {
	for _, c := range controlFiles {
		out = append(out, t.controlEntry(c.id))
	}
	return out
}

func (t *tree) lookupControl(name string) (entry, error) {
	for _, c := range controlFiles {
		if c.name == name {
			return t.controlEntry(c.id), nil
		}
	}
	return entry{}, replica.ErrNotFound
}

// controlAttr gives control files no size: like those of /proc they are made when they are opened, and read
// directly.
func (t *tree) controlAttr(id nodeID) (attr, error) {
	if id&failureFlag != 0 {
		f, err := t.failureOf(id)
		if err != nil {
			return attr{}, err
		}
		return t.failureEntry(f).attr, nil
	}
	a := t.plainControl(id)
	switch id {
	case controlDir, failuresDir:
		a.mode, a.size = syscall.S_IFDIR|0o500, dirSize
	case controlEvents:
		size, at := t.events.size()
		a.size = size
		if !at.IsZero() {
			a.mtime, a.ctime = at, at
		}
	case conflictsLink:
		target, err := t.conflictsTarget()
		if err != nil {
			return a, err
		}
		a.mode, a.size = syscall.S_IFLNK|linkMode, int64(len(target))
	}
	return a, nil
}

func (t *tree) plainControl(id nodeID) attr {
	return attr{ino: uint64(id), nlink: 1, mode: syscall.S_IFREG | 0o400, exact: true,
		mtime: t.started, ctime: t.started, atime: t.started, btime: t.started}
}

// conflictsEntry is the link at the root to the folder of conflict losers, wherever that is.
func (t *tree) conflictsEntry() (entry, error) {
	a, err := t.controlAttr(conflictsLink)
	if err != nil {
		return entry{}, err
	}
	return entry{id: conflictsLink, node: &replica.Node{Name: names.Conflicts}, attr: a}, nil
}

func (t *tree) conflictsTarget() (target string, err error) {
	err = t.r.View(func(v *replica.View) error {
		n, err := v.BySpecial(replica.SpecialConflicts)
		if err != nil {
			return err
		}
		target, err = pathOf(v, n)
		return err
	})
	return target, err
}

// pathOf returns the path of a node below the root.
func pathOf(v *replica.View, n *replica.Node) (string, error) {
	var parts []string
	for n.Num != replica.RootNum {
		if n.Parent == 0 {
			return "", replica.ErrNotFound
		}
		parts = append([]string{n.Name}, parts...)
		var err error
		if n, err = v.Node(n.Parent); err != nil {
			return "", err
		}
	}
	return path.Join(parts...), nil
}

// controlContent makes the bytes of a control file.
func (t *tree) controlContent(id nodeID) (content, error) {
	if id&failureFlag != 0 {
		f, err := t.failureOf(id)
		if err != nil {
			return nil, err
		}
		return newMemContent([]byte(f.Text)), nil
	}
	switch id {
	case controlStatus:
		if t.opt.StatusSource != nil {
			return newMemContent(t.opt.StatusSource()), nil
		}
		p, err := t.summary()
		return newMemContent(p), err
	case controlEvents:
		return &eventReader{log: &t.events}, nil
	case controlVers:
		return newMemContent([]byte(t.opt.Version + "\n")), nil
	case controlLocal:
		p, err := t.localList()
		return newMemContent(p), err
	case controlAssoc:
		p, err := t.associatedList()
		return newMemContent(p), err
	}
	return nil, syscall.EISDIR
}

// summary describes the replica, for a mount that no one gave a better status.
func (t *tree) summary() ([]byte, error) {
	var b bytes.Buffer
	err := t.r.View(func(v *replica.View) error {
		c, err := v.Counts()
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "folders %d\nmessages %d\ncomplete %d\nqueued %d\nerrors %d\nconflicts %d\nlocal %d\n",
			c.Folders, c.Messages, c.Full, c.Queued, c.Errors, c.Conflicts, c.Overlay)
		return nil
	})
	return b.Bytes(), err
}

// localList names every file that is only here, one per line, with the reason if there is one: tab separated, with
// control characters of names quoted.
func (t *tree) localList() ([]byte, error) {
	var b bytes.Buffer
	err := t.r.View(func(v *replica.View) error { return t.listLocal(v, &b, replica.RootNum, "") })
	return b.Bytes(), err
}

func (t *tree) listLocal(v *replica.View, b *bytes.Buffer, dir replica.Num, prefix string) error {
	for n, err := range v.Children(dir, "") {
		if err != nil {
			return err
		}
		name := prefix + n.Name
		switch n.Kind {
		case replica.KindFolder, replica.KindDir:
			if n.Kind == replica.KindDir {
				fmt.Fprintf(b, "%s/\n", plainName(name))
			}
			if err := t.listLocal(v, b, n.Num, name+"/"); err != nil {
				return err
			}
		case replica.KindMessage:
			if why := n.Xattrs[xattrReason]; len(why) > 0 {
				fmt.Fprintf(b, "%s\t%s\n", plainName(name), why)
			}
		default:
			b.WriteString(plainName(name))
			if why := n.Xattrs[xattrReason]; len(why) > 0 {
				fmt.Fprintf(b, "\t%s", why)
			}
			b.WriteByte('\n')
		}
	}
	return nil
}

// plainName makes a name fit for one line of text.
func plainName(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return '?'
		}
		return c
	}, s)
}
