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
// and ends in ".eml", in any case.
func IsMessageName(name string) bool { return ItemExt(name) == extMessage }

// The ends of the names that items have: messages, calendar items and tasks, contacts and lists.
const (
	extMessage  = ".eml"
	extCalendar = ".ics"
	extContact  = ".vcf"
)

// ItemExt returns the end of a name that items have, in lower case, "" when the name is hidden or has none of them.
// Whether a file of that name is an item depends on its folder, too: see FolderExt.
func ItemExt(name string) string {
	if IsOverlayName(name) {
		return ""
	}
	for _, ext := range []string{extMessage, extCalendar, extContact} {
		if len(name) > len(ext) && strings.EqualFold(name[len(name)-len(ext):], ext) {
			return ext
		}
	}
	return ""
}

// FolderExt returns the end of the names of those items that only folders of a container class
// ([MS-OXOSFLD] 2.2.7) take, besides messages, which all of them do: "" for folders of mail.
func FolderExt(class string) string {
	switch {
	case isContainer(class, "IPF.Appointment"), isContainer(class, "IPF.Task"):
		return extCalendar
	case isContainer(class, "IPF.Contact"):
		return extContact
	}
	return ""
}

func isContainer(class, of string) bool {
	return len(class) >= len(of) && strings.EqualFold(class[:len(of)], of) && (len(class) == len(of) || class[len(of)] == '.')
}

// Unique returns name if it is free, else name with an id made from the source key,
// as short as is needed. taken is asked with folded names. If nothing is free within
// reason, the last name tried is returned.
func Unique(name string, taken func(fold string) bool, sk mapi.SourceKey) string {
	if !taken(Fold(name)) {
		return name
	}
	stem, ext := splitExt(name)
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

// splitExt cuts the end that items have off a name.
func splitExt(name string) (stem, ext string) {
	n := len(name) - len(ItemExt(name))
	return name[:n], name[n:]
}

// Generated reports whether a name is one that Message gave, and not one that a user chose.
func Generated(name string, sk mapi.SourceKey) bool {
	stem, ext := splitExt(name)
	return ext != "" && strings.HasSuffix(stem, "."+ShortID(sk))
}
