package syncer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/mapi/mapihttp"
	"mailfs/mapi/rop"
	"mailfs/replica"
	"mailfs/syncer"
)

// The numbers in this file are those of the requirements of [MS-OXCFXICS] in the public
// interoperability test suites; internal/spec/requirements.tsv says what each asks for.

const (
	sendKnown  = rop.SendUnicode | rop.SendUseCpid | rop.SendRecoverMode | rop.SendForceUnicode | rop.SendPartialItem
	syncKnown  = 0xE1BF // SynchronizationFlags without the undefined and reserved ones
	extraKnown = rop.SyncExtraEid | rop.SyncExtraMessageSize | rop.SyncExtraCN | rop.SyncExtraOrderByDeliveryTime

	contentsFlags = rop.SyncIgnoreNoLongerInScope | rop.SyncReadState | rop.SyncFAI | rop.SyncNormal |
		rop.SyncOnlySpecifiedProperties | rop.SyncBestBody | rop.SyncIgnoreSpecifiedOnFAI | rop.SyncProgress
)

// rules are held against every operation of a client (see audit).
var rules = slices.Concat(downloadRules, stateRules, importRules, identityRules)

type (
	getBuffer   = *rop.FastTransferSourceGetBufferRequest
	copyRequest = *rop.FastTransferSourceCopyMessagesRequest
	configure   = *rop.SynchronizationConfigureRequest
	stateBegin  = *rop.SynchronizationUploadStateStreamBeginRequest
	statePiece  = *rop.SynchronizationUploadStateStreamContinueRequest
	stateEnd    = *rop.SynchronizationUploadStateStreamEndRequest
	getState    = *rop.SynchronizationGetTransferStateRequest
	openUpload  = *rop.SynchronizationOpenCollectorRequest
	importItem  = *rop.SynchronizationImportMessageChangeRequest
	importTree  = *rop.SynchronizationImportHierarchyChangeRequest
	importMove  = *rop.SynchronizationImportMessageMoveRequest
	importGone  = *rop.SynchronizationImportDeletesRequest
	importRead  = *rop.SynchronizationImportReadStateChangesRequest
	reserveIDs  = *rop.GetLocalReplicaIDsRequest
	saveMessage = *rop.SaveChangesMessageRequest
)

