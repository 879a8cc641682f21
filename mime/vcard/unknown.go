package vcard

import (
	"slices"
	"unicode/utf8"

	"mailfs/mime/contentline"
)

// known are the lines that properties stand for, in groups that say one thing together,
// besides those of the table of plain lines. All other lines are kept as they came.
var known = [][]string{{"N", "FN", "SORT-STRING"}, {"ORG"}, {"BDAY"}, {"ANNIVERSARY", "X-ANNIVERSARY", "X-MS-ANNIVERSARY"}, {"GENDER"}, {"KEY"}, {"PHOTO"},
	{"CATEGORIES"}, {"CLASS"}, {"NOTE"}, {"UID"}, {"KIND", "X-ADDRESSBOOKSERVER-KIND"}, {"REV"}, {"VERSION"}, {"PRODID"}, {"MEMBER"}}

// counted are lines of which a contact has only some places for.
var counted = []string{"TEL", "EMAIL", "ADR", "URL"}

// restore takes over from an older card what the new one does not speak about, and the
// form of what has not changed since. was is what the renderer makes of the older card.
func restore(out, old, was component) {
	groups := slices.Clone(known)
	for _, f := range plain {
		groups = append(groups, []string{f.line})
	}
	for _, name := range counted {
		groups = append(groups, []string{name})
	}
	same := old.Value("VERSION") == out.Value("VERSION") // lines of another version may have another form
	done := map[string]bool{"VERSION": true, "REV": true, "PRODID": true}
	for _, names := range groups {
		if done[names[0]] || !same || !sameLines(linesOf(out, names), linesOf(was, names)) {
			continue
		}
		out.Lines = slices.DeleteFunc(out.Lines, func(l contentline.Line) bool { return slices.Contains(names, l.Name) })
		out.Lines = append(out.Lines, linesOf(old, names)...)
		for _, name := range names {
			done[name] = true
		}
	}
	isKnown := func(name string) bool {
		return slices.ContainsFunc(groups, func(names []string) bool { return slices.Contains(names, name) })
	}
	taken := placesFor(old, was)
	for i, l := range old.Lines {
		l, ok := modern(l)
		switch {
		case !ok || done[l.Name]:
		case l.Name == "PHOTO" || l.Name == "KEY":
			if _, inline := binary(l); !inline { // a link, which no property holds
				out.Lines = append(out.Lines, l)
			}
		case l.Name == "MEMBER":
			if _, isAddress := mailto(l.Value); !isAddress {
				out.Lines = append(out.Lines, l)
			}
		case slices.Contains(counted, l.Name) && !taken[i], !isKnown(l.Name):
			out.Lines = append(out.Lines, l)
		}
	}
}

func linesOf(c component, names []string) []contentline.Line {
	var out []contentline.Line
	for _, l := range c.Lines {
		if slices.Contains(names, l.Name) {
			out = append(out, l)
		}
	}
	return out
}

func sameLines(a, b []contentline.Line) bool {
	return slices.EqualFunc(a, b, func(x, y contentline.Line) bool { return x.String() == y.String() })
}

// modern returns a line of version 2.1 in the form of the later ones.
func modern(l contentline.Line) (contentline.Line, bool) {
	if !l.Has("ENCODING", "QUOTED-PRINTABLE") {
		return l, true
	}
	raw := unquote(l.Value)
	l.Value = contentline.Escape(string(raw))
	l.Params = slices.DeleteFunc(slices.Clone(l.Params), func(p contentline.Param) bool { return p.Name == "ENCODING" || p.Name == "CHARSET" })
	return l, utf8.Valid(raw)
}

// placesFor tells which lines of a card found a property.
func placesFor(c, was component) map[int]bool {
	taken := map[int]bool{}
	addresses := map[string]bool{}
	for i, l := range c.Lines {
		switch {
		case l.Name == "ADR": // the first one of each kind
			typ := placeOf(types(l)).typ
			taken[i] = !addresses[typ]
			addresses[typ] = true
		case slices.Contains(counted, l.Name):
			value := oneLine(l.Text())
			taken[i] = slices.ContainsFunc(was.Lines, func(w contentline.Line) bool { return w.Name == l.Name && oneLine(w.Text()) == value })
		}
	}
	return taken
}
