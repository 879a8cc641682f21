package syncer

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"mailfs/mapi"
	"mailfs/mapi/idset"
	"mailfs/mapi/rop"
	"mailfs/replica"
)

// Back-in-time detection ([MS-OXCSYNC] 3.1.3.1.1.1): a counter in the replica and on the server goes up with every
// upload. Here it goes up with every pass that brings news, too, and before these are stored: whatever a replica knows, it
// has counted after that came about, so that a server which lost it has lost the count as well. The server's is in one
// associated message per replica in Common Views, a dictionary of [MS-OXOCFG] 2.2.5.1.
// A replica that knows less than the server was restored from a backup; a server that knows less than the replica
// was.

// settingCounter is where the replica keeps its side of the counter.
const settingCounter = "syncer.counter"

// counter is the replica's side: the value that was last sent, the last one that the server is known to have, and how
// often it was seen that the server had been put back.
type counter struct {
	Sent, Acked uint32
	Rewinds     uint32         `json:",omitempty"`
	Former      *formerCounter `json:",omitempty"`
}

// formerCounter is the counter that a replica had before it took another name. It was raised once more when it was left: a server
// that was put back since to a time before the present counter was made has less there.
type formerCounter struct {
	Class string
	Sent  uint32
}

// counterAt is the server's side in one session.
type counterAt struct {
	folder mapi.FID // Common Views, 0 if the counter can't be kept
	mid    mapi.MID // 0 before the message was made
	raised bool     // in this pass
}

var counterColumns = []mapi.PropertyTag{mapi.PidTagMid, mapi.PidTagRoamingDictionary}

// counterClass is the class of the message with the counter of a replica.
func counterClass(id replica.Identity) string {
	return "IPM.Configuration.mailfs." + strings.ReplaceAll(id.Namespace.String(), "-", "")
}

// compareCounters looks for signs that this replica or the server was put back to an earlier time, and takes the
// consequences before anything else is said to the server.
func (l *link) compareCounters(ctx context.Context, views mapi.FID) error {
	s := l.s
	l.views = views
	if s.cfg.ReadOnly || views == 0 {
		return nil
	}
	id, own, err := s.ownCounter()
	if err != nil {
		return err
	}
	mid, server, found, err := l.findCounter(ctx, views, counterClass(id))
	if _, refused := refusal(err); refused {
		s.cfg.Logf("no back-in-time detection: %v", err)
		return nil
	}
	if err != nil {
		return err
	}
	l.counter = counterAt{folder: views, mid: mid}
	switch {
	case found && server.Rewinds > own.Rewinds:
		s.cfg.Logf("this replica was restored from a backup that is older than the server's: everything is compared with it")
		return l.leaveCounter(ctx, id, server, rebuildBoth, server.Rewinds)
	case found && server.Sent > own.Sent:
		s.cfg.Logf("this replica was restored from a backup: it is rebuilt from the server")
		return l.leaveCounter(ctx, id, server, rebuildReplica, own.Rewinds)
	case found && server.Sent < own.Acked:
		s.cfg.Logf("the server was restored from a backup: everything is compared with it")
		return s.startRebuild(ctx, l, rebuildServer, counter{Sent: own.Sent, Acked: server.Sent, Rewinds: own.Rewinds + 1, Former: own.Former})
	case !found:
		return l.counterMissing(ctx, own)
	}
	return nil
}

// leaveCounter starts the rebuild of a replica that takes another name, whose counter is another one as well.
func (l *link) leaveCounter(ctx context.Context, id replica.Identity, server counter, kind rebuildKind, rewinds uint32) error {
	last := server
	last.Sent++
	said, err := l.writeCounter(ctx, counterClass(id), last)
	if err != nil {
		return err
	}
	next := counter{Rewinds: rewinds}
	if said == nil {
		next.Former = &formerCounter{Class: counterClass(id), Sent: last.Sent}
	}
	l.counter.mid = 0
	if err := l.s.startRebuild(ctx, l, kind, next); err != nil {
		return err
	}
	return l.s.countUp(ctx, l) // from now on, so that fewer backups are older than that
}

// formerWentBack reports whether the server has less in the former counter than was left there.
func (l *link) formerWentBack(ctx context.Context, own counter) (bool, error) {
	if own.Former == nil {
		return false, nil
	}
	_, server, found, err := l.findCounter(ctx, l.views, own.Former.Class)
	if err != nil {
		return false, err
	}
	return found && server.Sent < own.Former.Sent, nil
}