var downloadRules = []rule{
	worksOn[configure]("R647 R2397 R2399 R2400 R2320", folder),
	worksOn[copyRequest]("R474 R2351 R2354 R2355", folder),
	worksOn[getBuffer]("R534 R2357 R2402 R2442", copied, download, stateOnly),
	about("R2370", "0xBABE, or at least 15480", func(_ *step, q getBuffer) string {
		return verdict(q.BufferSize == rop.BufferSizeMarker || q.BufferSize >= 15480, "BufferSize %d", q.BufferSize)
	}),
	about("R2368", "nothing is asked for behind the end", func(s *step, _ getBuffer) string {
		return verdict(s.on.buffers == 0 || s.on.status == rop.TransferPartial || s.on.status == rop.TransferNoRoom, "after status %d", s.on.status)
	}),
	about("R2367", "a download goes on until it is complete", func(s *step, _ getBuffer) string {
		if s.on.buffers == 0 {
			return skip // only what comes behind the first buffer is about this
		}
		return ""
	}),
	about("R477 R480", "some messages, all of that folder (see audit.readCopies)", func(_ *step, q copyRequest) string { return verdict(len(q.MessageIDs) > 0, "none") }),
	about("R493 R498", "no Move, no unused flag", func(_ *step, q copyRequest) string {
		return verdict(q.CopyFlags&^(rop.CopyMessagesBestBody|rop.CopyMessagesSendEntryID) == 0, "CopyFlags 0x%02X", q.CopyFlags)
	}),
	about("R23 R408 R41101 R410 R416 R420 R422", "SendOptions of a copy: defined, not for upload, not for another server", func(_ *step, q copyRequest) string {
		return verdict(q.SendOptions&^uint8(sendKnown) == 0 && q.SendOptions&rop.SendUseCpid == 0, "0x%02X", q.SendOptions)
	}),
	about("R418", "PartialItem only with a synchronization", func(_ *step, q copyRequest) string {
		return verdict(q.SendOptions&rop.SendPartialItem == 0, "0x%02X", q.SendOptions)
	}),
	about("R23 R408 R41101 R410 R416 R420 R422", "SendOptions of a synchronization: defined, not for upload, not for another server", func(_ *step, q configure) string {
		return verdict(q.SendOptions&^uint8(sendKnown) == 0 && q.SendOptions&rop.SendUseCpid == 0, "0x%02X", q.SendOptions)
	}),
	about("R419", "a synchronization of contents asks for changes in part", func(_ *step, q configure) string {
		if q.SynchronizationType != rop.SyncContents {
			return skip
		}
		return verdict(q.SendOptions&rop.SendPartialItem != 0, "0x%02X", q.SendOptions)
	}),
	about("R407 R679", "Unicode in both sets of flags or in none", func(_ *step, q configure) string {
		return verdict((q.SendOptions&rop.SendUnicode != 0) == (q.SynchronizationFlags&rop.SyncUnicode != 0), "0x%02X, 0x%04X", q.SendOptions, q.SynchronizationFlags)
	}),
	about("R23 R703", "SynchronizationFlags and SynchronizationExtraFlags are defined ones", func(_ *step, q configure) string {
		return verdict(q.SynchronizationFlags&^uint16(syncKnown) == 0 && q.SynchronizationExtraFlags&^uint32(extraKnown) == 0, "0x%04X, 0x%08X", q.SynchronizationFlags, q.SynchronizationExtraFlags)
	}),
	about("R418 R685 R689 R692 R695 R698 R707 R710 R713 R720 R725 R3188", "flags of contents only with contents", func(_ *step, q configure) string {
		if q.SynchronizationType == rop.SyncContents {
			return skip
		}
		return verdict(q.SynchronizationFlags&contentsFlags == 0 && q.SendOptions&rop.SendPartialItem == 0 &&
			q.SynchronizationExtraFlags&(rop.SyncExtraMessageSize|rop.SyncExtraCN|rop.SyncExtraOrderByDeliveryTime) == 0,
			"0x%04X, 0x%02X, 0x%08X", q.SynchronizationFlags, q.SendOptions, q.SynchronizationExtraFlags)
	}),
	about("R656 R660", "no restriction on a hierarchy", func(_ *step, q configure) string {
		if q.SynchronizationType == rop.SyncContents {
			return skip
		}
		return verdict(len(q.RestrictionData) == 0, "%d bytes", len(q.RestrictionData))
	}),
}

