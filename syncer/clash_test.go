package syncer_test

import (
	"strings"
	"testing"
	"time"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/replica"
	"mailfs/syncer"
)

// servers are the ways in which a server settles a conflict itself, and how it tells.
var servers = map[string]func(*memserver.Config){
	"last writer on top": func(*memserver.Config) {},
	"imports on top":     func(c *memserver.Config) { c.ImportsOnTop = true },
	"sent whole":         func(c *memserver.Config) { c.ResolveMessagesWhole = true },
	"imports on top, sent whole": func(c *memserver.Config) {
		c.ImportsOnTop, c.ResolveMessagesWhole = true, true
	},
}

// apartMost are those of them that differ most.
var apartMost = map[string]func(*memserver.Config){
	"last writer on top":         servers["last writer on top"],
	"imports on top, sent whole": servers["imports on top, sent whole"],
}

// clash makes another client overtake what the server has of a message, which keeps both versions.
func (w *world) clash(mid mapi.MID, body string, later time.Duration) {
	w.t.Helper()
	m, ok := w.onServer(mid)
	if !ok {
		w.t.Fatal("the message is not there")
	}
	err := w.box.Clash(mid, mapi.NewFileTime(m.Modified.Time().Add(later)), func(m *mapi.Message) {
		m.Properties.Set(mapi.PidTagBody, body+"\r\n")
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) onServer(mid mapi.MID) (memserver.SnapshotMessage, bool) {
	for _, f := range w.box.Snapshot().Folders {
		for _, m := range f.Messages {
			if m.ID == mid {
				return m, true
			}
		}
	}
	return memserver.SnapshotMessage{}, false
}

// settled checks that winner and loser are where they belong and name each other, here and on the server, each once.
func settled(t *testing.T, w *world, c *client, mid mapi.MID, winner, loser string) {
	t.Helper()
	if !has(t, c, "Inbox", winner) || !has(t, c, "Sync Issues/Conflicts", loser) || count(c, winner) != 1 || count(c, loser) != 1 {
		t.Fatalf("%s\n%v", c.tree(), c.contents())
	}
	if n := len(c.attachments(c.at("Inbox", "*one*").Num)); n != 0 {
		t.Errorf("the file of the winner has %d attachments", n)
	}
	checkLinks(t, c)
	if m, _ := w.onServer(mid); len(m.Content.Attachments) != 0 {
		t.Errorf("the message on the server has %d versions in it", len(m.Content.Attachments))
	}
	pairs, err := c.s.Pairs()
	if err != nil || len(pairs) != 1 || pairs[0].Winner != c.at("Inbox", "*one*").Num || pairs[0].Loser != c.at("Sync Issues", "Conflicts", "*one*").Num {
		t.Errorf("pairs %v: %v", pairs, err)
	}
}

// A server keeps two versions of a message as a conflict resolve message ([MS-OXCFXICS] 3.1.5.6.2.1). What it has on top stays in
// place, whoever wrote last; the other version is a loser like any other: on clients that had the message, that had its
// header, and that had nothing. MS-OXCFXICS_R1817, R3397, R1821, R1822
func TestServerSettles(t *testing.T) {
	for name, server := range servers {
		for _, later := range []time.Duration{time.Hour, -time.Hour} {
			t.Run(name+", "+later.String(), func(t *testing.T) {
				w := newMemWorld(t, server)
				mid := w.deliver("one", "at first")
				had, headers := w.client(t), w.client(t, func(c *syncer.Config) { c.Keep.Headers = true })
				had.pass()
				headers.pass()
				w.clash(mid, "the import", later)
				winner, loser := "the import", "at first"
				if later < 0 && !strings.Contains(name, "imports") {
					winner, loser = loser, winner
				}
				num := had.at("Inbox", "*one*").Num
				had.pass()
				settled(t, w, had, mid, winner, loser)
				if had.at("Inbox", "*one*").Num != num {
					t.Error("the item has another number now")
				}
				fresh := w.client(t)
				fresh.pass()
				settled(t, w, fresh, mid, winner, loser)
				same(t, had, fresh)
				headers.pass()
				if pairs, err := headers.s.Pairs(); err != nil || len(pairs) != 1 {
					t.Errorf("with headers only: pairs %v: %v", pairs, err)
				}
			})
		}
	}
}

// The conflict is there before anybody here has seen the message. Where nothing but the attachments tells of it, and only headers
// are downloaded, it shows when somebody opens the message.
func TestServerSettledBefore(t *testing.T) {
	for name, server := range servers {
		for _, headers := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				w := newMemWorld(t, server)
				mid := w.deliver("one", "at first")
				w.clash(mid, "the import", time.Hour)
				c := w.client(t, func(c *syncer.Config) { c.Keep.Headers = headers })
				c.pass()
				if err := c.s.Fetch(t.Context(), c.at("Inbox", "*one*").Num); err != nil {
					t.Fatal(err)
				}
				c.pass()
				settled(t, w, c, mid, "the import", "at first")
				c.pass()
				settled(t, w, c, mid, "the import", "at first")
			})
		}
	}
}

