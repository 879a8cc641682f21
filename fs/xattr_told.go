package fs

import (
	"strconv"

	"mailfs/mime"
	"mailfs/replica"
)

// told makes the value of one attribute; "" if there is none.
type told func(b bearing) (string, error)

// plain is told of what can't fail.
func plain(f func(b bearing) string) told {
	return func(b bearing) (string, error) { return f(b), nil }
}

// info is told of a message's summary.
func info(f func(m *replica.MessageInfo) string) told {
	return plain(func(b bearing) string { return plainName(f(b.message.Message)) })
}

// The attributes that mailfs tells. Each is made when it is asked for.
var (
	messageXattrs = map[string]told{
		xattrState:      bearing.state,
		xattrError:      plain(bearing.problem),
		xattrRead:       info(readName),
		xattrFlag:       info(func(m *replica.MessageInfo) string { return flagName(m.Flag) }),
		xattrImportance: info(func(m *replica.MessageInfo) string { return importanceName(m.Importance) }),
		xattrTags:       info(func(m *replica.MessageInfo) string { return tagsOf(m.Categories) }),
		xattrClass:      info(func(m *replica.MessageInfo) string { return m.Class }),
		xattrSourceKey:  info(func(m *replica.MessageInfo) string { return m.SourceKey.String() }),
		xattrChangeKey:  info(func(m *replica.MessageInfo) string { return m.ChangeKey.String() }),
		xattrSubject:    info(func(m *replica.MessageInfo) string { return m.Subject }),
		xattrFrom:       info(func(m *replica.MessageInfo) string { return m.From }),
		xattrSender:     info(func(m *replica.MessageInfo) string { return m.Sender }),
		xattrMessageID:  info(func(m *replica.MessageInfo) string { return m.MessageID }),
		xattrMimeType:   plain(func(b bearing) string { return mime.MIMEType(itemForm(b.message).ext) }),
	}
	folderXattrs = map[string]told{
		xattrError:     plain(bearing.problem),
		xattrSourceKey: plain(func(b bearing) string { return b.n.Folder.SourceKey.String() }),
		xattrClass:     plain(func(b bearing) string { return plainName(b.n.Folder.Class) }),
		xattrKeep:      plain(func(b bearing) string { return b.n.Folder.Keep }),
		xattrCount:     func(b bearing) (string, error) { c, err := b.t.countOf(b.n.Num); return strconv.Itoa(c.all), err },
		xattrUnread:    func(b bearing) (string, error) { c, err := b.t.countOf(b.n.Num); return strconv.Itoa(c.unread), err },
	}
	fileXattrs = map[string]told{
		xattrState:      plain(func(bearing) string { return "local" }),
		xattrError:      plain(bearing.problem),
		xattrRead:       keptValue(xattrRead),
		xattrFlag:       keptValue(xattrFlag),
		xattrImportance: keptValue(xattrImportance),
	}
	otherXattrs = map[string]told{xattrError: plain(bearing.problem)}
)

func keptValue(name string) told {
	return plain(func(b bearing) string { return string(b.n.Xattrs[name]) })
}

// table returns the attributes that are told of a node.
func (b bearing) table() map[string]told {
	switch {
	case b.message.Message != nil:
		return messageXattrs
	case b.n.Folder != nil:
		return folderXattrs
	case b.n.Kind == replica.KindFile:
		return fileXattrs
	}
	return otherXattrs
}

// problem says why something is not what it should be.
func (b bearing) problem() string {
	switch why := string(b.n.Xattrs[xattrReason]); {
	case why != "":
		return why
	case b.message.Message != nil && b.message.Message.Error != nil:
		return plainName(b.message.Message.Error.Text)
	case b.n.Folder != nil && b.n.Folder.Error != nil:
		return plainName(b.n.Folder.Error.Text)
	}
	return ""
}

// state names the state of a message: the first of these that holds.
func (b bearing) state() (string, error) {
	info := b.message.Message
	switch {
	case len(b.n.Xattrs[xattrReason]) > 0, info.Error != nil:
		return "error", nil
	case info.Conflict:
		return "conflict", nil
	}
	b.t.mu.RLock()
	working := b.t.copies[b.n.Num] != nil
	b.t.mu.RUnlock()
	queued := 0
	err := b.t.r.View(func(v *replica.View) error {
		list, err := v.ChangesOf(b.message.Num)
		queued = len(list)
		return err
	})
	switch {
	case err != nil:
		return "", err
	case queued > 0, working, b.claimed:
		return "queued", nil
	case info.State == replica.StateHeader:
		return "header", nil
	}
	return "full", nil
}

// folderCount is how many messages a folder holds.
type folderCount struct {
	snapshot    uint64
	all, unread int
}

// countOf counts the messages of a folder, once for each state of the replica.
func (t *tree) countOf(num replica.Num) (folderCount, error) {
	const limit = 4096
	var c folderCount
	err := t.r.View(func(v *replica.View) error {
		t.mu.RLock()
		known, ok := t.counts[num]
		t.mu.RUnlock()
		if c.snapshot = v.Snapshot(); ok && known.snapshot == c.snapshot {
			c = known
			return nil
		}
		for n, err := range v.Children(num, "") {
			if err != nil {
				return err
			}
			if n.Message != nil && shown(n) {
				c.all++
				if !n.Message.Read {
					c.unread++
				}
			}
		}
		return nil
	})
	if err != nil {
		return c, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.counts) >= limit {
		clear(t.counts)
	}
	t.counts[num] = c
	return c, nil
}
