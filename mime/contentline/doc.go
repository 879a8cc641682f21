// Package contentline reads and writes the line format that iCalendar (RFC 5545 3.1)
// and vCard (RFC 6350 3.3) share: folded lines of a name, parameters and a value, in
// components between BEGIN and END. What was read keeps its order and its values, so
// that lines which nobody understands can be written again.
//
// Reading is lenient: the forms of vCard 2.1 and 3.0, bare types and quoted-printable
// values among them, are accepted, and lines that are none are skipped.
package contentline
