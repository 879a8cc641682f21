package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Kind is what a step does.
type Kind uint8

// The kinds of step. Those of a user come first, then those of a client, then those of other people.
const (
	Create Kind = iota
	Edit
	EditByRename
	EditByBackup
	Append
	Hold // open a file and keep it open
	HeldWrite
	HeldClose
	Unlink
	Move
	MoveOver
	RenameFile
	Mkdir
	Rmdir
	RenameDir
	MoveDir
	Flag
	MarkRead
	ReadFile

	Tick
	Deliver // the kernel hears of what is new
	Pass
	Remount
	Crash
	Skew
	BackupDisk
	RestoreDisk
	BackupServer
	RestoreServer

	OtherDeliver
	OtherEdit
	OtherMove
	OtherDiscard // to Deleted Items
	OtherDelete
	OtherMark
	OtherFlag
	OtherMkdir
	OtherRenameDir
	OtherMoveDir
	OtherRmdir
	LoseSessions

	kinds
)

var kindNames = [kinds]string{
	"create", "edit", "edit by rename", "edit by backup", "append", "hold", "write held", "close held", "unlink", "move",
	"move over", "rename file", "mkdir", "rmdir", "rename folder", "move folder", "flag", "mark", "read",
	"tick", "deliver notices", "pass", "remount", "crash", "skew",
	"back up disk", "restore disk", "back up server", "restore server",
	"other: deliver", "other: edit", "other: move", "other: discard", "other: delete", "other: mark", "other: flag",
	"other: mkdir", "other: rename folder", "other: move folder", "other: rmdir", "lose sessions",
}

func (k Kind) String() string { return kindNames[k] }

// Trouble is what goes wrong at a point of a pass, or of a user's call.
type Trouble uint8

// The kinds of trouble. Points are counted separately: before a request, after it, and before a transaction.
const (
	CutBefore Trouble = iota // the request does not arrive
	CutAfter                 // the answer does not
	Twice                    // the request arrives twice
	Busy
	Lose    // the server forgets the session
	CutSave // the answer to the next request that saves a message does not arrive
	Die     // the client does
	While   // something else happens, see Event.Step
	// DieBetween lets the client die between the next two transactions that no request parts: what belongs together
	// has to be one.
	DieBetween
	// LosePower takes the power from a client with a disk while a transaction is on its way to it.
	LosePower
)

var troubleNames = [...]string{"cut before", "cut after", "twice", "busy", "session lost", "save without answer", "crash", "meanwhile", "crash between transactions", "loss of power"}

// Event is what happens at one point of a step.
type Event struct {
	At   int // number of the point
	What Trouble
	Step *Step // of While
}

// Step is one thing that happens. A, B and C choose among what there is when it does.
type Step struct {
	No      int // where it was in the plan: names and texts are made from it
	Kind    Kind
	Who     int // client
	A, B, C uint32
	Events  []Event
}

func (s *Step) String() string {
	out := fmt.Sprintf("%d %v", s.No, s.Kind)
	if s.Kind < OtherDeliver {
		out = fmt.Sprintf("%d %s: %v", s.No, clientName(s.Who), s.Kind)
	}
	for _, e := range s.Events {
		out += fmt.Sprintf(" [%s at %d", troubleNames[e.What], e.At)
		if e.Step != nil {
			out += " " + e.Step.String()
		}
		out += "]"
	}
	return out
}

func clientName(i int) string { return string(rune('a' + i)) }

// History is a plan with the world that it starts from.
type History struct {
	Seed    uint64
	Clients int
	Headers int // the client that has no bodies but those that were read, -1 for none

	OnDisk      bool // replicas are on disk, and die in earnest
	NoConflicts bool // the mailbox has no Conflicts folder yet
	Forgetful   bool // a message that a client moves loses its lineage
	OnTop       bool // what is imported without asking to fail in a conflict is on top of it
	Whole       bool // and comes with the other version in it

	// Mounts is a directory for mount points: programs use real mounts then. Replicas have to be on disk, and the course of a
	// history is not the same each time. If it is empty, the kernel's part is played as well.
	Mounts string

	Steps []*Step
}

// weights say how often a kind of step is drawn.
var weights = [kinds]int{
	Create: 6, Edit: 10, EditByRename: 8, EditByBackup: 4, Append: 3, Hold: 4, HeldWrite: 4, HeldClose: 4, Unlink: 5, Move: 7,
	MoveOver: 1, RenameFile: 2, Mkdir: 2, Rmdir: 1, RenameDir: 2, MoveDir: 1, Flag: 4, MarkRead: 4, ReadFile: 2,
	Tick: 10, Deliver: 3, Pass: 16, Remount: 1, Crash: 1, Skew: 1,
	OtherDeliver: 3, OtherEdit: 5, OtherMove: 4, OtherDiscard: 2, OtherDelete: 2, OtherMark: 2, OtherFlag: 2, OtherMkdir: 1,
	OtherRenameDir: 1, OtherMoveDir: 1, OtherRmdir: 1, LoseSessions: 1,
}

// Odds say in how many histories, or passes, something happens once.
type Odds struct {
	Server, Disk int // it is put back to a backup
	Death        int // a client dies between transactions of a pass
}