var stateRules = []rule{
	worksOn[stateBegin]("R731", download, collector),
	worksOn[statePiece]("R742", download, collector),
	worksOn[stateEnd]("R753", download, collector),
	worksOn[getState]("R762 R2441", download, collector),
	about("R2415", "one property at a time", func(s *step, q stateBegin) string {
		return verdict(s.on.tag == 0, "%s before the end of %s", q.StateProperty, s.on.tag)
	}),
	about("R745", "a piece is not empty", func(_ *step, q statePiece) string { return verdict(len(q.StreamData) > 0, "it is") }),
	about("R2417 R2418 R2419", "a piece is of a property that was begun", func(s *step, _ statePiece) string {
		return verdict(s.on.tag != 0, "no property was begun")
	}),
	about("R2413 R2421", "an end is of a property that was begun", func(s *step, _ stateEnd) string {
		return verdict(s.on.tag != 0, "no property was begun")
	}),
	{"R2417 R2418", "nothing comes between the pieces of a property", func(s *step) string {
		if s.on == nil || s.on.tag == 0 {
			return skip
		}
		return verdict(isStateUpload(s.call.Request), "%s while %s goes up", s.call.Request.ROP(), s.on.tag)
	}},
	about("R2407 R1853", "a state goes up before anything else happens in a context", func(s *step, _ stateBegin) string {
		return verdict(!s.on.used, "%s was used before", s.on.kind)
	}),
	about("R2401 R2405 R2326 R3544 R3545 R3548 R3549 R3553 R3557", "a download has its whole state before it is read", func(s *step, _ getBuffer) string {
		if s.on.kind != download || s.on.buffers > 0 {
			return skip
		}
		want := []mapi.PropertyTag{mapi.MetaTagIdsetGiven, mapi.MetaTagCnsetSeen}
		if s.on.contents {
			want = append(want, mapi.MetaTagCnsetSeenFAI, mapi.MetaTagCnsetRead)
		}
		for _, tag := range want {
			if _, ok := s.on.state[tag]; !ok {
				return fmt.Sprintf("without %s", tag)
			}
		}
		return verdict(len(s.on.state) == len(want) && s.on.tag == 0, "%d properties, %s not ended", len(s.on.state), s.on.tag)
	}),
	about("R2407 R2437", "a collector has a state before messages are imported", func(s *step, _ importItem) string { return s.collectorState() }),
	about("R2407 R2437", "a collector has a state before messages move", func(s *step, _ importMove) string { return s.collectorState() }),
	about("R2407 R2437", "a collector has a state before read states are imported", func(s *step, _ importRead) string { return s.collectorState() }),
	about("R2407 R2437", "a collector has a state before folders are imported", func(s *step, _ importTree) string { return s.collectorState() }),
	about("R2407 R2437", "a collector has a state before deletions are imported", func(s *step, _ importGone) string { return s.collectorState() }),
	about("R3348 R3543", "the first state of a scope is empty", func(s *step, _ getBuffer) string {
		if s.on.kind != download || s.on.buffers > 0 || s.firsts[scopeOf(s.on)] {
			return skip
		}
		s.firsts[scopeOf(s.on)] = true
		for tag, data := range s.on.state {
			if len(data) > 0 {
				return fmt.Sprintf("%s has %d bytes", tag, len(data))
			}
		}
		return ""
	}),
	about("R3351 R3642", "MetaTagIdsetGiven is a 32-bit integer by name and a set by content", func(s *step, q stateBegin) string {
		if q.StateProperty.ID() != mapi.MetaTagIdsetGiven.ID() {
			return skip
		}
		return verdict(q.StateProperty == mapi.MetaTagIdsetGiven, "%s", q.StateProperty)
	}),
}

