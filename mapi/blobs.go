package mapi

import (
	"fmt"

	"mailfs/mapi/wire"
)

// ParseFlatEntryList reads a FlatEntryList ([MS-OXCDATA] 2.3.3), the form of
// PidTagReplyRecipientEntries: entry ids one after another.
func ParseFlatEntryList(p []byte) ([][]byte, error) {
	r := wire.NewReader(p)
	count := r.Uint32()
	size := r.Count(uint64(r.Uint32()), 1)
	body := wire.NewReader(r.Take(size))
	n := body.Count(uint64(count), 4)
	out := make([][]byte, 0, n)
	for range n {
		id := body.Bytes(body.Count(uint64(body.Uint32()), 1))
		out = append(out, id)
		body.Take(min(padding(len(id)), body.Len())) // left out at the end by some writers
	}
	r.Fail(body.Close())
	if err := r.Close(); err != nil {
		return nil, fmt.Errorf("mapi: flat entry list: %w", err)
	}
	return out, nil
}

func padding(n int) int { return -n & 3 }

// FlatEntryList returns the wire form of a FlatEntryList, each entry padded to four
// bytes.
func FlatEntryList(ids [][]byte) ([]byte, error) {
	var b wire.Builder
	b.Uint32(uint32(len(ids)))
	b.Counted32(func() {
		for _, id := range ids {
			b.Uint32(uint32(len(id)))
			b.Raw(id)
			b.Raw(make([]byte, padding(len(id))))
		}
	})
	return b.Finish()
}

// PersistID tells which special folder a PersistBlock is about
// ([MS-OXOSFLD] 2.2.5).
type PersistID uint16

// The special folders, and the mark of the end.
const (
	PersistEnd               PersistID = 0x0000
	PersistRSS               PersistID = 0x8001
	PersistTrackedMail       PersistID = 0x8002
	PersistToDo              PersistID = 0x8004
	PersistConversation      PersistID = 0x8006
	PersistSuggestedContacts PersistID = 0x8008
)

// The element ids of a PersistElement ([MS-OXOSFLD] 2.2.5.2).
const (
	PersistElementEnd     uint16 = 0x0000
	PersistElementEntryID uint16 = 0x0001
	PersistElementHeader  uint16 = 0x0002
)

// PersistElement is one datum of a PersistBlock.
type PersistElement struct {
	ID   uint16
	Data []byte // an entry id for PersistElementEntryID
}

// PersistBlock is one special folder of PidTagAdditionalRenEntryIdsEx
// ([MS-OXOSFLD] 2.2.5.1). An element of id PersistElementEnd may close the block; it
// has no data.
type PersistBlock struct {
	ID       PersistID
	Elements []PersistElement
}

// EntryID returns the entry id of the folder, nil if the block has none.
func (p PersistBlock) EntryID() []byte {
	for _, e := range p.Elements {
		if e.ID == PersistElementEntryID {
			return e.Data
		}
	}
	return nil
}

// ParsePersistBlocks reads PidTagAdditionalRenEntryIdsEx. The mark of the end, with
// which the value may close, is returned as a block without elements.
func ParsePersistBlocks(p []byte) ([]PersistBlock, error) {
	var out []PersistBlock
	r := wire.NewReader(p)
	for r.Len() > 0 {
		block := PersistBlock{ID: PersistID(r.Uint16())}
		body := wire.NewReader(r.Take(int(r.Uint16())))
		for body.Len() > 0 {
			e := PersistElement{ID: body.Uint16()}
			if size := body.Uint16(); e.ID != PersistElementEnd || size > 0 {
				e.Data = body.Bytes(int(size))
			}
			block.Elements = append(block.Elements, e)
		}
		r.Fail(body.Err())
		if r.Err() == nil {
			out = append(out, block)
		}
	}
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("mapi: special folders: %w", err)
	}
	return out, nil
}

// PersistBlocks returns the wire form of PidTagAdditionalRenEntryIdsEx.
func PersistBlocks(blocks []PersistBlock) ([]byte, error) {
	var b wire.Builder
	for _, block := range blocks {
		b.Uint16(uint16(block.ID))
		b.Counted16(func() {
			for _, e := range block.Elements {
				b.Uint16(e.ID)
				b.Counted16(func() { b.Raw(e.Data) })
			}
		})
	}
	return b.Finish()
}

// RuleNames are the named properties of a stored rule condition, which go before
// its restriction ([MS-OXORULE] 2.2.4.2): IDs[i] in the tags stands for Names[i].
type RuleNames struct {
	IDs   []uint16
	Names []PropertyName
}

// ReadRuleNames consumes the named property information.
func ReadRuleNames(r *wire.Reader) RuleNames {
	var out RuleNames
	n := r.Count(uint64(r.Uint16()), 2)
	for range n {
		out.IDs = append(out.IDs, r.Uint16())
	}
	if n == 0 {
		return out
	}
	body := wire.NewReader(r.Take(r.Count(uint64(r.Uint32()), 1)))
	for range n {
		out.Names = append(out.Names, ReadPropertyName(body))
	}
	r.Fail(body.Close())
	return out
}

// Append writes the named property information.
func (n RuleNames) Append(b *wire.Builder) {
	b.Uint16(uint16(len(n.IDs)))
	for _, id := range n.IDs {
		b.Uint16(id)
	}
	if len(n.IDs) == 0 {
		return
	}
	b.Counted32(func() {
		for _, name := range n.Names {
			AppendPropertyName(b, name)
		}
	})
}
