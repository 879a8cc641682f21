package tnef

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// A packed stream is the stream without what can be computed (lengths, checksums, padding) and with short forms for
// what is frequent (tags, property sets, times near each other, UTF-16). Values that are also somewhere else are
// references. The codec is one walk for both directions: every element is taken from one form and put into the other
// by the same lines, so that the two can't differ. What is not written as everybody writes it stays as it is.

// Find returns the reference to a value that is kept elsewhere.
type Find func(value mapi.Blob) (ref uint64, ok bool, err error)

// Resolve returns the value of a reference.
type Resolve func(ref uint64) (mapi.Blob, error)

// Chunk is a run of bytes of a stream: bytes of its own, or a value that a reference stands for.
type Chunk struct {
	Literal []byte
	Blob    mapi.Blob
	Ref     uint64 // of Blob
}

func (ch Chunk) size() int64 {
	if ch.Blob != nil {
		return ch.Blob.Size()
	}
	return int64(len(ch.Literal))
}

const (
	shortestRef = 24      // bytes that a reference is worth
	maxRefs     = 50_000  // of a stream
	maxLiteral  = 8 << 20 // bytes of a stream besides references
	maxStream   = 1<<32 - 1
)

// Pack returns the packed form of a stream. What is no stream, has a wrong checksum, or is too long without references
// gives ErrFormat.
func Pack(src mapi.Blob, find Find) ([]byte, error) {
	c := &codec{packing: true, find: find}
	if c.stream(src); c.err != nil {
		return nil, c.err
	}
	return c.packed, nil
}

// Unpack returns what a packed form stands for. Its errors are ErrFormat and those of resolve.
func Unpack(packed []byte, resolve Resolve) ([]Chunk, error) {
	c := &codec{packed: packed, resolve: resolve}
	c.stream(nil)
	if len(c.packed) > 0 {
		c.fail("%d bytes are left over", len(c.packed))
	}
	if c.err != nil {
		return nil, c.err
	}
	return c.out, nil
}

// codec turns a stream into its packed form, or back.
type codec struct {
	packing bool
	packed  []byte // when packing, what was written, else what is to be read
	err     error
	depth   int
	refs    bool // the attribute has references
	links   int  // how many there are in all
	last    previous

	raw  *wire.Reader // packing: of the attribute
	odd  bool         // packing: the attribute is not in its usual form
	find Find

	out     []Chunk // unpacking
	size    int64   // of out
	literal int     // bytes that were put, anywhere
	resolve Resolve
}

// previous is what short forms refer to.
type previous struct {
	time    int64  // 100 ns since 1601
	named   uint16 // id of a named property
	string8 bool   // strings are 8-bit ones
}

func (c *codec) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
	}
}

// done reports whether going on is of no use.
func (c *codec) done() bool {
	return c.err != nil || c.odd || c.packing && c.raw != nil && c.raw.Err() != nil
}

// number passes a number on.
func (c *codec) number(v uint64) uint64 {
	if c.packing {
		c.packed = binary.AppendUvarint(c.packed, v)
		return v
	}
	v, n := binary.Uvarint(c.packed)
	if n <= 0 || c.err != nil {
		c.fail("a number is cut off")
		return 0
	}
	c.packed = c.packed[n:]
	return v
}

// signed passes on a number that is close to zero.
func (c *codec) signed(v int64) int64 {
	u := c.number(uint64(v<<1) ^ uint64(v>>63))
	return int64(u>>1) ^ -int64(u&1)
}

// octet passes on a code.
func (c *codec) octet(v byte) byte {
	if p := c.bytes([]byte{v}, 1); len(p) == 1 {
		return p[0]
	}
	return 0
}

// bytes passes on n bytes.
func (c *codec) bytes(p []byte, n uint64) []byte {
	if c.packing {
		if c.packed = append(c.packed, p...); len(c.packed) > maxLiteral {
			c.fail("it packs to too much")
		}
		return p
	}
	if n > uint64(len(c.packed)) || c.err != nil {
		c.fail("%d bytes of %d", n, len(c.packed))
		return nil
	}
	p, c.packed = c.packed[:n], c.packed[n:]
	return p
}

// put adds bytes to the output.
func (c *codec) put(p ...byte) { c.add(Chunk{Literal: p}) }

func (c *codec) put16(v uint16) { c.put(byte(v), byte(v>>8)) }
func (c *codec) put32(v uint32) { c.put(binary.LittleEndian.AppendUint32(nil, v)...) }

// add adds a chunk to the output.
func (c *codec) add(ch Chunk) {
	if c.packing || c.err != nil || ch.size() == 0 {
		return
	}
	c.size += ch.size()
	if c.literal += len(ch.Literal); c.literal > maxLiteral || c.size > maxStream {
		c.fail("it unpacks to too much")
		return
	}
	if n := len(c.out); ch.Blob == nil && n > 0 && c.out[n-1].Blob == nil {
		c.out[n-1].Literal = append(c.out[n-1].Literal, ch.Literal...)
		return
	}
	if ch.Blob == nil {
		ch.Literal = bytes.Clone(ch.Literal)
	}
	c.out = append(c.out, ch)
}

