package syncer_test

import (
	"context"
	"errors"
	"strings"
	"time"

	"mailfs/internal/names"
	"mailfs/mapi"
	"mailfs/mime"
	"mailfs/replica"
)

// The methods of this file do to a replica what its user does through the mount.

func (c *client) put(u *replica.Update, n *replica.Node, text string) {
	c.t.Helper()
	m, err := mime.Parse(strings.NewReader(text), mime.Options{})
	var partly *mime.UnsupportedError
	if err != nil && !errors.As(err, &partly) {
		c.t.Fatal(err)
	}
	// a save changes the text; flag and categories stay, as with a save through the mount
	if old, err := u.Message(n.Num); err == nil {
		for _, p := range old.Properties {
			if p.Tag == mapi.PidTagFlagStatus || !p.Name.IsZero() {
				m.Properties.Put(p)
			}
		}
	}
	if n.Message.Flag != 0 {
		m.Properties.Set(mapi.PidTagFlagStatus, n.Message.Flag)
	}
	size, err := mime.Renderer{}.Size(m)
	if err != nil {
		c.t.Fatal(err)
	}
	n.Message.State, n.Message.Renderer, n.Size, n.Exact = replica.StateFull, mime.Version, size, true
	if err := u.PutContent(n, m); err != nil {
		c.t.Fatal(err)
	}
}

// create makes a new message.
func (c *client) create(dir *replica.Node, name, text string) *replica.Node {
	c.t.Helper()
	var n *replica.Node
	c.update(func(u *replica.Update) error {
		now := time.Now()
		n = &replica.Node{Parent: dir.Num, Name: name, Kind: replica.KindMessage, Mtime: now, Ctime: now, Message: &replica.MessageInfo{State: replica.StateFull}}
		num, err := u.Insert(n)
		if err != nil {
			return err
		}
		n.Num = num
		c.put(u, n, text)
		_, err = u.Enqueue(&replica.Change{Kind: replica.ChangeCreate, Item: num, At: now, Folder: dir.Num})
		return err
	})
	return n
}

// edit writes new content to the version that is here.
func (c *client) edit(num replica.Num, text string) {
	c.t.Helper()
	var base replica.Base
	c.view(func(v *replica.View) error {
		n, err := v.Node(num)
		if err == nil {
			base = shown(n)
		}
		return err
	})
	c.editFrom(num, base, text)
}

// editFrom writes new content; base is the version that the user opened.
func (c *client) editFrom(num replica.Num, base replica.Base, text string) {
	c.t.Helper()
	c.update(func(u *replica.Update) error {
		n, err := u.Node(num)
		if err != nil {
			return err
		}
		c.put(u, n, text)
		_, err = u.Enqueue(&replica.Change{Kind: replica.ChangeEdit, Item: num, At: time.Now(), Folder: n.Parent, Base: base})
		return err
	})
}

func (c *client) move(num replica.Num, dir *replica.Node) {
	c.t.Helper()
	c.update(func(u *replica.Update) error {
		n, err := u.Node(num)
		if err != nil {
			return err
		}
		from := n.Parent
		if err := u.Move(num, dir.Num, names.Unique(n.Name, func(f string) bool { return u.Taken(dir.Num, f) }, n.Message.SourceKey)); err != nil {
			return err
		}
		_, err = u.Enqueue(&replica.Change{Kind: replica.ChangeMove, Item: num, At: time.Now(), Folder: dir.Num, From: from})
		return err
	})
}

func (c *client) unlink(num replica.Num, hard bool) {
	c.t.Helper()
	c.update(func(u *replica.Update) error {
		n, err := u.Node(num)
		if err != nil {
			return err
		}
		seq, err := u.Enqueue(&replica.Change{Kind: replica.ChangeDelete, Item: num, At: time.Now(), Folder: n.Parent, From: n.Parent, Hard: hard})
		if err != nil || seq == 0 {
			return err
		}
		return u.Detach(num)
	})
}

func (c *client) markRead(num replica.Num, read bool) {
	c.t.Helper()
	c.update(func(u *replica.Update) error {
		n, err := u.Node(num)
		if err != nil {
			return err
		}
		n.Message.Read = read
		if err := u.Save(n); err != nil {
			return err
		}
		_, err = u.Enqueue(&replica.Change{Kind: replica.ChangeRead, Item: num, At: time.Now(), Folder: n.Parent, Read: read})
		return err
	})
}

// flag sets the follow-up flag and a category.
func (c *client) flag(num replica.Num, flag int32, category string) {
	c.t.Helper()
	c.update(func(u *replica.Update) error {
		n, err := u.Node(num)
		if err != nil {
			return err
		}
		n.Message.Flag = flag
		var set mapi.PropertyBag
		set.Set(mapi.PidTagFlagStatus, flag)
		if category != "" {
			n.Message.Categories = []string{category}
			set.SetNamed(mapi.StringName(mapi.PSPublicStrings, "Keywords"), mapi.TypeMultiString, []string{category})
		}
		if err := u.Save(n); err != nil {
			return err
		}
		_, err = u.Enqueue(&replica.Change{Kind: replica.ChangeProps, Item: num, At: time.Now(), Folder: n.Parent, Set: set,
			Base: replica.Base{Version: n.Version, ChangeKey: n.Message.ChangeKey, PCL: n.Message.PCL}})
		return err
	})
}

func (c *client) mkdir(dir *replica.Node, name string) *replica.Node {
	c.t.Helper()
	var n *replica.Node
	c.update(func(u *replica.Update) error {
		now := time.Now()
		num, err := u.Insert(&replica.Node{Parent: dir.Num, Name: name, Kind: replica.KindFolder, Mtime: now, Ctime: now,
			Folder: &replica.FolderInfo{DisplayName: names.FolderDecode(name), Class: "IPF.Note"}})
		if err != nil {
			return err
		}
		if _, err = u.Enqueue(&replica.Change{Kind: replica.ChangeFolderCreate, Item: num, At: now, Folder: dir.Num}); err != nil {
			return err
		}
		n, err = u.Node(num)
		return err
	})
	return n
}

// rename gives a folder another place or name.
func (c *client) rename(num replica.Num, dir *replica.Node, name string) {
	c.t.Helper()
	c.update(func(u *replica.Update) error {
		n, err := u.Node(num)
		if err != nil {
			return err
		}
		if err := u.Move(num, dir.Num, name); err != nil {
			return err
		}
		_, err = u.Enqueue(&replica.Change{Kind: replica.ChangeFolderUpdate, Item: num, At: time.Now(), Folder: dir.Num, From: n.Parent,
			Base: replica.Base{Version: n.Version, ChangeKey: n.Folder.ChangeKey, PCL: n.Folder.PCL}})
		return err
	})
}

func (c *client) rmdir(num replica.Num) {
	c.t.Helper()
	c.update(func(u *replica.Update) error {
		n, err := u.Node(num)
		if err != nil {
			return err
		}
		seq, err := u.Enqueue(&replica.Change{Kind: replica.ChangeFolderDelete, Item: num, At: time.Now(), Folder: n.Parent, From: n.Parent,
			Base: replica.Base{Version: n.Version, ChangeKey: n.Folder.ChangeKey, PCL: n.Folder.PCL}})
		if err != nil || seq == 0 {
			return err
		}
		return u.Detach(num)
	})
}

func (c *client) flush() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := c.s.Flush(ctx); err != nil {
		c.t.Fatalf("flush: %v", err)
	}
}
