package syncer

import (
	"context"
	"encoding/binary"
	"errors"

	"mailfs/internal/names"
	"mailfs/mime"
	"mailfs/replica"
)

// settingRenderer is the version of the renderer that the sizes of all messages are of.
const settingRenderer = "syncer.renderer"

// resizeBatch is the number of messages that get their size in one transaction.
const resizeBatch = 100

// renewSizes computes the sizes of messages that another version of mailfs stored, whose files may be longer or shorter
// now. A list that tells a wrong size makes programs cut a file off, or miss its end. It goes on where it was left.
// Items that are files of another form now get a name of that form, unless a user gave them theirs.
func (s *Syncer) renewSizes(ctx context.Context) error {
	version := binary.AppendUvarint(nil, uint64(s.render.version()))
	var old []replica.Num
	err := s.rep.View(func(v *replica.View) error {
		is, err := v.Setting(settingRenderer)
		if err != nil || string(is) == string(version) {
			return err
		}
		return s.eachFolder(v, func(dir *replica.Node) error {
			for n, err := range v.Messages(dir.Num) {
				if err != nil {
					return err
				}
				resize := n.Message.State == replica.StateFull && n.Content == 0 && n.Message.Renderer != s.render.version()
				if resize || misnamed(n) {
					old = append(old, n.Num)
				}
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	for len(old) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch := old[:min(len(old), resizeBatch)]
		old = old[len(batch):]
		if err := s.renewSome(batch); err != nil {
			return err
		}
	}
	return s.rep.Update(func(u *replica.Update) error {
		if is, err := u.Setting(settingRenderer); err != nil || string(is) == string(version) {
			return err
		}
		return u.SetSetting(settingRenderer, version)
	})
}

// misnamed reports whether a message has a name that mailfs gave it, of another form than its file.
func misnamed(n *replica.Node) bool {
	return names.Generated(n.Name, n.Message.SourceKey) && names.ItemExt(n.Name) != mime.Extension(n.Message.Class)
}

func (s *Syncer) renewSome(batch []replica.Num) error {
	return s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		for _, num := range batch {
			n, err := u.Node(num)
			if errors.Is(err, replica.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			m, err := u.Message(num)
			if errors.Is(err, replica.ErrNotLocal) || errors.Is(err, replica.ErrNotFound) || n.Message == nil {
				continue
			}
			if err != nil {
				return err
			}
			if misnamed(n) && n.Parent != 0 {
				if err := u.Move(num, n.Parent, s.nameOf(&u.View, n.Parent, m.Properties, n.Message.SourceKey)); err != nil {
					return err
				}
				if n, err = u.Node(num); err != nil {
					return err
				}
			}
			if n.Content != 0 || n.Message.State != replica.StateFull {
				continue
			}
			if n.Size, err = s.render.size(m); err != nil {
				return err
			}
			n.Exact, n.Message.Renderer = true, s.render.version()
			if err := u.Save(n); err != nil {
				return err
			}
		}
		return nil
	})
}
