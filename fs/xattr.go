package fs

import (
	"errors"
	"sort"
	"strings"
	"syscall"

	"mailfs/mapi"
	"mailfs/mime"
	"mailfs/replica"
)

// The extended attributes that mailfs itself gives. All of them are in the user namespace.
const (
	xattrState     = "user.mailfs.state"
	xattrRead      = "user.mailfs.read"
	xattrFlag      = "user.mailfs.flag"
	xattrSourceKey = "user.mailfs.source-key"
	xattrError     = "user.mailfs.error"
	xattrClass     = "user.mailfs.class"
	xattrSubject   = "user.xdg.origin.email.subject"
	xattrFrom      = "user.xdg.origin.email.from"
	xattrSender    = "user.xdg.origin.email.sender"
	xattrMessageID = "user.xdg.origin.email.message-id"
	xattrMimeType  = "user.mime_type"
)

const (
	userSpace   = "user."
	ownSpace    = "user.mailfs."
	maxXattr    = 64 << 10 // of one value, as in the kernel
	maxXattrSum = 1 << 20  // of what programs store with one node
)

// xattrNode returns the node that carries an id's attributes, and the message whose state counts: of a file that is
// about to be the next version of a message, that message.
func (t *tree) xattrNode(id nodeID) (n, message *replica.Node, queued bool, err error) {
	if id.control() {
		return nil, nil, false, syscall.ENODATA
	}
	err = t.r.View(func(v *replica.View) error {
		if n, err = v.Node(id.num()); err != nil {
			return err
		}
		message = n
		if c, ok := claimOf(n); ok {
			old, err := v.Node(c.Item)
			if err == nil && old.Kind == replica.KindMessage {
				message, queued = old, true
			} else if err != nil && !errors.Is(err, replica.ErrNotFound) {
				return err
			}
		}
		list, err := v.ChangesOf(message.Num)
		queued = queued || len(list) > 0
		return err
	})
	if errors.Is(err, replica.ErrNotFound) {
		err = syscall.ESTALE
	}
	return n, message, queued, err
}

// getxattr returns the value of an extended attribute, ENODATA if there is none.
func (t *tree) getxattr(id nodeID, name string) ([]byte, error) {
	if !strings.HasPrefix(name, userSpace) {
		return nil, syscall.ENODATA
	}
	n, message, queued, err := t.xattrNode(id)
	if err != nil {
		return nil, err
	}
	if v, ok := t.ownXattrs(id, n, message, queued)[name]; ok {
		return []byte(v), nil
	}
	if strings.HasPrefix(name, ownSpace) {
		return nil, syscall.ENODATA
	}
	if v, ok := n.Xattrs[name]; ok {
		return v, nil
	}
	if v, ok := message.Xattrs[name]; ok {
		return v, nil
	}
	return nil, syscall.ENODATA
}

// listxattr returns the names of all extended attributes, in order.
func (t *tree) listxattr(id nodeID) ([]string, error) {
	if id.control() {
		return nil, nil
	}
	n, message, queued, err := t.xattrNode(id)
	if err != nil {
		return nil, err
	}
	set := map[string]bool{}
	for name := range t.ownXattrs(id, n, message, queued) {
		set[name] = true
	}
	for _, m := range []map[string][]byte{n.Xattrs, message.Xattrs} {
		for name := range m {
			if strings.HasPrefix(name, userSpace) {
				set[name] = true
			}
		}
	}
	list := make([]string, 0, len(set))
	for name := range set {
		list = append(list, name)
	}
	sort.Strings(list)
	return list, nil
}

// ownXattrs makes the attributes that are not stored but told.
func (t *tree) ownXattrs(id nodeID, n, message *replica.Node, queued bool) map[string]string {
	out := map[string]string{}
	put := func(name, value string) {
		if value != "" {
			out[name] = value
		}
	}
	put(xattrError, string(n.Xattrs[xattrReason]))
	switch {
	case message.Message != nil:
		info := message.Message
		put(xattrState, t.stateOf(id, n, info, queued))
		put(xattrRead, map[bool]string{false: "0", true: "1"}[info.Read])
		put(xattrFlag, flagName(info.Flag))
		put(xattrSourceKey, info.SourceKey.String())
		put(xattrClass, info.Class)
		put(xattrSubject, plainName(info.Subject))
		put(xattrFrom, plainName(info.From))
		put(xattrSender, plainName(info.Sender))
		put(xattrMessageID, plainName(info.MessageID))
		put(xattrMimeType, mime.MIMEType(itemForm(message).ext))
		if info.Error != nil && out[xattrError] == "" {
			put(xattrError, plainName(info.Error.Text))
		}
	case n.Folder != nil:
		put(xattrSourceKey, n.Folder.SourceKey.String())
		put(xattrClass, n.Folder.Class)
		if n.Folder.Error != nil {
			put(xattrError, plainName(n.Folder.Error.Text))
		}
	case n.Kind == replica.KindFile:
		put(xattrState, "local")
		put(xattrRead, string(n.Xattrs[xattrRead]))
		put(xattrFlag, string(n.Xattrs[xattrFlag]))
	}
	return out
}

