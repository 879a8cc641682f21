package vcard

import (
	"slices"

	"mailfs/mime/contentline"
)

// known are the lines that properties stand for. All others are kept as they came, and
// so are further ones of those that a contact has only some places for.
var known = []string{"VERSION", "N", "FN", "ORG", "NICKNAME", "TITLE", "ROLE", "SORT-STRING", "BDAY", "ANNIVERSARY", "X-ANNIVERSARY", "X-MS-ANNIVERSARY",
	"GENDER", "KEY", "PHOTO", "CATEGORIES", "CLASS", "NOTE", "UID", "REV", "KIND", "X-ADDRESSBOOKSERVER-KIND", "PRODID"}

// counted are lines of which as many come back as the contact has no place for.
var counted = []string{"TEL", "EMAIL", "ADR", "URL"}

// restoreUnknown adds the lines of an older card that the new one does not speak about.
func restoreUnknown(out, old component) {
	for _, f := range plain {
		if !slices.Contains(known, f.line) {
			known := func(l contentline.Line) bool { return l.Name == f.line }
			old.Lines = slices.DeleteFunc(slices.Clone(old.Lines), known)
		}
	}
	taken := placesFor(old)
	for i, l := range old.Lines {
		switch {
		case slices.Contains(known, l.Name):
			if _, has := out.Find(l.Name); l.Name == "PHOTO" && !has || l.Name == "KEY" && !has {
				if _, inline := binary(l); !inline { // a link, which no property holds
					out.Lines = append(out.Lines, l)
				}
			}
		case l.Name == "MEMBER":
			if _, ok := mailto(l.Value); !ok {
				out.Lines = append(out.Lines, l)
			}
		case slices.Contains(counted, l.Name) && taken[i]:
		default:
			out.Lines = append(out.Lines, l)
		}
	}
}

// placesFor tells which lines of a card found a property.
func placesFor(c component) map[int]bool {
	taken := map[int]bool{}
	whole, err := Parse(string(c.Append(nil)), Options{})
	if err != nil {
		return taken
	}
	want := generate(whole)
	addresses := map[string]bool{}
	for i, l := range c.Lines {
		switch {
		case l.Name == "ADR": // the first one of each kind
			typ := placeOf(types(l)).typ
			taken[i] = !addresses[typ]
			addresses[typ] = true
		case slices.Contains(counted, l.Name):
			value := oneLine(l.Text())
			taken[i] = slices.ContainsFunc(want.Lines, func(w contentline.Line) bool { return w.Name == l.Name && oneLine(w.Text()) == value })
		}
	}
	return taken
}
