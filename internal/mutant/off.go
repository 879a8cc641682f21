//go:build !mutants

package mutant

// Planted reports whether the bug is there: never.
func (Bug) Planted() bool { return false }
