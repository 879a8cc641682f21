package fs

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"mailfs/replica"
)

// here returns the messages of Inbox whose bodies are here.
func (b *bed) here(names ...string) (out []string) {
	b.t.Helper()
	for _, name := range names {
		if b.at("Inbox/"+name).node.Message.State == replica.StateFull {
			out = append(out, name)
		}
	}
	return out
}

// Bodies beyond the cap go, those that were read least lately first; what was changed, is open or pinned stays, and so
// does what is known of a message: its exact size and its attributes. It comes back with the next open.
func TestEvict(t *testing.T) {
	b := newBed(t, func(o *Options) { o.CacheSize = 110_000 })
	var names []string
	texts := map[string]string{}
	for i := range 10 {
		name := fmt.Sprintf("m%d.eml", i)
		num := b.must(b.deliver("Inbox", name, note(name, strings.Repeat("0123456789 abcdefgh\n", 1000))))
		b.bodies[num] = parseNote(note(name, strings.Repeat("0123456789 abcdefgh\n", 1000)))
		names = append(names, name)
		texts[name] = b.read("Inbox/" + name)
		b.clock.Advance(time.Second) // read in this order
	}
	b.must(b.deliver("Archive", "pinned.eml", note("pinned", strings.Repeat("x\n", 5000))))
	if err := b.r.Update(func(u *replica.Update) error {
		n, err := u.Node(b.folders["Archive"])
		if err != nil {
			return err
		}
		n.Folder.Keep = "all"
		return u.Save(n)
	}); err != nil {
		t.Fatal(err)
	}
	if err := b.tree.setxattr(b.at("Inbox/m1.eml").id, xattrFlag, []byte("flagged"), 0); err != nil {
		t.Fatal(err)
	}
	open := b.open("Inbox/m2.eml", syscall.O_RDONLY)
	b.save("Inbox/m3.eml", note("m3", "mine"))
	b.read("Inbox/m0.eml") // once more, last of all
	attrs := map[string]entry{}
	for _, name := range names {
		attrs[name] = b.at("Inbox/" + name)
	}
	b.clock.Advance(2 * evictEvery)

	var counts replica.Counts
	if err := b.r.View(func(v *replica.View) (err error) { counts, err = v.Counts(); return err }); err != nil {
		t.Fatal(err)
	}
	left := len(b.here(names...)) // m0 to m3, and the last ones of the others
	if left < 5 || left > 9 || counts.Bytes > 110_000 || counts.Bytes < 70_000 {
		t.Fatalf("%d bodies are left, %d bytes", left, counts.Bytes)
	}
	if got, want := b.here(names...), append(slices.Clone(names[:4]), names[len(names)-left+4:]...); !slices.Equal(got, want) {
		t.Fatalf("bodies of %q are here, want %q", got, want)
	}
	if b.at("Archive/pinned.eml").node.Message.State != replica.StateFull {
		t.Error("a pinned body is gone")
	}
	for _, name := range []string{"m4.eml", "m5.eml"} {
		e := b.at("Inbox/" + name)
		if was := attrs[name]; e.id != was.id || e.attr.size != was.attr.size || !e.attr.exact || e.attr.blocks != 0 || !e.attr.mtime.Equal(was.attr.mtime) {
			t.Errorf("%s was %+v and is %+v", name, was.attr, e.attr)
		}
		if b.xattr("Inbox/"+name, xattrState) != "header" || b.xattr("Inbox/"+name, xattrSubject) != name {
			t.Errorf("%s is %q, subject %q", name, b.xattr("Inbox/"+name, xattrState), b.xattr("Inbox/"+name, xattrSubject))
		}
		if got := b.read("Inbox/" + name); got != texts[name] {
			t.Errorf("%s comes back with %d bytes of %d", name, len(got), len(texts[name]))
		}
		if again := b.at("Inbox/" + name); again.id != e.id || again.attr.size != e.attr.size {
			t.Errorf("%s is another file: %+v, was %+v", name, again, e)
		}
	}
	if got := b.readHandle(open); got != texts["m2.eml"] {
		t.Error("an open file lost its bytes")
	}
	b.tree.release(open)
	b.pass()
	b.wantChanges("props Inbox/m1.eml", "edit Inbox/m3.eml")
}

// A new version of a message whose body was given up leads to another kernel inode: its pages may be in the cache.
func TestEvictedChangesThere(t *testing.T) {
	b := newBed(t, func(o *Options) { o.CacheSize = 1 })
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	b.read("Inbox/a.eml")
	before := b.at("Inbox/a.eml").id
	b.clock.Advance(2 * evictEvery)
	if len(b.here("a.eml")) != 0 {
		t.Fatal("the body is still here")
	}
	if err := b.edit(num, note("one", "theirs")); err != nil {
		t.Fatal(err)
	}
	if got := b.at("Inbox/a.eml").id; got == before {
		t.Error("the old pages would be read")
	}
	if got := b.read("Inbox/a.eml"); !strings.Contains(got, "theirs") {
		t.Errorf("%q", got)
	}
}
