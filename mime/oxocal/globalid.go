package oxocal

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// GlobalID is a PidLidGlobalObjectId ([MS-OXOCAL] 2.2.1.27): what an appointment is
// known by in all mailboxes.
type GlobalID struct {
	Year     uint16 // the day of an exception, zero in PidLidCleanGlobalObjectId
	Month    uint8
	Day      uint8
	Creation mapi.FileTime
	X        uint64
	Data     []byte
}

var globalIDArray = []byte{0x04, 0x00, 0x00, 0x00, 0x82, 0x00, 0xE0, 0x00, 0x74, 0xC5, 0xB7, 0x10, 0x1A, 0x82, 0xE0, 0x08}

// uidMark precedes a UID that was made elsewhere ([MS-OXCICAL] 2.1.3.1.1.20.26).
var uidMark = []byte("vCal-Uid\x01\x00\x00\x00")

// ParseGlobalID reads a global object id.
func ParseGlobalID(p []byte) (*GlobalID, error) {
	r := wire.NewReader(p)
	if id := r.Take(len(globalIDArray)); r.Err() == nil && !bytes.Equal(id, globalIDArray) {
		return nil, fmt.Errorf("%w: not a global object id", ErrFormat)
	}
	hi, lo := r.Uint8(), r.Uint8() // the year is big-endian
	g := &GlobalID{Year: uint16(hi)<<8 | uint16(lo), Month: r.Uint8(), Day: r.Uint8(), Creation: mapi.FileTime(r.Uint64()), X: r.Uint64()}
	g.Data = r.Bytes(r.Count(uint64(r.Uint32()), 1))
	if err := r.Close(); err != nil {
		return nil, fmt.Errorf("%w: global object id: %w", ErrFormat, err)
	}
	return g, nil
}

// Bytes returns the form of the property.
func (g *GlobalID) Bytes() []byte {
	var b wire.Builder
	b.Raw(globalIDArray)
	b.Uint8(uint8(g.Year >> 8))
	b.Uint8(uint8(g.Year))
	b.Uint8(g.Month)
	b.Uint8(g.Day)
	b.Uint64(uint64(g.Creation))
	b.Uint64(g.X)
	b.Counted32(func() { b.Raw(g.Data) })
	return b.Bytes()
}

// Clean returns the id of the series.
func (g *GlobalID) Clean() *GlobalID {
	c := *g
	c.Year, c.Month, c.Day = 0, 0, 0
	return &c
}

// On returns the id of the occurrence of a day.
func (g *GlobalID) On(day time.Time) *GlobalID {
	c := *g
	c.Year, c.Month, c.Day = uint16(day.Year()), uint8(day.Month()), uint8(day.Day())
	return &c
}

// UID returns the UID of iCalendar: the one that the id was made from, else the id in
// hexadecimal.
func (g *GlobalID) UID() string {
	if uid, ok := bytes.CutPrefix(g.Data, uidMark); ok {
		return strings.ToValidUTF8(string(bytes.TrimRight(uid, "\x00")), "")
	}
	return strings.ToUpper(hex.EncodeToString(g.Clean().Bytes()))
}

// NewGlobalID returns the id of a UID.
func NewGlobalID(uid string) *GlobalID {
	if raw, err := hex.DecodeString(uid); err == nil {
		if g, err := ParseGlobalID(raw); err == nil {
			return g.Clean()
		}
	}
	return &GlobalID{Data: append(append(append([]byte(nil), uidMark...), uid...), 0)}
}
