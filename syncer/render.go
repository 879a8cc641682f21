package syncer

import (
	"crypto/sha256"

	"mailfs/mapi"
	"mailfs/mime"
)

// renderer tells the size that a message has as a file.
type renderer struct{ r mime.Renderer }

func (renderer) version() int { return mime.Version }

func (r renderer) size(m *mapi.Message) (int64, error) { return r.r.Size(m) }

// sameBytes reports whether two messages look the same as files.
func (r renderer) sameBytes(a, b *mapi.Message) (bool, error) {
	x, y := sha256.New(), sha256.New()
	if err := r.r.Render(x, a); err != nil {
		return false, err
	}
	if err := r.r.Render(y, b); err != nil {
		return false, err
	}
	return [sha256.Size]byte(x.Sum(nil)) == [sha256.Size]byte(y.Sum(nil)), nil
}
