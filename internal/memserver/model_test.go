package memserver

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/idset"
	"mailfs/mapi/mapihttp"
	"mailfs/mapi/rop"
)

// view is what a client holds of one folder: subject and read state by source key.
type view map[mapi.SourceKey]string

func viewOf(v *message) string {
	return fmt.Sprintf("%s read=%v fai=%v recipients=%d", v.content.Properties.String(mapi.PidTagSubject), v.read, v.fai, len(v.content.Recipients))
}

// follow applies a synchronization to a view, as a client does, and checks the
// invariants of [MS-OXCFXICS] 3.2.5.3 on the way.
func follow(t *rapid.T, m *Mailbox, held view, before fxics.ICSState, r result) {
	changed := idset.IDSet{}
	for _, e := range r.changes {
		id, ok := e.SourceKey().LongTermID()
		if !ok {
			t.Fatalf("foreign key %v", e.SourceKey())
		}
		changed.Add(id)
		cn, _ := e.CN()
		if seen := before.Seen.Union(before.SeenFAI); seen.Contains(m.longID(cn.Counter())) {
			t.Fatalf("MS-OXCFXICS_R2074: change %v was seen", cn)
		}
		if e.Partial != nil && !before.Given.Contains(id) {
			t.Fatalf("MS-OXCFXICS_R2070: partial change of a message that the client lacks")
		}
		held[e.SourceKey()] = merge(held[e.SourceKey()], e)
	}
	drop := func(s idset.ReplSet) {
		ids, err := s.Resolve(m.replGUID)
		if err != nil {
			t.Fatal(err)
		}
		if both := ids.Intersect(changed); !both.IsEmpty() {
			t.Fatalf("MS-OXCFXICS_R2073: changed and deleted: %v", both)
		}
		if !before.Given.Includes(ids) {
			t.Fatalf("deletions of what the client does not hold: %v", ids)
		}
		for k := range held {
			if id, _ := k.LongTermID(); ids.Contains(id) {
				delete(held, k)
			}
		}
	}
	if r.deleted != nil {
		drop(r.deleted.Deleted)
		drop(r.deleted.NoLongerInScope)
	}
	if r.reads != nil {
		mark(t, m, held, changed, r.reads.Read, true)
		mark(t, m, held, changed, r.reads.Unread, false)
	}
	var ids idset.IDSet
	for k := range held {
		id, _ := k.LongTermID()
		ids.Add(id)
	}
	if !ids.Equal(r.state.Given) {
		t.Fatalf("MS-OXCFXICS_R2065: the client holds %v, the state says %v", ids, r.state.Given)
	}
}

func mark(t *rapid.T, m *Mailbox, held view, changed idset.IDSet, s idset.ReplSet, read bool) {
	ids, err := s.Resolve(m.replGUID)
	if err != nil {
		t.Fatal(err)
	}
	if both := ids.Intersect(changed); !both.IsEmpty() {
		t.Fatalf("MS-OXCFXICS_R2076: changed and read: %v", both)
	}
	for k, v := range held {
		if id, _ := k.LongTermID(); ids.Contains(id) {
			held[k] = withRead(v, read)
		}
	}
}

func withRead(v string, read bool) string {
	var subject string
	var fai bool
	var old string
	var n int
	if _, err := fmt.Sscanf(v, "%s read=%s fai=%v recipients=%d", &subject, &old, &fai, &n); err != nil {
		panic(err)
	}
	return fmt.Sprintf("%s read=%v fai=%v recipients=%d", subject, read, fai, n)
}

// merge applies a full or partial change to what is held of a message.
func merge(old string, e *fxics.MessageChange) string {
	subject, read, n := e.Message.Properties.String(mapi.PidTagSubject), e.Message.Properties.Int(mapi.PidTagMessageFlags)&int64(flagRead) != 0, len(e.Message.Recipients)
	if e.Partial != nil {
		var fai bool
		if _, err := fmt.Sscanf(old, "%s read=%t fai=%t recipients=%d", &subject, &read, &fai, &n); err != nil {
			panic(err)
		}
		for _, g := range e.Partial.Groups {
			if g.Properties.Has(mapi.PidTagSubject) {
				subject = g.Properties.String(mapi.PidTagSubject)
			}
		}
		if e.Parts&fxics.PartRecipients != 0 {
			n = len(e.Message.Recipients)
		}
	}
	return fmt.Sprintf("%s read=%v fai=%v recipients=%d", subject, read, e.Associated(), n)
}

