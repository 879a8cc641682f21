package replica

import (
	"strings"
	"testing"

	"mailfs/mapi"
)

// furnished makes a replica with something of everything.
func furnished(t testing.TB, r *Replica) {
	t.Helper()
	inbox := inboxOf(t, r)
	full := item(t, r, inbox, 35) // both large values
	n, _ := newItem(t, r, inbox, 8)
	working, exact := putBlob(t, r, chunkSize+5), putBlob(t, r, 300)
	update(t, r, func(u *Update) error {
		if err := edit(u, full, 10); err != nil { // leaves a base
			return err
		}
		if _, err := u.Enqueue(&Change{Kind: ChangeEdit, Item: full, At: testTime}); err != nil {
			return err
		}
		if err := u.PutWorkingCopy(&WorkingCopy{Item: n, Content: working, Size: chunkSize + 5, Closed: true, At: testTime}); err != nil {
			return err
		}
		for _, x := range []*Node{
			{Parent: inbox, Name: "notes.txt", Kind: KindFile, Content: exact, Size: 300, Exact: true, Mtime: testTime, Xattrs: map[string][]byte{"user.k": []byte("v")}},
			{Parent: inbox, Name: ".dir", Kind: KindDir, Mode: 0o750},
			{Parent: inbox, Name: ".link", Kind: KindSymlink, Target: "notes.txt"},
		} {
			if _, err := u.Insert(x); err != nil {
				return err
			}
		}
		return u.SetSetting("quota", []byte{1, 2, 3})
	})
	update(t, r, func(u *Update) error {
		u.Remote(true)
		hidden, header, gone := testMail(inbox, 50), testMail(inbox, 51), testMail(inbox, 52)
		hidden.Message.FAI = true
		header.Message.State = StateHeader
		for _, x := range []*Node{hidden, header, gone} {
			if _, err := u.Insert(x); err != nil {
				return err
			}
			if err := u.PutHeader(x, tokenMessage(2).Properties); err != nil {
				return err
			}
		}
		if err := u.Detach(gone.Num); err != nil {
			return err
		}
		if err := u.SetIdentity(Identity{MailboxGUID: testGUID, User: "anna@example.org", ReplicaGUID: testGUID, Namespace: mapi.GUID{2}}); err != nil {
			return err
		}
		if err := u.AddReserve(5000, 100); err != nil {
			return err
		}
		if _, err := u.TakeID(); err != nil {
			return err
		}
		if err := u.SetCheckpoint(ScopeHierarchy, given(7)); err != nil {
			return err
		}
		return u.SetCheckpoint(ContentsScope(sourceKey(7)), given(35, 50, 51, 52))
	})
}

// firstKey returns the first key of a space.
func firstKey(t *testing.T, u *Update, space byte) []byte {
	t.Helper()
	for p, err := range u.scan([]byte{space}, nil, false) {
		if err != nil {
			t.Fatal(err)
		}
		return p.k
	}
	t.Fatalf("space %c is empty", space)
	return nil
}

