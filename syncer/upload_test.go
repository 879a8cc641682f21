package syncer_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailfs/mapi"
	"mailfs/replica"
)

// same checks that two clients hold the same mailbox.
func same(t *testing.T, a, b *client) {
	t.Helper()
	a.pass()
	b.pass()
	a.pass()
	if d := cmp.Diff(a.contents(), b.contents()); d != "" {
		t.Fatalf("replicas differ:\n%s", d)
	}
	for _, c := range []*client{a, b} {
		if st := c.s.Status(); st.Queued != 0 {
			t.Fatalf("%d changes are left in the queue", st.Queued)
		}
	}
}

func text(t *testing.T, c *client, path ...string) string {
	t.Helper()
	n := c.at(path...)
	all := c.contents()
	for k, v := range all {
		if strings.HasSuffix(k, "/"+n.Message.SourceKey.String()) {
			return v
		}
	}
	t.Fatalf("%v is not among the contents", path)
	return ""
}

func TestEveryKindOfChangeReachesTheOther(t *testing.T) {
	w := newWorld(t)
	for _, s := range []string{"one", "two", "three", "four", "five"} {
		w.deliver(s, "body of "+s)
	}
	a, b := w.client(t), w.client(t)
	a.pass()
	b.pass()
	root := a.at()

	a.create(a.at("Inbox"), "new.eml", mail("created here", "hello"))
	a.edit(a.at("Inbox", "* one*").Num, mail("one", "another body"))
	a.move(a.at("Inbox", "* two*").Num, a.at("Drafts"))
	a.unlink(a.at("Inbox", "* three*").Num, false)
	a.markRead(a.at("Inbox", "* four*").Num, true)
	a.flag(a.at("Inbox", "* five*").Num, 2, "Blue")
	dir := a.mkdir(root, "Fresh")
	sub := a.mkdir(dir, "Below")
	a.create(sub, "deep.eml", mail("deep down", "hello"))
	a.flush()
	same(t, a, b)

	if got := text(t, b, "Inbox", "*created here*"); !strings.Contains(got, "hello") {
		t.Fatal(got)
	}
	if got := text(t, b, "Inbox", "* one*"); !strings.Contains(got, "another body") {
		t.Fatal(got)
	}
	b.at("Drafts", "* two*")
	b.at("Deleted Items", "* three*")
	if !b.at("Inbox", "* four*").Message.Read {
		t.Fatal("the read state did not arrive")
	}
	if m := b.at("Inbox", "* five*").Message; m.Flag != 2 || len(m.Categories) != 1 || m.Categories[0] != "Blue" {
		t.Fatalf("flag %d, categories %q", m.Flag, m.Categories)
	}
	b.at("Fresh", "Below", "*deep down*")

	b.rename(b.at("Fresh").Num, b.at("Inbox"), "Renamed")
	b.unlink(b.at("Deleted Items", "* three*").Num, false)
	b.unlink(b.at("Inbox", "Renamed", "Below", "*deep down*").Num, true)
	b.rmdir(b.at("Inbox", "Renamed", "Below").Num)
	b.markRead(b.at("Inbox", "* four*").Num, false)
	b.flush()
	same(t, a, b)
	a.at("Inbox", "Renamed")
	if a.find("Inbox", "Renamed", "Below") != nil || a.find("Deleted Items", "*three*") != nil {
		t.Fatal(a.tree())
	}
	if a.at("Inbox", "* four*").Message.Read {
		t.Fatal("the read state did not come back")
	}
}

// TestOwnChangesDoNotComeBack: what was uploaded is not downloaded again.
func TestOwnChangesDoNotComeBack(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "body")
	w.deliver("two", "body")
	w.deliver("three", "body")
	a := w.client(t)
	a.pass()
	a.create(a.at("Inbox"), "new.eml", mail("created here", "hello"))
	a.edit(a.at("Inbox", "* one*").Num, mail("one", "another body"))
	a.move(a.at("Inbox", "* two*").Num, a.at("Drafts"))
	a.flag(a.at("Inbox", "* three*").Num, 2, "")
	a.mkdir(a.at(), "Fresh")
	a.flush()
	w.srv.ResetStats()
	a.pass()
	if st := w.srv.Stats(); st.MessagesSent != 0 || st.FoldersSent != 0 {
		t.Fatalf("%d messages and %d folders came back", st.MessagesSent, st.FoldersSent)
	}
}

func TestNumbersSurviveUploads(t *testing.T) {
	w := newWorld(t)
	w.deliver("one", "body")
	a := w.client(t)
	a.pass()
	n := a.at("Inbox", "* one*")
	a.move(n.Num, a.at("Drafts"))
	a.flush()
	a.pass()
	moved := a.at("Drafts", "* one*")
	if moved.Num != n.Num || moved.Message.State != replica.StateFull {
		t.Fatalf("number %d became %d, state %d", n.Num, moved.Num, moved.Message.State)
	}
	if moved.Message.SourceKey == n.Message.SourceKey {
		t.Fatal("a moved message keeps no source key")
	}
}

// TestNULInStrings: a NUL in a text ends no string on its way to the server, which would make the whole request, and with it
// the whole queue, one that no server understands.
func TestNULInStrings(t *testing.T) {
	w := newMemWorld(t)
	a := w.client(t)
	a.pass()
	n := a.create(a.at("Inbox"), "x.eml", mail("one", "text"))
	a.update(func(u *replica.Update) error {
		n, err := u.Node(n.Num)
		if err != nil {
			return err
		}
		m, err := u.Message(n.Num)
		if err != nil {
			return err
		}
		m.Properties.Set(mapi.PidTagBody, "te\x00xt\r\n")
		m.Properties.Set(mapi.PidTagSubject, "o\x00ne")
		m.Properties.SetNamed(mapi.StringName(mapi.PSPublicStrings, "Keywords"), mapi.TypeMultiString, []string{"B\x00lue"})
		m.Recipients[0].Properties.Set(mapi.PidTagDisplayName, "B\x00o")
		return u.PutContent(n, m)
	})
	a.create(a.at("Inbox"), "y.eml", mail("two", "behind it"))
	a.flush()
	b := w.client(t)
	b.pass()
	if !has(t, b, "Inbox", "text\n") || !has(t, b, "Inbox", "behind it") {
		t.Errorf("%v", b.contents())
	}
}