// inner runs f on an output of its own and returns that, whose length goes before it.
func (c *codec) inner(f func()) (out []Chunk, size int64) {
	outer, outerSize := c.out, c.size
	c.out, c.size = nil, 0
	f()
	out, size = c.out, c.size
	c.out, c.size = outer, outerSize
	for _, ch := range out {
		c.literal -= len(ch.Literal) // they are put once more
	}
	return out, size
}

// stream passes on a stream ([MS-OXTNEF] 2.1.3.1): signature, attributes, and bytes behind them that are none.
func (c *codec) stream(src mapi.Blob) {
	if c.depth++; c.depth > maxDepth {
		c.fail("messages are nested too deeply")
		return
	}
	defer func() { c.depth-- }()
	s := &stream{src: src}
	key := c.signature(s)
	c.put32(signature)
	c.put(c.bytes(key, 2)...)
	for c.err == nil {
		if c.packing {
			if !c.packNext(s) {
				break
			}
		} else if !c.unpackNext() {
			break
		}
	}
	tail := c.tail(s)
	c.put(c.bytes(tail, c.number(uint64(len(tail))))...)
}

// tail reads what is behind the last attribute.
func (c *codec) tail(s *stream) []byte {
	if !c.packing || c.err != nil {
		return nil
	}
	rest := section{s.src, s.off, s.src.Size() - s.off}
	if rest.n > maxLiteral {
		c.fail("%d bytes behind the attributes", rest.n)
		return nil
	}
	p, err := rest.bytes()
	c.err = err
	return p
}

// signature reads what a stream begins with and returns the key behind it.
func (c *codec) signature(s *stream) []byte {
	if !c.packing {
		return nil
	}
	head, err := s.take(6)
	if err != nil {
		c.err = err
		return nil
	}
	if wire.NewReader(head).Uint32() != signature {
		c.fail("no signature")
	}
	return head[4:]
}

// A value is its length and bytes, a reference, or text without the zero at its end and in UTF-8.
const (
	valueOdd = iota // text that is not as it should be: length and bytes
	valueRef
	valueOwn // and above: the length
)

type form int

const (
	formBytes form = iota
	formText8
	formText16
)

// value passes on a value.
func (c *codec) value(v Chunk, f form) Chunk {
	if c.packing {
		c.packValue(v, f)
		return v
	}
	switch kind := c.number(0); kind {
	case valueOdd:
		return Chunk{Literal: c.bytes(nil, c.number(0))}
	case valueRef:
		ref := c.number(0)
		if c.link(); c.err != nil {
			return Chunk{}
		}
		blob, err := c.resolve(ref)
		if c.err = err; err != nil {
			return Chunk{}
		}
		return Chunk{Blob: blob, Ref: ref}
	default:
		p := c.bytes(nil, kind-valueOwn)
		switch f {
		case formText8:
			p = append(bytes.Clone(p), 0)
		case formText16:
			p = append(wire.AppendUTF16(nil, string(p)), 0, 0)
		}
		return Chunk{Literal: p}
	}
}

// link counts a reference.
func (c *codec) link() {
	c.refs = true
	if c.links++; c.links > maxRefs {
		c.fail("more than %d references", maxRefs)
	}
}

func (c *codec) packValue(v Chunk, f form) {
	blob := v.Blob
	if blob == nil {
		blob = memory(v.Literal)
	}
	if blob.Size() >= shortestRef {
		ref, ok, err := c.find(blob)
		if ok && err == nil {
			c.number(valueRef)
			c.number(ref)
			c.link()
			return
		}
		c.err = err
	}
	if blob.Size() > maxLiteral {
		c.fail("a value of %d bytes", blob.Size())
	}
	if c.err != nil {
		return
	}
	p, err := mapi.ValueBytes(blob)
	if c.err = err; err != nil {
		return
	}
	if short, ok := shortText(p, f); ok {
		c.number(valueOwn + uint64(len(short)))
		c.bytes(short, 0)
		return
	}
	c.number(valueOdd)
	c.number(uint64(len(p)))
	c.bytes(p, 0)
}

// shortText returns the packed form of text, if it can be told from that what the text was.
func shortText(p []byte, f form) ([]byte, bool) {
	switch f {
	case formText8:
		return bytes.CutSuffix(p, []byte{0})
	case formText16:
		p, ok := bytes.CutSuffix(p, []byte{0, 0})
		if !ok || len(p)%2 != 0 {
			return nil, false
		}
		s := wire.DecodeUTF16(p)
		return []byte(s), bytes.Equal(wire.AppendUTF16(nil, s), p)
	}
	return p, true
}
