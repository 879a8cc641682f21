package sim

import (
	"mailfs/fs"
)

// machine is what the programs of a user call: the file system without a kernel, where nothing runs by itself, or a real
// mount. Errors are syscall.Errno.
type machine interface {
	ReadFile(path string) ([]byte, error)
	WriteFile(path string, p []byte) error
	Open(path string, flags uint32) (openFile, error)
	Rename(from, to string, flags uint32) error
	Unlink(path string) error
	Mkdir(path string) error
	Rmdir(path string) error
	ReadDir(path string) ([]fs.DirectEntry, error)
	Setxattr(path, name, value string) error
	Getxattr(path, name string) (string, error)
	Size(path string) (int64, error)

	Deliver() int   // lets the kernel hear of what is new
	Stale() int     // how often old pages would have been shown
	Unsettled() int // files whose idle window has not passed
	Flush() error
	Close() error // unmounts
	Drop()        // ends as a kill of the process does
}

// openFile is a file that a program keeps open.
type openFile interface {
	Read() ([]byte, error)
	Write(p []byte) (int, error)
	WriteAt(p []byte, off int64) error
	Truncate(size int64) error
	Sync() error
	Close() error
	Release() // without a word of what was written
}

// direct is a machine without a kernel.
type direct struct{ *fs.Direct }

// Open implements machine.
func (d direct) Open(path string, flags uint32) (openFile, error) {
	f, err := d.Direct.Open(path, flags)
	if err != nil {
		return nil, err
	}
	return f, nil
}

var _, _ machine = direct{}, (*mounted)(nil)
