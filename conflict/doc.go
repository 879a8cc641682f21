// Package conflict decides what happens to an item that both sides changed. It does
// no I/O and knows neither clock nor store: versions go in, an Outcome comes out, and
// syncer carries it out.
//
// Detection compares predecessor change lists, never clocks ([MS-OXCFXICS] 3.1.5.6.1).
// Where two versions are concurrent, last modification times choose the one that stays
// in place ([MS-OXCFXICS] 3.1.5.6.2.2); the other is kept, in the Conflicts folder, and
// never dropped. An edit beats a deletion, and a folder that received something beats
// the deletion of the folder.
//
// Every decision is symmetric: were the two sides exchanged, the same version would win.
package conflict
