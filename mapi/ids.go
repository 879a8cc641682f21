package mapi

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"mailfs/mapi/wire"
)

// GUID is a 128-bit identifier in wire order: the first three fields little-endian.
type GUID [16]byte

// String returns the registry form, without braces.
func (g GUID) String() string {
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", binary.LittleEndian.Uint32(g[0:]), binary.LittleEndian.Uint16(g[4:]),
		binary.LittleEndian.Uint16(g[6:]), g[8:10], g[10:])
}

// IsZero reports whether every byte is zero.
func (g GUID) IsZero() bool { return g == GUID{} }

// ParseGUID reads the registry form, with or without braces.
func ParseGUID(s string) (GUID, error) {
	var g GUID
	t := make([]byte, 0, 32)
	for _, c := range []byte(s) {
		if c != '-' && c != '{' && c != '}' {
			t = append(t, c)
		}
	}
	raw, err := hex.DecodeString(string(t))
	if err != nil || len(raw) != 16 {
		return g, fmt.Errorf("mapi: %q is not a GUID", s)
	}
	binary.LittleEndian.PutUint32(g[0:], binary.BigEndian.Uint32(raw[0:]))
	binary.LittleEndian.PutUint16(g[4:], binary.BigEndian.Uint16(raw[4:]))
	binary.LittleEndian.PutUint16(g[6:], binary.BigEndian.Uint16(raw[6:]))
	copy(g[8:], raw[8:])
	return g, nil
}

// MustGUID is ParseGUID for constants; it panics on a malformed one.
func MustGUID(s string) GUID {
	g, err := ParseGUID(s)
	if err != nil {
		panic(err)
	}
	return g
}

// ReplID is the short number of a replica GUID, valid within one log on
// ([MS-OXCFXICS] 2.2.2.1).
type ReplID uint16

// GlobCnt is a 48-bit global counter ([MS-OXCFXICS] 2.2.2.5). On the wire its six
// bytes come most significant first.
type GlobCnt uint64

// MaxGlobCnt is the largest counter.
const MaxGlobCnt GlobCnt = 1<<48 - 1

// FID is the short id of a folder ([MS-OXCDATA] 2.2.1.1): as read from the wire as
// a little-endian 64-bit number, the low 16 bits are the ReplID, and the counter
// follows with its bytes reversed.
type FID uint64

// MID is the short id of a message ([MS-OXCDATA] 2.2.1.2), laid out like FID.
type MID uint64

// CN is a change number ([MS-OXCFXICS] 2.2.2.4), laid out like FID.
type CN uint64

func packID(r ReplID, c GlobCnt) uint64 {
	var b [8]byte
	binary.LittleEndian.PutUint16(b[:], uint16(r))
	binary.BigEndian.PutUint16(b[2:], uint16(c>>32))
	binary.BigEndian.PutUint32(b[4:], uint32(c))
	return binary.LittleEndian.Uint64(b[:])
}

func unpackID(v uint64) (ReplID, GlobCnt) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	return ReplID(binary.LittleEndian.Uint16(b[:])), GlobCnt(binary.BigEndian.Uint16(b[2:]))<<32 | GlobCnt(binary.BigEndian.Uint32(b[4:]))
}

// NewFID packs a folder id.
func NewFID(r ReplID, c GlobCnt) FID { return FID(packID(r, c)) }

// NewMID packs a message id.
func NewMID(r ReplID, c GlobCnt) MID { return MID(packID(r, c)) }

// NewCN packs a change number.
func NewCN(r ReplID, c GlobCnt) CN { return CN(packID(r, c)) }

// ReplID returns the replica part.
func (f FID) ReplID() ReplID { r, _ := unpackID(uint64(f)); return r }

// Counter returns the counter part.
func (f FID) Counter() GlobCnt { _, c := unpackID(uint64(f)); return c }

func (f FID) String() string { return fmt.Sprintf("fid %d-%x", f.ReplID(), uint64(f.Counter())) }

// ReplID returns the replica part.
func (m MID) ReplID() ReplID { r, _ := unpackID(uint64(m)); return r }

// Counter returns the counter part.
func (m MID) Counter() GlobCnt { _, c := unpackID(uint64(m)); return c }

func (m MID) String() string { return fmt.Sprintf("mid %d-%x", m.ReplID(), uint64(m.Counter())) }

// ReplID returns the replica part.
func (c CN) ReplID() ReplID { r, _ := unpackID(uint64(c)); return r }

// Counter returns the counter part.
func (c CN) Counter() GlobCnt { _, n := unpackID(uint64(c)); return n }

func (c CN) String() string { return fmt.Sprintf("cn %d-%x", c.ReplID(), uint64(c.Counter())) }

// LongTermID is a replica GUID with a counter ([MS-OXCDATA] 2.2.1.3.1). Its wire
// form has 24 bytes, the last two of them padding; without the padding the 22
// bytes are a GID ([MS-OXCDATA] 2.2.1.3).
type LongTermID struct {
	GUID    GUID
	Counter GlobCnt
}

// ReadLongTermID consumes the 24-byte form.
func ReadLongTermID(r *wire.Reader) LongTermID {
	id := LongTermID{GUID: r.GUID(), Counter: GlobCnt(r.Uint48BE())}
	r.Take(2)
	return id
}

// Append writes the 24-byte form.
func (id LongTermID) Append(b *wire.Builder) {
	id.AppendGID(b)
	b.Uint16(0)
}

// AppendGID writes the 22-byte form.
func (id LongTermID) AppendGID(b *wire.Builder) {
	b.GUID(id.GUID)
	b.Uint48BE(uint64(id.Counter))
}

// SourceKey returns the 22-byte GID form that PidTagSourceKey carries for objects
// of the server ([MS-OXCFXICS] 2.2.1.2.5).
func (id LongTermID) SourceKey() SourceKey {
	var b wire.Builder
	id.AppendGID(&b)
	return SourceKey(b.Bytes())
}

func (id LongTermID) String() string { return fmt.Sprintf("%s-%x", id.GUID, uint64(id.Counter)) }

// SourceKey holds the bytes of PidTagSourceKey: a 22-byte GID, or a foreign
// identifier of a client ([MS-OXCFXICS] 2.2.1.2.5). As a string it is comparable
// and can be a map key.
type SourceKey string

// LongTermID returns the id inside a 22-byte key; ok is false for foreign forms.
func (k SourceKey) LongTermID() (id LongTermID, ok bool) {
	if len(k) != 22 {
		return id, false
	}
	r := wire.NewReader([]byte(k))
	return LongTermID{GUID: r.GUID(), Counter: GlobCnt(r.Uint48BE())}, true
}

func (k SourceKey) String() string { return hex.EncodeToString([]byte(k)) }

// ChangeKey holds the bytes of PidTagChangeKey: the XID of an object's last change
// ([MS-OXCFXICS] 2.2.1.2.7).
type ChangeKey string

// XID parses the key.
func (k ChangeKey) XID() (XID, error) { return ParseXID([]byte(k)) }

func (k ChangeKey) String() string { return hex.EncodeToString([]byte(k)) }
