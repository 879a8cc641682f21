package conflict

import (
	"testing"

	"pgregory.net/rapid"

	"mailfs/mapi"
)

var (
	server = mapi.GUID{1}
	mine   = mapi.GUID{2}
	theirs = mapi.GUID{3}
)

func xid(ns mapi.GUID, n byte) mapi.XID {
	return mapi.XID{Namespace: ns, LocalID: string([]byte{0, 0, 0, n})}
}

func pcl(xs ...mapi.XID) (p mapi.PCL) {
	for _, x := range xs {
		p = p.Add(x)
	}
	return p
}

// version makes a version whose own change is the last of the list.
func version(at mapi.FileTime, xs ...mapi.XID) Version {
	return Version{PCL: pcl(xs...), ChangeKey: xs[len(xs)-1].ChangeKey(), Modified: at}
}

func deleted(v Version) Version { v.Deleted = true; return v }
func unnamed(v Version) Version { v.Unnamed = true; v.ChangeKey = ""; return v }
func holds(v Version) Version   { v.Holds = true; return v }

var base = version(10, xid(server, 1))

// catalogue names every pairing with its outcome.
var catalogue = []struct {
	name          string
	object        Object
	local, remote Version
	action        Action
	winner        Side
	oneSided      bool // the rule itself names a side: exchanging the versions does not exchange the winner
}{
	{name: "edited here, unchanged there", local: version(20, xid(server, 1), xid(mine, 1)), remote: base, action: KeepLocal, winner: Local},
	{name: "edited here without a key yet, unchanged there", local: unnamed(base), remote: base, action: KeepLocal, winner: Local},
	{name: "unchanged here, edited there", local: base, remote: version(20, xid(server, 2)), action: TakeRemote, winner: Remote},
	{name: "unchanged on both sides", local: base, remote: base, action: TakeRemote, winner: Remote, oneSided: true},
	{name: "own change came back", local: version(20, xid(server, 1), xid(mine, 1)), remote: version(20, xid(server, 1), xid(mine, 1)), action: TakeRemote, winner: Remote, oneSided: true},
	{name: "own change came back with a later one on top", local: version(20, xid(server, 1), xid(mine, 1)),
		remote: version(30, xid(server, 1), xid(mine, 1), xid(theirs, 1)), action: TakeRemote, winner: Remote},
	{name: "edited on both sides, later here", local: version(30, xid(server, 1), xid(mine, 1)), remote: version(20, xid(server, 2)), action: KeepBoth, winner: Local},
	{name: "edited on both sides, later there", local: version(20, xid(server, 1), xid(mine, 1)), remote: version(30, xid(server, 2)), action: KeepBoth, winner: Remote},
	{name: "edited here without a key yet and there", local: unnamed(version(20, xid(server, 1))), remote: version(30, xid(server, 2)), action: KeepBoth, winner: Remote},
	{name: "edited on both sides in the same moment", local: version(20, xid(server, 1), xid(mine, 1)), remote: version(20, xid(server, 1), xid(theirs, 1)), action: KeepBoth, winner: Remote},
	{name: "edited on both sides in the same moment, larger namespace here", local: version(20, xid(server, 1), xid(theirs, 1)),
		remote: version(20, xid(server, 1), xid(mine, 1)), action: KeepBoth, winner: Local},
	{name: "saved from a handle opened before a newer version came", local: unnamed(version(40, xid(server, 1))), remote: version(30, xid(server, 3)), action: KeepBoth, winner: Local},
	{name: "associated message edited on both sides", object: Associated, local: version(30, xid(server, 1), xid(mine, 1)), remote: version(20, xid(server, 2)), action: KeepLocal, winner: Local},
	{name: "associated message edited on both sides, later there", object: Associated, local: version(20, xid(server, 1), xid(mine, 1)), remote: version(30, xid(server, 2)), action: TakeRemote, winner: Remote},
	{name: "deleted here, unchanged there", local: deleted(base), remote: base, action: KeepLocal, winner: Local, oneSided: true},
	{name: "deleted here, edited there", local: deleted(base), remote: version(20, xid(server, 2)), action: TakeRemote, winner: Remote},
	{name: "edited here, deleted there", local: version(20, xid(server, 1), xid(mine, 1)), remote: deleted(base), action: Resurrect, winner: Local},
	{name: "edited here without a key yet, deleted there", local: unnamed(base), remote: deleted(base), action: Resurrect, winner: Local},
	{name: "unchanged here, deleted there", local: base, remote: deleted(base), action: TakeRemote, winner: Remote, oneSided: true},
	{name: "deleted on both sides", local: deleted(base), remote: deleted(base), action: Drop, winner: Remote, oneSided: true},
	{name: "folder renamed on both sides, later here", object: Folder, local: version(30, xid(server, 1), xid(mine, 1)), remote: version(20, xid(server, 2)), action: KeepLocal, winner: Local},
	{name: "folder renamed on both sides, later there", object: Folder, local: version(20, xid(server, 1), xid(mine, 1)), remote: version(30, xid(server, 2)), action: TakeRemote, winner: Remote},
	{name: "folder renamed on both sides in the same moment", object: Folder, local: version(20, xid(server, 1), xid(theirs, 1)), remote: version(20, xid(server, 2)), action: TakeRemote, winner: Remote, oneSided: true},
	{name: "folder deleted here, mail arrived there", object: Folder, local: deleted(base), remote: holds(base), action: TakeRemote, winner: Remote},
	{name: "folder deleted there, new message in it here", object: Folder, local: holds(base), remote: deleted(base), action: Resurrect, winner: Local},
	{name: "folder renamed here, deleted there", object: Folder, local: version(20, xid(server, 1), xid(mine, 1)), remote: deleted(base), action: TakeRemote, winner: Remote, oneSided: true},
}

