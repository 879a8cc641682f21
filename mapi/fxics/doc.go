// Package fxics reads and writes FastTransfer streams ([MS-OXCFXICS] 2.2.4), the
// form in which folders, messages and synchronization results travel in bulk.
//
// The Lexer knows the lexical layer: markers, and properties with their values. The
// Decoder knows the grammar and returns one Element at a time, so that a stream of
// any size needs the memory of one message only, and less if large values are
// spilled. Encoder is the reverse. How a stream is cut into transfer buffers does
// not matter here: the input is the concatenation of the buffers.
//
// # What is kept
//
// Properties keep their order of arrival. A named property carries its PropertyName;
// its number in the stream is a placeholder and stays in the tag as it came. A
// string in a code page (a type of the form 0x8000 | code page) is a mapi.String8
// whose code page is told by mapi.PropertyType.CodePage of its tag, except code page
// 1200, which is UTF-16 and becomes a string. PtypString8 is a mapi.String8 in the
// code page of its object. For most streams the Encoder gives back the bytes that
// the Decoder read; where a writer chose among several encodings of one value (a
// string without a terminating zero, a property sent twice), it gives the same value.
//
// # Limits
//
// Nothing is allocated on the word of a length or count: memory grows with the
// bytes that have arrived. A single value is limited by Options.MaxValue, the depth
// of embedded messages by Options.MaxDepth. A stream that breaks the rules gives a
// *mapi.Protocol error; errors of the underlying reader come back wrapped as they are.
package fxics
