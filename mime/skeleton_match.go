package mime

import (
	"bytes"
	"hash/maphash"
	"io"
	"maps"
	"slices"
)

// matcher finds the parts of a file that come from a message's properties.
type matcher struct {
	src  *sources
	file io.ReaderAt
	size int64

	seed    maphash.Seed
	lines   map[uint64][3]int64 // line → source, variant, offset
	starts  map[string]int      // start of data in base64 → source
	firsts  map[uint64][2]int64 // line near the start of data → source, offset
	pieces  []piece
	literal []byte
	streams [][]byte // packed
	tried   int64    // where a stream can begin
	win     []byte   // of the file
	winOff  int64
}

const (
	window    = 256 << 10
	base64Key = 40 // characters of base64 that tell data apart
)

func (w *matcher) run() error {
	w.seed = maphash.MakeSeed()
	if err := w.index(); err != nil {
		return err
	}
	for pos := int64(0); pos < w.size; {
		line, err := w.line(pos)
		if err != nil {
			return err
		}
		p, ok, err := w.match(pos, line)
		if err != nil {
			return err
		}
		if ok {
			w.pieces = append(w.pieces, p)
			pos += p.n
			continue
		}
		w.keep(line)
		pos += int64(len(line))
		if len(w.literal) > maxSkeleton {
			return ErrNoSkeleton
		}
	}
	return nil
}

// keep adds bytes that stand for themselves.
func (w *matcher) keep(p []byte) {
	w.literal = append(w.literal, p...)
	if n := len(w.pieces); n > 0 && w.pieces[n-1].kind == pieceLiteral {
		w.pieces[n-1].n += int64(len(p))
		return
	}
	w.pieces = append(w.pieces, piece{kind: pieceLiteral, n: int64(len(p))})
}

// index notes where lines of all texts in all encodings are, and how data starts.
func (w *matcher) index() error {
	w.lines, w.starts, w.firsts = map[uint64][3]int64{}, map[string]int{}, map[uint64][2]int64{}
	qp, b64, err := w.widths()
	if err != nil {
		return err
	}
	for i, src := range w.src.list {
		for _, v := range w.src.variants(i, qp, b64) {
			stream := w.src.stream(i, v)
			for off := 0; off < len(stream); {
				n := lineLength(stream[off:])
				if n >= shortestPiece {
					h := maphash.Bytes(w.seed, stream[off:off+n])
					if _, ok := w.lines[h]; !ok {
						w.lines[h] = [3]int64{int64(i), int64(v), int64(off)}
					}
				}
				off += n
			}
		}
		if src.blob == nil || src.blob.Size() < base64Key {
			continue
		}
		head := make([]byte, min(src.blob.Size(), 4096))
		if readBlob(src.blob, head, 0) != nil {
			continue
		}
		w.starts[string(encodeLines(head[:30]))[:base64Key]] = i
		for off := 0; off < len(head); {
			n := lineLength(head[off:])
			if n >= shortestPiece {
				w.firsts[maphash.Bytes(w.seed, head[off:off+n])] = [2]int64{int64(i), int64(off)}
			}
			off += n
		}
	}
	return nil
}

// widths returns how long encoded lines are in the file, as far as its start tells: those
// of quoted-printable and those of base64, the most frequent ones.
func (w *matcher) widths() (qp, b64 []int, err error) {
	const look, most = 1 << 20, 2
	inQP, in64 := map[int]int{}, map[int]int{}
	for pos := int64(0); pos < min(w.size, look); {
		line, err := w.line(pos)
		if err != nil {
			return nil, nil, err
		}
		pos += int64(len(line))
		text := bytes.TrimRight(line, "\r\n")
		if n := len(text); n >= minWidth && n <= maxWidth {
			switch {
			case n%4 == 0 && len(bytes.Trim(text, base64Chars)) == 0:
				in64[n]++
			case text[n-1] == '=':
				inQP[n]++
			}
		}
	}
	frequent := func(counts map[int]int) []int {
		list := slices.SortedFunc(maps.Keys(counts), func(a, b int) int {
			if c := counts[b] - counts[a]; c != 0 {
				return c
			}
			return b - a
		})
		return list[:min(len(list), most)]
	}
	return frequent(inQP), frequent(in64), nil
}

const base64Chars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

// line returns the line of the file at pos with its end, or a piece of a long one.
func (w *matcher) line(pos int64) ([]byte, error) {
	if pos < w.winOff || pos >= w.winOff+int64(len(w.win)) || bytes.IndexByte(w.win[pos-w.winOff:], '\n') < 0 {
		n := min(window, w.size-pos)
		if int64(cap(w.win)) < n {
			w.win = make([]byte, n)
		}
		w.win, w.winOff = w.win[:n], pos
		if k, err := w.file.ReadAt(w.win, pos); int64(k) < n {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	rest := w.win[pos-w.winOff:]
	return rest[:lineLength(rest)], nil
}

// match looks for what starts with a line of the file.
func (w *matcher) match(pos int64, line []byte) (p piece, ok bool, err error) {
	if len(line) >= base64Key {
		if i, found := w.starts[string(line[:base64Key])]; found {
			if p, ok, err = w.matchBase64(pos, line, i); ok || err != nil {
				return p, ok, err
			}
		}
	}
	if p, ok, err = w.matchStream(pos, line); ok || err != nil {
		return p, ok, err
	}
	h := maphash.Bytes(w.seed, line)
	if at, found := w.lines[h]; found {
		p := piece{kind: pieceStream, source: int(at[0]), variant: int(at[1]), off: at[2]}
		if p.n, err = w.extend(pos, bytes.NewReader(w.src.stream(p.source, p.variant)), at[2]); p.n >= shortestPiece || err != nil {
			return p, err == nil, err
		}
	}
	if at, found := w.firsts[h]; found {
		p := piece{kind: pieceBlob, source: int(at[0]), off: at[1]}
		if p.n, err = w.extend(pos, w.src.list[p.source].blob, p.off); p.n >= shortestPiece || err != nil {
			return p, err == nil, err
		}
	}
	return piece{}, false, nil
}

// matchBase64 compares with data in lines as long as this one.
func (w *matcher) matchBase64(pos int64, line []byte, i int) (piece, bool, error) {
	p := piece{kind: pieceBase64, source: i}
	text := bytes.TrimRight(line, "\r\n")
	b := base64Lines{w.src.at(i).blob, int64(len(text)), "\n"}
	if b.line%4 != 0 {
		return p, false, nil
	}
	p.variant = len(text) << 1
	if bytes.HasSuffix(line, []byte("\r\n")) {
		b.end = "\r\n"
		p.variant |= 1
	}
	n, err := w.extend(pos, b, 0)
	p.n = n
	return p, n >= int64(len(line)), err
}

// extend returns how many bytes of the file from pos on are those of a source from off on.
func (w *matcher) extend(pos int64, src io.ReaderAt, off int64) (n int64, err error) {
	a, b := make([]byte, 4<<10), make([]byte, 4<<10)
	for pos+n < w.size {
		k, err := w.file.ReadAt(a[:min(int64(len(a)), w.size-pos-n)], pos+n)
		if k == 0 && err != nil && err != io.EOF {
			return n, err
		}
		l, err := src.ReadAt(b[:k], off+n)
		if l == 0 && err != nil && err != io.EOF {
			return n, err
		}
		same := 0
		for same < l && a[same] == b[same] {
			same++
		}
		n += int64(same)
		if same < k || k == 0 {
			break
		}
		if len(a) < window {
			a, b = make([]byte, window), make([]byte, window)
		}
	}
	return n, nil
}
