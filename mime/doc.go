// Package mime converts between MAPI messages and Internet messages (RFC 5322,
// RFC 2045 to 2049), in both directions and without any I/O of its own.
//
// # MAPI to MIME
//
// A Renderer is a pure function of the message and its Options: no clock, no locale,
// no random boundary, no dependence on the order in which properties arrived. The
// same message gives the same bytes on every machine; Version changes whenever that
// output changes, so that a stored size can be told to be stale. Open returns an
// Image, which knows its exact size, writes itself out and answers reads at any
// offset; the data of attachments stays in the mapi.Blob where it is and is encoded
// as it is read. Render and Size are short forms of that.
//
// Generated messages end their lines in LF. Text parts are UTF-8, not encoded unless
// a line is longer than 998 bytes; other parts are base64. What was signed or
// encrypted is passed on byte for byte.
//
// Headers are those that the message came with (PidTagTransportMessageHeaders), as
// long as they say the same as the properties; a field that says something else is
// written anew from the property, in its place.
//
// # MIME to MAPI
//
// Parse makes the properties, recipients and attachments of a complete message
// object. It accepts what mail really looks like: every message with at least one
// header field yields a usable result, and where something could not be understood
// an UnsupportedError comes with it. Memory in use is bounded by the size of the
// text parts; attachment data can be sent elsewhere (Options.Store). Check tells
// cheaply whether bytes are a message at all.
//
// # Which property becomes which field
//
// [MS-OXCMAIL] 2.1 and 2.2 define the mapping; the code cites the sections.
package mime