var importRules = []rule{
	worksOn[openUpload]("R771 R2434 R2435 R2436", folder),
	worksOn[importItem]("R785 R2438", collector),
	worksOn[importTree]("R818 R2458", collector),
	worksOn[importMove]("R841", collector),
	worksOn[importGone]("R886", collector),
	worksOn[importRead]("R907", collector),
	worksOn[reserveIDs]("R928", logon),
	about("R785", "into a collector of contents", func(s *step, _ importItem) string { return verdict(s.on.contents, "a hierarchy") }),
	about("R818", "into a collector of a hierarchy", func(s *step, _ importTree) string { return verdict(!s.on.contents, "contents") }),
	about("R841", "into a collector of contents", func(s *step, _ importMove) string { return verdict(s.on.contents, "a hierarchy") }),
	about("R907", "into a collector of contents", func(s *step, _ importRead) string { return verdict(s.on.contents, "a hierarchy") }),
	about("R887", "folders into a hierarchy, messages into contents", func(s *step, q importGone) string {
		return verdict(s.on.contents == (q.ImportDeleteFlags&rop.ImportDeleteHierarchy == 0), "flags 0x%02X", q.ImportDeleteFlags)
	}),
	about("R16 R17 R19 R790 R795 R1299 R1300 R1301 R798 R799 R1304 R1305 R1307", "four properties in their places, no other", func(_ *step, q importItem) string {
		const want = "0x65E00102 0x30080040 0x65E20102 0x65E30102"
		return verdict(tagsOf(q.PropertyValues) == want, "%s", tagsOf(q.PropertyValues))
	}),
	about("R16 R17 R19 R821 R1308 R1309 R1310 R1311 R1312 R1313 R1314 R1315 R1318 R1319 R1320 R1321 R1322", "six properties in their places, no other", func(_ *step, q importTree) string {
		const want = "0x65E10102 0x65E00102 0x30080040 0x65E20102 0x65E30102 0x3001001F"
		return verdict(tagsOf(q.HierarchyValues) == want && mapi.PropertyBag(q.HierarchyValues).String(mapi.PidTagDisplayName) != "", "%s", tagsOf(q.HierarchyValues))
	}),
	about("R827 R2458", "a folder goes up with its name and its class", func(_ *step, q importTree) string {
		return verdict(mapi.PropertyBag(q.PropertyValues).String(mapi.PidTagContainerClass) != "", "%s", tagsOf(q.PropertyValues))
	}),
	about("R795 R3361", "the source key is an id of the server", func(_ *step, q importItem) string { return isGID(sourceKeyOf(q.PropertyValues)) }),
	about("R1310 R3361", "the source key is an id of the server", func(_ *step, q importTree) string { return isGID(sourceKeyOf(q.HierarchyValues)) }),
	about("R1308 R1310", "the parent is empty or an id of the server", func(_ *step, q importTree) string {
		parent := mapi.SourceKey(mapi.PropertyBag(q.HierarchyValues).Bytes(mapi.PidTagParentSourceKey))
		return verdict(parent == "" || isGID(parent) == "", "%s", parent)
	}),
	about("R2540", "a parent goes up before its children", func(s *step, q importTree) string {
		return verdict(!s.orphans[sourceKeyOf(q.HierarchyValues)], "something went into it before")
	}),
	about("R844 R851 R856 R861 R867", "no field of a move is empty", func(_ *step, q importMove) string {
		return verdict(len(q.SourceFolderID) > 0 && len(q.SourceMessageID) > 0 && len(q.PredecessorChangeList) > 0 &&
			len(q.DestinationMessageID) > 0 && len(q.ChangeNumber) > 0, "%+v", q)
	}),
	about("R847 R2545", "a move is within the mailbox", func(s *step, q importMove) string {
		id, ok := mapi.SourceKey(q.SourceFolderID).LongTermID()
		return verdict(ok && s.servers[id.GUID], "from %x", q.SourceFolderID)
	}),
	about("R2482", "a move goes to the folder of the collector, from another", func(s *step, q importMove) string {
		to, from := scopeOf(s.on).folder, mapi.SourceKey(q.SourceFolderID)
		id, _ := from.LongTermID()
		return verdict(to != 0 && to.Counter() != id.Counter, "from and to %v", to)
	}),
	about("R2496", "a message is changed where it went, after it has gone", func(s *step, q importMove) string {
		return verdict(!s.imported[mapi.SourceKey(q.DestinationMessageID)], "it was changed before")
	}),
	about("R891 R1326 R1327 R1328 R3361", "deletions are one list of ids", func(_ *step, q importGone) string {
		if len(q.PropertyValues) != 1 || q.PropertyValues[0].Tag != 0x00001102 {
			return tagsOf(q.PropertyValues)
		}
		ids, _ := q.PropertyValues[0].Value.([][]byte)
		for _, id := range ids {
			if bad := isGID(mapi.SourceKey(id)); bad != "" {
				return bad
			}
		}
		return verdict(len(ids) > 0, "an empty one")
	}),
	about("R910 R914 R2523", "a read state is of a message", func(_ *step, q importRead) string {
		for _, m := range q.MessageReadStates {
			if bad := isGID(mapi.SourceKey(m.MessageID)); bad != "" {
				return bad
			}
		}
		return verdict(len(q.MessageReadStates) > 0, "of none")
	}),
	about("R2536", "an imported message is filled before it is saved", func(s *step, _ saveMessage) string {
		if _, ok := s.on.by.(importItem); !ok {
			return skip
		}
		return verdict(s.on.populate, "it is empty")
	}),
}