// stateOf names the state of a message: the first of these that holds.
func (t *tree) stateOf(id nodeID, n *replica.Node, info *replica.MessageInfo, queued bool) string {
	t.mu.RLock()
	working := t.copies[n.Num] != nil
	t.mu.RUnlock()
	switch {
	case len(n.Xattrs[xattrReason]) > 0, info.Error != nil:
		return "error"
	case info.Conflict:
		return "conflict"
	case queued, working:
		return "queued"
	case info.State == replica.StateHeader:
		return "header"
	}
	return "full"
}

// The values of PidTagFlagStatus ([MS-OXOFLAG] 2.2.1.1).
var flagNames = map[int32]string{0: "none", 1: "complete", 2: "flagged"}

func flagName(v int32) string {
	if s, ok := flagNames[v]; ok {
		return s
	}
	return "none"
}

// The flags of setxattr(2).
const (
	xattrCreate  = 1
	xattrReplace = 2
)

// setxattr stores an attribute. Of those that mailfs gives, read and flag can be written, which queues a change; on a
// local file they are kept until it becomes a message. To write another of mailfs's own is accepted and does nothing,
// so that programs that copy attributes along with files (cp -a, rsync -X) don't fail. Foreign ones are kept locally.
func (t *tree) setxattr(id nodeID, name string, value []byte, flags uint32) error {
	if err := t.mayWriteXattr(id, name); err != nil {
		return err
	}
	if len(value) > maxXattr {
		return syscall.E2BIG
	}
	if toldXattr(name) {
		return nil
	}
	t.ns.Lock()
	defer t.ns.Unlock()
	_, message, _, err := t.xattrNode(id)
	if err != nil {
		return err
	}
	switch name {
	case xattrRead, xattrFlag:
		if message.Message == nil {
			if err := checkKept(message, name, string(value)); err != nil {
				return err
			}
			break
		}
		if flags&xattrCreate != 0 {
			return syscall.EEXIST
		}
		if name == xattrRead {
			return t.setRead(message.Num, string(value))
		}
		return t.setFlag(message.Num, string(value))
	}
	return t.r.Update(func(u *replica.Update) error {
		n, err := u.Node(id.num())
		if err != nil {
			return staleIfGone(err)
		}
		_, has := n.Xattrs[name]
		switch {
		case has && flags&xattrCreate != 0:
			return syscall.EEXIST
		case !has && flags&xattrReplace != 0:
			return syscall.ENODATA
		}
		sum := len(value)
		for _, v := range n.Xattrs {
			sum += len(v)
		}
		if sum > maxXattrSum {
			return syscall.ENOSPC
		}
		setLocal(n, name, append([]byte{}, value...))
		n.Ctime = later(t.clock.Now(), n.Ctime)
		return u.Save(n)
	})
}

func (t *tree) mayWriteXattr(id nodeID, name string) error {
	switch {
	case t.opt.ReadOnly:
		return syscall.EROFS
	case id.control():
		return syscall.EPERM
	case !strings.HasPrefix(name, userSpace):
		return syscall.EOPNOTSUPP
	}
	return nil
}

// toldXattr reports whether an attribute is one that mailfs tells and nobody can change.
func toldXattr(name string) bool {
	return name != xattrRead && name != xattrFlag &&
		(strings.HasPrefix(name, ownSpace) || name == xattrMimeType || strings.HasPrefix(name, "user.xdg.origin.email."))
}

// checkKept tells whether a local file can keep an attribute of messages for the message that it may become.
func checkKept(n *replica.Node, name, value string) error {
	if n.Kind != replica.KindFile {
		return syscall.EOPNOTSUPP
	}
	if name == xattrRead && value != "0" && value != "1" {
		return syscall.EINVAL
	}
	if _, ok := flagValue(value); name == xattrFlag && !ok {
		return syscall.EINVAL
	}
	return nil
}

// keptState is what a local file kept for the message that it becomes.
type keptState struct {
	read, flag string // empty if nobody said
}

// keepFor makes a local file keep an attribute for the message that it may become.
func (t *tree) keepFor(u *replica.Update, n *replica.Node, name, value string) error {
	if err := checkKept(n, name, value); err != nil {
		return err
	}
	setLocal(n, name, []byte(value))
	n.Ctime = later(t.clock.Now(), n.Ctime)
	return u.Save(n)
}

// takeKept removes what a local file kept from it.
func takeKept(n *replica.Node) keptState {
	k := keptState{string(n.Xattrs[xattrRead]), string(n.Xattrs[xattrFlag])}
	for _, name := range []string{xattrRead, xattrFlag} {
		if n.Xattrs[name] != nil {
			setLocal(n, name, nil)
		}
	}
	return k
}

