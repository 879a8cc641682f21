package fs

import (
	"encoding/base64"
	"strings"
	"syscall"
	"testing"

	"mailfs/replica"
)

// bigNote is a message with an attachment that is too large to be held in memory.
func bigNote(subject string) string {
	line := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(subject, 60))[:57]) + "\n"
	return "From: Anna <anna@example.org>\nSubject: " + subject + "\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nsee attached\n" +
		"--b\nContent-Type: application/octet-stream; name=l.bin\nContent-Transfer-Encoding: base64\n\n" + strings.Repeat(line, 40_000) + "--b--\n"
}

// diskBed is a bed whose replica has room for large files.
func diskBed(t *testing.T) *bed {
	b := openBedIn(t, t.TempDir())
	t.Cleanup(func() {
		if bad, err := b.r.Check(); err != nil || len(bad) > 0 {
			t.Errorf("replica check: %v %v", bad, err)
		}
		if err := b.r.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// TestLargeSaves: a large file becomes a change like any other, and names are not locked while it is read.
func TestLargeSaves(t *testing.T) {
	for name, save := range map[string]func(b *bed, path, text string){
		"in place":  func(b *bed, path, text string) { b.save(path, text) },
		"by rename": func(b *bed, path, text string) { b.saveByRename("Inbox/.tmp", path, text) },
	} {
		for what, end := range map[string]func(b *bed){
			"window": (*bed).pass,
			"flush": func(b *bed) {
				if err := b.tree.flushAll(); err != nil {
					b.t.Fatal(err)
				}
			},
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				b := diskBed(t)
				b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
				text := bigNote("large")
				save(b, "Inbox/a.eml", text)
				b.tree.ns.Lock() // it would never end if it needed what others hold
				e := b.tree.prepareEarly(b.at("Inbox/a.eml").node.Num)
				b.tree.ns.Unlock()
				if e == nil || e.reason != "" {
					t.Fatalf("made %+v of it", e)
				}
				e.s.close()
				end(b)
				b.wantChanges("edit Inbox/a.eml")
				b.wantSealed("Inbox/a.eml", text)
			})
		}
	}
}

// TestLargeSaveMeetsAnother: what was made of a large file before names were locked is made anew when the message is another
// one by then.
func TestLargeSaveMeetsAnother(t *testing.T) {
	b := diskBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	before := b.node(num)
	h := b.open("Inbox/a.eml", syscall.O_WRONLY)
	text := bigNote("large")
	if err := h.truncate(0); err != nil {
		t.Fatal(err)
	}
	b.write(h, text)
	if err := b.close(h); err != nil {
		t.Fatal(err)
	}
	err := b.tree.withEarly(num, func() error {
		if b.tree.early == nil {
			t.Error("nothing was made of it")
		}
		if err := b.edit(num, note("one", "theirs")); err != nil {
			return err
		}
		return b.tree.commit(num)
	})
	if err != nil || b.tree.early != nil {
		t.Fatal(err)
	}
	list, err := b.journal()
	if err != nil || len(list) != 1 || list[0].Kind != replica.ChangeEdit {
		t.Fatalf("%v, %v", b.changes(), err)
	}
	if list[0].Base.Version != before.Version || list[0].Base.ChangeKey != before.Message.ChangeKey {
		t.Errorf("based on %+v, which nobody had seen", list[0].Base)
	}
	b.wantSealed("Inbox/a.eml", text)
}
