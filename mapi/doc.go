// Package mapi holds the nouns of the field, with their own encoding and nothing
// else: the structures of [MS-OXCDATA], the tags of [MS-OXPROPS] and the
// identifiers of [MS-OXCFXICS] 2.2.2. Every room speaks through these types.
//
// Ids of different kinds have different types. FID, MID and CN are the short form
// (REPLID and counter) that is valid in one mailbox session only; SourceKey,
// ChangeKey, PCL and LongTermID carry the replica GUID and are what may be stored.
//
// A property is found by its Key: the 16-bit id for ids below 0x8000, or the
// PropertyName of a named property. The numbers that a server gives to named
// properties never leave the wire packages.
package mapi