// TestCheckFinds damages one thing after the other: Check must notice each.
func TestCheckFinds(t *testing.T) {
	clean := openMemory(t)
	furnished(t, clean)
	check(t, clean)
	type damage struct {
		name string
		do   func(t *testing.T, u *Update)
		want string
	}
	remove := func(space byte, want string) damage {
		return damage{"without " + string(space), func(t *testing.T, u *Update) { u.del(firstKey(t, u, space)) }, want}
	}
	replace := func(space byte, v string, want string) damage {
		return damage{"other " + string(space), func(t *testing.T, u *Update) { u.set(firstKey(t, u, space), []byte(v)) }, want}
	}
	add := func(k []byte, v string, want string) damage {
		return damage{"extra " + string(k[0]), func(t *testing.T, u *Update) { u.set(k, []byte(v)) }, want}
	}
	for _, d := range []damage{
		remove(spaceDentry, "not where its number leads"),
		remove(spaceHidden, "root is missing"),
		remove(spacePlace, "not found by its number"),
		remove(spaceFold, "is missing"),
		remove(spaceDir, "does not count"),
		remove(spaceSource, "is missing"),
		remove(spaceSpecial, "is missing"),
		remove(spaceIncomplete, "is missing"),
		remove(spaceHome, "is missing"),
		remove(spaceContent, "is missing"),
		remove(spaceBase, "belongs to nothing"),
		remove(spaceJournal, "is missing"),
		remove(spaceQueue, "in the queue of"),
		remove(spaceWorking, "counts 1 references and has 0"),
		remove(spaceBlob, "missing"),
		remove(spaceChunk, "no pieces"),
		remove(spaceCounter, "the counter stands at"),
		replace(spaceDentry, "xx", "damaged record"),
		replace(spaceJournal, "xx", "damaged record"),
		replace(spaceQueue, "\x00", "empty or out of order"),
		replace(spaceWorking, "xx", "damaged record"),
		replace(spaceBase, "xx", "damaged record"),
		replace(spaceBlob, "\x05\x01", "bytes and should have"),
		replace(spaceFold, "\x09", "counts 9 names"),
		replace(spaceDir, "\x09\x00", "counts 9 entries"),
		replace(spaceSource, "\x09", "leads to the wrong node"),
		replace(spaceUsed, "\x7f", "makes no sense"),
		replace(spaceContent, "xx", "damaged record"),
		replace(spaceCheckpoint, "xx", "damaged record"),
		add(key(spaceContent, 999), "x", "belongs to nothing"),
		add(key(spaceBlob, 999), "\x00\x00", "mark as orphan"),
		add(chunkKey(999, 0), "x", "should have 0"),
		add(chunkKey(999, 1), "x", "gap"),
		add(keyString(spaceSource, "other"), "\x05", "leads to the wrong node"),
		add(key2(spaceHome, 2, 999), "\x01", "leads to the wrong node"),
		add(keyName(spaceFold, 2, "other"), "\x01", "counts 1 names and has 0"),
		add(key(spaceDir, 99), "\x01\x00", "counts 1 entries"),
		add(key(spaceReserve, 5001), "\x05", "overlap"),
		add(metaKey(metaTotals), strings.Repeat("\x00", 9), "totals"),
		{"parent gone", func(t *testing.T, u *Update) {
			n, err := u.BySpecial(SpecialInbox)
			if err != nil {
				t.Fatal(err)
			}
			old, err := u.load(n.Num)
			if err != nil {
				t.Fatal(err)
			}
			if err := u.put(old, nil); err != nil {
				t.Fatal(err)
			}
		}, "has no directory 2 above it"},
		{"size of the exact bytes", func(t *testing.T, u *Update) {
			n, err := u.Lookup(2, "notes.txt")
			if err != nil {
				t.Fatal(err)
			}
			n.Size++
			if err := u.Save(n); err != nil {
				t.Fatal(err)
			}
		}, "has the size 301, its bytes are 300"},
		{"circle", func(t *testing.T, u *Update) {
			n, err := u.load(2)
			if err != nil {
				t.Fatal(err)
			}
			dir, err := u.Lookup(2, ".dir")
			if err != nil {
				t.Fatal(err)
			}
			r := *n
			r.Parent = dir.Num
			if err := u.put(n, &r); err != nil {
				t.Fatal(err)
			}
		}, "above itself"},
	} {
		t.Run(d.name, func(t *testing.T) {
			opt := testOptions(t)
			opt.InMemory = true
			r, err := Open(opt)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			furnished(t, r)
			update(t, r, func(u *Update) error { d.do(t, u); return nil })
			bad, err := r.Check()
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(strings.Join(bad, "\n"), d.want) {
				t.Errorf("%q is not among what was found: %q", d.want, bad)
			}
		})
	}
}
