package syncer_test

import (
	"context"
	"testing"

	"mailfs/internal/realserver"
	"mailfs/mapi/mapihttp"
	"mailfs/mapi/rop"
	"mailfs/replica"
	"mailfs/syncer"
)

// realWorld returns a mailbox of a real server, emptied; nil without one.
func realWorld(t testing.TB) *world {
	t.Helper()
	account, ok := realserver.Named()
	if !ok {
		return nil
	}
	found, cfg := account.Discover(t)
	w := &world{t: t, user: account.User, dn: found.LegacyDN}
	w.dial = func(ctx context.Context) (rop.Transport, syncer.ServerInfo, error) {
		c, err := mapihttp.New(cfg)
		if err != nil {
			return nil, syncer.ServerInfo{}, err
		}
		info, err := c.Connect(ctx)
		if err != nil {
			return nil, syncer.ServerInfo{}, err
		}
		return c, syncer.ServerInfo{Version: info.Version, LegacyDN: found.LegacyDN}, nil
	}
	w.carrier = w.client(t, func(cfg *syncer.Config) { cfg.Keep = syncer.KeepPolicy{Headers: true} })
	w.empty()
	return w
}

// empty removes every message and every folder that is not special.
func (w *world) empty() {
	w.t.Helper()
	c := w.carrier
	c.pass()
	for c.sweep() {
		c.flush()
		c.pass()
	}
}

// sweep queues deletions; false when nothing is left.
func (c *client) sweep() bool {
	var messages, folders []*replica.Node
	var gather func(v *replica.View, at replica.Num) error
	gather = func(v *replica.View, at replica.Num) error {
		for n, err := range v.Children(at, "") {
			switch {
			case err != nil:
				return err
			case n.Kind == replica.KindMessage && !n.Message.FAI:
				messages = append(messages, n)
			case n.Kind == replica.KindFolder && !n.Folder.Hidden:
				if err := gather(v, n.Num); err != nil {
					return err
				}
				all, _, err := v.CountChildren(n.Num)
				if err != nil {
					return err
				}
				if n.Folder.Special == replica.SpecialNone && all == 0 && !keepNames[n.Folder.DisplayName] {
					folders = append(folders, n)
				}
			}
		}
		return nil
	}
	c.view(func(v *replica.View) error {
		messages, folders = nil, nil
		return gather(v, replica.RootNum)
	})
	for _, n := range messages {
		c.unlink(n.Num, true)
	}
	for _, n := range folders {
		c.rmdir(n.Num)
	}
	return len(messages)+len(folders) > 0
}

// keepNames are folders that servers make and that no entry id names.
var keepNames = map[string]bool{
	"Quick Contacts": true, "IM Contacts List": true, "GAL Contacts": true, "Conversation Action Settings": true,
}