var identityRules = []rule{
	about("R1904 R2294 R1891", "a new message has a reserved id", func(s *step, q importItem) string { return s.ownID(sourceKeyOf(q.PropertyValues)) }),
	about("R1904 R2294 R1891", "a new folder has a reserved id", func(s *step, q importTree) string { return s.ownID(sourceKeyOf(q.HierarchyValues)) }),
	about("R1892 R1891 R2294", "a message that moves gets a reserved id that nothing had", func(s *step, q importMove) string {
		id, ok := mapi.SourceKey(q.DestinationMessageID).LongTermID()
		return verdict(ok && s.reserved.Contains(id) && !s.known.Contains(id), "%v", id)
	}),
	about("R1905 R2298 R2309 R2311 R2312 R2313 R2314 R2318 R3572 R161 R2737 R2297 R1314", "the change of a folder is a foreign identifier", func(s *step, q importTree) string {
		return s.foreign(changeKeyOf(q.HierarchyValues))
	}),
	about("R1905 R2298 R2309 R2311 R2312 R2313 R2314 R2318 R3572 R161 R2737 R2297 R798", "the change of a message is a foreign identifier", func(s *step, q importItem) string {
		return s.foreign(changeKeyOf(q.PropertyValues))
	}),
	about("R1905 R2298 R2309 R2311 R2312 R2313 R2314 R2318 R3572 R161 R2737 R2297", "the change of a message that moves is a foreign identifier", func(s *step, q importMove) string {
		return s.foreign(mapi.ChangeKey(q.ChangeNumber))
	}),
	about("R1900 R2315 R2316 R2317", "a change is later than all before it", func(s *step, q importItem) string {
		return s.later(changeKeyOf(q.PropertyValues))
	}),
	about("R1901", "a change is among its predecessors", func(_ *step, q importItem) string { return contains(q.PropertyValues) }),
	about("R1901", "a folder's change is among its predecessors", func(_ *step, q importTree) string { return contains(q.HierarchyValues) }),
}

// collectorState: an upload has the change numbers that were seen, and no ids: those do not
// apply to it.
func (s *step) collectorState() string {
	want := []mapi.PropertyTag{mapi.MetaTagCnsetSeen}
	if s.on.contents {
		want = append(want, mapi.MetaTagCnsetSeenFAI, mapi.MetaTagCnsetRead)
	}
	for _, tag := range want {
		if _, ok := s.on.state[tag]; !ok {
			return fmt.Sprintf("without %s", tag)
		}
	}
	return verdict(len(s.on.state) == len(want), "%d properties", len(s.on.state))
}

func isGID(key mapi.SourceKey) string {
	_, ok := key.LongTermID()
	return verdict(ok, "%s", key)
}

// ownID: the id is of something that was there, or one that the server reserved.
func (s *step) ownID(key mapi.SourceKey) string {
	id, ok := key.LongTermID()
	return verdict(ok && (s.known.Contains(id) || s.reserved.Contains(id)), "%s", key)
}

// foreign: the change is counted by the client: under a GUID of its own, the same for all
// changes, in a number that is not as long as one of the server.
func (s *step) foreign(key mapi.ChangeKey) string {
	x, err := key.XID()
	if err != nil {
		return err.Error()
	}
	for _, before := range s.changes {
		if before.Namespace != x.Namespace || len(before.LocalID) != len(x.LocalID) {
			return fmt.Sprintf("%v behind %v", x, before)
		}
	}
	return verdict(len(x.LocalID) != 6 && !s.servers[x.Namespace], "%v", x)
}

func (s *step) later(key mapi.ChangeKey) string {
	x, err := key.XID()
	if err != nil {
		return err.Error()
	}
	for _, before := range s.changes {
		if before.Includes(x) {
			return fmt.Sprintf("%v behind %v", x, before)
		}
	}
	return ""
}

func contains(list []mapi.Property) string {
	x, err := changeKeyOf(list).XID()
	if err != nil {
		return err.Error()
	}
	pcl, err := mapi.ParsePCL(mapi.PropertyBag(list).Bytes(mapi.PidTagPredecessorChangeList))
	return verdict(err == nil && pcl.Contains(x), "%v, %v", pcl, err)
}

// TestRequestsFollowTheRules does everything that a user does, and looks at what goes to the
// server.
func TestRequestsFollowTheRules(t *testing.T) {
	w := newMemWorld(t)
	a := newAudit()
	a.listen(w)
	for _, s := range []string{"one", "two", "three", "four", "five", "six", "seven"} {
		w.deliver(s, "body of "+s)
	}
	w.deliver("large", strings.Repeat("A line of a message that takes several buffers.\n", 4000))
	w.box.CreateFolder("Old")
	w.box.CreateFolder("Empty")
	c := w.client(t, quick)
	c.pass()
	story(c)
	c.mkdir(c.mkdir(c.at("Fresh"), "Below"), "Deep")
	moved := c.at("Inbox", "*seven*").Num
	c.move(moved, c.at("Drafts"))
	c.edit(moved, mail("seven", "moved and edited"))
	c.flush()
	w.deliver("eight", "came later")
	c.pass()
	c.pass()
	a.report(t)
	checkReleased(t, a, c)
}

