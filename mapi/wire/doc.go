// Package wire reads and builds the little-endian byte layout that every MAPI
// structure shares. It is the one place where bounds are checked: a Reader
// consumes its input and remembers the first error, a Builder appends and fills
// in counted lengths, so that codecs above never index bytes themselves.
//
// Strings travel as UTF-16LE or as 8-bit text. UTF-16 is turned into WTF-8 (UTF-8
// in which an unpaired surrogate keeps its three-byte form), so that any string
// that a server sends can be sent back unchanged.
package wire
