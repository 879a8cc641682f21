package conflict

import (
	"bytes"

	"mailfs/internal/mutant"
	"mailfs/mapi"
)

// Object is the kind of thing in conflict; the rules differ.
type Object uint8

// The kinds of object.
const (
	Message Object = iota
	Associated
	Folder
)

// Side names one of the two versions.
type Side uint8

// The sides. Local is what this replica holds or wants to send; it is the version
// being imported in the sense of [MS-OXCFXICS] 3.1.5.6.2.2 in both directions, since
// a conflict found while downloading ends with an upload too.
const (
	Local Side = iota
	Remote
)

// Other returns the other side.
func (s Side) Other() Side { return 1 - s }

func (s Side) String() string {
	if s == Local {
		return "local"
	}
	return "remote"
}

// Version is one side's version of an item.
type Version struct {
	PCL       mapi.PCL
	ChangeKey mapi.ChangeKey
	Modified  mapi.FileTime // PidTagLastModificationTime
	Deleted   bool          // this side deleted the item; PCL and ChangeKey are those of the version that it saw
	Unnamed   bool          // a change on top of PCL that has no change key yet
	Holds     bool          // of a folder: something in it that the other side has not seen
}

// Case is the question: two versions that came from a common one.
type Case struct {
	Object   Object
	Local    Version
	Remote   Version
	Imported Side // the version being imported; it wins where nothing else decides
}

// Action is what is to be done.
type Action uint8

// The actions.
const (
	// KeepLocal: the local version contains the remote one and goes up.
	KeepLocal Action = iota
	// TakeRemote: the remote version replaces the local one, whose changes it contains or, for a
	// deletion, outweighs.
	TakeRemote
	// KeepBoth: Winner stays in place, the other version becomes an item of its own
	// in the Conflicts folder before the winner becomes visible.
	KeepBoth
	// Resurrect: the local version goes up again as a new item.
	Resurrect
	// Drop: nothing is left to do; both sides removed the item.
	Drop
)

func (a Action) String() string {
	return [...]string{"keep local", "take remote", "keep both", "resurrect", "drop"}[a]
}

// Outcome is the answer. PCL is the list that the version in place must have to be a
// successor of both ([MS-OXCFXICS] 3.1.5.6.2).
type Outcome struct {
	Action Action
	Winner Side
	PCL    mapi.PCL
}

// Resolve decides.
func Resolve(c Case) Outcome {
	merged := lineage(c.Local).Merge(lineage(c.Remote))
	if mutant.PCLNotMerged.Planted() {
		merged = lineage(c.Local)
	}
	switch {
	case c.Local.Deleted && c.Remote.Deleted:
		return Outcome{Action: Drop, Winner: Remote, PCL: merged}
	case c.Local.Deleted:
		return resolveDeletedHere(c, merged)
	case c.Remote.Deleted:
		return resolveDeletedThere(c, merged)
	}
	switch relate(c.Local, c.Remote) {
	case Descends:
		return Outcome{Action: KeepLocal, Winner: Local, PCL: merged}
	case Equal, Ancestor:
		return Outcome{Action: TakeRemote, Winner: Remote, PCL: merged}
	}
	w := Winner(c)
	if c.Object == Message {
		return Outcome{Action: KeepBoth, Winner: w, PCL: merged}
	}
	// Associated messages and folders have no conflict items: the last writer wins
	// ([MS-OXCFXICS] 3.1.5.6.2.1, 3.1.5.6.2.2).
	if w == Local {
		return Outcome{Action: KeepLocal, Winner: Local, PCL: merged}
	}
	return Outcome{Action: TakeRemote, Winner: Remote, PCL: merged}
}

// resolveDeletedHere: a deletion goes up only for the version that was seen.
func resolveDeletedHere(c Case, merged mapi.PCL) Outcome {
	seen := Relate(lineage(c.Local), lineage(c.Remote))
	if c.Remote.Holds || c.Remote.Unnamed || seen == Ancestor || seen == Concurrent {
		return Outcome{Action: TakeRemote, Winner: Remote, PCL: merged}
	}
	return Outcome{Action: KeepLocal, Winner: Local, PCL: merged}
}

// resolveDeletedThere: what was written here and not seen there comes back.
func resolveDeletedThere(c Case, merged mapi.PCL) Outcome {
	unseen := c.Local.Holds
	if c.Object != Folder {
		r := Relate(lineage(c.Local), lineage(c.Remote))
		unseen = unseen || c.Local.Unnamed || r == Descends || r == Concurrent
	}
	if unseen {
		return Outcome{Action: Resurrect, Winner: Local, PCL: merged}
	}
	return Outcome{Action: TakeRemote, Winner: Remote, PCL: merged}
}

// Winner applies the last writer wins algorithm ([MS-OXCFXICS] 3.1.5.6.2.2).
func Winner(c Case) Side {
	l, r := c.Local, c.Remote
	switch {
	case l.Modified > r.Modified:
		return Local
	case l.Modified < r.Modified:
		return Remote
	case c.Object == Folder:
		return Remote // the server's version is kept
	}
	switch bytes.Compare(namespace(l.ChangeKey), namespace(r.ChangeKey)) {
	case 1:
		return Local
	case -1:
		return Remote
	}
	return c.Imported
}

func namespace(k mapi.ChangeKey) []byte {
	x, err := k.XID()
	if err != nil {
		return nil
	}
	return x.Namespace[:]
}
