// Command statictree copies a directory into memory and mounts the copy with go-fuse and
// the mount options of package fs: what a file system costs that does nothing but answer.
// `make bench-peers` holds mailfs against it.
package main

import (
	"context"
	"fmt"
	iofs "io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: statictree SOURCE MOUNTPOINT")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "statictree:", err)
		os.Exit(1)
	}
}

func run(source, mountpoint string) error {
	// As long as those of package fs, which invalidates what changes.
	present, absent := time.Hour, 500*time.Millisecond
	root := &dir{source: source}
	server, err := fs.Mount(mountpoint, root, &fs.Options{
		EntryTimeout: &present, AttrTimeout: &present, NegativeTimeout: &absent,
		MountOptions: fuse.MountOptions{
			FsName: "statictree", Name: "statictree", Options: []string{"default_permissions"},
			DirectMount: os.Geteuid() == 0, DirectMountFlags: syscall.MS_NOSUID | syscall.MS_NODEV,
			MaxWrite: 1 << 20, MaxReadAhead: 1 << 20, MaxBackground: 64, IgnoreSecurityLabels: true,
			ExtraCapabilities: fuse.CAP_ATOMIC_O_TRUNC,
		},
	})
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-stop
		server.Unmount() //nolint:errcheck // the process ends anyway
	}()
	server.Wait()
	return nil
}

// dir is a directory that was read from source when the tree was made.
type dir struct {
	fs.Inode
	source string
}

var _ = (fs.NodeOnAdder)((*dir)(nil))

// OnAdd reads the whole tree below source.
func (d *dir) OnAdd(ctx context.Context) {
	if err := load(ctx, &d.Inode, d.source); err != nil {
		fmt.Fprintln(os.Stderr, "statictree:", err)
		os.Exit(1)
	}
}

func load(ctx context.Context, parent *fs.Inode, source string) error {
	entries, err := os.ReadDir(source)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(source, e.Name())
		var child *fs.Inode
		switch {
		case e.IsDir():
			child = parent.NewPersistentInode(ctx, &fs.Inode{}, fs.StableAttr{Mode: syscall.S_IFDIR})
			if err := load(ctx, child, path); err != nil {
				return err
			}
		case e.Type()&iofs.ModeType == 0:
			f, err := loadFile(path)
			if err != nil {
				return err
			}
			child = parent.NewPersistentInode(ctx, f, fs.StableAttr{Mode: syscall.S_IFREG})
		default:
			continue
		}
		parent.AddChild(e.Name(), child, true)
	}
	return nil
}

// file is a file in memory with its extended attributes.
type file struct {
	fs.MemRegularFile
	xattrs map[string][]byte
	list   []byte
}

var (
	_ = (fs.NodeGetxattrer)((*file)(nil))
	_ = (fs.NodeListxattrer)((*file)(nil))
)

func loadFile(path string) (*file, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	f := &file{MemRegularFile: fs.MemRegularFile{Data: data}, xattrs: map[string][]byte{}}
	f.Attr.Mode = 0o600
	f.Attr.Mtime = uint64(info.ModTime().Unix())
	f.Attr.Blocks = (uint64(len(data)) + 511) / 512
	buf := make([]byte, 64<<10)
	if n, err := unix.Llistxattr(path, buf); err == nil {
		f.list = append([]byte(nil), buf[:n]...)
		for name := range strings.SplitSeq(strings.TrimSuffix(string(f.list), "\x00"), "\x00") {
			if n, err := unix.Lgetxattr(path, name, buf); err == nil {
				f.xattrs[name] = append([]byte(nil), buf[:n]...)
			}
		}
	}
	return f, nil
}

// Getxattr answers from memory.
func (f *file) Getxattr(_ context.Context, name string, dest []byte) (uint32, syscall.Errno) {
	v, ok := f.xattrs[name]
	if !ok {
		return 0, syscall.ENODATA
	}
	return copyOut(v, dest)
}

// Listxattr answers from memory.
func (f *file) Listxattr(_ context.Context, dest []byte) (uint32, syscall.Errno) {
	return copyOut(f.list, dest)
}

func copyOut(v, dest []byte) (uint32, syscall.Errno) {
	if len(dest) < len(v) {
		return uint32(len(v)), syscall.ERANGE
	}
	copy(dest, v)
	return uint32(len(v)), 0
}
