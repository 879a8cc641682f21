package mime

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// A skeleton says how a file can be made of a message object: which bytes come from a
// property, in which encoding, and which stand for themselves. With it the very bytes
// that somebody wrote come back wherever the message is, as long as it says the same.

// SkeletonName is the named property (binary) that holds a message's skeleton.
var SkeletonName = mapi.StringName(mapi.PSETIDMailfs, "Skeleton")

var (
	// ErrNoSkeleton says that a file is not made a skeleton of: it has more text than is
	// worth it.
	ErrNoSkeleton = errors.New("mime: no skeleton")

	errSkeleton = errors.New("mime: malformed skeleton")
)

const (
	skeletonVersion = 2
	maxSkeleton     = 8 << 20 // unpacked
	maxPieces       = 200_000
	digestSize      = 16
	shortestPiece   = 16 // bytes that a reference is worth
)

// The kinds of pieces.
const (
	pieceLiteral = iota // n bytes of the skeleton
	pieceStream         // source, variant, offset, n: of a text in some encoding
	pieceBlob           // source, offset, n: of data as it is
	pieceBase64         // source, characters per line, end of line, n: data in base64
)

// piece is a run of bytes of the file.
type piece struct {
	kind            int
	source, variant int
	off, n          int64
}

// MakeSkeleton returns the skeleton of a file of the given size from which m was
// parsed. It was tried: what it gives is the file.
func MakeSkeleton(m *mapi.Message, file io.ReaderAt, size int64) ([]byte, error) {
	bodies := bodiesOf(m)
	src, err := sourcesOf(m, bodies)
	if err != nil {
		return nil, err
	}
	w := &matcher{src: src, file: file, size: size}
	if err := w.run(); err != nil {
		return nil, err
	}
	sum, err := skeletonDigest(m, bodies)
	if err != nil {
		return nil, err
	}
	skeleton, err := w.encode(sum, bodies)
	if err != nil {
		return nil, err
	}
	im, err := OpenSkeleton(m, skeleton)
	if err != nil {
		return nil, err
	}
	if same, err := sameBytes(im, file, size); err != nil || !same {
		return nil, fmt.Errorf("%w: it does not give the file back: %w", ErrNoSkeleton, err)
	}
	return skeleton, nil
}

// ErrStale says that a message is not the one any more of which its skeleton was made.
var ErrStale = errors.New("mime: the message has changed since its skeleton was made")

// OpenSkeleton returns the file that a skeleton describes. The Image refers to the
// attachment data of m. It fails with ErrStale once the message was changed.
func OpenSkeleton(m *mapi.Message, skeleton []byte) (*Image, error) {
	if len(skeleton) < 1+digestSize || skeleton[0] != skeletonVersion {
		return nil, fmt.Errorf("%w: version", errSkeleton)
	}
	raw, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(skeleton[1+digestSize:])), maxSkeleton+1))
	if err != nil || len(raw) > maxSkeleton {
		return nil, fmt.Errorf("%w: %w", errSkeleton, err)
	}
	n, k := binary.Uvarint(raw)
	if k <= 0 || n > uint64(len(raw)-k)/bodySetSize {
		return nil, fmt.Errorf("%w: it is cut off", errSkeleton)
	}
	size := int(n) * bodySetSize
	bodies, raw := bodySetsOf(raw[k:k+size]), raw[k+size:]
	if !bodies.hold(m) {
		return nil, ErrStale
	}
	sum, err := skeletonDigest(m, bodies)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(sum, skeleton[1:1+digestSize]) {
		return nil, ErrStale
	}
	src, err := sourcesOf(m, bodies)
	if err != nil {
		return nil, err
	}
	seq, err := decodePieces(raw, src)
	if err != nil {
		return nil, err
	}
	return newImage(seq), nil
}

