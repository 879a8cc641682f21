package fs

import (
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// helperAttr keeps a terminal's Ctrl-C from the helper: its mount ends it.
func helperAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// caller makes the calls. It opens what it needs for each of them, so that nothing keeps the mount busy in between,
// and it works from one directory that it knows to be the mount's: under the name of the mount point there may be
// anything by now.
type caller struct {
	dir string
	dev uint64 // of the mount, 0 until the first call
}

// root opens the mount's root; ENODEV if the mount is gone.
func (c *caller) root() (int, error) {
	fd, err := unix.Open(c.dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil && c.dev != 0 && st.Dev != c.dev {
		err = unix.ENODEV
	}
	if err != nil {
		unix.Close(fd) //nolint:errcheck // nothing was written
		return -1, err
	}
	return fd, nil
}

// open opens a directory below the root, or the file that is to be written to, without leaving the mount.
func open(root int, path string, flags uint64) (int, error) {
	how := unix.OpenHow{Flags: flags | unix.O_CLOEXEC | unix.O_NOFOLLOW,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_XDEV | unix.RESOLVE_NO_SYMLINKS}
	return unix.Openat2(root, path, &how)
}

func (c *caller) do(call helperCall) error {
	root, err := c.root()
	if err != nil {
		return err
	}
	defer unix.Close(root) //nolint:errcheck // nothing was written
	if call.Op == 0 {
		return c.hello(root, call)
	}
	const path = unix.O_PATH | unix.O_DIRECTORY
	dir, err := open(root, string(call.Parent), path)
	if err != nil {
		return err
	}
	defer unix.Close(dir) //nolint:errcheck // as above
	name := string(call.Name)
	switch call.Op {
	case replayCreate:
		if call.Dir {
			return unix.Mkdirat(dir, name, dirMode)
		}
		return unix.Mknodat(dir, name, unix.S_IFREG|fileMode, 0)
	case replayRemove:
		flags := 0
		if call.Dir {
			flags = unix.AT_REMOVEDIR
		}
		return unix.Unlinkat(dir, name, flags)
	case replayRename:
		to, err := open(root, string(call.ToParent), path)
		if err != nil {
			return err
		}
		defer unix.Close(to) //nolint:errcheck // as above
		if call.Dir {
			// A directory that somebody has seen under its new name is brought back to the old one by a look at that.
			// The rename itself couldn't: it holds the lock of the whole tree.
			var st unix.Stat_t
			_ = unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW)
		}
		return unix.Renameat2(dir, name, to, string(call.ToName), unix.RENAME_NOREPLACE)
	case replayModify:
		return modify(dir, name, call.Mtime)
	}
	return unix.EINVAL
}

// hello looks for the secret name, and learns which device the mount is.
func (c *caller) hello(root int, call helperCall) error {
	var st unix.Stat_t
	if err := unix.Fstat(root, &st); err != nil {
		return err
	}
	c.dev = st.Dev
	dir, err := open(root, string(call.Parent), unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer unix.Close(dir) //nolint:errcheck // nothing was written
	_ = unix.Fstatat(dir, string(call.Name), &st, unix.AT_SYMLINK_NOFOLLOW)
	return nil
}

// modify makes the kernel believe that a file was written to. A new mtime alone is IN_MODIFY, both times together
// would be IN_ATTRIB; the close of a file that was open for writing is IN_CLOSE_WRITE.
func modify(dir int, name string, mtime int64) error {
	times := [2]unix.Timespec{{Nsec: unix.UTIME_OMIT}, unix.NsecToTimespec(mtime)}
	fd, err := open(dir, name, unix.O_WRONLY|unix.O_NONBLOCK)
	if err == unix.EACCES { // may not be written to: then it is not closed after it either
		return unix.UtimesNanoAt(dir, name, times[:], unix.AT_SYMLINK_NOFOLLOW)
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	if _, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, uintptr(fd), 0, uintptr(unsafe.Pointer(&times)), 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// closeOnExec keeps the connection to the kernel from the processes that this one starts: while one of them had it,
// a mount whose process died would not answer that it is dead.
func closeOnExec() {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, e := range list {
		var st unix.Stat_t
		fd, err := strconv.Atoi(e.Name())
		if err == nil && unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == fuseDevice {
			unix.CloseOnExec(fd)
		}
	}
}

// fuseDevice is the number of /dev/fuse.
var fuseDevice = unix.Mkdev(10, 229)