// counterMissing tells a server that was put back to a time before the counter was made from one on which somebody
// removed it: only the former gives out ids that it gave out before. To take one for the other would bring back what
// others have deleted. Ids and change numbers need not be of one series. A former counter tells it even after the server
// has given out all of these again.
func (l *link) counterMissing(ctx context.Context, own counter) error {
	back, err := l.formerWentBack(ctx, own)
	if err != nil {
		return err
	}
	if back {
		l.s.cfg.Logf("the server was restored from a backup that is older than the counter: everything is compared with it")
		return l.s.startRebuild(ctx, l, rebuildServer, counter{Sent: own.Sent, Rewinds: own.Rewinds + 1})
	}
	if own.Acked == 0 { // from now on, and not from the first upload on: fewer backups are older than that
		return l.s.countUp(ctx, l)
	}
	known, err := l.s.highestKnown(l.replica)
	if err != nil {
		return err
	}
	b := l.batch()
	a := b.do(l.store, &rop.GetLocalReplicaIDsRequest{IDCount: 1})
	if err := b.run(ctx); err != nil {
		return err
	}
	resp, ok := a.resp().(*rop.GetLocalReplicaIDsResponse)
	if !ok || a.err() != nil || resp.ReplGUID != l.replica || resp.GlobalCount > known.id {
		l.s.cfg.Logf("the counter of uploads is missing: it is made anew")
		if err := l.s.countUp(ctx, l); err != nil || l.counter.mid == 0 {
			return err
		}
		b := l.batch()
		obj, back := b.openKeys(l, l.counter.folder, l.counter.mid)
		b.release(obj)
		if err := b.run(ctx); err != nil {
			return err
		}
		if k, err := l.keysOf(ctx, back); err != nil || k.cn.GUID != l.replica || k.cn.Counter > known.change {
			return nil // somebody removed it, for all that can be told
		}
		own.Sent++ // as countUp did
	}
	l.s.cfg.Logf("the server was restored from a backup that is older than the counter: everything is compared with it")
	return l.s.startRebuild(ctx, l, rebuildServer, counter{Sent: own.Sent, Rewinds: own.Rewinds + 1})
}

// numbers are the largest numbers of a replica of ids that the states name.
type numbers struct{ id, change mapi.GlobCnt }

func (s *Syncer) highestKnown(g mapi.GUID) (high numbers, err error) {
	err = s.rep.View(func(v *replica.View) error {
		for scope, err := range v.Checkpoints() {
			if err != nil {
				return err
			}
			cp, err := v.Checkpoint(scope)
			if err != nil {
				return err
			}
			high.id = max(high.id, highest(cp.Given.Entries(), g))
			high.change = max(high.change, highest(cp.Seen.Entries(), g), highest(cp.SeenFAI.Entries(), g))
		}
		return nil
	})
	return high, err
}

func highest(entries []idset.Entry, g mapi.GUID) (high mapi.GlobCnt) {
	for _, e := range entries {
		if e.GUID == g {
			high = max(high, e.Set.Max())
		}
	}
	return high
}

func (s *Syncer) ownCounter() (id replica.Identity, c counter, err error) {
	err = s.rep.View(func(v *replica.View) error {
		if id, err = v.Identity(); err != nil {
			return err
		}
		c, err = readCounter(v)
		return err
	})
	return id, c, err
}

func readCounter(v *replica.View) (c counter, err error) {
	b, err := v.Setting(settingCounter)
	if err != nil || b == nil {
		return c, err
	}
	return c, json.Unmarshal(b, &c)
}

func (c counter) save(u *replica.Update) error {
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return u.SetSetting(settingCounter, b)
}

// findCounter looks for the message of a class among the associated messages of a folder.
func (l *link) findCounter(ctx context.Context, views mapi.FID, class string) (mid mapi.MID, value counter, found bool, err error) {
	is := mapi.EncodeRestriction(mapi.PropertyRestriction{Op: mapi.RelEqual, Tag: mapi.PidTagMessageClass,
		Value: mapi.Property{Tag: mapi.PidTagMessageClass, Value: class}})
	b := l.batch()
	dir, _ := b.open(l.store, &rop.OpenFolderRequest{FolderID: views})
	table, opened := b.open(dir, &rop.GetContentsTableRequest{TableFlags: rop.TableAssociated | rop.TableNoNotifications})
	b.do(table, &rop.SetColumnsRequest{PropertyTags: counterColumns})
	a := b.do(table, &rop.FindRowRequest{RestrictionData: is, Origin: rop.BookmarkBeginning})
	b.release(table)
	b.release(dir)
	if err := b.run(ctx); err != nil {
		return 0, counter{}, false, err
	}
	if err := opened.err(); err != nil {
		return 0, counter{}, false, err
	}
	resp, ok := a.resp().(*rop.FindRowResponse)
	switch {
	case a.code() == mapi.EcNotFound:
		return 0, counter{}, false, nil
	case a.err() != nil:
		return 0, counter{}, false, a.err()
	case !ok:
		return 0, counter{}, false, unexpected(a.resp())
	}
	row, err := resp.Row(counterColumns)
	if err != nil {
		return 0, counter{}, false, &mapi.Protocol{Err: err}
	}
	bag := mapi.RowBag(row)
	id, ok := bag.Get(mapi.PidTagMid).(int64)
	if !ok {
		return 0, counter{}, false, nil
	}
	value, err = parseCounter(bag.Bytes(mapi.PidTagRoamingDictionary))
	if err != nil {
		return mapi.MID(id), counter{}, false, nil // nothing that this replica wrote
	}
	return mapi.MID(id), value, true, nil
}

