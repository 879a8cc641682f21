package fs

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"mailfs/internal/names"
	"mailfs/replica"
)

// tree is the file system without FUSE: what each operation means for the replica. Its methods return nil or an
// error that errnoOf translates. doc.go tells its lock order.
type tree struct {
	opt   Options
	r     *replica.Replica
	clock Clock
	cache *imageCache
	noDL  map[string]bool
	ahead readAhead

	inoBase uint64 // what inode numbers begin with

	notices notifier
	evictor evictor
	events  eventLog

	// ns serializes what changes names or the journal, and guards slots, pending, noLeft and deferred.
	ns      sync.Mutex
	slots   map[slotKey]slot
	pending map[replica.Num]Timer // files that become a change when their window ends
	noLeft  map[replica.Num]bool  // messages that were moved away and whose bytes can't be had
	closed  bool                  // no timers any more
	early   *early                // made of the file that is being committed

	// mu guards the tables below; it is a leaf lock.
	mu       sync.RWMutex
	turns    [turnCount]turn
	files    map[nodeID]*file
	copies   map[replica.Num]*workCopy     // durable working copies of messages
	bumps    map[replica.Num]uint64        // incarnations beyond Node.Gen
	dirTimes map[replica.Num]time.Time     // last change of a directory's entries
	remote   map[replica.Num]uint64        // epoch of the last remote content change
	opened   map[replica.Num]replica.Base  // what was last read of a message
	buried   map[replica.Num]*replica.Node // local files and directories that were removed just now
	made     map[replica.Num]uint64        // epoch at which a local file was made

	counts    map[replica.Num]folderCount
	told      map[replica.Num]bool // directories that the kernel knows
	roFolders map[replica.Num]bool // what is known of folders' ReadOnly; emptied when a folder changes

	epoch   atomic.Uint64 // counts event batches and local changes of names
	filesN  atomic.Int64  // len(files)+len(copies), to skip the tables
	started time.Time
}

func newTree(opt Options) *tree {
	t := &tree{
		opt: opt, r: opt.Replica, clock: opt.Clock, cache: newImageCache(imageCacheSize),
		noDL:  make(map[string]bool, len(opt.NoDownloadFor)),
		slots: map[slotKey]slot{}, pending: map[replica.Num]Timer{}, noLeft: map[replica.Num]bool{},
		files: map[nodeID]*file{}, copies: map[replica.Num]*workCopy{}, bumps: map[replica.Num]uint64{},
		dirTimes: map[replica.Num]time.Time{}, remote: map[replica.Num]uint64{}, opened: map[replica.Num]replica.Base{},
		buried: map[replica.Num]*replica.Node{}, made: map[replica.Num]uint64{}, roFolders: map[replica.Num]bool{}, told: map[replica.Num]bool{}, counts: map[replica.Num]folderCount{},
	}
	for _, name := range opt.NoDownloadFor {
		t.noDL[filepath.Base(name)] = true
	}
	t.notices = notifier{t: t, wake: make(chan struct{}, 1), holds: make(chan holding)}
	t.events.paths = map[replica.Num]string{}
	t.r.Listen(t.noteRemote)
	t.started = t.clock.Now()
	return t
}

// regular reports whether n is shown as a regular file.
func regular(n *replica.Node) bool {
	return n.Kind == replica.KindMessage || n.Kind == replica.KindFile
}

func isDir(n *replica.Node) bool { return n.Kind == replica.KindFolder || n.Kind == replica.KindDir }

// shown reports whether a node is listed at all.
func shown(n *replica.Node) bool {
	switch {
	case n.Folder != nil:
		return !n.Folder.Hidden
	case n.Message != nil:
		return !n.Message.FAI
	}
	return true
}

// reserved reports whether a name of the root leads to a control file.
func reserved(parent replica.Num, name string) bool {
	return parent == replica.RootNum && (name == names.Control || name == names.Conflicts)
}

// idOf returns the kernel's number for a node as its name leads to it now.
func (t *tree) idOf(n *replica.Node) nodeID {
	if !regular(n) {
		return makeID(n.Num, 0)
	}
	inc := n.Gen
	t.mu.RLock()
	inc += t.bumps[n.Num]
	t.mu.RUnlock()
	return makeID(n.Num, inc)
}

// entry is what a name leads to.
type entry struct {
	id   nodeID
	node *replica.Node
	attr attr
}

func (t *tree) entryOf(n *replica.Node, ro bool) entry {
	id := t.idOf(n)
	return entry{id: id, node: n, attr: t.attrOf(id, n, ro)}
}

// dirOf returns the node of a directory.
func (t *tree) dirOf(v *replica.View, id nodeID) (*replica.Node, error) {
	if id.control() {
		return nil, syscall.EPERM
	}
	n, err := v.Node(id.num())
	if err != nil {
		return nil, err
	}
	if !isDir(n) {
		return nil, syscall.ENOTDIR
	}
	if n.Parent == 0 && n.Num != replica.RootNum {
		return nil, syscall.ENOENT // removed while it was somebody's working directory
	}
	return n, nil
}