// A message of which only the header is here is opened after the server has settled a conflict of it, and before a download tells. The
// loser is here with the text of the winner, though nothing can be uploaded then. MS-OXCFXICS_R1820, MS-OXCMSG_R544
func TestFetchFindsVersions(t *testing.T) {
	for name, server := range servers {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t, server)
			mid := w.deliver("one", "at first")
			c := w.client(t, func(c *syncer.Config) { c.Keep.Headers = true })
			c.pass()
			w.clash(mid, "the import", time.Hour)
			one := c.at("Inbox", "*one*")
			if err := c.s.Fetch(t.Context(), one.Num); err != nil {
				t.Fatal(err)
			}
			if !has(t, c, "Inbox", "the import") || !has(t, c, "Sync Issues/Conflicts", "at first") || len(c.attachments(one.Num)) != 0 ||
				!c.at("Inbox", "*one*").Message.Conflict || !c.at("Sync Issues", "Conflicts", "*one*").Message.Conflict {
				t.Fatalf("%s\n%v", c.tree(), c.contents())
			}
			c.pass()
			settled(t, w, c, mid, "the import", "at first")
		})
	}
}

// Three versions in one message: each is there once in the end, the one on top in place. MS-OXCFXICS_R3399
func TestServerSettlesThree(t *testing.T) {
	for name, server := range servers {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t, server)
			mid := w.deliver("one", "at first")
			w.clash(mid, "the second", time.Hour)
			w.clash(mid, "the third", time.Hour)
			c, d := w.client(t), w.client(t)
			c.pass()
			same(t, c, d)
			if !has(t, d, "Inbox", "the third") || !has(t, d, "Sync Issues/Conflicts", "at first") || !has(t, d, "Sync Issues/Conflicts", "the second") ||
				count(d, "at first") != 1 || count(d, "the second") != 1 || count(d, "the third") != 1 {
				t.Errorf("%s\n%v", d.tree(), d.contents())
			}
			if pairs, err := d.s.Pairs(); err != nil || len(pairs) != 2 || pairs[0].Winner == 0 || pairs[1].Winner == 0 {
				t.Errorf("pairs %v: %v", pairs, err)
			}
		})
	}
}

// Two clients wrote the same: nobody loses, and nothing is left of the conflict.
func TestServerSettlesTheSame(t *testing.T) {
	for name, server := range servers {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t, server)
			mid := w.deliver("one", "at first")
			c := w.client(t)
			c.pass()
			w.clash(mid, "at first", time.Hour)
			c.pass()
			if n := len(c.attachments(c.at("Inbox", "*one*").Num)); n != 0 || c.at("Inbox", "*one*").Message.Conflict || c.find("Sync Issues", "Conflicts", "*one*") != nil {
				t.Errorf("%d attachments\n%s", n, c.tree())
			}
			if m, _ := w.onServer(mid); len(m.Content.Attachments) != 0 {
				t.Error("the versions are still in the message on the server")
			}
		})
	}
}

