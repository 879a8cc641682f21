package syncer_test

import (
	"testing"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/replica"
)

// A user goes on with something while the server refuses, for good or for now, what was done to it first: what was done since is
// not lost with that, and goes up by itself.
func TestTouchedWhileItIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		id          rop.ID
		first, then func(c *client, num replica.Num)
		want        func(c *client) bool
	}{
		"flag and category": {rop.IDSaveChangesMessage,
			func(c *client, num replica.Num) { c.flag(num, 2, "") },
			func(c *client, num replica.Num) { c.flag(num, 2, "blue") },
			func(c *client) bool {
				m := c.at("Inbox", "*one*").Message
				return m.Flag == 2 && len(m.Categories) == 1
			}},
		"read and unread": {rop.IDSynchronizationImportReadStateChanges,
			func(c *client, num replica.Num) { c.markRead(num, false) },
			func(c *client, num replica.Num) { c.markRead(num, true) },
			func(c *client) bool { return c.at("Inbox", "*one*").Message.Read }},
		"saved again": {rop.IDSynchronizationImportMessageChange,
			func(c *client, num replica.Num) { c.edit(num, mail("one", "far too large")) },
			func(c *client, num replica.Num) { c.edit(num, mail("one", "small enough")) },
			func(c *client) bool { return count(c, "small enough") == 1 && count(c, "far too large") == 0 }},
		"saved again and flagged": {rop.IDSynchronizationImportMessageChange,
			func(c *client, num replica.Num) { c.edit(num, mail("one", "far too large")) },
			func(c *client, num replica.Num) { c.edit(num, mail("one", "small enough")); c.flag(num, 2, "") },
			func(c *client) bool {
				return count(c, "small enough") == 1 && count(c, "far too large") == 0 && c.at("Inbox", "*one*").Message.Flag == 2
			}},
	} {
		for _, code := range []mapi.ErrorCode{mapi.EcTooBig, mapi.EcGeneralFailure} {
			t.Run(name+"/"+code.Error(), func(t *testing.T) {
				w := newMemWorld(t)
				w.deliver("one", "at first")
				c := w.client(t, quick)
				c.pass()
				c.flush()
				num := c.at("Inbox", "*one*").Num
				tc.first(c, num)
				met := false
				w.srv.SetScript(func(r memserver.Request) memserver.Fault {
					if met || !r.Has(uint8(tc.id)) || counts(r) {
						return memserver.Fault{}
					}
					met = true
					tc.then(c, num)
					return memserver.Fault{Refuse: map[uint8]mapi.ErrorCode{uint8(tc.id): code}}
				})
				c.flush()
				fresh := w.client(t, quick)
				same(t, c, fresh)
				if !met || !tc.want(fresh) || !tc.want(c) {
					t.Errorf("refused %v; what was done since is lost:\n%s\n%v", met, fresh.tree(), fresh.contents())
				}
				if why := c.errorOf(num); why != nil {
					t.Errorf("the reason is %v", why)
				}
			})
		}
	}
}