// The odds of ordinary histories, and of those in which nobody can rely on anything.
var (
	Usual = Odds{Server: 8, Disk: 2, Death: 12}
	Hard  = Odds{Server: 1, Disk: 1, Death: 3}
)

// Plan makes the history of a seed, of about n steps.
func Plan(seed uint64, n int, odds Odds) *History {
	p := &planner{rng: rand.New(rand.NewPCG(seed, 0x6d61696c6673))}
	h := &History{Seed: seed, Clients: 2, Headers: -1}
	if p.rng.IntN(5) == 0 {
		h.Clients = 3
	}
	p.clients = h.Clients
	p.troubled = p.rng.IntN(4) > 0
	if p.rng.IntN(6) == 0 {
		h.Headers = p.rng.IntN(h.Clients)
	}
	for k, w := range weights {
		p.sum += w
		p.upTo[k] = p.sum
	}
	h.OnDisk, h.NoConflicts, h.Forgetful = seed%16 == 0, p.rng.IntN(3) == 0, p.rng.IntN(2) == 0
	h.OnTop, h.Whole = seed%2 == 0, seed%4 > 1
	for range n {
		h.Steps = append(h.Steps, p.step(true))
	}
	if p.rng.IntN(odds.Server) == 0 {
		p.backInTime(h, BackupServer, RestoreServer)
	}
	if h.OnDisk && p.rng.IntN(odds.Disk) == 0 {
		p.backInTime(h, BackupDisk, RestoreDisk)
	}
	if p.troubled {
		dieBetween(h, odds.Death)
	}
	if p.troubled && h.OnDisk {
		losePower(h)
	}
	return h
}

// dieBetween plans in which passes a client dies between transactions. It has numbers of its own, so that the rest of a
// history is what it is without.
func dieBetween(h *History, odds int) {
	rng := rand.New(rand.NewPCG(h.Seed, 0x6465617468))
	for _, s := range h.Steps {
		if s.Kind == Pass && rng.IntN(odds) == 0 {
			s.Events = append(s.Events, Event{At: rng.IntN(1 + rng.IntN(60)), What: DieBetween})
		}
	}
}

// losePower plans in which passes and calls a client loses its power while it writes, with numbers of its own, too.
func losePower(h *History) {
	rng := rand.New(rand.NewPCG(h.Seed, 0x706f776572))
	for _, s := range h.Steps {
		if s.Kind == Pass && rng.IntN(6) == 0 {
			s.Events = append(s.Events, Event{At: rng.IntN(1 + rng.IntN(60)), What: LosePower})
		} else if s.Kind < Tick && rng.IntN(20) == 0 {
			s.Events = append(s.Events, Event{At: rng.IntN(5), What: LosePower})
		}
	}
}

// backInTime plans a backup, and that it is played back later.
func (p *planner) backInTime(h *History, backup, restore Kind) {
	from := p.rng.IntN(len(h.Steps))
	to := from + p.rng.IntN(len(h.Steps)-from)
	first, second := p.step(false), p.step(false)
	first.Kind, second.Kind, second.Who = backup, restore, first.Who
	h.Steps = slices.Insert(h.Steps, to, second)
	h.Steps = slices.Insert(h.Steps, from, first)
}

type planner struct {
	rng      *rand.Rand
	clients  int
	troubled bool // requests fail and clients die in this history
	upTo     [kinds]int
	sum      int
	no       int
}

func (p *planner) step(top bool) *Step {
	p.no++
	s := &Step{No: p.no, Who: p.rng.IntN(p.clients), A: p.rng.Uint32(), B: p.rng.Uint32(), C: p.rng.Uint32()}
	at := p.rng.IntN(p.sum)
	for at >= p.upTo[s.Kind] {
		s.Kind++
	}
	if !top {
		if s.Kind == Crash || s.Kind == Remount {
			s.Kind = Edit
		}
		return s
	}
	switch {
	case s.Kind == Pass:
		p.pass(s)
	case s.Kind < Tick && p.troubled && p.rng.IntN(40) == 0:
		s.Events = []Event{{At: p.rng.IntN(5), What: Die}}
	case s.Kind < Tick && p.rng.IntN(8) == 0:
		p.call(s)
	}
	return s
}

// call plans what happens behind a call of the user: somebody else acts, and what is new comes in the middle of it.
func (p *planner) call(s *Step) {
	at := p.rng.IntN(4)
	other := p.step(false)
	other.Kind = OtherDeliver + Kind(p.rng.IntN(int(kinds-OtherDeliver)))
	pass := p.step(false)
	pass.Kind = Pass
	s.Events = []Event{{At: at, What: While, Step: other}, {At: at, What: While, Step: pass}}
}

// pass plans what happens during a pass.
func (p *planner) pass(s *Step) {
	for p.rng.IntN(2) == 0 {
		s.Events = append(s.Events, Event{At: p.rng.IntN(1 + p.rng.IntN(60)), What: While, Step: p.step(false)})
	}
	for p.troubled && p.rng.IntN(3) == 0 {
		p.trouble(s)
	}
}

func (p *planner) trouble(s *Step) {
	s.Events = append(s.Events, Event{At: p.rng.IntN(1 + p.rng.IntN(60)), What: Trouble(p.rng.IntN(int(While)))})
}
