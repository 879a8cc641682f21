package syncer

import (
	"crypto/sha256"
	"errors"
	"io"
	"time"

	"mailfs/mapi"
	"mailfs/mime"
)

// renderer tells the size that a message has as a file.
type renderer struct{ r mime.Renderer }

func (renderer) version() int { return mime.Version }

func (r renderer) size(m *mapi.Message) (int64, error) {
	im, err := r.r.OpenFile(m)
	if err != nil {
		return 0, err
	}
	return im.Size(), nil
}

// sameBytes reports whether two messages look the same as files.
func (r renderer) sameBytes(a, b *mapi.Message) (bool, error) {
	x, err := r.r.OpenFile(a)
	if err != nil {
		return false, err
	}
	y, err := r.r.OpenFile(b)
	if err != nil || x.Size() != y.Size() {
		return false, err
	}
	h, g := sha256.New(), sha256.New()
	if _, err := x.WriteTo(h); err != nil {
		return false, err
	}
	if _, err := y.WriteTo(g); err != nil {
		return false, err
	}
	return [sha256.Size]byte(h.Sum(nil)) == [sha256.Size]byte(g.Sum(nil)), nil
}

// parse reads a file as fs does.
func (r renderer) parse(class string, file io.Reader, zone *time.Location, year int) (*mapi.Message, error) {
	m, err := mime.ParseFile(mime.Extension(class), file, mime.Options{Zone: mime.ZoneOf(zone, year)})
	var partly *mime.UnsupportedError
	if errors.As(err, &partly) && m != nil {
		return m, nil
	}
	return m, err
}
