//go:build mutants

package mutant

import "sync/atomic"

var planted atomic.Uint32

// Plant makes one bug be there, and no other.
func Plant(b Bug) { planted.Store(uint32(b)) }

// Planted reports whether the bug is there.
func (b Bug) Planted() bool { return Bug(planted.Load()) == b }
