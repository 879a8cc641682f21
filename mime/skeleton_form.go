package mime

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"math"
	"slices"

	"mailfs/mapi"
	"mailfs/mime/tnef"
)

// A skeleton is its version, digests, which bodies count, and then, packed: how many streams there are and how long they
// are, the pieces, the streams, and all literal bytes, which pack better together.

// skeletonWriter has what a skeleton is put together of.
type skeletonWriter struct {
	sum, glue  []byte // digests of the message, and of what that does not count
	texts      []byte // that both sides know
	raw        []byte
	bodies     bodySets
	hasStreams bool
}

// pack puts a skeleton together, with the properties of a set.
func (w *skeletonWriter) pack(m *mapi.Message, set heldSet) ([]byte, error) {
	sum, known, err := set.with(m, w.sum, w.texts, w.hasStreams)
	if err != nil {
		return nil, err
	}
	n := uint64(len(w.bodies)) << 1
	if w.hasStreams {
		n |= 1
	}
	head := binary.AppendUvarint(slices.Concat([]byte{skeletonVersion}, sum[:digestSize/2], w.glue[:digestSize/2]), n)
	head = append(head, w.bodies.bytes()...)
	if set != 0 {
		head[0] = skeletonVersionHeld
		head = binary.AppendUvarint(head, uint64(set))
	}
	b := bytes.NewBuffer(head)
	z, err := flate.NewWriterDict(b, flate.BestCompression, known)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(w.raw); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	if set != 0 {
		return bytes.TrimSuffix(b.Bytes(), packedEnd), nil
	}
	return b.Bytes(), nil
}

// knownTexts returns what streams have in common with others and with the texts of the message.
func knownTexts(texts []byte, hasStreams bool) []byte {
	if !hasStreams {
		return nil
	}
	return slices.Concat(texts, tnef.Dictionary())
}

func inflate(packed, known []byte) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(flate.NewReaderDict(bytes.NewReader(packed), known), maxSkeleton+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSkeleton, err)
	}
	if len(raw) > maxSkeleton {
		return nil, fmt.Errorf("%w: it is too long", errSkeleton)
	}
	return raw, nil
}

// bodySetsBefore reads which bodies count, and a flag that is with their number.
func bodySetsBefore(p []byte, flags int) (bodies bodySets, flag bool, rest []byte, err error) {
	n, k := binary.Uvarint(p)
	flag = flags > 0 && n&1 != 0
	n >>= flags
	if k <= 0 || n > uint64(len(p)-k)/bodySetSize {
		return nil, false, nil, fmt.Errorf("%w: it is cut off", errSkeleton)
	}
	size := int(n) * bodySetSize
	return bodySetsOf(p[k : k+size]), flag, p[k+size:], nil
}

// encode writes streams, pieces and literal bytes.
func (w *matcher) encode() ([]byte, error) {
	if len(w.pieces) > maxPieces || len(w.streams) > maxStreams {
		return nil, fmt.Errorf("%w: %d pieces", ErrNoSkeleton, len(w.pieces))
	}
	raw := binary.AppendUvarint(nil, uint64(len(w.streams)))
	for _, p := range w.streams {
		raw = binary.AppendUvarint(raw, uint64(len(p)))
	}
	raw = binary.AppendUvarint(raw, uint64(len(w.pieces)))
	for _, p := range w.pieces {
		raw = append(raw, byte(p.kind))
		if p.kind != pieceLiteral {
			raw = binary.AppendUvarint(raw, uint64(p.source))
			raw = binary.AppendUvarint(raw, uint64(p.variant))
			raw = binary.AppendUvarint(raw, uint64(p.off))
		}
		raw = binary.AppendUvarint(raw, uint64(p.n))
	}
	raw = append(raw, slices.Concat(w.streams...)...)
	raw = append(raw, w.literal...)
	if len(raw) > maxSkeleton {
		return nil, fmt.Errorf("%w: %d bytes", ErrNoSkeleton, len(raw))
	}
	return raw, nil
}

