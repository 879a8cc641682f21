package mapi

//go:generate go run ./gen

// Name returns the canonical name of the tag, "" for one that the table lacks. The
// type is ignored where only another type of the same id is known.
func (t PropertyTag) Name() string {
	if n, ok := tagNames[t]; ok {
		return n
	}
	switch t.Type() {
	case TypeString8:
		return tagNames[t.WithType(TypeString)]
	case TypeErrorCode:
		return ""
	}
	return ""
}
