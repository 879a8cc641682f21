package fxics

import (
	"fmt"

	"mailfs/mapi"
	"mailfs/mapi/idset"
	"mailfs/mapi/wire"
)

// taggedSet is a set of an element with the property that carries it.
type taggedSet struct {
	tag mapi.PropertyTag
	set *idset.ReplSet
}

func (e *Deletions) sets() []taggedSet {
	return []taggedSet{
		{mapi.MetaTagIdsetDeleted, &e.Deleted},
		{mapi.MetaTagIdsetNoLongerInScope, &e.NoLongerInScope},
		{mapi.MetaTagIdsetExpired, &e.Expired},
	}
}

func (e *ReadStateChanges) sets() []taggedSet {
	return []taggedSet{
		{mapi.MetaTagIdsetRead, &e.Read},
		{mapi.MetaTagIdsetUnread, &e.Unread},
	}
}

// parse reads a ProgressInformation ([MS-OXCFXICS] 2.2.2.7).
func (e *ProgressTotal) parse(p []byte) error {
	r := wire.NewReader(p)
	version := r.Uint16()
	r.Take(2)
	e.FAICount, e.FAISize = r.Uint32(), r.Uint64()
	e.NormalCount = r.Uint32()
	r.Take(4)
	e.NormalSize = r.Uint64()
	if err := r.Err(); err != nil {
		return fmt.Errorf("progress information version %d: %w", version, err)
	}
	return nil
}

func (e *ProgressTotal) bytes() []byte {
	var b wire.Builder
	b.Uint32(0)
	b.Uint32(e.FAICount)
	b.Uint64(e.FAISize)
	b.Uint32(e.NormalCount)
	b.Uint32(0)
	b.Uint64(e.NormalSize)
	return b.Bytes()
}

// parse reads a PropertyGroupInfo ([MS-OXCFXICS] 2.2.2.8).
func (e *PropertyGroupInfo) parse(p []byte) error {
	r := wire.NewReader(p)
	e.GroupID, e.Reserved = r.Uint32(), r.Uint32()
	for range r.Count(uint64(r.Uint32()), 4) {
		n := r.Count(uint64(r.Uint32()), 4)
		group := make([]PropertyID, 0, n)
		for range n {
			group = append(group, readPropertyID(r))
		}
		if r.Err() != nil {
			break
		}
		e.Groups = append(e.Groups, group)
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("property group information: %w", err)
	}
	return nil
}

// readPropertyID consumes one property of a group: kind and name length have four
// bytes here ([MS-OXCFXICS] 2.2.2.8.1.1).
func readPropertyID(r *wire.Reader) PropertyID {
	id := PropertyID{Tag: mapi.ReadTag(r)}
	if id.Tag.ID() < 0x8000 {
		return id
	}
	id.Name.Set = r.GUID()
	switch kind := r.Uint32(); mapi.NameKind(kind) {
	case mapi.NameKindLID:
		id.Name.LID = r.Uint32()
	case mapi.NameKindString:
		id.Name.Kind = mapi.NameKindString
		id.Name.Name = decodeString(r.Take(r.Count(uint64(r.Uint32()), 1)))
	default:
		r.Fail(fmt.Errorf("property name of kind 0x%08X", kind))
	}
	return id
}

func (e *PropertyGroupInfo) bytes() ([]byte, error) {
	var b wire.Builder
	b.Uint32(e.GroupID)
	b.Uint32(e.Reserved)
	b.Uint32(uint32(len(e.Groups)))
	for _, group := range e.Groups {
		b.Uint32(uint32(len(group)))
		for _, id := range group {
			mapi.AppendTag(&b, id.Tag)
			if id.Tag.ID() < 0x8000 {
				continue
			}
			b.GUID(id.Name.Set)
			b.Uint32(uint32(id.Name.Kind))
			if id.Name.Kind == mapi.NameKindString {
				b.Counted32(func() { b.WString(id.Name.Name) })
				continue
			}
			b.Uint32(id.Name.LID)
		}
	}
	return b.Finish()
}

// errorInfoSize is the size of an ExtendedErrorInfo without its AuxBytes
// ([MS-OXCFXICS] 2.2.2.10).
const errorInfoSize = 88

// parse reads an ExtendedErrorInfo ([MS-OXCFXICS] 2.2.2.10).
func (e *ErrorInfo) parse(p []byte) error {
	r := wire.NewReader(p)
	r.Take(4) // version, padding
	e.Code = mapi.ErrorCode(r.Uint32())
	e.Folder = mapi.LongTermID{GUID: r.GUID(), Counter: mapi.GlobCnt(r.Uint48BE())}
	r.Take(2)
	e.Message = mapi.LongTermID{GUID: r.GUID(), Counter: mapi.GlobCnt(r.Uint48BE())}
	r.Take(2 + 24)
	count, offset := uint64(r.Uint32()), uint64(r.Uint32())
	if r.Err() == nil && count > 0 {
		if offset > uint64(len(p)) || count > uint64(len(p))-offset {
			r.Fail(fmt.Errorf("%d diagnostic bytes at %d of %d", count, offset, len(p)))
		} else {
			e.Aux = append([]byte(nil), p[offset:offset+count]...)
		}
	}
	if err := r.Err(); err != nil {
		return fmt.Errorf("extended error information: %w", err)
	}
	return nil
}

func (e *ErrorInfo) bytes() []byte {
	var b wire.Builder
	b.Uint32(0)
	b.Uint32(uint32(e.Code))
	e.Folder.AppendGID(&b)
	b.Uint16(0)
	e.Message.AppendGID(&b)
	b.Uint16(0)
	b.Raw(make([]byte, 24))
	b.Uint32(uint32(len(e.Aux)))
	if len(e.Aux) == 0 {
		b.Uint32(0)
	} else {
		b.Uint32(errorInfoSize)
	}
	b.Raw(e.Aux)
	return b.Bytes()
}