// pieceReader reads what encode wrote.
type pieceReader struct {
	raw []byte
	err error
}

func (r *pieceReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", errSkeleton, fmt.Sprintf(format, args...))
	}
	r.raw = nil
}

func (r *pieceReader) number() int64 {
	v, n := binary.Uvarint(r.raw)
	if n <= 0 || v > 1<<40 {
		r.fail("a number is cut off")
		return 0
	}
	r.raw = r.raw[n:]
	return int64(v)
}

// small reads a number that is an int everywhere.
func (r *pieceReader) small() int {
	n := r.number()
	if n > math.MaxInt32 {
		r.fail("%d is too much", n)
		return 0
	}
	return int(n)
}

func (r *pieceReader) bytes(n int64) []byte {
	if n < 0 || n > int64(len(r.raw)) {
		r.fail("%d bytes of %d", n, len(r.raw))
		return nil
	}
	p := r.raw[:n]
	r.raw = r.raw[n:]
	return p
}

// numbers reads a list of at most the given length.
func (r *pieceReader) numbers(most int64) []int64 {
	n := r.number()
	if n > most {
		r.fail("a list of %d", n)
		return nil
	}
	var list []int64
	for range n {
		if list = append(list, r.number()); r.err != nil {
			return nil
		}
	}
	return list
}

func (r *pieceReader) pieces() []piece {
	n := r.number()
	if n > maxPieces {
		r.fail("%d pieces", n)
	}
	var list []piece
	for range n {
		kind := r.bytes(1)
		if r.err != nil {
			return nil
		}
		p := piece{kind: int(kind[0])}
		if p.kind != pieceLiteral {
			p.source, p.variant, p.off = r.small(), r.small(), r.number()
		}
		p.n = r.number()
		list = append(list, p)
	}
	return list
}

// decodePieces turns what encode wrote into output. glue is a hash of all of it that skeletonDigest does not count.
func decodePieces(version byte, raw []byte, src *sources) (seq sequence, glue []byte, err error) {
	r := &pieceReader{raw: raw}
	h := &glueHash{Hash: sha256.New()}
	var sizes []int64
	if version > skeletonVersion2 {
		sizes = r.numbers(maxStreams)
	}
	pieces := r.pieces()
	src.streams, src.chunks, src.unpacked = nil, 0, 0
	for _, n := range sizes {
		packed := r.bytes(n)
		if r.err != nil {
			break
		}
		if err := src.addStream(packed, h); err != nil {
			return nil, nil, err
		}
	}
	for _, p := range pieces {
		if r.err != nil {
			break
		}
		s := segment{lit: nil}
		if p.kind == pieceLiteral {
			s.lit = r.bytes(p.n)
		} else if s, err = src.segment(p); err != nil {
			return nil, nil, err
		}
		if err := glueSegment(h, s, s.blob != nil && src.at(p.source).counted); err != nil {
			return nil, nil, err
		}
		seq = append(seq, s)
	}
	return seq, h.Sum(nil), r.err
}

// glueHash is a hash of so much as a file can have: a few bytes of a skeleton could name the same text very often.
type glueHash struct {
	hash.Hash
	n int64
}

const maxGlue = 256 << 20

func (g *glueHash) Write(p []byte) (int, error) {
	if g.n += int64(len(p)); g.n > maxGlue {
		return 0, fmt.Errorf("%w: it gives too much", errSkeleton)
	}
	return g.Hash.Write(p)
}

// glueSegment adds a run of output to the hash of those that skeletonDigest does not count.
func glueSegment(h io.Writer, s segment, counted bool) error {
	if s.blob == nil {
		_, err := h.Write(s.lit)
		return err
	}
	if counted {
		return nil
	}
	_, err := io.Copy(h, io.NewSectionReader(s.blob, 0, s.blob.Size()))
	return err
}
