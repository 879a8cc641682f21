package sim

import (
	"encoding/gob"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"mailfs/fs"
)

// Programs that use a mount run in a process of their own: one that serves a mount must not wait for it. HandsEnv makes
// this program one that does what it is told on its standard input, on the mount that it names.
const HandsEnv = "MAILFS_SIM_HANDS"

// order is one call of a program, or a few that belong together.
type order struct {
	Op       string
	Path, To string // To: of a rename; the name of an attribute
	Flags    int
	File     int // number of an open file
	Data     []byte
	N        int64
}

// outcome is what came of it.
type outcome struct {
	Errno syscall.Errno
	Data  []byte
	File  int
	N     int64
	List  []fs.DirectEntry
}

// hands drives the process.
type hands struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	enc *gob.Encoder
	dec *gob.Decoder
}

func newHands(root string) (*hands, error) {
	cmd, err := again(HandsEnv + "=" + root)
	if err != nil {
		return nil, err
	}
	h := &hands{cmd: cmd}
	h.cmd.Stderr = os.Stderr
	in, err := h.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	h.in, h.enc, h.dec = in, gob.NewEncoder(in), gob.NewDecoder(out)
	return h, h.cmd.Start()
}

// again makes a command that starts this program once more, as what the variable says.
func again(variable string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), variable)
	return cmd, nil
}

// do has a call made.
func (h *hands) do(o order) (r outcome, err error) {
	if err := h.enc.Encode(o); err != nil {
		return r, err
	}
	if err := h.dec.Decode(&r); err != nil {
		return r, err
	}
	if r.Errno != 0 {
		return r, r.Errno
	}
	return r, nil
}

func (h *hands) close() {
	_ = h.in.Close()
	_ = h.cmd.Wait() // it ends with its input
}

// ServeHands does what it is told until there is nothing more to do.
func ServeHands(root string, in io.Reader, out io.Writer) error {
	s := &handServer{root: root, files: map[int]*os.File{}}
	dec, enc := gob.NewDecoder(in), gob.NewEncoder(out)
	for {
		var o order
		switch err := dec.Decode(&o); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		var r outcome
		if err := s.obey(o, &r); err != nil && !errors.As(err, &r.Errno) {
			return err
		}
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
}

type handServer struct {
	root  string
	last  int
	files map[int]*os.File
}

func (s *handServer) obey(o order, r *outcome) (err error) {
	p := filepath.Join(s.root, o.Path)
	switch o.Op {
	case "read file":
		r.Data, err = os.ReadFile(p)
	case "write file":
		err = writeFile(p, o.Data)
	case "open":
		var f *os.File
		if f, err = os.OpenFile(p, o.Flags, 0o644); err == nil {
			s.last++
			s.files[s.last], r.File = f, s.last
		}
	case "rename":
		err = syscall.Rename(p, filepath.Join(s.root, o.To))
	case "unlink":
		err = unix.Unlink(p)
	case "rmdir":
		err = unix.Rmdir(p)
	case "mkdir":
		err = os.Mkdir(p, 0o755)
	case "list":
		r.List, err = list(p)
	case "setxattr":
		err = unix.Setxattr(p, o.To, o.Data, 0)
	case "getxattr":
		buf := make([]byte, 64<<10)
		if n, e := unix.Getxattr(p, o.To, buf); e != nil {
			err = e
		} else {
			r.Data = buf[:n]
		}
	case "size":
		var fi os.FileInfo
		if fi, err = os.Lstat(p); err == nil {
			r.N = fi.Size()
		}
	default:
		return s.obeyFile(o, r)
	}
	return err
}

// obeyFile makes a call on an open file.
func (s *handServer) obeyFile(o order, r *outcome) (err error) {
	f := s.files[o.File]
	if f == nil {
		return syscall.EBADF
	}
	switch o.Op {
	case "read":
		r.Data, err = io.ReadAll(io.NewSectionReader(f, 0, 1<<40))
	case "write":
		_, err = f.Write(o.Data)
	case "write at":
		_, err = f.WriteAt(o.Data, o.N)
	case "truncate":
		err = f.Truncate(o.N)
	case "sync":
		err = f.Sync()
	case "close":
		delete(s.files, o.File)
		err = f.Close()
	default:
		err = syscall.ENOSYS
	}
	return err
}

// writeFile writes a file in place, and tells what close says.
func writeFile(p string, data []byte) error {
	f, err := os.OpenFile(p, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err != nil {
		_ = f.Close() // the first error is told
		return err
	}
	return f.Close()
}

func list(dir string) (out []fs.DirectEntry, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		out = append(out, fs.DirectEntry{Name: e.Name(), Dir: e.IsDir()})
	}
	return out, err
}
