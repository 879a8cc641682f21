// Package names builds the file names of messages and the directory names of
// folders, and tells which names mean what. It is pure: no clock, no locale, no
// store. A message's name is computed once, when the message is first seen, and
// stored; nothing is ever read back out of it.
//
// # Messages
//
//	2026-11-20 0915 Anna Berg - Quarterly numbers.k7q2m.eml
//
// is the local date and time of delivery, the sender, the subject, a short id from
// the source key, and an extension. An appointment has its beginning and subject, a task
// its subject, a contact its name. Such a name is valid UTF-8 in NFC, has at most
// Max bytes, and holds no slash, no control, bidirectional or invisible formatting
// character; it does not start with a dot, dash or tilde. When it is too long, the
// sender and then the subject are cut at a rune boundary; date, short id and
// extension stay.
//
// # Folders
//
// A directory has the folder's display name with as little change as possible, and
// in a form that FolderDecode turns back exactly:
//
//	/                           U+2215 DIVISION SLASH
//	U+0000 to U+001F, U+007F    U+2400 to U+241F, U+2421 (control pictures)
//	a dot at the start or end   U+2024 ONE DOT LEADER
//	a space there               U+2420 SYMBOL FOR SPACE
//	a dash at the start         U+2010 HYPHEN
//	a tilde at the start        U+223C TILDE OPERATOR
//	C1 controls, other spaces,  plane 15 private use: U+F0000 + code; of characters
//	bidirectional and invisible beyond the basic plane plane 16: U+100000 + its low bits
//	ones, lone surrogates
//	an empty name               U+2205 EMPTY SET
//
// A name that holds one of the substitutes itself stays apart from these: the
// substitute is then followed by U+FE0E (variation selector 15), and the selectors
// that a name has at such a place are doubled. U+2205 is a substitute only where it is
// the whole name. Dots at the start are replaced since
// directories that start with a dot belong to the local overlay. A name that is too
// long is cut and gets the short id; that is the one form that can't be decoded, and
// it need not be: the display name is in the store, and decoding is for names that
// users give.
//
// # Uniqueness
//
// Names in one directory differ under Fold, so that they stay apart on file systems
// that ignore case or composition. Unique adds the short id, longer if need be.
package names
