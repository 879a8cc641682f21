package fxics

import (
	"errors"
	"io"
)

// Encoder writes the elements of a stream.
type Encoder struct {
	w    io.Writer
	root Root
}

// NewEncoder returns an Encoder of a stream with the given root.
func NewEncoder(w io.Writer, root Root) *Encoder { return &Encoder{w: w, root: root} }

// Encode writes e. It fails for an element that the root does not have or that may
// not stand here, and for a value that does not have the Go type of its tag.
func (e *Encoder) Encode(el Element) error { return errors.New("fxics: encoder not ready") }

// Close writes the end of the stream. It fails when the stream is not complete: a
// synchronization without its state, a folder without its end.
func (e *Encoder) Close() error { return errors.New("fxics: encoder not ready") }
