package fxics

import (
	"errors"
	"io"
)

// Decoder reads the elements of a stream.
type Decoder struct {
	r    io.Reader
	root Root
}

// NewDecoder returns a Decoder of a stream with the given root. opt may be nil.
func NewDecoder(r io.Reader, root Root, opt *Options) *Decoder {
	return &Decoder{r: r, root: root}
}

// Next returns the next element, io.EOF after a complete stream. After any other
// error it keeps returning that error.
func (d *Decoder) Next() (Element, error) {
	return nil, errors.New("fxics: decoder not ready")
}
