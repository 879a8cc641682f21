package mapi

//go:generate go run ./gen

// otherTypes are the types under which Name looks for an id that the table lacks in
// its own type.
var otherTypes = []PropertyType{
	TypeString, TypeBinary, TypeInteger32, TypeTime, TypeBoolean, TypeInteger64, TypeObject, TypeInteger16,
	TypeMultiString, TypeMultiBinary, TypeMultiInteger32, TypeString8, TypeGUID, TypeFloating64,
}

// Name returns the canonical name of the tag, "" for one that the table lacks. A tag
// whose id the table has with another type is named by that.
func (t PropertyTag) Name() string {
	if n, ok := tagNames[t]; ok {
		return n
	}
	for _, other := range otherTypes {
		if n, ok := tagNames[t.WithType(other)]; ok {
			return n
		}
	}
	return ""
}