// apply makes a message what the file that it was, or that replaced it, was told to be.
func (k keptState) apply(t *tree, u *replica.Update, num replica.Num) error {
	if k.read != "" {
		if err := t.putRead(u, num, k.read == "1"); err != nil {
			return err
		}
	}
	if flag, ok := flagValue(k.flag); ok {
		return t.putFlag(u, num, flag)
	}
	return nil
}

func flagValue(name string) (int32, bool) {
	for v, s := range flagNames {
		if s == name {
			return v, true
		}
	}
	return 0, false
}

// setRead marks a message read or unread.
func (t *tree) setRead(num replica.Num, value string) error {
	if value != "0" && value != "1" {
		return syscall.EINVAL
	}
	return t.r.Update(func(u *replica.Update) error { return t.putRead(u, num, value == "1") })
}

func (t *tree) putRead(u *replica.Update, num replica.Num, read bool) error {
	n, err := u.Node(num)
	if err != nil {
		return staleIfGone(err)
	}
	if n.Message == nil { // somebody removed the message just now, and what was written to it stays
		return t.keepFor(u, n, xattrRead, map[bool]string{false: "0", true: "1"}[read])
	}
	if n.Message.Read == read {
		return nil
	}
	n.Message.Read = read
	n.Ctime = later(t.clock.Now(), n.Ctime)
	if err := u.Save(n); err != nil {
		return err
	}
	_, err = u.Enqueue(&replica.Change{Kind: replica.ChangeRead, Item: num, At: t.clock.Now(), Ready: t.clock.Now(),
		Base: baseOf(n), Folder: n.Parent, Read: read})
	return err
}

// setFlag sets the follow-up flag.
func (t *tree) setFlag(num replica.Num, value string) error {
	flag, ok := flagValue(value)
	if !ok {
		return syscall.EINVAL
	}
	return t.r.Update(func(u *replica.Update) error { return t.putFlag(u, num, flag) })
}

func (t *tree) putFlag(u *replica.Update, num replica.Num, flag int32) error {
	n, err := u.Node(num)
	if err != nil {
		return staleIfGone(err)
	}
	if n.Message == nil { // as above
		return t.keepFor(u, n, xattrFlag, flagName(flag))
	}
	if n.Message.Flag == flag {
		return nil
	}
	n.Message.Flag = flag
	n.Ctime = later(t.clock.Now(), n.Ctime)
	if err := u.Save(n); err != nil {
		return err
	}
	change := &replica.Change{Kind: replica.ChangeProps, Item: num, At: t.clock.Now(), Ready: t.clock.Now(),
		Base: baseOf(n), Folder: n.Parent}
	flagChange(change, flag)
	_, err = u.Enqueue(change)
	return err
}

// flagChange fills in the properties of a follow-up state ([MS-OXOFLAG] 3.1.4.1.2, 3.1.4.1.3).
func flagChange(c *replica.Change, flag int32) {
	if flag == 0 {
		c.Unset = []mapi.Key{{ID: mapi.PidTagFlagStatus.ID()}, {ID: mapi.PidTagFollowupIcon.ID()},
			{ID: mapi.PidTagFlagCompleteTime.ID()}}
		return
	}
	c.Set.Set(mapi.PidTagFlagStatus, flag)
	if flag == 2 {
		c.Set.Set(mapi.PidTagFollowupIcon, int32(6)) // red, [MS-OXOFLAG] 2.2.1.2
		c.Unset = []mapi.Key{{ID: mapi.PidTagFlagCompleteTime.ID()}}
		return
	}
	c.Set.Set(mapi.PidTagFlagCompleteTime, mapi.NewFileTime(c.At))
	c.Unset = []mapi.Key{{ID: mapi.PidTagFollowupIcon.ID()}}
}

// removexattr removes an attribute that a program stored; removing the flag sets it to none. Those that mailfs tells
// stay, without an error.
func (t *tree) removexattr(id nodeID, name string) error {
	if err := t.mayWriteXattr(id, name); err != nil {
		return err
	}
	if toldXattr(name) {
		return nil
	}
	if name == xattrRead || name == xattrFlag {
		_, message, _, err := t.xattrNode(id)
		switch {
		case err != nil:
			return err
		case message.Message == nil: // kept by a local file
		case name == xattrFlag:
			return t.setxattr(id, name, []byte(flagNames[0]), 0)
		default:
			return nil
		}
	}
	t.ns.Lock()
	defer t.ns.Unlock()
	return t.r.Update(func(u *replica.Update) error {
		n, err := u.Node(id.num())
		if err != nil {
			return staleIfGone(err)
		}
		if _, has := n.Xattrs[name]; !has {
			return syscall.ENODATA
		}
		setLocal(n, name, nil)
		n.Ctime = later(t.clock.Now(), n.Ctime)
		return u.Save(n)
	})
}
