// Package mutant plants bugs, to prove that the simulation sees them: each is one that programs of this kind have had,
// at the place where it would be made. In ordinary builds none is planted, and the compiler leaves out what
// would be done then; in builds with the tag mutants, Plant chooses one.
package mutant

// Bug is a bug that can be planted.
type Bug uint8

// The bugs.
const (
	None                 Bug = iota
	CheckpointBeforeData     // the state that covers a batch is committed before the batch
	PCLNotMerged             // the version that stays does not say that it has the other one in it
	EchoOverEdit             // an own version that comes back replaces what was saved since
	AckBeforeAnswer          // a change leaves the journal before the server has answered
	LoserDropped             // where there is no Conflicts folder, the version that loses is stored nowhere
	PartialImport            // an edit goes up without the recipients, which the import purges
	UncheckedDeletion        // a deletion goes up without a look at what the server has by now
	BaseAtSave               // a save builds on what is there when it ends, not on what was opened
	RepeatedSendNotSeen      // what was sent before, and its answer lost, is sent anew under another id
	LineageLostByMove        // a moved message keeps the keys that it had before
	Bugs                     // how many there are
)

var names = [Bugs]string{"none", "checkpoint before data", "PCL not merged", "echo over edit", "acknowledged before the answer", "loser dropped",
	"partial import", "unchecked deletion", "base at save", "repeated send not seen", "lineage lost by move"}

func (b Bug) String() string { return names[b] }