// encode writes what bodies count, the pieces, then all literal bytes, which pack better together.
func (w *matcher) encode(sum []byte, bodies bodySets) ([]byte, error) {
	if len(w.pieces) > maxPieces {
		return nil, fmt.Errorf("%w: %d pieces", ErrNoSkeleton, len(w.pieces))
	}
	var raw []byte
	raw = binary.AppendUvarint(raw, uint64(len(bodies)))
	raw = append(raw, bodies.bytes()...)
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
	raw = append(raw, w.literal...)
	if len(raw) > maxSkeleton {
		return nil, fmt.Errorf("%w: %d bytes", ErrNoSkeleton, len(raw))
	}
	var b bytes.Buffer
	b.WriteByte(skeletonVersion)
	b.Write(sum)
	z, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(raw); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// decodePieces turns the pieces into output.
func decodePieces(raw []byte, src *sources) (sequence, error) {
	next := func() int64 {
		v, n := binary.Uvarint(raw)
		if n <= 0 || v > 1<<40 {
			raw = nil
			return -1
		}
		raw = raw[n:]
		return int64(v)
	}
	count := next()
	if count < 0 || count > maxPieces {
		return nil, fmt.Errorf("%w: %d pieces", errSkeleton, count)
	}
	pieces := make([]piece, 0, min(int(count), len(raw)))
	for range count {
		if len(raw) == 0 {
			return nil, fmt.Errorf("%w: it is cut off", errSkeleton)
		}
		p := piece{kind: int(raw[0])}
		raw = raw[1:]
		if p.kind != pieceLiteral {
			p.source, p.variant, p.off = int(next()), int(next()), next()
		}
		if p.n = next(); p.n < 0 || p.off < 0 || p.source < 0 || p.variant < 0 {
			return nil, fmt.Errorf("%w: a piece of no length", errSkeleton)
		}
		pieces = append(pieces, p)
	}
	var seq sequence
	for _, p := range pieces {
		if p.kind == pieceLiteral {
			if p.n > int64(len(raw)) {
				return nil, fmt.Errorf("%w: %d bytes of %d", errSkeleton, p.n, len(raw))
			}
			seq = append(seq, literal(raw[:p.n])...)
			raw = raw[p.n:]
			continue
		}
		s, err := src.segment(p)
		if err != nil {
			return nil, err
		}
		seq = append(seq, s)
	}
	return seq, nil
}

// skeletonDigest is a hash over subject, importance, recipients, bodies and
// attachments: what an edit elsewhere can change of what a file shows. Categories count only where the file tells
// them.
func skeletonDigest(m *mapi.Message, bodies bodySets) ([]byte, error) {
	h := sha256.New()
	at := 0
	var b wire.Builder
	text := func(s string) {
		b.Uint32(uint32(len(s)))
		b.Raw([]byte(s))
	}
	var walk func(m *mapi.Message, depth int) error
	walk = func(m *mapi.Message, depth int) error {
		p := propsOf(m.Properties, "")
		c := &conversion{m: m, p: p}
		set := bodies.at(at)
		at++
		var plain []byte
		if set.bits&bodyPlain != 0 {
			var err error
			if plain, err = plainText(p); err != nil {
				return err
			}
		}
		id := ""
		if set.bits&givenID != 0 {
			id = p.text(mapi.PidTagInternetMessageId)
		}
		for _, s := range []string{p.text(mapi.PidTagMessageClass), c.subject(), string(plain), id} {
			text(s)
		}
		b.Uint32(uint32(c.importance()))
		b.Uint32(uint32(p.Int(mapi.PidTagSensitivity)))
		if showsKeywords(p) {
			for _, s := range c.keywords() {
				text(s)
			}
		}
		for _, g := range []addressGroup{representingGroup, senderGroup} {
			a, _ := g.read(p, "")
			text(a.String())
		}
		for _, r := range m.Recipients {
			a, _ := recipientGroup.read(props{r.Properties, p.charset}, "")
			b.Uint8(uint8(r.Type))
			text(a.String())
		}
		values := []any{nil, nil}
		if set.bits&bodyHTML != 0 {
			values[0] = p.Get(mapi.PidTagHtml)
		}
		if set.bits&bodyRTF != 0 {
			values[1] = p.Get(mapi.PidTagRtfCompressed)
		}
		for _, a := range m.Attachments {
			bag := props{a.Properties, p.charset}
			text(attachmentName(bag))
			text(bag.text(mapi.PidTagAttachMimeTag))
			values = append(values, a.Properties.Get(mapi.PidTagAttachDataBinary))
		}
		for _, v := range values {
			blob := blobOf(v)
			if blob == nil {
				b.Uint64(1 << 63)
				continue
			}
			b.Uint64(uint64(blob.Size()))
			h.Write(b.Bytes())
			b = wire.Builder{}
			if _, err := io.Copy(h, io.NewSectionReader(blob, 0, blob.Size())); err != nil {
				return err
			}
		}
		for _, a := range m.Attachments {
			if a.Embedded != nil && depth < maxDepth {
				if err := walk(a.Embedded, depth+1); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := walk(m, 0); err != nil {
		return nil, err
	}
	h.Write(b.Bytes())
	return h.Sum(nil)[:digestSize], nil
}

// showsKeywords reports whether the file of a message has a field for its categories. One that has none is true
// whatever they are.
func showsKeywords(p props) bool {
	_, ok := header(splitFields([]byte(p.text(mapi.PidTagTransportMessageHeaders)))).get("keywords")
	return ok
}

// Seal makes the bytes of a file a part of the item that was made of it, so that OpenFile gives back the very bytes
// for as long as the item says what they do: wherever it is, and whoever has changed flags or read state since. For
// messages that is a skeleton; calendar files and cards are properties of their items already. A file that there is no
// skeleton of is left without one.
func Seal(ext string, m *mapi.Message, file io.ReaderAt, size int64) error {
	if ext != ExtMessage {
		return sealItem(ext, m)
	}
	key := mapi.Key{Name: SkeletonName}
	m.Properties.Delete(key)
	skeleton, err := MakeSkeleton(m, file, size)
	if errors.Is(err, ErrNoSkeleton) {
		return nil
	}
	if err == nil {
		m.Properties.SetNamed(SkeletonName, mapi.TypeBinary, skeleton)
	}
	return err
}

// openSealed returns the bytes that Seal has put into a message, nil if there are none, or no true ones any more.
func openSealed(m *mapi.Message) (*Image, error) {
	v := m.Properties.GetNamed(SkeletonName)
	if v == nil || mapi.ValueSize(v) > maxSkeleton {
		return nil, nil
	}
	skeleton, err := mapi.ValueBytes(v)
	if err != nil {
		return nil, err
	}
	im, err := OpenSkeleton(m, skeleton)
	if errors.Is(err, ErrStale) || errors.Is(err, ErrNoSkeleton) || errors.Is(err, errSkeleton) {
		return nil, nil
	}
	return im, err
}

// sameBytes compares an image with a file.
func sameBytes(im *Image, file io.ReaderAt, size int64) (bool, error) {
	if im.Size() != size {
		return false, nil
	}
	a, b := make([]byte, 64<<10), make([]byte, 64<<10)
	for off := int64(0); off < size; off += int64(len(a)) {
		n := min(int64(len(a)), size-off)
		if _, err := im.ReadAt(a[:n], off); err != nil {
			return false, err
		}
		if k, err := file.ReadAt(b[:n], off); int64(k) < n {
			return false, err
		}
		if !bytes.Equal(a[:n], b[:n]) {
			return false, nil
		}
	}
	return true, nil
}
