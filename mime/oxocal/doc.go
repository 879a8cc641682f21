// Package oxocal holds the binary structures of calendar items: recurrences with
// their exceptions, time zones and global object ids ([MS-OXOCAL] 2.2.1). Codecs are
// exact: what was read is written as it was, reserved blocks included, and every
// length is checked against the bytes present.
//
// Dates within recurrences are minutes since 1601-01-01 in the item's own time zone.
package oxocal
