package fs

import (
	"fmt"
	"io"
	"os"
)

// spillSize is the size up to which a file that is being written stays in memory.
const spillSize = 4 << 20

// buffer holds the bytes of a file that is being written: in memory while it is small, else in a file without a
// name. It is not safe for concurrent use; file.mu guards it.
type buffer struct {
	dir  string
	mem  []byte
	file *os.File // set once spilled
	size int64    // of file
}

func newBuffer(dir string) *buffer { return &buffer{dir: dir} }

// Size returns the number of bytes.
func (b *buffer) Size() int64 {
	if b.file != nil {
		return b.size
	}
	return int64(len(b.mem))
}

// ReadAt reads as io.ReaderAt says.
func (b *buffer) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= b.Size() {
		return 0, io.EOF
	}
	if b.file != nil {
		if int64(len(p)) > b.size-off {
			n, err := b.file.ReadAt(p[:b.size-off], off)
			if err == nil {
				err = io.EOF
			}
			return n, err
		}
		return b.file.ReadAt(p, off)
	}
	n := copy(p, b.mem[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt writes all of p, filling a gap before it with zeros.
func (b *buffer) WriteAt(p []byte, off int64) (int, error) {
	end := off + int64(len(p))
	if end > spillSize && b.file == nil {
		if err := b.spill(); err != nil {
			return 0, err
		}
	}
	if b.file != nil {
		n, err := b.file.WriteAt(p, off)
		b.size = max(b.size, off+int64(n))
		return n, err
	}
	b.grow(end)
	return copy(b.mem[off:], p), nil
}

func (b *buffer) grow(end int64) {
	old := int64(len(b.mem))
	if end <= old {
		return
	}
	if end > int64(cap(b.mem)) {
		bigger := make([]byte, end, max(end, int64(cap(b.mem))*2))
		copy(bigger, b.mem)
		b.mem = bigger
		return
	}
	b.mem = b.mem[:end]
	clear(b.mem[old:])
}

// Truncate sets the size.
func (b *buffer) Truncate(size int64) error {
	if size > spillSize && b.file == nil {
		if err := b.spill(); err != nil {
			return err
		}
	}
	if b.file != nil {
		if err := b.file.Truncate(size); err != nil {
			return err
		}
		b.size = size
		return nil
	}
	if size < int64(len(b.mem)) {
		b.mem = b.mem[:size]
		return nil
	}
	b.grow(size)
	return nil
}

// Zero fills a range within the size with zeros.
func (b *buffer) Zero(off, n int64) error {
	n = min(n, b.Size()-off)
	zero := make([]byte, min(max(n, 0), 64<<10))
	for n > 0 {
		k, err := b.WriteAt(zero[:min(n, int64(len(zero)))], off)
		if err != nil {
			return err
		}
		off, n = off+int64(k), n-int64(k)
	}
	return nil
}

func (b *buffer) spill() error {
	f, err := os.CreateTemp(b.dir, "mailfs-write-*")
	if err != nil {
		return fmt.Errorf("fs: scratch file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return fmt.Errorf("fs: scratch file: %w", err)
	}
	if _, err := f.WriteAt(b.mem, 0); err != nil {
		f.Close()
		return fmt.Errorf("fs: scratch file: %w", err)
	}
	b.file, b.size, b.mem = f, int64(len(b.mem)), nil
	return nil
}

// Close frees the memory or the file.
func (b *buffer) Close() error {
	b.mem = nil
	if b.file != nil {
		return b.file.Close()
	}
	return nil
}

// fill copies a whole content into an empty buffer.
func (b *buffer) fill(src content) error {
	size := src.Size()
	if size <= spillSize {
		b.mem = make([]byte, size)
		n, err := src.ReadAt(b.mem, 0)
		if int64(n) == size {
			return nil
		}
		b.mem = nil
		return noEOF(err)
	}
	chunk := make([]byte, 1<<20)
	for off := int64(0); off < size; {
		p := chunk[:min(int64(len(chunk)), size-off)]
		if n, err := src.ReadAt(p, off); n < len(p) {
			return noEOF(err)
		}
		if _, err := b.WriteAt(p, off); err != nil {
			return err
		}
		off += int64(len(p))
	}
	return nil
}

// noEOF turns the end of a content before its size into an error of its own.
func noEOF(err error) error {
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
