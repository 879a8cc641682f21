package fs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// FS shows a replica as a file system.
type FS struct {
	opt Options
	t   *tree
}

// New makes a file system. Nothing runs until Mount.
func New(opt Options) (*FS, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	base, err := inoBase(opt.Replica)
	if err != nil {
		return nil, fmt.Errorf("fs: %w", err)
	}
	t := newTree(opt)
	t.inoBase = base
	return &FS{opt: opt, t: t}, nil
}

// Flush makes changes of what idle windows hold back, without waiting for them. What was closed before the call is
// among it.
func (f *FS) Flush() error {
	f.t.awaitReleases(func() { time.Sleep(releasePause) })
	f.t.fetchLeft()
	return f.t.flushAll()
}

// Mount is a mounted file system.
type Mount struct {
	Dir    string // absolute
	fs     *FS
	server *fuse.Server
	stop   func() // ends the notifier

	served   chan struct{} // closed when the kernel has let go
	finished chan struct{} // closed when local state is durable
	closeErr error
}

// ErrNotEmpty says that a mount point is not an empty directory.
var ErrNotEmpty = errors.New("fs: mount point is not an empty directory")

// ErrMounted says that something is mounted there already.
var ErrMounted = errors.New("fs: something is mounted there already")

// CheckMountPoint tells whether dir can be mounted over: an empty directory that is not a mount point. A mount
// left behind by a process that died is taken away.
func CheckMountPoint(dir string) error {
	if isStaleMount(firstEntry(dir)) {
		if err := detachMount(dir); err != nil {
			return fmt.Errorf("fs: %s is a dead mount and can't be unmounted: %w", dir, err)
		}
	}
	st, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !st.IsDir() {
		return fmt.Errorf("%w: %s", ErrNotEmpty, dir)
	}
	parent, err := os.Stat(filepath.Join(dir, ".."))
	if err == nil && device(st) != device(parent) {
		return fmt.Errorf("%w: %s", ErrMounted, dir)
	}
	switch err := firstEntry(dir); {
	case err == nil:
		return fmt.Errorf("%w: %s", ErrNotEmpty, dir)
	case err != io.EOF:
		return err
	}
	return nil
}

// firstEntry reads one entry of a directory: io.EOF if there is none. Unlike stat it can't be answered from a cache.
func firstEntry(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	_, err = d.Readdirnames(1)
	return err
}

// isStaleMount reports whether err is what a mount answers whose process has died.
func isStaleMount(err error) bool {
	return errors.Is(err, syscall.ENOTCONN) || errors.Is(err, syscall.ECONNABORTED)
}

// Mount mounts the file system at dir, which CheckMountPoint must accept, and serves it until it is unmounted or
// ctx ends. It returns as soon as the mount answers. Root mounts without a helper, other users need fusermount3.
func (f *FS) Mount(ctx context.Context, dir string) (*Mount, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := CheckMountPoint(dir); err != nil {
		return nil, err
	}
	if err := f.t.recover(); err != nil {
		return nil, fmt.Errorf("fs: recovering working copies: %w", err)
	}
	if f.opt.VolumeIcon != "" && !f.opt.ReadOnly {
		if err := f.t.placeIcon(f.opt.VolumeIcon); err != nil {
			return nil, err
		}
	}
	var face fuse.RawFileSystem
	raw := newRaw(f.t)
	if face = raw; f.opt.ReplayHelper != nil {
		f.t.notices.p = newReplayer(f.t, dir)
		face = &witness{raw, f.t.notices.p}
	}
	server, err := fuse.NewServer(face, dir, f.mountOptions())
	if err != nil {
		return nil, fmt.Errorf("fs: mounting at %s: %w", dir, err)
	}
	closeOnExec()
	m := &Mount{Dir: dir, fs: f, server: server, served: make(chan struct{}), finished: make(chan struct{})}
	m.stop = f.t.startNotifier(server)
	f.t.startEvictor()
	go func() {
		server.Serve()
		close(m.served)
		m.stop()
		m.closeErr = f.t.close()
		close(m.finished)
	}()
	if err := server.WaitMount(); err != nil {
		return nil, errors.Join(fmt.Errorf("fs: mounting at %s: %w", dir, err), m.Unmount())
	}
	context.AfterFunc(ctx, func() {
		if err := m.Unmount(); err != nil {
			f.opt.Logf("fs: %v", err)
		}
	})
	return m, nil
}

func (f *FS) mountOptions() *fuse.MountOptions {
	fsName := "mailfs"
	if f.opt.User != "" {
		fsName = "mailfs:" + f.opt.User // a colon marks a remote file system for programs that ask
	}
	opts := append([]string{"default_permissions"}, f.opt.volumeOptions()...)
	root := os.Geteuid() == 0
	flags := uintptr(mountFlags)
	if f.opt.ReadOnly {
		if root {
			flags |= mountReadOnly
		} else {
			opts = append(opts, "ro")
		}
	}
	return &fuse.MountOptions{
		FsName: fsName, Name: "mailfs", Options: opts, AllowOther: f.opt.AllowOther,
		DirectMount: root, DirectMountFlags: flags,
		MaxWrite: 1 << 20, MaxReadAhead: 1 << 20, MaxBackground: 64,
		ExtraCapabilities: fuse.CAP_ATOMIC_O_TRUNC,
		Debug:             f.opt.Debug,
		Logger:            log.New(logWriter(f.opt.Logf), "", 0),
	}
}

// logWriter passes go-fuse's lines on.
type logWriter func(format string, args ...any)

func (w logWriter) Write(p []byte) (int, error) {
	w("fuse: %s", p)
	return len(p), nil
}

// Wait returns when the file system was unmounted, by whomever, and what programs wrote is durable.
func (m *Mount) Wait() error {
	<-m.finished
	return m.closeErr
}

// Unmount asks the kernel to unmount; EBUSY while files are open. It returns when local state is durable.
func (m *Mount) Unmount() error {
	select {
	case <-m.served:
		return m.Wait()
	default:
	}
	m.fs.t.notices.hold(true, m.served)
	if err := m.server.Unmount(); err != nil {
		m.fs.t.notices.hold(false, m.served)
		return fmt.Errorf("fs: unmounting %s: %w", m.Dir, err)
	}
	return m.Wait()
}

// Abort ends the connection to the kernel at once: programs that use the mount get ENOTCONN, also those that hang.
// The mount point is taken away. For tests and last resorts.
func (m *Mount) Abort() error {
	if err := abortConnection(m.Dir); err != nil {
		return err
	}
	if err := detachMount(m.Dir); err != nil {
		return err
	}
	return m.Wait()
}
