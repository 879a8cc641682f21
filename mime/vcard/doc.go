// Package vcard converts between contacts and vCard (RFC 6350 and 2426), after the
// mapping of [MS-OXVCARD], and between personal distribution lists and cards of the
// kind "group".
//
// Written are cards of version 3.0 for contacts, which every program reads, and of
// version 4.0 for lists; read are 2.1, 3.0 and 4.0. What an item came from is kept with
// it: as long as the item says the same, Render returns that very text, and once it was
// changed, the lines of the text that no property stands for come back in the new one.
package vcard