// countNews raises both counters before what is new on the server is stored, once in a pass. What comes about later in it
// and is lost with a server that is put back to the time between is not missed.
func (s *Syncer) countNews(ctx context.Context, l *link) error {
	if l.counter.raised {
		return nil
	}
	return s.countUp(ctx, l)
}

// countUp raises both counters, right before something is sent for the first time. What the server had before is
// known to have arrived then. A server that does not let the message be made is asked no more in this session.
func (s *Syncer) countUp(ctx context.Context, l *link) error {
	if l.counter.folder == 0 {
		return nil
	}
	id, own, err := s.ownCounter()
	if err != nil {
		return err
	}
	own.Sent++
	if err := s.rep.Update(func(u *replica.Update) error { return own.save(u) }); err != nil {
		return err
	}
	said, err := l.writeCounter(ctx, counterClass(id), own)
	if err != nil {
		return err
	}
	if said != nil {
		s.cfg.Logf("no back-in-time detection: %v", said)
		l.counter = counterAt{}
		return nil
	}
	own.Acked, l.counter.raised = own.Sent, true
	return s.rep.Update(func(u *replica.Update) error { return own.save(u) })
}

// writeCounter writes the message with a counter, or makes it. said is what the server has against that.
func (l *link) writeCounter(ctx context.Context, class string, value counter) (said, err error) {
	dict, err := formatCounter(value)
	if err != nil {
		return nil, err
	}
	b := l.batch()
	var obj *object
	if l.counter.mid != 0 {
		obj, _ = b.open(l.store, &rop.OpenMessageRequest{CodePageID: rop.CodePageLogon, FolderID: l.counter.folder,
			OpenModeFlags: rop.OpenReadWrite, MessageID: l.counter.mid})
	} else {
		obj, _ = b.open(l.store, &rop.CreateMessageRequest{CodePageID: rop.CodePageLogon, FolderID: l.counter.folder, AssociatedFlag: true})
	}
	const dictionary = int32(4) // [MS-OXOCFG] 2.2.2.1
	b.do(obj, &rop.SetPropertiesRequest{PropertyValues: []mapi.Property{
		{Tag: mapi.PidTagMessageClass, Value: class},
		{Tag: mapi.PidTagSubject, Value: class},
		{Tag: mapi.PidTagRoamingDatatypes, Value: dictionary},
		{Tag: mapi.PidTagRoamingDictionary, Value: dict},
	}})
	save := b.do(obj, &rop.SaveChangesMessageRequest{SaveFlags: rop.SaveForce})
	b.release(obj)
	if err := b.run(ctx); err != nil {
		return nil, err
	}
	if err := save.err(); err != nil {
		return err, nil
	}
	if r, ok := save.resp().(*rop.SaveChangesMessageResponse); ok && l.counter.mid == 0 {
		l.counter.mid = r.MessageID
	}
	return nil, nil
}

// userConfiguration is the dictionary stream of a configuration message ([MS-OXOCFG] 2.2.5.1).
type userConfiguration struct {
	XMLName xml.Name `xml:"UserConfiguration"`
	Info    struct {
		Version string `xml:"version,attr"`
	} `xml:"Info"`
	Data struct {
		Entries []dictionaryEntry `xml:"e"`
	} `xml:"Data"`
}

// dictionaryEntry is a key and a value, each with its type in front: 9 is a 32-bit number, 18 a string.
type dictionaryEntry struct {
	Key   string `xml:"k,attr"`
	Value string `xml:"v,attr"`
}

const (
	counterKey     = "18-uploads"
	rewindsKey     = "18-rewinds"
	numberPrefix   = "9-"
	counterVersion = "mailfs.1"
)

func formatCounter(own counter) ([]byte, error) {
	var c userConfiguration
	c.Info.Version = counterVersion
	c.Data.Entries = []dictionaryEntry{{counterKey, fmt.Sprint(numberPrefix, int32(own.Sent))}}
	if own.Rewinds > 0 {
		c.Data.Entries = append(c.Data.Entries, dictionaryEntry{rewindsKey, fmt.Sprint(numberPrefix, int32(own.Rewinds))})
	}
	out, err := xml.Marshal(c)
	return append([]byte(xml.Header), out...), err
}

var errNoCounter = errors.New("syncer: no counter in this dictionary")

func parseCounter(p []byte) (c counter, err error) {
	var in userConfiguration
	if err := xml.NewDecoder(bytes.NewReader(p)).Decode(&in); err != nil {
		return c, err
	}
	err = errNoCounter
	for _, e := range in.Data.Entries {
		v, ok := strings.CutPrefix(e.Value, numberPrefix)
		if !ok || e.Key != counterKey && e.Key != rewindsKey {
			continue
		}
		n, bad := strconv.ParseInt(v, 10, 32)
		if bad != nil {
			return c, bad
		}
		if e.Key == rewindsKey {
			c.Rewinds = uint32(n)
		} else {
			c.Sent, err = uint32(n), nil
		}
	}
	return c, err
}
