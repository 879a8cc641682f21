package mime

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"hash/maphash"
	"io"
	"strings"

	"golang.org/x/text/encoding/htmlindex"

	"mailfs/mapi"
)

// sources are the properties of a message of which a file can be made, in an order that
// depends on the message alone.
type sources struct {
	list  []skeletonSource
	built map[[2]int][]byte // streams by source and variant
	size  int               // of all that were built

	streams  []skeletonSource  // behind those of list
	chunks   int               // that they consist of
	unpacked int               // bytes of them that no value is
	values   []heldValue       // that streams refer to
	held     map[uint64]uint64 // hash → place in values
	seed     maphash.Seed      // of that
}

// skeletonSource is a text that occurs in some encoding, or data.
type skeletonSource struct {
	text    []byte // with LF line ends, unless raw
	isText  bool
	charset string // besides UTF-8; "" for none
	raw     bool   // text is bytes, in whatever charset
	blob    mapi.Blob
	counted bool // blob is something that skeletonDigest counts
}

const (
	maxStreamText = 1 << 20  // of a text that is looked for in all encodings
	maxBuilt      = 32 << 20 // of all encodings together
	maxSources    = 20_000
)

// The variants of a text: how its lines end, in which charset it is, and how it is
// encoded. Not all of them exist of all texts.
const (
	variantCRLF    = 1 << iota // lines of the file end in CRLF
	variantCharset             // in the text's own charset rather than UTF-8
	variantQP
	variantBase64
	variantTextCRLF // lines of the text, before base64, end in CRLF
	variantLast

	// Above the bits of a variant is the length of encoded lines.
	widthShift = 8
	minWidth   = 20
	maxWidth   = 1000
)

func sourcesOf(m *mapi.Message, bodies bodySets) (*sources, error) {
	s := &sources{built: map[[2]int][]byte{}}
	at := 0
	if err := s.add(m, bodies, &at, "", 0); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *sources) add(m *mapi.Message, bodies bodySets, at *int, outer string, depth int) error {
	if len(s.list) > maxSources || depth > maxDepth {
		return fmt.Errorf("%w: too many parts", ErrNoSkeleton)
	}
	set := bodies.at(*at)
	*at++
	p := propsOf(m.Properties, outer)
	cp := int(set.codepage)
	own := charsetOf(cp)
	if cp == cpUTF8 || cp == cpASCII || isWide(cp) {
		own = ""
	}
	text := func(t []byte, charset string, raw bool) {
		if len(t) > maxStreamText { // as it is, with either end of lines
			s.list = append(s.list, skeletonSource{blob: bytes.NewReader(t)}, skeletonSource{blob: bytes.NewReader(withCRLF(lf(t)))})
			return
		}
		s.list = append(s.list, skeletonSource{text: t, isText: true, charset: charset, raw: raw})
	}
	text(lfOf(p.text(mapi.PidTagTransportMessageHeaders)), charsetOf(cpWestern), false)
	var plain, html []byte
	var err error
	if set.bits&bodyPlain != 0 {
		if plain, err = plainText(p); err != nil {
			return err
		}
	}
	text(plain, own, false)
	if set.bits&bodyHTML != 0 {
		if html, err = mapi.ValueBytes(p.Get(mapi.PidTagHtml)); err != nil {
			return err
		}
	}
	text(html, own, true)
	text(lfOf(p.named(calendarPartName)), "", false)
	var packed any
	if set.bits&bodyRTF != 0 {
		packed = p.Get(mapi.PidTagRtfCompressed)
	}
	s.hold(plain, own, html, packed)
	for _, a := range m.Attachments {
		s.holdAttachment(a.Properties)
		if a.Embedded != nil {
			if err := s.add(a.Embedded, bodies, at, p.charset, depth+1); err != nil {
				return err
			}
			continue
		}
		blob := blobOf(a.Properties.Get(mapi.PidTagAttachDataBinary))
		if blob == nil {
			blob = bytes.NewReader(nil)
		}
		s.list = append(s.list, skeletonSource{blob: blob, counted: true})
		// Text files occur unencoded, with other line ends, or quoted-printable.
		if t := strings.ToLower(a.Properties.String(mapi.PidTagAttachMimeTag)); (strings.HasPrefix(t, "text/") || strings.HasPrefix(t, "message/")) && blob.Size() <= maxStreamText {
			raw, err := mapi.ValueBytes(blob)
			if err != nil {
				return err
			}
			text(raw, "", true)
		}
	}
	return nil
}

// variants lists those that a source can have, with encoded lines of the given lengths.
func (s *sources) variants(i int, qp, base64 []int) []int {
	src := s.list[i]
	if !src.isText || len(src.text) == 0 {
		return nil
	}
	var out []int
	for v := range variantLast {
		switch {
		case v&variantQP != 0 && v&variantBase64 != 0, v&variantTextCRLF != 0 && v&variantBase64 == 0,
			v&variantCharset != 0 && (src.charset == "" && !src.raw):
			continue
		}
		widths := []int{0}
		if v&variantQP != 0 {
			widths = qp
		} else if v&variantBase64 != 0 {
			widths = base64
		}
		for _, w := range widths {
			out = append(out, v|w<<widthShift)
		}
	}
	return out
}