// checkReleased: R3613, R2358, R2404, R2443 and R2445, contexts and what they were made from are
// let go when they are of no more use: of what there was before a pass, nothing is left
// when the next one is over, but for the log on and the subscription.
func checkReleased(t *testing.T, a *audit, c *client) {
	t.Helper()
	a.mu.Lock()
	before := a.steps
	a.mu.Unlock()
	c.pass()
	a.mu.Lock()
	defer a.mu.Unlock()
	counts := map[kind]int{}
	for _, o := range a.open {
		counts[o.kind]++
		if o.made > before || o.released || o.kind == logon {
			continue
		}
		if _, ok := o.by.(*rop.RegisterNotificationRequest); !ok {
			t.Errorf("a %s is still open (%s)", o.kind, o.by.ROP())
		}
	}
	for _, k := range []kind{folder, message, copied, download, stateOnly, collector} {
		if counts[k] == 0 {
			t.Errorf("no %s was opened at all", k)
		}
	}
}

// TestServerThatIgnoresExtraFlags: R3618, what SynchronizationExtraFlags ask for may not come:
// the client looks at what did.
func TestServerThatIgnoresExtraFlags(t *testing.T) {
	w := newMemWorld(t)
	for i := range 5 {
		w.deliver(fmt.Sprint("message ", i), "body")
	}
	want := w.client(t)
	want.pass()
	plain := *w
	plain.dial = func(ctx context.Context) (rop.Transport, syncer.ServerInfo, error) {
		tr, info, err := w.dial(ctx)
		return forgetful{tr}, info, err
	}
	c := plain.client(t)
	c.pass()
	w.deliver("later", "body")
	want.pass()
	c.pass()
	same(t, want, c)
	w.srv.ResetStats()
	c.pass()
	if n := w.srv.Stats().MessagesSent; n != 0 {
		t.Errorf("%d messages come again", n)
	}
}

// TestSizeIsAnEstimate: R2028 and R3641, PidTagMessageSize says about how large a message is;
// the size that is shown of a message that is here is that of its bytes.
func TestSizeIsAnEstimate(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", strings.Repeat("words ", 500))
	c := w.client(t)
	c.pass()
	n := c.at("Inbox", "*one*")
	if n.Message.ServerSize == n.Size {
		t.Fatalf("both sizes are %d: this shows nothing", n.Size)
	}
	var text string
	for k, v := range c.contents() {
		if strings.HasSuffix(k, n.Message.SourceKey.String()) {
			_, text, _ = strings.Cut(v, "\n")
		}
	}
	if int64(len(text)) != n.Size || !n.Exact {
		t.Errorf("size %d (exact %v), %d bytes", n.Size, n.Exact, len(text))
	}
}

