package syncer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mailfs/internal/memserver"
	"mailfs/internal/names"
	"mailfs/internal/sample"
	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/mime"
	"mailfs/replica"
	"mailfs/syncer"
)

const address = "anna@example.test"

// world is a mailbox on a server, for clients to work on: on the in-tree server, or on
// the one that MAILFS_TEST_SERVER names.
type world struct {
	t    testing.TB
	user string
	dn   string
	dial func(ctx context.Context) (rop.Transport, syncer.ServerInfo, error)

	srv *memserver.Server // nil for a real server
	box *memserver.Mailbox

	inMemory bool // replicas of this world survive nothing, and cost little

	carrier *client // puts messages there on a real server
}

// newWorld returns an empty mailbox, on a real server if the environment names one.
func newWorld(t testing.TB) *world {
	t.Helper()
	if w := realWorld(t); w != nil {
		return w
	}
	return newMemWorld(t)
}

// newMemWorld returns a mailbox on the in-tree server, for tests that need its acts.
func newMemWorld(t testing.TB, change ...func(*memserver.Config)) *world {
	t.Helper()
	var cfg memserver.Config
	for _, f := range change {
		f(&cfg)
	}
	srv := memserver.New(cfg)
	t.Cleanup(srv.Close)
	box, err := srv.AddMailbox(memserver.MailboxConfig{Address: address, Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, srv: srv, box: box, user: address, dn: box.DN()}
	w.dial = func(context.Context) (rop.Transport, syncer.ServerInfo, error) {
		tr, err := srv.Transport(address)
		return tr, syncer.ServerInfo{Version: mapi.ServerVersion{15, 1, 2507}}, err
	}
	return w
}

// client is one replica with its engine.
type client struct {
	t       testing.TB
	w       *world
	rep     *replica.Replica
	s       *syncer.Syncer
	offline atomic.Bool
	step    func() // runs before each commit
	dir     string // of the replica
	cfg     syncer.Config
}

func (w *world) client(t testing.TB, change ...func(*syncer.Config)) *client {
	t.Helper()
	c := &client{t: t, w: w, dir: t.TempDir()}
	rep, err := replica.Open(replica.Options{Dir: c.dir, InMemory: w.inMemory, Small: true, Fold: names.Fold, Step: func() {
		if c.step != nil {
			c.step()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.rep = rep
	cfg := syncer.Config{
		Replica: rep, User: w.user, LegacyDN: w.dn, Logf: t.Logf,
		Dial: func(ctx context.Context) (rop.Transport, syncer.ServerInfo, error) {
			if c.offline.Load() {
				return nil, syncer.ServerInfo{}, &mapi.Unreachable{Err: errors.New("offline for the test")}
			}
			return w.dial(ctx)
		},
	}
	for _, f := range change {
		f(&cfg)
	}
	c.s, c.cfg = syncer.New(cfg), cfg
	t.Cleanup(func() {
		_ = c.s.Close()
		if bad, err := c.rep.Check(); err != nil || len(bad) > 0 {
			t.Errorf("replica: %v %v", bad, err)
		}
		if err := c.rep.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func (c *client) pass() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := c.s.Pass(ctx); err != nil {
		c.t.Fatalf("pass: %v", err)
	}
}

func (c *client) view(f func(v *replica.View) error) {
	c.t.Helper()
	if err := c.rep.View(f); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) update(f func(u *replica.Update) error) {
	c.t.Helper()
	if err := c.rep.Update(f); err != nil {
		c.t.Fatal(err)
	}
}

// at returns the node at a path of names; a last element that ends in "*" stands for
// the first name that starts so.
func (c *client) at(path ...string) *replica.Node {
	c.t.Helper()
	n := c.find(path...)
	if n == nil {
		c.t.Fatalf("%s is not there; the tree:\n%s", strings.Join(path, "/"), c.tree())
	}
	return n
}

func (c *client) find(path ...string) (n *replica.Node) {
	c.t.Helper()
	c.view(func(v *replica.View) error {
		at := replica.RootNum
		var err error
		if n, err = v.Node(at); err != nil {
			return err
		}
		for _, p := range path {
			n = nil
			for child, err := range v.Children(at, "") {
				if err != nil {
					return err
				}
				if child.Name == p || strings.Contains(p, "*") && strings.Contains(child.Name, strings.Trim(p, "*")) {
					n = child
					break
				}
			}
			if n == nil {
				return nil
			}
			at = n.Num
		}
		return nil
	})
	return n
}

// tree lists the visible tree with what matters about each entry.
func (c *client) tree() string {
	c.t.Helper()
	var out []string
	c.view(func(v *replica.View) error { return walk(v, replica.RootNum, "", &out) })
	sort.Strings(out)
	return strings.Join(out, "\n")
}

func walk(v *replica.View, at replica.Num, path string, out *[]string) error {
	for n, err := range v.Children(at, "") {
		if err != nil {
			return err
		}
		here := path + "/" + n.Name
		switch n.Kind {
		case replica.KindFolder:
			*out = append(*out, here+"/")
			if err := walk(v, n.Num, here, out); err != nil {
				return err
			}
		case replica.KindMessage:
			*out = append(*out, here)
		}
	}
	return nil
}

// contents tells what a replica holds in a form in which two replicas of one mailbox
// are equal: names are local, the rest is not.
func (c *client) contents() map[string]string {
	c.t.Helper()
	out := map[string]string{}
	c.view(func(v *replica.View) error { return c.collect(v, replica.RootNum, "", out) })
	return out
}

func (c *client) collect(v *replica.View, at replica.Num, path string, out map[string]string) error {
	for n, err := range v.Children(at, "") {
		if err != nil {
			return err
		}
		switch {
		case n.Folder != nil:
			here := path + "/" + n.Folder.DisplayName
			out[here+"/"] = n.Folder.SourceKey.String()
			if err := c.collect(v, n.Num, here, out); err != nil {
				return err
			}
		case n.Message != nil && !n.Message.FAI:
			m, err := v.Message(n.Num)
			if err != nil {
				return err
			}
			text := "(header)"
			if n.Message.State == replica.StateFull {
				var b bytes.Buffer
				if err := (mime.Renderer{}).Render(&b, m); err != nil {
					return err
				}
				text = b.String()
			}
			out[path+"/"+n.Message.SourceKey.String()] = fmt.Sprintf("read %v flag %d categories %q\n%s",
				n.Message.Read, n.Message.Flag, n.Message.Categories, text)
		}
	}
	return nil
}

// parse makes a message of RFC 5322 text.
func parse(t testing.TB, text string) *mapi.Message {
	t.Helper()
	m, err := mime.Parse(strings.NewReader(text), mime.Options{})
	var odd *mime.UnsupportedError
	if err != nil && !errors.As(err, &odd) {
		t.Fatal(err)
	}
	return m
}

func mail(subject, body string) string {
	return "From: Bert Blau <bert@example.test>\nTo: Anna Berg <anna@example.test>\nSubject: " + subject +
		"\nDate: Fri, 20 Nov 2026 09:15:00 +0000\nMessage-ID: <" + strings.ReplaceAll(subject, " ", "-") + "@example.test>\n" +
		"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n" + body + "\n"
}

// deliver puts a message into the Inbox on the server.
func (w *world) deliver(subject, body string) mapi.MID {
	w.t.Helper()
	if w.box == nil {
		w.carrier.pass()
		w.carrier.create(w.carrier.at("Inbox"), subject+".eml", mail(subject, body))
		w.carrier.flush()
		return 0
	}
	m := parse(w.t, mail(subject, body))
	m.Properties.Set(mapi.PidTagMessageDeliveryTime, mapi.NewFileTime(time.Date(2026, 11, 20, 9, 15, 0, 0, time.UTC)))
	mid, err := w.box.Deliver(w.inbox(), m)
	if err != nil {
		w.t.Fatal(err)
	}
	return mid
}

func (w *world) inbox() mapi.FID { return w.box.Folder(memserver.FolderInbox) }

// fill puts the sample mailbox on the server and returns the number of messages.
func (w *world) fill(list []sample.Message) int {
	w.t.Helper()
	for _, msg := range list {
		m := parse(w.t, string(msg.Data))
		mid, err := w.box.Deliver(w.box.CreateFolder(msg.Folder...), m)
		if err != nil {
			w.t.Fatal(err)
		}
		if msg.Read {
			if err := w.box.MarkRead(mid, true); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	return len(list)
}
