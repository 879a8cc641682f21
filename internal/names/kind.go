package names

import (
	"strconv"
	"strings"

	"mailfs/mapi"
)

// The names at the root of a mount that no folder of the mailbox can have.
const (
	Conflicts = "conflicts" // link to the folder of conflict losers
	Control   = ".mailfs"   // directory of control files
)

// IsReserved reports whether name is one of the reserved names of the root.
func IsReserved(name string) bool {
	f := Fold(name)
	return f == Conflicts || f == Control
}

// IsOverlayName reports whether a directory entry of this name is always local:
// those that start with a dot.
func IsOverlayName(name string) bool { return strings.HasPrefix(name, ".") }

// IsMessageName reports whether a file of this name can be a message: it is visible
// and ends in ".eml", in any case. Every other file is local.
func IsMessageName(name string) bool {
	const ext = ".eml"
	return !IsOverlayName(name) && len(name) > len(ext) && strings.EqualFold(name[len(name)-len(ext):], ext)
}

// Unique returns name if it is free, else name with an id made from the source key,
// as short as is needed. taken is asked with folded names. If nothing is free within
// reason, the last name tried is returned.
func Unique(name string, taken func(fold string) bool, sk mapi.SourceKey) string {
	if !taken(Fold(name)) {
		return name
	}
	stem, ext := name, ""
	if IsMessageName(name) {
		stem, ext = name[:len(name)-4], name[len(name)-4:]
	}
	var last string
	try := func(suffix string) bool {
		last = cut(stem, Max-len(suffix)-len(ext)) + suffix + ext
		return !taken(Fold(last))
	}
	for _, n := range []int{idLength, 8, 16} {
		if try("." + shortID(sk, n)) {
			return last
		}
	}
	for i := 2; i < 10_000; i++ {
		if try("." + shortID(sk, 16) + "-" + strconv.Itoa(i)) {
			return last
		}
	}
	return last
}
