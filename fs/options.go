package fs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"mailfs/replica"
)

// Fetcher completes items of which only the header is here.
type Fetcher interface {
	// Fetch brings the whole of a message into the replica and returns when it is there. It honours ctx. The errors
	// are those of package mapi, context errors, or replica.ErrNotFound when the item is gone.
	Fetch(ctx context.Context, n replica.Num) error
}

// Options say what to show and how.
type Options struct {
	Replica *replica.Replica
	Fetcher Fetcher // nil: header-only items can't be opened (ENETUNREACH)

	// Now is the clock for stamps, time.Now if nil.
	Now func() time.Time
	// Clock takes the place of Now and of the real timers behind idle windows.
	Clock Clock
	// IdleWindow is how long after the last close a file is left alone before it becomes a change, and how long a
	// name remembers the message that it had. 3 s if 0; a negative value means none.
	IdleWindow time.Duration
	// OpenDeadline bounds the download that opening a header-only item waits for. 10 s if 0.
	OpenDeadline time.Duration

	// ValidKeep tells whether a value is a keep policy that a folder can have; none is if it is nil.
	ValidKeep func(policy string) bool

	// CacheSize bounds the bytes of bodies that are here; 0 for no bound.
	CacheSize int64

	User     string         // address of the mailbox, for the file system's name
	Location *time.Location // for times that are shown as text; time.Local if nil
	ReadOnly bool
	// HardDelete makes unlink remove messages instead of moving them to Deleted Items.
	HardDelete bool
	// NoDownloadFor lists executables, by base name, whose open of a header-only item fails at once with ENODATA. Of
	// another user's program only the first 15 bytes of the command's name can be told; they are compared then.
	NoDownloadFor []string

	// NoRootMail refuses messages directly in the root: macOS does not take notices about what is there.
	NoRootMail bool
	// PlainXattrs leaves out the "user." in front of the names of extended attributes, as macOS has them.
	PlainXattrs bool
	VolumeName  string // what macOS shows; the address if empty
	VolumeIcon  string // file with the picture that macOS shows, .icns

	UID, GID   int    // owner of everything; -1 or 0 of a zero Options: see New
	SetOwner   bool   // take UID and GID as given, even 0
	AllowOther bool   // other users may look (the kernel checks permissions)
	Debug      bool   // trace FUSE requests, names included, to Logf
	ScratchDir string // for large files while they are written; os.TempDir() if empty
	DiskDir    string // whose figures statfs falls back to; ScratchDir if empty

	Logf         func(format string, args ...any) // never receives mail content
	Version      string                           // content of .mailfs/version
	StatusSource func() []byte                    // content of .mailfs/status; a summary of the replica if nil
	Failures     func() ([]Failure, error)        // what .mailfs/failures/ shows; nothing if nil

	// ReplayHelper makes the command of a process that calls ServeReplays and nothing else, with its standard input
	// and output: it makes inotify events of what others change. None are raised if it is nil. Linux only.
	ReplayHelper func() *exec.Cmd
}

const (
	defaultIdleWindow   = 3 * time.Second
	defaultOpenDeadline = 10 * time.Second
)

// withDefaults fills in what was left open. The owner is the process's own unless SetOwner says otherwise.
func (o Options) withDefaults() (Options, error) {
	if o.Replica == nil {
		return o, fmt.Errorf("fs: no replica")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Clock == nil {
		o.Clock = wallClock{o.Now}
	}
	switch {
	case o.IdleWindow == 0:
		o.IdleWindow = defaultIdleWindow
	case o.IdleWindow < 0:
		o.IdleWindow = 0
	}
	if o.OpenDeadline <= 0 {
		o.OpenDeadline = defaultOpenDeadline
	}
	if o.Location == nil {
		o.Location = time.Local
	}
	if !o.SetOwner {
		o.UID, o.GID = os.Getuid(), os.Getgid()
	}
	if o.ScratchDir == "" {
		o.ScratchDir = os.TempDir()
	}
	if o.DiskDir == "" {
		o.DiskDir = o.ScratchDir
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	return o, nil
}
