package fxics

import (
	"fmt"

	"mailfs/mapi"
	"mailfs/mapi/idset"
)

// ICSState is what a client holds of a folder's contents or of a hierarchy
// ([MS-OXCFXICS] 2.2.1.1): the ids of the objects, and the change numbers that it
// has seen. A hierarchy uses Given and Seen only.
type ICSState struct {
	Given   idset.IDSet // MetaTagIdsetGiven
	Seen    idset.CNSet // MetaTagCnsetSeen
	SeenFAI idset.CNSet // MetaTagCnsetSeenFAI
	Read    idset.CNSet // MetaTagCnsetRead
}

// StateProperty is one property of a state in the form in which
// RopSynchronizationUploadStateStream* carries it.
type StateProperty struct {
	Tag  mapi.PropertyTag
	Data []byte // REPLGUID form, empty for an empty set
}

// Properties returns the properties to upload for a download or a collector of the
// given kind: all four for contents, Given and Seen for a hierarchy
// ([MS-OXCFXICS] 2.2.3.2.2). Empty sets are included with no data.
func (s ICSState) Properties(contents bool) []StateProperty {
	out := []StateProperty{
		{mapi.MetaTagIdsetGiven, s.Given.Encode()},
		{mapi.MetaTagCnsetSeen, s.Seen.Encode()},
	}
	if contents {
		out = append(out,
			StateProperty{mapi.MetaTagCnsetSeenFAI, s.SeenFAI.Encode()},
			StateProperty{mapi.MetaTagCnsetRead, s.Read.Encode()})
	}
	return out
}

// Set parses data as the property tag of the state. MetaTagIdsetGiven is taken in
// both of its declared types ([MS-OXCFXICS] 3.2.5.2.1). A tag that is not part of a
// state is an error.
func (s *ICSState) Set(tag mapi.PropertyTag, data []byte) (err error) {
	switch tag.ID() {
	case mapi.MetaTagIdsetGiven.ID():
		s.Given, err = idset.Decode(data)
	case mapi.MetaTagCnsetSeen.ID():
		s.Seen, err = idset.DecodeCNSet(data)
	case mapi.MetaTagCnsetSeenFAI.ID():
		s.SeenFAI, err = idset.DecodeCNSet(data)
	case mapi.MetaTagCnsetRead.ID():
		s.Read, err = idset.DecodeCNSet(data)
	default:
		err = fmt.Errorf("fxics: %s is not part of a synchronization state", tag)
	}
	return err
}

// stateTag returns the tag under which this package knows the state property tag,
// 0 if it is none.
func stateTag(tag mapi.PropertyTag) mapi.PropertyTag {
	switch tag {
	case mapi.MetaTagIdsetGiven, mapi.MetaTagIdsetGiven.WithType(mapi.TypeBinary):
		return mapi.MetaTagIdsetGiven
	case mapi.MetaTagCnsetSeen, mapi.MetaTagCnsetSeenFAI, mapi.MetaTagCnsetRead:
		return tag
	}
	return 0
}

// encoded returns the set that a tag of stateTag names.
func (s ICSState) encoded(tag mapi.PropertyTag) []byte {
	switch tag {
	case mapi.MetaTagIdsetGiven:
		return s.Given.Encode()
	case mapi.MetaTagCnsetSeen:
		return s.Seen.Encode()
	case mapi.MetaTagCnsetSeenFAI:
		return s.SeenFAI.Encode()
	}
	return s.Read.Encode()
}

// Equal reports whether both states hold the same sets.
func (s ICSState) Equal(t ICSState) bool {
	return s.Given.Equal(t.Given) && s.Seen.Equal(t.Seen) && s.SeenFAI.Equal(t.SeenFAI) && s.Read.Equal(t.Read)
}

// Clone returns a copy that shares nothing with s.
func (s ICSState) Clone() ICSState {
	return ICSState{s.Given.Clone(), s.Seen.Clone(), s.SeenFAI.Clone(), s.Read.Clone()}
}