// Somebody here edits a message while the server settles a conflict of others about it: nothing of the three is lost, whoever was last.
func TestEditMeetsServersConflict(t *testing.T) {
	for name, server := range servers {
		for _, later := range []time.Duration{24 * time.Hour, -24 * time.Hour} {
			for _, seen := range []bool{false, true} {
				t.Run(name+", "+later.String()+map[bool]string{true: ", seen before the upload"}[seen], func(t *testing.T) {
					w := newMemWorld(t, server)
					mid := w.deliver("one", "at first")
					a, b := w.client(t), w.client(t)
					a.pass()
					b.pass()
					b.edit(b.at("Inbox", "*one*").Num, mail("one", "what b wrote"))
					b.flush()
					w.clash(mid, "the import", later)
					if seen {
						b.pass()
					}
					a.edit(a.at("Inbox", "*one*").Num, mail("one", "what a wrote"))
					a.flush()
					same(t, a, b)
					for _, text := range []string{"what a wrote", "what b wrote", "the import"} {
						if count(b, text) != 1 {
							t.Errorf("%q is there %d times\n%s\n%v", text, count(b, text), b.tree(), b.contents())
						}
					}
					if m, _ := w.onServer(mid); len(m.Content.Attachments) != 0 {
						t.Error("the versions are still in the message on the server")
					}
					if pairs, err := a.s.Pairs(); err != nil || len(pairs) != 2 || pairs[0].Winner == 0 || pairs[1].Winner == 0 {
						t.Errorf("pairs %v: %v", pairs, err)
					}
				})
			}
		}
	}
}

// The version on top of what the server has is the one that is known here, with its change key; only the list of changes tells that
// another one is in it. Nothing that is done to the message here may take that one away unseen.
func TestKnownVersionOnTop(t *testing.T) {
	for name, act := range map[string]func(c *client, one replica.Num){
		"flag":    func(c *client, one replica.Num) { c.flag(one, 2, "") },
		"move":    func(c *client, one replica.Num) { c.move(one, c.at("Drafts")) },
		"delete":  func(c *client, one replica.Num) { c.unlink(one, true) },
		"discard": func(c *client, one replica.Num) { c.unlink(one, false) },
		"flag and edit": func(c *client, one replica.Num) {
			c.flag(one, 2, "")
			c.edit(one, mail("one", "at first, and an edit"))
		},
		"move and edit": func(c *client, one replica.Num) {
			c.move(one, c.at("Drafts"))
			c.edit(one, mail("one", "at first, and an edit"))
		},
	} {
		for how, server := range apartMost {
			for _, forgetful := range []bool{false, true} {
				t.Run(name+", "+how, func(t *testing.T) {
					w := newMemWorld(t, server, func(c *memserver.Config) { c.ImportsOnTop, c.ForgetfulMoves = false, forgetful })
					mid := w.deliver("one", "at first")
					c := w.client(t)
					c.pass()
					w.clash(mid, "the import", -time.Hour)
					act(c, c.at("Inbox", "*one*").Num)
					c.flush()
					if name == "flag" || name == "move" { // and then an edit, before a download
						dir := map[string]string{"flag": "Inbox", "move": "Drafts"}[name]
						c.edit(c.at(dir, "*one*").Num, mail("one", "at first, and an edit"))
						c.flush()
					}
					c.pass()
					d := w.client(t)
					same(t, c, d)
					if count(d, "the import") != 1 || count(d, "at first") == 0 {
						t.Errorf("%s\n%v", d.tree(), d.contents())
					}
				})
			}
		}
	}
}

// The answer to an edit gets lost, and another client's import meets it on the server: the edit is on top there, and the import in it.
func TestLostAnswerThenClash(t *testing.T) {
	for name, server := range apartMost {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t, server, func(c *memserver.Config) { c.ImportsOnTop = false })
			mid := w.deliver("one", "at first")
			c := w.client(t, quick)
			c.pass()
			c.edit(c.at("Inbox", "*one*").Num, mail("one", "an edit"))
			w.srv.SetScript(func(r memserver.Request) memserver.Fault {
				return memserver.Fault{CutAfter: r.Has(uint8(rop.IDSaveChangesMessage))}
			})
			if err := c.s.Pass(t.Context()); err == nil {
				t.Fatal("the answer was not lost")
			}
			w.srv.SetScript(nil)
			w.clash(mid, "the import", -time.Hour)
			c.flush()
			c.edit(c.at("Inbox", "*one*").Num, mail("one", "an edit, and another"))
			c.flush()
			c.pass()
			d := w.client(t)
			same(t, c, d)
			if count(d, "the import") != 1 || !has(t, d, "Inbox", "an edit, and another") {
				t.Errorf("%s\n%v", d.tree(), d.contents())
			}
		})
	}
}

