package mime

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"mailfs/mapi"
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

// The versions of skeletons: all of them are read, the last two are written.
const (
	skeletonVersion2    = 2 // one digest of 16 bytes, no streams
	skeletonVersion     = 3
	skeletonVersionHeld = 4 // that with properties that pack its streams
)

const (
	maxSkeleton   = 8 << 20 // unpacked
	maxPieces     = 200_000
	maxStreams    = 5_000
	digestSize    = 16 // in version 3 half of it is of the message, half of the bytes that are made
	shortestPiece = 16 // bytes that a reference is worth
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
	raw, err := w.encode()
	if err != nil {
		return nil, err
	}
	sum, texts, err := skeletonDigest(m, bodies)
	if err != nil {
		return nil, err
	}
	_, glue, err := decodePieces(skeletonVersion, raw, src)
	if err != nil {
		return nil, notMade(err)
	}
	skeleton, err := (&skeletonWriter{sum, glue, texts, raw, bodies, len(w.streams) > 0}).within(m, size)
	if err != nil {
		return nil, err
	}
	im, err := OpenSkeleton(m, skeleton)
	if err != nil {
		return nil, notMade(err)
	}
	if same, err := sameBytes(im, file, size); err != nil || !same {
		return nil, fmt.Errorf("%w: it does not give the file back: %w", ErrNoSkeleton, err)
	}
	return skeleton, nil
}

// notMade is the error for a skeleton that is beyond what is accepted: a file is none the worse for it.
func notMade(err error) error {
	if errors.Is(err, errSkeleton) || errors.Is(err, ErrStale) {
		return fmt.Errorf("%w: %w", ErrNoSkeleton, err)
	}
	return err
}

// ErrStale says that a message is not the one any more of which its skeleton was made.
var ErrStale = errors.New("mime: the message has changed since its skeleton was made")

// OpenSkeleton returns the file that a skeleton describes. The Image refers to the
// attachment data of m. It fails with ErrStale once the message was changed.
func OpenSkeleton(m *mapi.Message, skeleton []byte) (*Image, error) {
	if len(skeleton) < 1+digestSize {
		return nil, fmt.Errorf("%w: it is cut off", errSkeleton)
	}
	version, want, body := skeleton[0], skeleton[1:1+digestSize], skeleton[1+digestSize:]
	switch version {
	case skeletonVersion2:
		return openVersion2(m, want, body)
	case skeletonVersion, skeletonVersionHeld:
	default:
		return nil, fmt.Errorf("%w: version %d", errSkeleton, version)
	}
	bodies, hasStreams, packed, err := bodySetsBefore(body, 1)
	if err != nil {
		return nil, err
	}
	var set heldSet
	if version == skeletonVersionHeld {
		if set, packed, err = heldSetBefore(packed); err != nil {
			return nil, err
		}
	}
	if !bodies.hold(m) {
		return nil, ErrStale
	}
	sum, texts, err := skeletonDigest(m, bodies)
	if err != nil {
		return nil, err
	}
	sum, known, err := set.with(m, sum, texts, hasStreams)
	if err != nil {
		return nil, err
	}
	const half = digestSize / 2
	if !bytes.Equal(sum[:half], want[:half]) {
		return nil, ErrStale
	}
	raw, err := inflate(packed, known)
	if err != nil {
		return nil, err
	}
	return openRaw(m, bodies, raw, want[half:])
}

// openRaw makes the file of what was packed, if that gives the bytes that it gave.
func openRaw(m *mapi.Message, bodies bodySets, raw, want []byte) (*Image, error) {
	src, err := sourcesOf(m, bodies)
	if err != nil {
		return nil, err
	}
	seq, glue, err := decodePieces(skeletonVersion, raw, src)
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(glue, want) {
		return nil, ErrStale
	}
	return newImage(seq), nil
}

// openVersion2 opens a skeleton of the version in which all but the digest was packed.
func openVersion2(m *mapi.Message, want, body []byte) (*Image, error) {
	raw, err := inflate(body, nil)
	if err != nil {
		return nil, err
	}
	bodies, _, raw, err := bodySetsBefore(raw, 0)
	if err != nil {
		return nil, err
	}
	if !bodies.hold(m) {
		return nil, ErrStale
	}
	sum, _, err := skeletonDigest(m, bodies)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(sum, want) {
		return nil, ErrStale
	}
	src, err := sourcesOf(m, bodies)
	if err != nil {
		return nil, err
	}
	seq, _, err := decodePieces(skeletonVersion2, raw, src)
	if err != nil {
		return nil, err
	}
	return newImage(seq), nil
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