// TestSyncFollowsAnything lets a mailbox change at random while two clients of
// different habits synchronize now and then: after each pass a client holds exactly
// what is there.
func TestSyncFollowsAnything(outer *testing.T) {
	rapid.Check(outer, func(t *rapid.T) {
		s, m := newServer(outer, Config{})
		folders := []mapi.FID{m.Folder(FolderInbox), m.CreateFolder("Other")}
		c := dial(outer, s, m)
		type follower struct {
			held    map[mapi.FID]view
			states  map[mapi.FID]fxics.ICSState
			partial bool
		}
		var clients []follower
		for _, partial := range []bool{false, true} {
			clients = append(clients, follower{map[mapi.FID]view{folders[0]: {}, folders[1]: {}}, map[mapi.FID]fxics.ICSState{}, partial})
		}
		pick := func() (mapi.MID, bool) {
			var ids []mapi.MID
			for _, f := range folders {
				for _, v := range m.state.indexes[f.Counter()].sorted(func(*message) bool { return true }) {
					ids = append(ids, mapi.NewMID(ownReplID, v.id))
				}
			}
			if len(ids) == 0 {
				return 0, false
			}
			return rapid.SampledFrom(ids).Draw(t, "message"), true
		}
		serial := 0
		pass := func(f follower) {
			for _, id := range folders {
				before := f.states[id]
				r := c.sync(id, before, func(q *rop.SynchronizationConfigureRequest) {
					if f.partial {
						q.SendOptions |= rop.SendPartialItem
					}
				})
				follow(t, m, f.held[id], before, r)
				f.states[id] = r.state
				want := view{}
				for _, v := range m.state.indexes[id.Counter()].items {
					want[m.longID(v.id).SourceKey()] = viewOf(v)
				}
				if fmt.Sprint(want) != fmt.Sprint(f.held[id]) {
					t.Fatalf("the client holds\n%v\nnot\n%v", f.held[id], want)
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"deliver": func(t *rapid.T) {
				serial++
				msg := mail(fmt.Sprintf("m%d", serial))
				msg.Properties.Set(mapi.PidTagAssociated, rapid.Bool().Draw(t, "fai"))
				deliver(outer, m, rapid.SampledFrom(folders).Draw(t, "folder"), msg)
			},
			"edit": func(t *rapid.T) {
				if id, ok := pick(); ok {
					serial++
					kind := rapid.IntRange(0, 2).Draw(t, "kind")
					_ = m.Edit(id, func(c *mapi.Message) {
						switch kind {
						case 0:
							retitleContent(c, fmt.Sprintf("m%d", serial))
						case 1:
							c.Recipients = append(c.Recipients, mapi.Recipient{RowID: uint32(len(c.Recipients)), Type: mapi.RecipientTo, Properties: mail("x").Recipients[0].Properties})
						default:
							c.Properties.Set(mapi.PidTagBody, fmt.Sprint(serial))
						}
					})
				}
			},
			"move": func(t *rapid.T) {
				if id, ok := pick(); ok {
					_, _ = m.Move(id, rapid.SampledFrom(folders).Draw(t, "folder"))
				}
			},
			"delete": func(t *rapid.T) {
				if id, ok := pick(); ok {
					_ = m.Delete(id, rapid.Bool().Draw(t, "hard"))
				}
			},
			"read": func(t *rapid.T) {
				if id, ok := pick(); ok {
					_ = m.MarkRead(id, rapid.Bool().Draw(t, "read"))
				}
			},
			"sync": func(t *rapid.T) { pass(rapid.SampledFrom(clients).Draw(t, "client")) },
		})
		for _, f := range clients {
			pass(f)
		}
	})
}

// FuzzExecute sends payloads of any kind to a mailbox: whatever comes, there is an
// answer that can be read, and the mailbox stays consistent.
func FuzzExecute(f *testing.F) {
	for _, scenario := range []string{"01-connect-logon", "08-upload-readstate-move-delete-hierarchy", "11-named-properties", "16-submit"} {
		for _, e := range readScenario(f, scenario) {
			if e.Type != mapihttp.Execute {
				continue
			}
			if q, err := mapihttp.DecodeExecuteRequest(e.req); err == nil {
				if bufs, err := mapihttp.SplitExtended(q.RopBuffer, 1); err == nil {
					f.Add(bufs[0].Payload)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		s, m := newServer(t, Config{})
		mid := deliver(t, m, m.Folder(FolderInbox), mail("one"))
		c := dial(t, s, m)
		inbox := c.folder(m.Folder(FolderInbox))
		msg, _ := c.openMessage(m.Folder(FolderInbox), mid)
		ss := c.tr.(*Transport).ss
		c.mustOpen(inbox, contentsConfig())
		c.collector(m.Folder(FolderInbox), true)
		c.mustOpen(inbox, &rop.GetContentsTableRequest{})
		c.mustOpen(msg, &rop.OpenStreamRequest{PropertyTag: mapi.PidTagBody, OpenModeFlags: rop.OpenReadWrite})
		out, code := ss.execute(payload, 0x10000, true, Fault{})
		if code == ecSuccess && len(out) == 0 {
			t.Fatal("neither an answer nor an error")
		}
		for _, p := range out {
			if len(p) > mapihttp.MaxPayload {
				t.Fatalf("payload of %d bytes", len(p))
			}
		}
		s.background.Wait() // deliveries of submitted messages
		checkCounts(t, m)
	})
}

// checkCounts compares the counters of each folder with what is in it.
func checkCounts(t *testing.T, m *Mailbox) {
	t.Helper()
	for id, x := range m.state.indexes {
		var normal, unread, fai int
		var size int64
		for _, v := range x.items {
			size += int64(v.size)
			switch {
			case v.fai:
				fai++
			case v.read:
				normal++
			default:
				normal++
				unread++
			}
			if m.state.messages[v.id] != v || v.folder != id {
				t.Fatalf("message %x is in two minds about its folder", uint64(v.id))
			}
		}
		if normal != x.normal || unread != x.unread || fai != x.fai || size != x.size {
			t.Fatalf("folder %x: %d/%d/%d messages, counted %d/%d/%d", uint64(id), normal, unread, fai, x.normal, x.unread, x.fai)
		}
	}
}

// TestHierarchyFollowsAnything is TestSyncFollowsAnything for folders.
func TestHierarchyFollowsAnything(outer *testing.T) {
	rapid.Check(outer, func(t *rapid.T) {
		s, m := newServer(outer, Config{})
		top := m.Folder(FolderIPMSubtree)
		c := dial(outer, s, m)
		type known struct {
			name   string
			parent mapi.SourceKey
		}
		held := map[mapi.SourceKey]known{}
		var state fxics.ICSState
		pass := func() {
			r := c.hierarchy(top, state)
			for _, f := range r.folders {
				if _, ok := held[f.ParentSourceKey]; !ok && f.ParentSourceKey != "" {
					t.Fatalf("%q comes before its parent", f.DisplayName)
				}
				held[f.SourceKey] = known{f.DisplayName, f.ParentSourceKey}
			}
			if r.deleted != nil {
				ids, err := r.deleted.Deleted.Resolve(m.replGUID)
				if err != nil {
					t.Fatal(err)
				}
				for k := range held {
					if id, _ := k.LongTermID(); ids.Contains(id) {
						delete(held, k)
					}
				}
			}
			state = r.state
			want := map[mapi.SourceKey]known{}
			for _, f := range m.descendants(top.Counter()) {
				var parent mapi.SourceKey
				if f.parent != top.Counter() {
					parent = m.longID(f.parent).SourceKey()
				}
				want[m.longID(f.id).SourceKey()] = known{f.name(), parent}
			}
			if fmt.Sprint(want) != fmt.Sprint(held) {
				t.Fatalf("the client holds\n%v\nnot\n%v", held, want)
			}
		}
		serial := 0
		var mine []mapi.FID
		pick := func() (mapi.FID, bool) {
			if len(mine) == 0 {
				return 0, false
			}
			return rapid.SampledFrom(mine).Draw(t, "folder"), true
		}
		t.Repeat(map[string]func(*rapid.T){
			"create": func(*rapid.T) {
				serial++
				id := m.CreateFolder(fmt.Sprintf("f%d", serial))
				if parent, ok := pick(); ok {
					_ = m.MoveFolder(id, parent) // fails where the parent is gone
				}
				mine = append(mine, id)
			},
			"rename": func(*rapid.T) {
				if id, ok := pick(); ok {
					serial++
					_ = m.RenameFolder(id, fmt.Sprintf("f%d", serial))
				}
			},
			"move": func(t *rapid.T) {
				if id, ok := pick(); ok {
					_ = m.MoveFolder(id, rapid.SampledFrom(append([]mapi.FID{top}, mine...)).Draw(t, "parent"))
				}
			},
			"delete": func(t *rapid.T) {
				if id, ok := pick(); ok {
					_ = m.DeleteFolder(id, rapid.Bool().Draw(t, "hard"))
				}
			},
			"sync": func(*rapid.T) { pass() },
		})
		pass()
	})
}