// A user edits the version in place before the losers are on the server.
func TestEditBeforeLosersAreThere(t *testing.T) {
	for name, server := range servers {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t, server)
			mid := w.deliver("one", "at first")
			c := w.client(t, func(c *syncer.Config) { c.Keep.Headers = true })
			c.pass()
			w.clash(mid, "the import", time.Hour)
			one := c.at("Inbox", "*one*").Num
			if err := c.s.Fetch(t.Context(), one); err != nil {
				t.Fatal(err)
			}
			c.edit(one, mail("one", "what c wrote"))
			c.flush()
			d := w.client(t)
			same(t, c, d)
			if count(d, "at first") != 1 || count(d, "what c wrote") != 1 {
				t.Errorf("%s\n%v", d.tree(), d.contents())
			}
			if m, _ := w.onServer(mid); len(m.Content.Attachments) != 0 {
				t.Error("the versions are still in the message on the server")
			}
		})
	}
}

// A user decides before the losers are on the server: the mark of the conflict does not come back.
func TestDecidedBeforeLosersAreThere(t *testing.T) {
	for name, server := range apartMost {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t, server)
			mid := w.deliver("one", "at first")
			c := w.client(t, func(c *syncer.Config) { c.Keep.Headers = true })
			c.pass()
			w.clash(mid, "the import", time.Hour)
			one := c.at("Inbox", "*one*").Num
			if err := c.s.Fetch(t.Context(), one); err != nil {
				t.Fatal(err)
			}
			c.unlink(c.at("Sync Issues", "Conflicts", "*one*").Num, false)
			if err := c.s.Settle(one); err != nil {
				t.Fatal(err)
			}
			c.pass()
			d := w.client(t)
			d.pass()
			m, _ := w.onServer(mid)
			if d.at("Inbox", "*one*").Message.Conflict || m.Content.Properties.Has(mapi.PidTagConflictItems) || len(m.Content.Attachments) != 0 {
				t.Errorf("it is in conflict again: %v, linked %v, %d versions in it", d.at("Inbox", "*one*").Message.Conflict,
					m.Content.Properties.Has(mapi.PidTagConflictItems), len(m.Content.Attachments))
			}
			if n := count(d, "at first"); n > 1 {
				t.Errorf("what was decided against is there %d times\n%s", n, d.tree())
			}
		})
	}
}

// Two clients find the same conflict. Whenever one comes in the middle of the other's pass, there is one loser in the end.
func TestTwoClientsFindTheSameConflict(t *testing.T) {
	for name, server := range apartMost {
		commits := 1
		for at := 0; at < commits; at++ {
			w := newMemWorld(t, server)
			mid := w.deliver("one", "at first")
			a, b := w.client(t, quick), w.client(t, quick)
			a.pass()
			b.pass()
			w.clash(mid, "the import", time.Hour)
			n := 0
			a.step = func() {
				if n++; n == at+1 {
					b.pass()
				}
			}
			a.pass()
			a.step, commits = nil, n
			same(t, a, b)
			same(t, a, b)
			if t.Failed() {
				t.Fatalf("%s: b came at commit %d of %d", name, at, commits)
			}
			settled(t, w, b, mid, "the import", "at first")
			settled(t, w, a, mid, "the import", "at first")
		}
	}
}

// A read-only mount can put the other version nowhere: it shows it as an attachment, until the mailbox is mounted to be written, too.
func TestReadOnlyShowsVersions(t *testing.T) {
	for name, server := range servers {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t, server)
			mid := w.deliver("one", "at first")
			w.clash(mid, "the import", time.Hour)
			c := w.client(t, func(c *syncer.Config) { c.ReadOnly = true })
			c.pass()
			c.pass()
			if text := text(t, c, "Inbox", "*one*"); !strings.Contains(text, "the import") || !strings.Contains(text, "at first") {
				t.Errorf("it shows\n%s", text)
			}
			if m, _ := w.onServer(mid); len(m.Content.Attachments) != 2 {
				t.Errorf("%d versions are left on the server", len(m.Content.Attachments))
			}
			if err := c.s.Close(); err != nil {
				t.Fatal(err)
			}
			c.cfg.ReadOnly = false
			c.s = syncer.New(c.cfg)
			c.pass()
			settled(t, w, c, mid, "the import", "at first")
		})
	}
}

// The mailbox has no Conflicts folder yet.
func TestServerSettlesWithoutFolder(t *testing.T) {
	for name, server := range servers {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t, server)
			if err := w.box.DeleteFolder(w.box.Folder(memserver.FolderConflicts), true); err != nil {
				t.Fatal(err)
			}
			mid := w.deliver("one", "at first")
			c := w.client(t)
			c.pass()
			w.clash(mid, "the import", time.Hour)
			c.pass()
			settled(t, w, c, mid, "the import", "at first")
		})
	}
}