// TestEventsAreFetched: [MS-OXCMAPIHTTP] R317, an event that a wait tells of is fetched with an
// Execute; R1157, waits follow each other while nothing happens, which keeps the session
// context alive.
func TestEventsAreFetched(t *testing.T) {
	srv := memserver.New(memserver.Config{WaitLimit: time.Millisecond})
	t.Cleanup(srv.Close)
	box, err := srv.AddMailbox(memserver.MailboxConfig{Address: address, Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, srv: srv, box: box, user: address, dn: box.DN()}
	w.dial = func(context.Context) (rop.Transport, syncer.ServerInfo, error) {
		tr, err := srv.Transport(address)
		return tr, syncer.ServerInfo{}, err
	}
	const enough = 5
	waits := make(chan struct{}, enough)
	srv.SetScript(func(r memserver.Request) memserver.Fault {
		if r.Type == mapihttp.NotificationWait {
			select {
			case waits <- struct{}{}:
			default:
			}
		}
		return memserver.Fault{}
	})
	c := w.client(t)
	stop := c.runs()
	for range enough {
		<-waits
	}
	w.deliver("one", "body")
	c.until("the message is here", func() bool { return c.find("Inbox", "*one*") != nil })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if c.s.Status().Events == 0 {
		t.Error("no event was fetched")
	}
}

// TestRequestsOfRandomUsers holds the rules, R1891 among them, against two users who change a
// mailbox at random and in each other's way.
func TestRequestsOfRandomUsers(t *testing.T) {
	const seed = 1
	w := newMemWorld(t)
	story := w.box.CreateFolder("Story")
	for i := range 12 {
		if _, err := w.box.Deliver(story, parse(t, mail(fmt.Sprintf("shared %d", i), "at first"))); err != nil {
			t.Fatal(err)
		}
	}
	w.box.CreateFolder("Story", "Deep", "Deeper")
	l := &ledger{owner: map[string]string{}, fine: map[string]bool{}}
	var users []*player
	var audits []*audit
	for i, name := range []string{"a", "b"} {
		own, a := *w, newAudit() // the same mailbox, over sessions of one's own
		a.listen(&own)
		c := own.client(t, quick)
		c.pass()
		users = append(users, &player{client: c, name: name, rng: rand.New(rand.NewPCG(seed, uint64(i))), ledger: l})
		audits = append(audits, a)
	}
	rng := rand.New(rand.NewPCG(seed, 99))
	for range 120 {
		users[rng.IntN(2)].act()
		if rng.IntN(4) == 0 {
			users[rng.IntN(2)].pass()
		}
	}
	for i, u := range users {
		u.pass() // what one made impossible for the other may be left
		audits[i].mu.Lock()
		for _, p := range audits[i].problems {
			t.Errorf("%s: %s", u.name, p)
		}
		audits[i].mu.Unlock()
	}
}

// TestMovedAndModified: R2496, a message that was moved and changed while the server was away moves first, and is changed
// where it went, in whatever order that was done here, and also where the folder that it moves to is new.
func TestMovedAndModified(t *testing.T) {
	type acts map[string]func(c *client, num replica.Num, to *replica.Node)
	does := acts{
		"edit": func(c *client, num replica.Num, _ *replica.Node) { c.edit(num, mail("one", "changed")) },
		"flag": func(c *client, num replica.Num, _ *replica.Node) { c.flag(num, 2, "Blue") },
		"read": func(c *client, num replica.Num, _ *replica.Node) { c.markRead(num, true) },
		"move": func(c *client, num replica.Num, to *replica.Node) { c.move(num, to) },
	}
	for _, order := range []string{"move edit", "edit move", "flag edit move", "edit flag move", "read flag move", "edit move flag"} {
		for _, to := range []string{"Drafts", "Fresh"} {
			t.Run(order+" "+to, func(t *testing.T) {
				w := newMemWorld(t)
				w.deliver("one", "body")
				c, other := w.client(t), w.client(t)
				c.pass()
				num := c.at("Inbox", "*one*").Num
				dir := c.find(to)
				if dir == nil {
					dir = c.mkdir(c.at(), to)
				}
				for _, act := range strings.Fields(order) {
					does[act](c, num, dir)
				}
				var rops []uint8
				w.srv.SetScript(func(r memserver.Request) memserver.Fault {
					if !counts(r) {
						rops = append(rops, r.ROPs...)
					}
					return memserver.Fault{}
				})
				c.flush()
				w.srv.SetScript(nil)
				moved := slices.Index(rops, uint8(rop.IDSynchronizationImportMessageMove))
				first := slices.IndexFunc(rops, func(r uint8) bool {
					switch rop.ID(r) {
					case rop.IDSynchronizationImportMessageChange, rop.IDSetProperties, rop.IDSynchronizationImportReadStateChanges:
						return true
					}
					return false
				})
				if moved < 0 || first < moved {
					t.Errorf("the move is number %d, the first change number %d", moved, first)
				}
				other.pass()
				same(t, c, other)
				if n := other.at(to, "*one*"); strings.Contains(order, "edit") != has(t, other, to, "changed") ||
					strings.Contains(order, "flag") != (n.Message.Flag == 2) || strings.Contains(order, "read") != n.Message.Read {
					t.Errorf("%+v\n%v", n.Message, other.contents())
				}
			})
		}
	}
}
