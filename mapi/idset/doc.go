// Package idset holds sets of object ids and change numbers, with the arithmetic
// that synchronization needs and the encodings of [MS-OXCFXICS] 2.2.2.4 to 2.2.2.6.
//
// A GlobSet is a set of counters, kept as ranges, so that 1..2^48-1 costs as little
// as one value. IDSet and CNSet put a GlobSet behind each replica GUID and are what
// may be stored; ReplSet has one behind each ReplID, the form in which a server
// tells deletions and read states, and is resolved into an IDSet with the table of
// the log on.
//
// The zero value of each type is the empty set. Methods with a pointer receiver
// change the set in place; a plain copy of a set shares its storage with the
// original, so Clone before changing a copy. Methods that return a set never change
// their operands, and their result shares nothing with them.
package idset
