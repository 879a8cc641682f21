package tnef

import (
	"encoding/hex"
	"slices"
	"strings"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// Codes of attributes are places in packedAttributes, besides these.
const (
	codeEnd   = 0    // of the stream
	codeOther = 0x3F // level and id follow
	codeAsIs  = 0x40 // is added: its data is not in the usual form
)

type attributeKey struct {
	level uint8
	id    uint32
}

// class returns how the data of an attribute looks, which is the upper half of its id ([MS-OXTNEF] 2.1.3.2).
func (k attributeKey) class() uint32 { return k.id >> 16 }

const (
	classString = 0x0001
	classText   = 0x0002
	classDate   = 0x0003
	classWord   = 0x0007 // that and the next are used for message classes only
	classDword  = 0x0008
)

// packNext packs the next attribute, and reports whether there was one.
func (c *codec) packNext(s *stream) bool {
	end := s.off
	a, err := s.next()
	if c.err = err; err != nil {
		return false
	}
	if a == nil {
		s.off = end
		c.number(codeEnd)
		return false
	}
	key := attributeKey{a.level, a.id}
	code := slices.Index(packedAttributes[:], key)
	if code < 0 {
		code = codeOther
	}
	start, last, raw, refs := len(c.packed), c.last, c.raw, c.refs
	for _, asIs := range []uint64{0, codeAsIs} {
		c.packed, c.last, c.refs, c.odd = c.packed[:start], last, false, false
		c.number(uint64(code) | asIs)
		if code == codeOther {
			c.number(uint64(key.level))
			c.number(uint64(key.id))
		}
		c.body(key, a.data, asIs != 0)
		if !c.odd || c.err != nil {
			break
		}
	}
	c.raw = raw
	if c.refs && c.err == nil {
		sum, err := a.data.checksum()
		c.err = err
		c.number(uint64(sum))
	}
	c.refs = c.refs || refs // those of an embedded message are the attachment's, too
	return true
}

// unpackNext is the reverse of packNext.
func (c *codec) unpackNext() bool {
	code := c.number(0)
	if code == codeEnd || c.err != nil {
		return false
	}
	asIs := code&codeAsIs != 0
	var key attributeKey
	switch code &^= codeAsIs; {
	case code == codeOther:
		key = attributeKey{uint8(c.number(0)), uint32(c.number(0))}
	case code < uint64(len(packedAttributes)):
		key = packedAttributes[code]
	default:
		c.fail("attribute of code %d", code)
	}
	refs := c.refs
	c.refs = false
	out, size := c.inner(func() { c.body(key, section{}, asIs) })
	c.put(key.level)
	c.put32(key.id)
	c.put32(uint32(size))
	sum := uint16(0)
	for _, ch := range out {
		for _, b := range ch.Literal {
			sum += uint16(b)
		}
		c.add(ch)
	}
	if c.refs {
		sum = uint16(c.number(0))
	}
	c.put16(sum)
	c.refs = c.refs || refs
	return true
}

// body passes on the data of an attribute.
func (c *codec) body(key attributeKey, data section, asIs bool) {
	var usual func()
	switch class := key.class(); {
	case asIs:
	case key == attributeKey{levelMessage, attMessageID}:
		usual = c.hexID
	case key == attributeKey{levelMessage, attRecipTable}:
		usual = c.recipientTable
	case key == attributeKey{levelMessage, attMsgProps}, key == attributeKey{levelAttachment, attAttachment}:
		usual = c.properties
	case class == classDate:
		usual = c.date
	case class == classString, class == classText, class == classWord, class == classDword:
		usual = func() { c.add(c.value(Chunk{Literal: c.rest()}, formText8)) }
	}
	if usual == nil {
		c.add(c.value(Chunk{Blob: data}, formBytes))
		return
	}
	if c.packing {
		p, err := data.bytes()
		if c.err = err; err != nil {
			return
		}
		c.raw = wire.NewReader(p)
	}
	usual()
	if c.packing && (c.raw.Err() != nil || c.raw.Len() > 0) {
		c.odd = true
	}
}

// rest returns what is left of the attribute.
func (c *codec) rest() []byte {
	if !c.packing {
		return nil
	}
	return c.raw.Rest()
}

// hexID passes on attMessageID, an id in hexadecimal, as in [MS-OXTNEF] 3.1.
func (c *codec) hexID() {
	const size = 16
	var id []byte
	if c.packing {
		p := c.rest()
		id, _ = hex.DecodeString(strings.TrimSuffix(string(p), "\x00"))
		if len(id) != size || string(p) != upperHex(id) {
			c.odd = true
			return
		}
	}
	if id = c.bytes(id, size); c.err == nil {
		c.put([]byte(upperHex(id))...)
	}
}

func upperHex(id []byte) string { return strings.ToUpper(hex.EncodeToString(id)) + "\x00" }

// date passes on a date of seven words ([MS-OXTNEF] 2.1.3.3.8): the seconds since the last time that there was.
func (c *codec) date() {
	const second = 10_000_000
	var at int64
	p := c.rest()
	if c.packing {
		v, ok := date(p).(mapi.FileTime)
		if !ok || string(words(v)) != string(p) {
			c.odd = true
			return
		}
		at = int64(v)
	}
	from := c.last.time - c.last.time%second
	at = from + c.signed((at-from)/second)*second
	c.last.time = at
	if at < 0 || at > maxDate {
		c.fail("a date")
		return
	}
	c.put(words(mapi.FileTime(at))...)
}

// maxDate is the end of the year 9999.
const maxDate = 2_650_467_743_999_999_999

// words is the reverse of date.
func words(v mapi.FileTime) []byte {
	t := v.Time().UTC()
	var b wire.Builder
	for _, n := range []int{t.Year(), int(t.Month()), t.Day(), t.Hour(), t.Minute(), t.Second(), int(t.Weekday())} {
		b.Uint16(uint16(n))
	}
	return b.Bytes()
}

// recipientTable passes on attRecipTable ([MS-OXTNEF] 2.1.3.5.1).
func (c *codec) recipientTable() {
	for range c.count() {
		if c.properties(); c.done() {
			return
		}
	}
}
