package sim

import (
	"context"
	"os"
	"syscall"

	"mailfs/fs"
)

// ReplaysEnv makes this program the helper that plays remote changes to the kernel.
const ReplaysEnv = "MAILFS_SIM_REPLAYS"

// mounted is a machine with a kernel: a mount, and a process whose calls go through it. What the kernel does by itself,
// it does in its own time; so the course of a history is not the same each time.
type mounted struct {
	fs    *fs.FS
	m     *fs.Mount
	hands *hands
}

func mountAt(f *fs.FS, dir string) (*mounted, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	m, err := f.Mount(context.Background(), dir)
	if err != nil {
		return nil, err
	}
	h, err := newHands(dir)
	if err != nil {
		return nil, err
	}
	return &mounted{f, m, h}, nil
}

func (m *mounted) do(o order) (outcome, error) { return m.hands.do(o) }

func (m *mounted) just(o order) error {
	_, err := m.do(o)
	return err
}

func (m *mounted) ReadFile(path string) ([]byte, error) {
	r, err := m.do(order{Op: "read file", Path: path})
	return r.Data, err
}

func (m *mounted) WriteFile(path string, p []byte) error {
	return m.just(order{Op: "write file", Path: path, Data: p})
}

func (m *mounted) Open(path string, flags uint32) (openFile, error) {
	r, err := m.do(order{Op: "open", Path: path, Flags: int(flags)})
	if err != nil {
		return nil, err
	}
	return &mountedFile{m, r.File}, nil
}

func (m *mounted) Rename(from, to string, flags uint32) error {
	if flags != 0 {
		return syscall.EINVAL // no history does
	}
	return m.just(order{Op: "rename", Path: from, To: to})
}

func (m *mounted) Unlink(path string) error { return m.just(order{Op: "unlink", Path: path}) }

func (m *mounted) Mkdir(path string) error { return m.just(order{Op: "mkdir", Path: path}) }

func (m *mounted) Rmdir(path string) error { return m.just(order{Op: "rmdir", Path: path}) }

func (m *mounted) ReadDir(path string) ([]fs.DirectEntry, error) {
	r, err := m.do(order{Op: "list", Path: path})
	return r.List, err
}

func (m *mounted) Setxattr(path, name, value string) error {
	return m.just(order{Op: "setxattr", Path: path, To: name, Data: []byte(value)})
}

func (m *mounted) Getxattr(path, name string) (string, error) {
	r, err := m.do(order{Op: "getxattr", Path: path, To: name})
	return string(r.Data), err
}

func (m *mounted) Size(path string) (int64, error) {
	r, err := m.do(order{Op: "size", Path: path})
	return r.N, err
}

// Deliver has nothing to do: the kernel is told at once.
func (m *mounted) Deliver() int { return 0 }

// Stale has nothing to tell: what programs see is compared in the end.
func (m *mounted) Stale() int { return 0 }

func (m *mounted) Unsettled() int { return m.fs.Unsettled() }

func (m *mounted) Flush() error { return m.fs.Flush() }

func (m *mounted) Close() error {
	m.hands.close()
	return m.m.Unmount()
}

// Drop cuts the kernel off. What its end makes durable is no more than programs had: a history goes on with a copy of
// the replica from before.
func (m *mounted) Drop() {
	_ = m.m.Abort() // what it can't write any more is lost, as in every crash
	m.hands.close()
}

// mountedFile is a file that the process of a mount has open.
type mountedFile struct {
	m *mounted
	n int
}

func (f *mountedFile) Read() ([]byte, error) {
	r, err := f.m.do(order{Op: "read", File: f.n})
	return r.Data, err
}

func (f *mountedFile) Write(p []byte) (int, error) {
	return len(p), f.m.just(order{Op: "write", File: f.n, Data: p})
}

func (f *mountedFile) WriteAt(p []byte, off int64) error {
	return f.m.just(order{Op: "write at", File: f.n, Data: p, N: off})
}

func (f *mountedFile) Truncate(size int64) error {
	return f.m.just(order{Op: "truncate", File: f.n, N: size})
}

func (f *mountedFile) Sync() error { return f.m.just(order{Op: "sync", File: f.n}) }

func (f *mountedFile) Close() error { return f.m.just(order{Op: "close", File: f.n}) }

func (f *mountedFile) Release() { _ = f.Close() } // a program that ends closes what it has open