// stream returns a text in one of its variants, nil where it has no such form.
func (s *sources) stream(i, variant int) []byte {
	if i >= len(s.list) || variant&(1<<widthShift-1) >= variantLast {
		return nil
	}
	key := [2]int{i, variant}
	if p, ok := s.built[key]; ok {
		return p
	}
	if s.size > maxBuilt {
		return nil
	}
	p := s.list[i].build(variant)
	s.built[key] = p
	s.size += len(p)
	return p
}

func (src skeletonSource) build(variant int) []byte {
	if !src.isText {
		return nil
	}
	text := src.text
	switch {
	case src.raw && variant&variantCharset != 0 && src.charset != "": // raw bytes as UTF-8
		s, ok := decode(src.charset, text)
		if !ok {
			return nil
		}
		text = []byte(s)
	case src.raw:
		if variant&variantCharset != 0 {
			return nil
		}
	case variant&variantCharset != 0:
		if text = encodeCharset(src.charset, text); text == nil {
			return nil
		}
	}
	text = lf(text)
	width := variant >> widthShift
	if variant&(variantBase64|variantQP) != 0 && (width < minWidth || width > maxWidth) {
		return nil
	}
	switch {
	case variant&variantBase64 != 0:
		if variant&variantTextCRLF != 0 {
			text = withCRLF(text)
		}
		b := base64Lines{bytes.NewReader(text), int64(width/4) * 4, "\n"}
		text = make([]byte, b.Size())
		if n, _ := b.ReadAt(text, 0); n < len(text) {
			return nil
		}
	case variant&variantQP != 0:
		text = quotedPrintableIn(text, width)
	}
	if variant&variantCRLF != 0 {
		text = withCRLF(text)
	}
	return text
}

func withCRLF(p []byte) []byte { return bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n")) }

// encodeCharset returns text in a charset, nil if it does not fit.
func encodeCharset(name string, text []byte) []byte {
	cp := codepageOf(name)
	e := encodings[cp]
	if e == nil {
		known, err := htmlindex.Get(name)
		if err != nil {
			return nil
		}
		e = known
	}
	out, err := e.NewEncoder().Bytes(text)
	if err != nil {
		return nil
	}
	return out
}

// at returns the i-th source; streams come after the others.
func (s *sources) at(i int) skeletonSource {
	if i < len(s.list) {
		return s.list[i]
	}
	return s.streams[i-len(s.list)]
}

// segment returns what a piece stands for.
func (s *sources) segment(p piece) (segment, error) {
	if p.source >= len(s.list)+len(s.streams) {
		return segment{}, fmt.Errorf("%w: source %d", errSkeleton, p.source)
	}
	src := s.at(p.source)
	switch p.kind {
	case pieceStream:
		stream := s.stream(p.source, p.variant)
		if p.off > int64(len(stream)) || p.n > int64(len(stream))-p.off {
			return segment{}, fmt.Errorf("%w: beyond its text", errSkeleton)
		}
		return segment{lit: stream[p.off : p.off+p.n]}, nil
	case pieceBlob:
		if src.blob == nil || p.off > src.blob.Size() || p.n > src.blob.Size()-p.off {
			return segment{}, fmt.Errorf("%w: beyond its data", errSkeleton)
		}
		return segment{blob: section{src.blob, p.off, p.n}}, nil
	case pieceBase64:
		line := p.variant >> 1
		if src.blob == nil || line < 4 || line%4 != 0 || line > 1<<16 {
			return segment{}, fmt.Errorf("%w: lines of %d", errSkeleton, line)
		}
		b := base64Lines{src.blob, int64(line), "\n"}
		if p.variant&1 != 0 {
			b.end = "\r\n"
		}
		if p.off != 0 || p.n > b.Size() {
			return segment{}, fmt.Errorf("%w: beyond its data", errSkeleton)
		}
		return segment{blob: section{b, 0, p.n}}, nil
	}
	return segment{}, fmt.Errorf("%w: a piece of kind %d", errSkeleton, p.kind)
}

// base64Lines is data in base64 with lines of any length, each with its end.
type base64Lines struct {
	src  mapi.Blob
	line int64 // characters
	end  string
}

// Size returns the length with the end of the last line.
func (b base64Lines) Size() int64 {
	chars := (b.src.Size() + 2) / 3 * 4
	return chars + (chars+b.line-1)/b.line*int64(len(b.end))
}

// ReadAt encodes the lines that are asked for.
func (b base64Lines) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= b.Size() {
		return 0, io.EOF
	}
	full, data := b.line+int64(len(b.end)), b.line/4*3
	var space []byte
	row := make([]byte, full)
	done := 0
	for done < len(p) {
		at := off + int64(done)
		if at >= b.Size() {
			return done, io.EOF
		}
		first := at / full
		rows := min((int64(len(p)-done)+at%full+full-1)/full, 512)
		n := min(rows*data, b.src.Size()-first*data)
		if int64(len(space)) < n {
			space = make([]byte, n)
		}
		in := space[:n]
		if err := readBlob(b.src, in, first*data); err != nil {
			return done, err
		}
		for skip := at % full; len(in) > 0; skip = 0 {
			n := min(int64(len(in)), data)
			base64.StdEncoding.Encode(row, in[:n])
			out := append(row[:base64.StdEncoding.EncodedLen(int(n))], b.end...)
			done += copy(p[done:], out[skip:])
			in = in[n:]
		}
	}
	return done, nil
}
