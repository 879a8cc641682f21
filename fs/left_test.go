package fs

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"mailfs/mapi"
	"mailfs/replica"
)

// weakFetcher fails with err, if there is one.
type weakFetcher struct {
	*fixture
	err error
}

func (f *weakFetcher) Fetch(ctx context.Context, num replica.Num) error {
	if f.err != nil {
		return f.err
	}
	return f.fixture.Fetch(ctx, num)
}

// Programs that keep a backup move the message away and create its name anew, without ever having read it. Its bytes
// have to come for the backup before the new file can be the next version.
func TestMovedAwayUnread(t *testing.T) {
	const backup = "Inbox/h.eml~"
	for _, c := range []struct {
		name   string
		create func(b *bed)
		again  bool // saved once more before the window is over
	}{
		{name: "create", create: func(b *bed) { b.save("Inbox/h.eml", note("head", "second")) }},
		{name: "rename", create: func(b *bed) {
			b.save("Inbox/.tmp", note("head", "second"))
			b.mustRename("Inbox/.tmp", "Inbox/h.eml")
		}},
		{name: "twice", create: func(b *bed) { b.save("Inbox/h.eml", note("head", "second")) }, again: true},
	} {
		for _, flush := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				b := newBed(t)
				num, err := b.header("Inbox", "h.eml", note("head", "first"), 5000)
				if err != nil {
					t.Fatal(err)
				}
				key := b.node(num).Message.SourceKey
				b.mustRename("Inbox/h.eml", backup)
				c.create(b)
				if c.again {
					b.save("Inbox/h.eml", note("head", "second"))
				}
				if flush {
					b.tree.fetchLeft()
					if err := b.tree.flushAll(); err != nil {
						t.Fatal(err)
					}
				} else {
					b.pass()
				}
				if got := b.changes(); !slices.Equal(got, []string{"edit Inbox/h.eml"}) {
					t.Errorf("changes %q", got)
				}
				if got := b.node(b.at("Inbox/h.eml").id.num()).Message.SourceKey; got != key {
					t.Errorf("another message than before: %v", got)
				}
				if got := b.read(backup); !strings.HasSuffix(got, "\n\nfirst\n") {
					t.Errorf("the backup holds %q", got)
				}
				if got := b.read("Inbox/h.eml"); got != note("head", "second") {
					t.Errorf("the message holds %q", got)
				}
			})
		}
	}
}

// While the server is away a save waits for the bytes that it leaves behind. If they can't be had at all, both files are
// messages.
func TestMovedAwayUnreadOffline(t *testing.T) {
	for _, c := range []struct {
		name  string
		later error
		want  []string
	}{
		{"back", nil, []string{"edit Inbox/h.eml"}},
		{"gone", errors.New("it is damaged"), []string{"create Inbox/h.eml"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f *weakFetcher
			b := newBed(t, func(o *Options) {
				f = &weakFetcher{fixture: o.Fetcher.(*fixture), err: &mapi.Unreachable{Err: errors.New("no route")}}
				o.Fetcher, o.Logf = f, t.Logf
			})
			if _, err := b.header("Inbox", "h.eml", note("head", "first"), 5000); err != nil {
				t.Fatal(err)
			}
			b.mustRename("Inbox/h.eml", "Inbox/h.eml~")
			b.save("Inbox/h.eml", note("head", "second"))
			for range 3 {
				b.pass()
				b.tree.fetchLeft()
				if err := b.tree.flushAll(); err != nil {
					t.Fatal(err)
				}
				if got := b.changes(); len(got) != 0 {
					t.Fatalf("changes %q while the server is away", got)
				}
			}
			f.err = c.later
			b.pass()
			if got := b.changes(); !slices.Equal(got, c.want) {
				t.Errorf("changes %q, want %q", got, c.want)
			}
			if got := b.read("Inbox/h.eml"); got != note("head", "second") {
				t.Errorf("the message holds %q", got)
			}
			f.err = nil
			if got := b.read("Inbox/h.eml~"); !strings.HasSuffix(got, "\n\nfirst\n") {
				t.Errorf("the backup holds %q", got)
			}
		})
	}
}
