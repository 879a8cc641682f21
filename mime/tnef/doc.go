// Package tnef reads the Transport Neutral Encapsulation Format of [MS-OXTNEF], known
// as winmail.dat: a message object that went through Internet mail as an attachment.
//
// Decode returns properties and attachments as they stand in the stream, with strings
// as Unicode and the old attributes turned into the properties that they stand for
// ([MS-OXTNEF] 2.1.3.3 and 2.1.3.4). Which of them a receiver takes over is its own
// decision. Every length is checked against the bytes present; a wrong checksum is an
// error, bytes behind the last attribute are not.
//
// Pack and Unpack turn a stream into a short form and back, byte for byte, with references to values that are kept
// elsewhere. The form is stored, so that it never changes.
package tnef
