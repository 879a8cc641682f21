package syncer_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/syncer"
)

// Both sides edit a message, and the server takes no loser, or no folder for it: the edit is shown with the reason, nothing piles
// up here, and both versions are there when the server has changed its mind.
func TestLoserThatTheServerRefuses(t *testing.T) {
	imports := rop.IDSynchronizationImportMessageChange
	for name, tc := range map[string]struct {
		id     rop.ID
		absent bool // there is no Conflicts folder
	}{
		"the message": {imports, false},
		"saving it":   {rop.IDSaveChangesMessage, false},
		"the folder":  {rop.IDSynchronizationImportHierarchyChange, true},
	} {
		for _, code := range []mapi.ErrorCode{mapi.EcQuotaExceeded, mapi.EcGeneralFailure, mapi.EcNotFound, mapi.EcObjectDeleted} {
			t.Run(name+"/"+code.Error(), func(t *testing.T) {
				w := newMemWorld(t)
				if tc.absent {
					if err := w.box.DeleteFolder(w.box.Folder(memserver.FolderConflicts), true); err != nil {
						t.Fatal(err)
					}
				}
				mid := w.deliver("one", "at first")
				w.deliver("two", "at first")
				c := w.client(t, quick)
				c.pass()
				c.flush()
				num := c.at("Inbox", "*one*").Num
				if err := w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, "what b wrote") }); err != nil {
					t.Fatal(err)
				}
				c.edit(num, mail("one", "what a wrote"))
				c.markRead(c.at("Inbox", "*two*").Num, true)
				sent := 0
				w.srv.SetScript(func(r memserver.Request) memserver.Fault {
					if !r.Has(uint8(tc.id)) || counts(r) || tc.id == imports && !bytes.Contains(r.Payload, utf16le("what b wrote")) {
						return memserver.Fault{}
					}
					sent++
					return memserver.Fault{Refuse: map[uint8]mapi.ErrorCode{uint8(tc.id): code}}
				})
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				var refused *syncer.RefusedError
				if err := c.s.Flush(ctx); !errors.As(err, &refused) {
					t.Fatalf("flush, after %d sends: %v", sent, err)
				}
				if why := c.errorOf(num); why == nil || why.Code != code {
					t.Errorf("the edit shows the reason %v", why)
				}
				if code == mapi.EcQuotaExceeded && sent > 1 {
					t.Errorf("refused for good, and sent %d times", sent)
				}
				if c.queued(c.at("Inbox", "*two*").Num) {
					t.Error("the other change was held up")
				}
				w.srv.SetScript(nil)
				if err := c.s.Retry(0); err != nil {
					t.Fatal(err)
				}
				c.flush()
				fresh := w.client(t, quick)
				same(t, c, fresh)
				for _, text := range []string{"what a wrote", "what b wrote"} {
					if n := count(fresh, text); n != 1 {
						t.Errorf("%q is there %d times:\n%s", text, n, fresh.tree())
					}
				}
				if n := strings.Count(fresh.tree(), "Conflicts"); n > 2 {
					t.Errorf("too much was made:\n%s", fresh.tree())
				}
			})
		}
	}
}
