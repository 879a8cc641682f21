package fxics

import (
	"io"

	"mailfs/mapi"
)

// The defaults of Options.
const (
	DefaultMaxValue = 1 << 30 // bytes
	DefaultMaxDepth = 32
)

// Options limit a Lexer or Decoder. The zero value means the defaults, no spilling.
type Options struct {
	// MaxValue is the largest value in bytes that is accepted; a larger one fails
	// the stream ([MS-OXCFXICS] 2.2.4.3.21 forbids cutting it). 0: DefaultMaxValue.
	MaxValue int64

	// MaxDepth limits how deep embedded messages and folders may nest.
	// 0: DefaultMaxDepth.
	MaxDepth int

	// Spill, if set, gets the binary and object values that are longer than SpillOver
	// bytes, and what it returns becomes the value of the property. It is called from
	// within Next, must read what it needs from r before it returns (the rest is
	// skipped), and its error ends the stream.
	Spill     func(v LargeValue, r io.Reader) (mapi.Blob, error)
	SpillOver int64
}

// LargeValue describes a value that is about to be spilled.
type LargeValue struct {
	Tag  mapi.PropertyTag
	Name mapi.PropertyName // of a named property
	Size int64             // bytes
}

func (o *Options) maxValue() int64 {
	if o == nil || o.MaxValue <= 0 {
		return DefaultMaxValue
	}
	return o.MaxValue
}

func (o *Options) maxDepth() int {
	if o == nil || o.MaxDepth <= 0 {
		return DefaultMaxDepth
	}
	return o.MaxDepth
}
