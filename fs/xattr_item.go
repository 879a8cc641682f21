package fs

import (
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"mailfs/mapi"
	"mailfs/replica"
)

// writableXattr is an attribute of messages that can be written. On a local file it is kept for the message that the
// file may become.
type writableXattr struct {
	told  told
	none  string                   // the value of a message that nobody has touched, "" if that has none
	check func(value string) error // EINVAL for what is no value
	// set changes a message's summary and fills in the change that goes to the server; false if it is so already.
	set func(m *replica.MessageInfo, value string, c *replica.Change) bool
}

var writableXattrs = map[string]*writableXattr{
	xattrRead:       {messageXattrs[xattrRead], "", oneOf("0", "1"), setRead},
	xattrFlag:       {messageXattrs[xattrFlag], "none", oneOf("none", "complete", "flagged"), setFlag},
	xattrImportance: {messageXattrs[xattrImportance], "normal", oneOf(importances...), setImportance},
	xattrTags:       {messageXattrs[xattrTags], "", checkTags, setTags},
}

// stateOrder is the order in which what a file kept is applied.
var stateOrder = []string{xattrRead, xattrFlag, xattrImportance, xattrTags}

func oneOf(values ...string) func(string) error {
	return func(value string) error {
		if slices.Contains(values, value) {
			return nil
		}
		return syscall.EINVAL
	}
}

// checkKept tells whether a local node can keep an attribute of messages.
func checkKept(n *replica.Node, name, value string) error {
	if name == xattrTags && n.Kind != replica.KindFile {
		return nil // as any other attribute that mailfs does not give
	}
	if n.Kind != replica.KindFile {
		return syscall.EOPNOTSUPP
	}
	return writableXattrs[name].check(value)
}

// keptState is what a local file kept for the message that it becomes, by attribute.
type keptState map[string]string

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
	k := keptState{}
	for _, name := range stateOrder {
		if v := n.Xattrs[name]; v != nil {
			k[name] = string(v)
			setLocal(n, name, nil)
		}
	}
	return k
}

