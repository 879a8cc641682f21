package syncer_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/replica"
	"mailfs/syncer"
)

// deed is something that a user does, with where a server can refuse it.
type deed struct {
	carrier rop.ID // the request that is to fail has this operation
	refused rop.ID // the operation in it that does
	act     func(c *client) replica.Num
	done    func(t *testing.T, c *client) bool // whether a replica shows it
}

func (c *client) one() replica.Num { return c.at("Inbox", "*one*").Num }

// deeds are all kinds of change, with the requests that carry them. There are the messages one and two in the Inbox, and
// the folders Empty and Dir.
func deeds() map[string]deed {
	importMessage, save, openMessage := rop.IDSynchronizationImportMessageChange, rop.IDSaveChangesMessage, rop.IDOpenMessage
	importMove, importDeletes, importFolder := rop.IDSynchronizationImportMessageMove, rop.IDSynchronizationImportDeletes, rop.IDSynchronizationImportHierarchyChange
	reads, openFolder, look := rop.IDSynchronizationImportReadStateChanges, rop.IDOpenFolder, rop.IDGetPropertiesSpecific
	create := func(c *client) replica.Num { return c.create(c.at("Drafts"), "new.eml", mail("new", "of a")).Num }
	created := func(t *testing.T, c *client) bool { return count(c, "of a") == 1 && has(t, c, "Drafts", "of a") }
	edit := func(c *client) replica.Num { c.edit(c.one(), mail("one", "what a wrote")); return c.one() }
	edited := func(t *testing.T, c *client) bool {
		return count(c, "what a wrote") == 1 && count(c, "body of one") == 0
	}
	move := func(c *client) replica.Num { n := c.one(); c.move(n, c.at("Drafts")); return n }
	moved := func(t *testing.T, c *client) bool {
		return count(c, "body of one") == 1 && has(t, c, "Drafts", "body of one")
	}
	flag := func(c *client) replica.Num { c.flag(c.one(), 2, ""); return c.one() }
	flagged := func(_ *testing.T, c *client) bool {
		n := c.find("Inbox", "*one*")
		return n != nil && n.Message.Flag == 2
	}
	remove := func(hard bool) func(c *client) replica.Num {
		return func(c *client) replica.Num { n := c.one(); c.unlink(n, hard); return n }
	}
	binned := func(t *testing.T, c *client) bool {
		return count(c, "body of one") == 1 && has(t, c, "Deleted Items", "body of one")
	}
	removed := func(_ *testing.T, c *client) bool { return count(c, "body of one") == 0 }
	read := func(c *client) replica.Num { c.markRead(c.one(), true); return c.one() }
	isRead := func(_ *testing.T, c *client) bool { n := c.find("Inbox", "*one*"); return n != nil && n.Message.Read }
	mkdir := func(c *client) replica.Num { return c.mkdir(c.at("Dir"), "Below").Num }
	made := func(_ *testing.T, c *client) bool { return c.find("Dir", "*Below*") != nil }
	rename := func(c *client) replica.Num { n := c.at("Dir"); c.rename(n.Num, c.at(), "Named"); return n.Num }
	renamed := func(_ *testing.T, c *client) bool { return c.find("*Named*") != nil && c.find("Dir") == nil }
	rmdir := func(c *client) replica.Num { n := c.at("Empty").Num; c.rmdir(n); return n }
	noDir := func(_ *testing.T, c *client) bool { return c.find("Empty") == nil }
	return map[string]deed{
		"new message":                    {importMessage, importMessage, create, created},
		"new message, saving it":         {save, save, create, created},
		"new message, its folder":        {importMessage, openFolder, create, created},
		"edit":                           {importMessage, importMessage, edit, edited},
		"edit, saving it":                {save, save, edit, edited},
		"edit, its folder":               {importMessage, openFolder, edit, edited},
		"flag":                           {save, openMessage, flag, flagged},
		"flag, saving it":                {save, save, flag, flagged},
		"move":                           {importMove, importMove, move, moved},
		"move, its folder":               {importMove, openFolder, move, moved},
		"deletion":                       {importMove, importMove, remove(false), binned},
		"deletion, looking":              {openMessage, openMessage, remove(false), binned},
		"deletion for good":              {importDeletes, importDeletes, remove(true), removed},
		"deletion for good, looking":     {openMessage, openMessage, remove(true), removed},
		"deletion for good, its folder":  {importDeletes, openFolder, remove(true), removed},
		"read state":                     {reads, reads, read, isRead},
		"read state, its folder":         {reads, openFolder, read, isRead},
		"new folder":                     {importFolder, importFolder, mkdir, made},
		"name of a folder":               {importFolder, importFolder, rename, renamed},
		"deletion of a folder":           {importDeletes, importDeletes, rmdir, noDir},
		"deletion of a folder, looking":  {look, openFolder, rmdir, noDir},
		"new message, its ids":           {rop.IDGetLocalReplicaIDs, rop.IDGetLocalReplicaIDs, create, created},
		"new message, its properties":    {importMessage, rop.IDSetProperties, create, created},
		"new message, the collector":     {importMessage, rop.IDSynchronizationOpenCollector, create, created},
		"edit, the state":                {importMessage, rop.IDSynchronizationUploadStateStreamEnd, edit, edited},
		"edit, its version":              {save, look, edit, edited},
		"flag, its version":              {save, look, flag, flagged},
		"move, its version":              {importMove, look, move, moved},
		"move, looking":                  {importMove, openMessage, move, moved},
		"deletion, its version":          {importMove, look, remove(false), binned},
		"deletion for good, its version": {openMessage, look, remove(true), removed},
		"read state, the state":          {reads, rop.IDSynchronizationGetTransferState, read, isRead},
		"new folder, looking":            {importFolder, openFolder, mkdir, made},
		"new folder, its version":        {importFolder, look, mkdir, made},
		"name of a folder, its version":  {importFolder, look, rename, renamed},
		"deletion of a folder, counting": {openFolder, look, rmdir, noDir},
	}
}