func TestCatalogue(t *testing.T) {
	for _, c := range catalogue {
		t.Run(c.name, func(t *testing.T) {
			got := Resolve(Case{Object: c.object, Local: c.local, Remote: c.remote})
			if got.Action != c.action || got.Winner != c.winner {
				t.Fatalf("got %v, %v wins; want %v, %v wins", got.Action, got.Winner, c.action, c.winner)
			}
			checkSuccessor(t.Fatalf, got.PCL, c.local, c.remote)
			if c.oneSided {
				return
			}
			back := Resolve(Case{Object: c.object, Local: c.remote, Remote: c.local, Imported: Remote})
			if back.Winner != c.winner.Other() {
				t.Fatalf("exchanged: %v, %v wins", back.Action, back.Winner)
			}
		})
	}
}

func checkSuccessor(fail func(string, ...any), got mapi.PCL, versions ...Version) {
	var union mapi.PCL
	for _, v := range versions {
		if !got.Includes(v.PCL) {
			fail("the list of the result lacks changes of %v", v.PCL)
		}
		union = union.Merge(lineage(v))
	}
	if !union.Includes(got) {
		fail("the list of the result has changes that no version had")
	}
}

// TestWinnerIsSymmetric: whoever beats the other does so from either side.
func TestWinnerIsSymmetric(t *testing.T) {
	gen := rapid.Custom(func(t *rapid.T) Version {
		n := rapid.IntRange(1, 3).Draw(t, "changes")
		var xs []mapi.XID
		for range n {
			xs = append(xs, xid(rapid.SampledFrom([]mapi.GUID{server, mine, theirs}).Draw(t, "ns"), rapid.Byte().Draw(t, "n")))
		}
		return version(mapi.FileTime(rapid.IntRange(1, 3).Draw(t, "at")), xs...)
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := gen.Draw(t, "a"), gen.Draw(t, "b")
		there := Resolve(Case{Local: a, Remote: b})
		back := Resolve(Case{Local: b, Remote: a, Imported: Remote})
		checkSuccessor(t.Fatalf, there.PCL, a, b)
		if Relate(a.PCL, b.PCL) != Equal && there.Winner != back.Winner.Other() {
			t.Fatalf("a against b: %v; b against a: %v", there, back)
		}
		if there.Action == KeepBoth != (back.Action == KeepBoth) {
			t.Fatalf("a conflict from one side only: %v, %v", there, back)
		}
	})
}

func TestRelate(t *testing.T) {
	a := pcl(xid(server, 1), xid(mine, 2))
	for _, c := range []struct {
		b    mapi.PCL
		want Relation
	}{
		{a, Equal}, {pcl(xid(server, 1)), Descends}, {nil, Descends}, {pcl(xid(server, 1), xid(mine, 3)), Ancestor},
		{pcl(xid(server, 2), xid(mine, 1)), Concurrent}, {pcl(xid(theirs, 1)), Concurrent},
	} {
		if got := Relate(a, c.b); got != c.want {
			t.Errorf("%v: got %v, want %v", c.b, got, c.want)
		}
	}
}