// apply makes a message what the file that it was, or that replaced it, was told to be.
func (k keptState) apply(t *tree, u *replica.Update, num replica.Num) error {
	for _, name := range stateOrder {
		if v, ok := k[name]; ok {
			if err := t.putState(u, num, name, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// setState changes what a message's owner says of it, through the file num. While a save of the file waits for the end of
// its window the change waits with it: what the server acknowledged of it before would be a version that the save does
// not know, and meets as a conflict. ns is held.
func (t *tree) setState(num, message replica.Num, name, value string) error {
	saving := t.pending[num] != nil || t.pending[message] != nil || t.writing(num)
	return t.r.Update(func(u *replica.Update) error {
		if err := t.putState(u, message, name, value); err != nil || !saving {
			return err
		}
		return readyState(u, message, t.clock.Now().Add(2*t.opt.IdleWindow))
	})
}

// readyState sets when the queued changes of a message's state may be sent.
func readyState(u *replica.Update, message replica.Num, at time.Time) error {
	list, err := u.ChangesOf(message)
	if err != nil {
		return err
	}
	for _, c := range list {
		if c.Fixed || c.Ready.Equal(farOff) || c.Kind != replica.ChangeProps && c.Kind != replica.ChangeRead {
			continue
		}
		c.Ready = at
		if err := u.SaveChange(c); err != nil {
			return err
		}
	}
	return nil
}

// putState changes what a message's owner says of it, here and, with a queued change, on the server.
func (t *tree) putState(u *replica.Update, num replica.Num, name, value string) error {
	n, err := u.Node(num)
	if err != nil {
		return staleIfGone(err)
	}
	if n.Message == nil { // somebody removed the message just now, and what was written to it stays
		return t.keepFor(u, n, name, value)
	}
	now := t.clock.Now()
	c := &replica.Change{Kind: replica.ChangeProps, Item: num, At: now, Ready: now, Base: baseOf(n), Folder: n.Parent}
	changed := writableXattrs[name].set(n.Message, value, c)
	had := n.Xattrs[name] != nil // from the time when it was a local file's, or kept here only
	if !changed && !had {
		return nil
	}
	if had {
		setLocal(n, name, nil)
	}
	n.Ctime = later(now, n.Ctime)
	if err := u.Save(n); err != nil || !changed {
		return err
	}
	_, err = u.Enqueue(c)
	return err
}

func readName(m *replica.MessageInfo) string {
	if m.Read {
		return "1"
	}
	return "0"
}

// setRead marks a message read or unread, which is a change of its own kind.
func setRead(m *replica.MessageInfo, value string, c *replica.Change) bool {
	read := value == "1"
	changed := m.Read != read
	m.Read, c.Kind, c.Read = read, replica.ChangeRead, read
	return changed
}

// The values of PidTagFlagStatus ([MS-OXOFLAG] 2.2.1.1).
var flagNames = map[int32]string{0: "none", 1: "complete", 2: "flagged"}

func flagName(v int32) string {
	if s, ok := flagNames[v]; ok {
		return s
	}
	return "none"
}

// setFlag sets the follow-up flag.
func setFlag(m *replica.MessageInfo, value string, c *replica.Change) bool {
	flag := m.Flag
	for v, s := range flagNames {
		if s == value {
			flag = v
		}
	}
	changed := m.Flag != flag
	m.Flag = flag
	flagChange(c, flag)
	return changed
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

// importances are the values of PidTagImportance ([MS-OXCMSG] 2.2.1.11).
var importances = []string{"low", "normal", "high"}

func importanceName(v int32) string {
	if v < 0 || int(v) >= len(importances) {
		return "normal"
	}
	return importances[v]
}

func setImportance(m *replica.MessageInfo, value string, c *replica.Change) bool {
	v := int32(slices.Index(importances, value))
	changed := m.Importance != v
	m.Importance = v
	c.Set.Set(mapi.PidTagImportance, v)
	c.Set.Set(mapi.PidTagPriority, v-1) // [MS-OXCMSG] 2.2.1.12: -1 not urgent, 0 normal, 1 urgent
	return changed
}

// keywords is the name of the categories ([MS-OXCMSG] 2.2.1.17).
var keywords = mapi.StringName(mapi.PSPublicStrings, "Keywords")

// tagsOf lists categories as user.xdg.tags does. A comma in a name would be two names: it is shown as a fullwidth one.
func tagsOf(categories []string) string {
	list := make([]string, len(categories))
	for i, c := range categories {
		list[i] = tagOf(c)
	}
	return strings.Join(list, ",")
}

func tagOf(category string) string { return strings.ReplaceAll(category, ",", "\uff0c") }

// maxCategory is how long a category may be ([MS-OXCMSG] 2.2.1.17).
const maxCategory = 255

func checkTags(value string) error {
	if !utf8.ValidString(value) || strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return syscall.EINVAL
	}
	for tag := range strings.SplitSeq(value, ",") {
		if utf8.RuneCountInString(tag) > maxCategory {
			return syscall.EINVAL
		}
	}
	return nil
}

func setTags(m *replica.MessageInfo, value string, c *replica.Change) bool {
	exact := map[string]string{}
	for _, had := range m.Categories {
		exact[tagOf(had)] = had
	}
	var list []string
	for tag := range strings.SplitSeq(value, ",") {
		tag = strings.TrimSpace(tag)
		if had, ok := exact[tag]; ok {
			tag = had
		}
		if tag != "" && !slices.Contains(list, tag) {
			list = append(list, tag)
		}
	}
	changed := !slices.Equal(m.Categories, list)
	m.Categories = list
	if len(list) == 0 {
		c.Unset = []mapi.Key{{Name: keywords}}
	} else {
		c.Set.SetNamed(keywords, mapi.TypeMultiString, list)
	}
	return changed
}

// setKeep sets which bodies of a folder are kept here; "" as the account does.
func (t *tree) setKeep(n *replica.Node, value string, flags uint32) error {
	if n.Folder == nil {
		return syscall.EOPNOTSUPP
	}
	if value != "" && (t.opt.ValidKeep == nil || !t.opt.ValidKeep(value)) {
		return syscall.EINVAL
	}
	return t.r.Update(func(u *replica.Update) error {
		n, err := u.Node(n.Num)
		if err != nil {
			return staleIfGone(err)
		}
		switch {
		case n.Folder.Keep != "" && flags&xattrCreate != 0:
			return syscall.EEXIST
		case n.Folder.Keep == "" && flags&xattrReplace != 0:
			return syscall.ENODATA
		}
		n.Folder.Keep = value
		n.Ctime = later(t.clock.Now(), n.Ctime)
		return u.Save(n)
	})
}