// answerCodes are of every class that servers give, whether they make sense for a change or not.
var answerCodes = []mapi.ErrorCode{
	mapi.EcAccessDenied, mapi.EcNotFound, mapi.EcObjectDeleted, mapi.EcSyncObjectDeleted,
	mapi.EcQuotaExceeded, mapi.EcTooBig, mapi.EcInvalidParameter, mapi.EcGeneralFailure, mapi.EcNotSupported, mapi.EcServerBusy,
	mapi.EcCollidingNames, mapi.EcRpcFormat, mapi.EcObjectChanged, mapi.EcSyncConflict, mapi.EcIgnoreFailure, mapi.EcNoParentFolder,
	mapi.EcFolderCycle,
}

// patience is how many requests with a change may fail before its user has to be told.
const patience = 60

// Whatever a server answers to a change, for a while or for ever: it is carried out in the end or is shown with the reason and
// goes up when its user says so, none is lost, none is sent for ever, and the others go past it.
func TestEveryAnswerToEveryChange(t *testing.T) {
	for name, d := range deeds() {
		for _, code := range answerCodes {
			for _, times := range []int{1, patience} {
				t.Run(fmt.Sprintf("%s/%v/%d", name, code, times), func(t *testing.T) { d.meets(t, code, times) })
			}
		}
	}
}

// meets lets a server give an answer to a change so many times.
func (d deed) meets(t *testing.T, code mapi.ErrorCode, times int) {
	w := newMemWorld(t)
	w.inMemory = true
	w.deliver("one", "body of one")
	w.deliver("two", "body of two")
	w.box.CreateFolder("Empty")
	w.box.CreateFolder("Dir")
	c := w.client(t, quick)
	c.pass()
	c.flush() // whatever a first session makes
	num := d.act(c)
	d.other(c)
	sent := 0
	w.srv.SetScript(func(r memserver.Request) memserver.Fault {
		if sent == times || !d.in(r) {
			return memserver.Fault{}
		}
		sent++
		return memserver.Fault{Refuse: map[uint8]mapi.ErrorCode{uint8(d.refused): code}}
	})
	err := d.flush(t, c)
	if sent == 0 {
		t.Fatal("nothing failed")
	}
	if n := c.at("Inbox", "*two*"); c.queued(n.Num) {
		t.Errorf("the other change did not go up: %v", err)
	}
	var refused *syncer.RefusedError
	switch {
	case errors.As(err, &refused):
		if why := c.errorOf(num); why == nil || why.Text == "" {
			t.Errorf("the reason is not shown: %v", err)
		}
		if times == 1 && d.passing(code) {
			t.Errorf("refused after one answer that need not repeat: %v", err)
		}
	case err != nil:
		t.Fatalf("flush: %v", err)
	case sent >= patience && code != mapi.EcServerBusy:
		t.Errorf("sent %d times before anybody was told", sent)
	}
	w.srv.SetScript(nil)
	if err := c.s.Retry(0); err != nil {
		t.Fatal(err)
	}
	if err := d.flush(t, c); err != nil {
		t.Fatalf("flush of what was refused: %v", err)
	}
	fresh := w.client(t, quick)
	same(t, c, fresh)
	if !d.done(t, fresh) || !d.done(t, c) {
		t.Errorf("the change is lost:\n%s", fresh.tree())
	}
	if why := c.errorOf(num); why != nil {
		t.Errorf("afterwards the reason is %v", why)
	}
}

// other does something else, by other operations.
func (d deed) other(c *client) {
	if d.carrier == rop.IDSynchronizationImportReadStateChanges {
		c.flag(c.at("Inbox", "*two*").Num, 2, "")
		return
	}
	c.markRead(c.at("Inbox", "*two*").Num, true)
}

// in reports whether a request carries the change.
func (d deed) in(r memserver.Request) bool {
	if counts(r) || !r.Has(uint8(d.carrier)) || !r.Has(uint8(d.refused)) {
		return false
	}
	download := r.Has(uint8(rop.IDSynchronizationConfigure)) || r.Has(uint8(rop.IDGetHierarchyTable))
	return !download && (d.carrier != rop.IDGetPropertiesSpecific || !r.Has(uint8(rop.IDOpenMessage)) && !r.Has(uint8(rop.IDSynchronizationImportMessageChange)))
}

// passing reports whether a server may say something else the next time.
func (d deed) passing(code mapi.ErrorCode) bool {
	switch code {
	case mapi.EcAccessDenied, mapi.EcQuotaExceeded, mapi.EcTooBig, mapi.EcInvalidParameter, mapi.EcNotSupported, mapi.EcFolderCycle:
		return false
	}
	return true
}

func (d deed) flush(t *testing.T, c *client) error {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return c.s.Flush(ctx)
}
