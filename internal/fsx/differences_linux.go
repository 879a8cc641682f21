package fsx

import (
	"bytes"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"mailfs/mime"
)

// difference is one thing that a mount does otherwise than a local file system, on purpose: a call that it refuses. It is
// then not made on the plain side.
type difference struct {
	text  string
	errno syscall.Errno
	calls []string
	holds func(r *runner, o op) bool
}

func list(calls ...string) []string { return calls }

// differences is the whole table. Data, sizes and names are not in it.
var differences = []difference{
	{"a file has one name", unix.EPERM, list("link"), func(*runner, op) bool { return true }},
	{"close tells that bytes are no message", unix.EINVAL, list("close"), (*runner).badMessageOpen},
	{"what is no message does not take the place of one", unix.EINVAL, list("rename", "exchange"), (*runner).badHeir},
	{"messages and folders do not move into local directories", unix.EXDEV, list("rename", "rename, no replace", "exchange"), (*runner).intoLocal},
	{"a folder does not get a hidden name", unix.EPERM, list("rename", "rename, no replace", "exchange"), (*runner).hiddenFolder},
	{"somebody else's mail is in the folder", unix.ENOTEMPTY, list("rmdir", "rename"), (*runner).othersThere},
}

// hiddenGo is the one difference where the mount succeeds: hidden local files go with their folder.
const hiddenGo = "hidden files go with their folder"

// intended returns the row that explains what a mount answered, nil if there is none.
func (r *runner) intended(o op, got result) *difference {
	if got.errno == 0 {
		return nil
	}
	for i, d := range differences {
		if got.errno == d.errno && slices.Contains(d.calls, o.name) && d.holds(r, o) {
			return &differences[i]
		}
	}
	return nil
}

// local reports whether a directory is one of the local overlay.
func local(dir string) bool {
	for part := range strings.SplitSeq(dir, "/") {
		if strings.HasPrefix(part, ".") && part != "." {
			return true
		}
	}
	return false
}

// message reports whether a path of the mount is a message by now.
func (r *runner) message(p string) bool {
	buf := make([]byte, 32)
	n, err := unix.Lgetxattr(r.m.path(p), "user.mailfs.class", buf)
	return err == nil && n >= 0
}

// candidate reports whether a file of this name is, or may become, a message.
func candidate(p string) bool {
	return strings.EqualFold(path.Ext(p), ".eml") && !strings.HasPrefix(path.Base(p), ".") && !local(path.Dir(p))
}

// inherits reports whether a file may have extended attributes of the message that it took the place of: they outlive a
// save, as the message's identity does. They are not compared.
func (r *runner) inherits(p string) bool { return candidate(p) || r.message(p) }

func (r *runner) isDir(p string) bool {
	st, err := os.Lstat(r.p.path(p))
	return err == nil && st.IsDir()
}

func parses(b []byte) bool { return len(b) == 0 || mime.Check(bytes.NewReader(b)) == nil }

// badMessageOpen: the file of a slot was closed by the mount, and is still open in the plain directory. It is closed
// there, too, when the close of the mount was right to fail.
func (r *runner) badMessageOpen(o op) bool {
	if name := r.p.nameOf(o.slot); !candidate(name) && !r.message(name) {
		return false
	}
	b, err := os.ReadFile("/proc/self/fd/" + strconv.Itoa(r.p.fds[o.slot]))
	return err == nil && !parses(b) && r.p.close(o.slot).errno == 0
}

func (r *runner) badHeir(o op) bool {
	bad := func(heir, message string) bool {
		b, err := os.ReadFile(r.p.path(heir))
		return err == nil && !parses(b) && r.message(message) && !local(path.Dir(message))
	}
	return bad(o.from, o.to) || o.name == "exchange" && bad(o.to, o.from)
}

func (r *runner) intoLocal(o op) bool {
	moves := func(from, to string) bool {
		return local(path.Dir(to)) && !local(path.Dir(from)) && (r.message(from) || r.isDir(from) && !local(from))
	}
	return moves(o.from, o.to) || o.name == "exchange" && moves(o.to, o.from)
}

func (r *runner) hiddenFolder(o op) bool {
	moves := func(from, to string) bool { return r.isDir(from) && !local(from) && local(path.Base(to)) }
	return moves(o.from, o.to) || o.name == "exchange" && moves(o.to, o.from)
}

func (r *runner) othersThere(o op) bool {
	if r.Others == nil {
		return false
	}
	dir := o.from
	if o.name == "rename" {
		dir = o.to
	}
	list, err := os.ReadDir(r.m.path(dir))
	if err != nil {
		return false
	}
	for _, e := range list {
		if r.Others(e.Name()) {
			return true
		}
	}
	return false
}

// emptied makes a directory of the plain side empty when the mount removed one whose only files were hidden ones.
func (r *runner) emptied(o op, got, want result) bool {
	dir := o.from
	if o.name == "rename" {
		dir = o.to
	} else if o.name != "rmdir" {
		return false
	}
	if got.errno != 0 || want.errno != unix.ENOTEMPTY || local(dir) {
		return false
	}
	list, err := os.ReadDir(r.p.path(dir))
	if err != nil {
		return false
	}
	for _, e := range list {
		if e.IsDir() || !strings.HasPrefix(e.Name(), ".") {
			return false
		}
	}
	for _, e := range list {
		if os.Remove(r.p.path(path.Join(dir, e.Name()))) != nil {
			return false
		}
	}
	return true
}

// holeless is a seek for data or a hole: a mount shows files without holes, so that everything is data up to the end.
func (r *runner) holeless(o op, off int64, whence int) op {
	run := o.run
	o.run = func(s *side) result {
		if s == r.m {
			return run(s)
		}
		var st unix.Stat_t
		if err := unix.Fstat(s.fds[o.slot], &st); err != nil {
			return fail(err)
		}
		if st.Mode&unix.S_IFMT != unix.S_IFREG {
			return run(s)
		}
		want := off
		if whence == unix.SEEK_HOLE {
			want = st.Size
		}
		if off >= st.Size {
			return result{errno: unix.ENXIO}
		}
		return s.seek(o.slot, want, unix.SEEK_SET)
	}
	return o
}
