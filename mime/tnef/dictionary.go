package tnef

import _ "embed"

// dictionary has the runs of six bytes and more that the packed forms of streams of two or more of 13 organizations have in
// common, the most frequent ones last, where a compressor reaches them with the least.
//
//go:embed dictionary.bin
var dictionary []byte

// Dictionary returns what packed forms often have in common, for a compressor. It is a part of the form, and never changes.
func Dictionary() []byte { return dictionary }