// lookup finds a name in a directory.
func (t *tree) lookup(parent nodeID, name string) (entry, error) {
	switch parent {
	case controlDir:
		return t.lookupControl(name)
	case failuresDir:
		return t.lookupFailure(name)
	}
	if len(name) > names.Max {
		return entry{}, syscall.ENAMETOOLONG
	}
	if parent == rootID {
		switch name {
		case names.Control:
			return t.controlEntry(controlDir), nil
		case names.Conflicts:
			return t.conflictsEntry()
		}
	}
	var n *replica.Node
	var ro bool
	err := t.r.View(func(v *replica.View) (err error) {
		if n, err = v.Lookup(parent.num(), name); err != nil {
			return err
		}
		ro = t.readOnlyParent(v, n)
		return nil
	})
	if err != nil {
		return entry{}, err
	}
	if !shown(n) {
		return entry{}, replica.ErrNotFound
	}
	return t.entryOf(n, ro), nil
}

// resolve returns the node that a kernel number stands for. ESTALE makes the kernel look the name up again.
func (t *tree) resolve(id nodeID) (n *replica.Node, ro bool, err error) {
	err = t.r.View(func(v *replica.View) (err error) {
		if n, err = v.Node(id.num()); err != nil {
			return err
		}
		ro = t.readOnlyParent(v, n)
		return nil
	})
	if errors.Is(err, replica.ErrNotFound) || err == nil && (n.Parent == 0 && n.Num != replica.RootNum || t.idOf(n) != id) {
		return nil, false, syscall.ESTALE
	}
	return n, ro, err
}

// readOnlyParent reports whether the server lets nobody write in the folder that n is, or is in.
func (t *tree) readOnlyParent(v *replica.View, n *replica.Node) bool {
	if n.Folder != nil {
		return n.Folder.ReadOnly
	}
	if n.Kind != replica.KindMessage {
		return false
	}
	t.mu.RLock()
	ro, known := t.roFolders[n.Parent]
	t.mu.RUnlock()
	if known {
		return ro
	}
	p, err := v.Node(n.Parent)
	ro = err == nil && p.Folder != nil && p.Folder.ReadOnly
	t.mu.Lock()
	t.roFolders[n.Parent] = ro
	t.mu.Unlock()
	return ro
}

// invalidate tells the kernel what it can't know from the calls that it made. It never blocks.
func (t *tree) invalidate(list ...stale) { t.notices.add(list...) }

// getattr returns the attributes of a node.
func (t *tree) getattr(id nodeID) (attr, error) {
	if id.control() {
		return t.controlAttr(id)
	}
	n, ro, err := t.resolve(id)
	if err == nil {
		return t.attrOf(id, n, ro), nil
	}
	if f := t.fileOf(id); f != nil {
		return f.pinnedAttr(), nil // open, and its name is gone or leads elsewhere
	}
	if n := t.unburied(id); n != nil && isDir(n) {
		a := t.attrOf(id, n, false)
		a.nlink = 0
		return a, nil
	}
	return attr{}, err
}

// fileOf returns the open file of an id, nil if there is none.
func (t *tree) fileOf(id nodeID) *file {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.files[id]
}

// touchDirs notes that entries of directories changed now.
func (t *tree) touchDirs(nums ...replica.Num) {
	now := t.clock.Now()
	t.mu.Lock()
	for _, n := range nums {
		t.dirTimes[n] = now
	}
	t.mu.Unlock()
	t.epoch.Add(1)
}

// readlink returns the target of a symbolic link.
func (t *tree) readlink(id nodeID) (string, error) {
	if id == conflictsLink {
		return t.conflictsTarget()
	}
	if id.control() {
		return "", syscall.EINVAL
	}
	n, _, err := t.resolve(id)
	if err != nil {
		return "", err
	}
	if n.Kind != replica.KindSymlink {
		return "", syscall.EINVAL
	}
	return n.Target, nil
}

// mayDownload reports whether the program that a thread runs may start downloads by opening messages.
func (t *tree) mayDownload(pid uint32) bool {
	return len(t.noDL) == 0 || !listed(t.noDL, executable(pid), commandName(pid))
}

// maxCommand is how much of a command's name the kernel keeps.
const maxCommand = 15

// listed reports whether names has a program, known by the base name of its executable or, where the executable is not
// told since the program is somebody else's, by the start of its command's name.
func listed(names map[string]bool, exe, command string) bool {
	if exe != "" || command == "" {
		return names[exe]
	}
	for name := range names {
		if name[:min(len(name), maxCommand)] == command {
			return true
		}
	}
	return false
}

// executable returns the base name of the program that a thread runs, "" if that can't be told.
func executable(pid uint32) string {
	exe, err := os.Readlink(procFile(pid, "exe"))
	if err != nil {
		return ""
	}
	return filepath.Base(trimDeleted(exe))
}

// commandName returns what the kernel calls the program of a thread, "" if that can't be told. A thread may have a name of
// its own; that of its process counts.
func commandName(tid uint32) string {
	status, err := os.ReadFile(procFile(tid, "status"))
	if err != nil {
		return ""
	}
	_, rest, _ := bytes.Cut(status, []byte("\nTgid:"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	pid, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 10, 32)
	if err != nil {
		return ""
	}
	name, err := os.ReadFile(procFile(uint32(pid), "comm"))
	if err != nil {
		return ""
	}
	return string(bytes.TrimSuffix(name, []byte("\n")))
}
