package fs

import (
	"errors"
	"slices"
	"strings"
	"syscall"

	"mailfs/replica"
)

// The extended attributes that mailfs itself gives. All of them are in the user namespace.
const (
	xattrState      = "user.mailfs.state"
	xattrRead       = "user.mailfs.read"
	xattrFlag       = "user.mailfs.flag"
	xattrImportance = "user.mailfs.importance"
	xattrTags       = "user.xdg.tags"
	xattrSourceKey  = "user.mailfs.source-key"
	xattrChangeKey  = "user.mailfs.change-key"
	xattrError      = "user.mailfs.error"
	xattrClass      = "user.mailfs.class"
	xattrSubject    = "user.xdg.origin.email.subject"
	xattrFrom       = "user.xdg.origin.email.from"
	xattrSender     = "user.xdg.origin.email.sender"
	xattrMessageID  = "user.xdg.origin.email.message-id"
	xattrMimeType   = "user.mime_type"
	xattrKeep       = "user.mailfs.keep"   // of a folder
	xattrUnread     = "user.mailfs.unread" // of a folder
	xattrCount      = "user.mailfs.count"  // of a folder
)

const (
	userSpace   = "user."
	ownSpace    = "user.mailfs."
	maxXattr    = 64 << 10 // of one value, as in the kernel
	maxXattrSum = 1 << 20  // of what programs store with one node
)

// bearing is what an id's attributes are read from.
type bearing struct {
	t       *tree
	id      nodeID
	n       *replica.Node
	message *replica.Node // whose state counts: of a file that is about to be the next version of a message, that message
	claimed bool          // message is not n
}

// bearerOf returns what carries an id's attributes.
func (t *tree) bearerOf(id nodeID) (b bearing, err error) {
	if id.control() {
		return b, syscall.ENODATA
	}
	b.t, b.id = t, id
	err = t.r.View(func(v *replica.View) error {
		if b.n, err = v.Node(id.num()); err != nil {
			return err
		}
		b.message = b.n
		c, ok := claimOf(b.n)
		if !ok {
			return nil
		}
		old, err := v.Node(c.Item)
		if err == nil && old.Kind == replica.KindMessage {
			b.message, b.claimed = old, true
		} else if err != nil && !errors.Is(err, replica.ErrNotFound) {
			return err
		}
		return nil
	})
	return b, staleIfGone(err)
}

// getxattr returns the value of an extended attribute: ENODATA if there is none, EOPNOTSUPP outside of the user
// namespace, which ls and cp take as an answer for the whole mount.
func (t *tree) getxattr(id nodeID, name string) ([]byte, error) {
	if !strings.HasPrefix(name, userSpace) {
		return nil, syscall.EOPNOTSUPP
	}
	b, err := t.bearerOf(id)
	if err != nil {
		return nil, err
	}
	if told := b.table()[name]; told != nil {
		v, err := told(b)
		if v != "" || err != nil {
			return []byte(v), err
		}
	}
	if strings.HasPrefix(name, ownSpace) {
		return nil, syscall.ENODATA
	}
	if v, ok := b.n.Xattrs[name]; ok {
		return v, nil
	}
	if v, ok := b.message.Xattrs[name]; ok {
		return v, nil
	}
	return nil, syscall.ENODATA
}

// listxattr returns the names of all extended attributes, in order.
func (t *tree) listxattr(id nodeID) ([]string, error) {
	if id.control() {
		return nil, nil
	}
	b, err := t.bearerOf(id)
	if err != nil {
		return nil, err
	}
	var list []string
	for name, told := range b.table() {
		v, err := told(b)
		if err != nil {
			return nil, err
		}
		if v != "" {
			list = append(list, name)
		}
	}
	for _, m := range []map[string][]byte{b.n.Xattrs, b.message.Xattrs} {
		for name := range m {
			if strings.HasPrefix(name, userSpace) && !strings.HasPrefix(name, ownSpace) {
				list = append(list, name)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// The flags of setxattr(2).
const (
	xattrCreate  = 1
	xattrReplace = 2
)

// setxattr stores an attribute. Of those that mailfs gives, some can be written, which queues a change; on a local
// file they are kept until it becomes a message. To write another of mailfs's own is accepted and does nothing, so that
// programs that copy attributes along with files (cp -a, rsync -X) don't fail. Foreign ones are kept locally.
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
	b, err := t.bearerOf(id)
	if err != nil {
		return err
	}
	if name == xattrKeep {
		return t.setKeep(b.n, string(value), flags)
	}
	if w := writableXattrs[name]; w != nil && b.message.Message != nil {
		if err := w.check(string(value)); err != nil {
			return err
		}
		v, err := w.told(b)
		switch {
		case err != nil:
			return err
		case v != "" && flags&xattrCreate != 0:
			return syscall.EEXIST
		case v == "" && flags&xattrReplace != 0:
			return syscall.ENODATA
		}
		return t.setState(id.num(), b.message.Num, name, string(value))
	} else if w != nil {
		if err := checkKept(b.n, name, string(value)); err != nil {
			return err
		}
	}
	return t.setForeign(id, name, value, flags)
}

// setForeign keeps an attribute that mailfs does not give.
func (t *tree) setForeign(id nodeID, name string, value []byte, flags uint32) error {
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
	return writableXattrs[name] == nil && name != xattrKeep &&
		(strings.HasPrefix(name, ownSpace) || name == xattrMimeType || strings.HasPrefix(name, "user.xdg.origin.email."))
}

// removexattr removes an attribute that a program stored; of a message's own state it restores what a message has that
// nobody has touched. Those that mailfs tells stay, without an error.
func (t *tree) removexattr(id nodeID, name string) error {
	if err := t.mayWriteXattr(id, name); err != nil {
		return err
	}
	if toldXattr(name) {
		return nil
	}
	t.ns.Lock()
	defer t.ns.Unlock()
	b, err := t.bearerOf(id)
	if err != nil {
		return err
	}
	if name == xattrKeep {
		return t.setKeep(b.n, "", xattrReplace)
	}
	if w := writableXattrs[name]; w != nil && b.message.Message != nil {
		v, err := w.told(b)
		switch {
		case err != nil:
			return err
		case v == "" && b.n.Xattrs[name] == nil:
			return syscall.ENODATA
		case w.none == "" && name == xattrRead:
			return nil // there is no state without it
		}
		return t.setState(id.num(), b.message.Num, name, w.none)
	}
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
