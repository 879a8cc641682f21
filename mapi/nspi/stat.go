package nspi

import (
	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// MinimalID names an object of the address book, for the server that gave it out and
// while a Bind lasts ([MS-OXNSPI] 2.2.9.1). Those below 0x10 name nothing.
type MinimalID uint32

// firstMinimalID is the smallest one that names an object.
const firstMinimalID MinimalID = 0x10

// codePage is the code page of 8-bit strings. Names travel as Unicode; a server need
// not accept its number here ([MS-OXNSPI] 3.1.4.1.8).
const codePage = 1252

const locale = 0x0409

// Stat is a position in a table of the address book ([MS-OXNSPI] 2.2.8).
type Stat struct {
	SortType       uint32
	ContainerID    uint32 // 0 is the global address list
	CurrentRec     MinimalID
	Delta          int32
	NumPos         uint32
	TotalRecs      uint32
	CodePage       uint32 // of 8-bit strings
	TemplateLocale uint32
	SortLocale     uint32
}

// start is the beginning of the global address list.
func start() *Stat { return &Stat{CodePage: codePage, TemplateLocale: locale, SortLocale: locale} }

// appendStat writes HasState and State.
func appendStat(b *wire.Builder, s *Stat) {
	appendHas(b, s != nil)
	if s == nil {
		return
	}
	for _, v := range []uint32{s.SortType, s.ContainerID, uint32(s.CurrentRec), uint32(s.Delta), s.NumPos,
		s.TotalRecs, s.CodePage, s.TemplateLocale, s.SortLocale} {
		b.Uint32(v)
	}
}

// readStat consumes HasState and State; nil when there is none.
func readStat(r *wire.Reader) *Stat {
	if !r.Bool() {
		return nil
	}
	return &Stat{
		SortType: r.Uint32(), ContainerID: r.Uint32(), CurrentRec: MinimalID(r.Uint32()), Delta: int32(r.Uint32()),
		NumPos: r.Uint32(), TotalRecs: r.Uint32(), CodePage: r.Uint32(), TemplateLocale: r.Uint32(), SortLocale: r.Uint32(),
	}
}

// appendHas writes the Boolean that tells whether an optional field follows.
func appendHas(b *wire.Builder, has bool) {
	if has {
		b.Uint8(0xFF)
		return
	}
	b.Uint8(0)
}

// appendIDs writes a count and minimal ids.
func appendIDs(b *wire.Builder, ids []MinimalID) {
	b.Uint32(uint32(len(ids)))
	for _, id := range ids {
		b.Uint32(uint32(id))
	}
}

func readIDs(r *wire.Reader) []MinimalID {
	n := r.Count(uint64(r.Uint32()), 4)
	out := make([]MinimalID, n)
	for i := range out {
		out[i] = MinimalID(r.Uint32())
	}
	return out
}

// appendTags writes a LargePropertyTagArray ([MS-OXCMAPIHTTP] 2.2.1.8).
func appendTags(b *wire.Builder, tags []mapi.PropertyTag) {
	b.Uint32(uint32(len(tags)))
	for _, t := range tags {
		mapi.AppendTag(b, t)
	}
}

func readTags(r *wire.Reader) []mapi.PropertyTag {
	n := r.Count(uint64(r.Uint32()), 4)
	out := make([]mapi.PropertyTag, n)
	for i := range out {
		out[i] = mapi.ReadTag(r)
	}
	return out
}
