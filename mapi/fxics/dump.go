package fxics

import (
	"errors"
	"io"
)

// Dump writes the lexical structure of a stream to w, one marker or property per
// line, for people to read.
func Dump(w io.Writer, stream io.Reader) error { return errors.New("fxics: dump not ready") }
