// Package rop speaks remote operations (ROPs): the requests and responses of
// [MS-OXCROPS], the buffers that carry them, and a Session that executes them over
// a Transport.
//
// Each ROP has a file with its request and its response. A struct describes its
// fields once, in wire order, and the same description reads and writes them, so
// the halves can't drift apart; what keeps both honest are recorded traffic and the
// examples of the specifications in testdata. registry.go alone knows which id
// belongs to which struct.
//
// A struct carries payload only. What every ROP has in front, its log on and the
// slots of the handle table that it names, is in Call for requests and in Answer
// for responses. DecodeRequests and EncodeResponses are the server's side of a
// buffer, EncodeRequests and DecodeResponses the client's.
//
// A Session sends a Batch of operations, which may use objects that earlier ones of
// the batch create, in as few buffers as their requests and the likely size of their
// answers allow (room.go). Do, Open, EachRow, UploadState, Names, LongTermIDs,
// FastTransferReader, StreamReader and StreamWriter are made of batches.
//
// An operation that fails is an *Error inside its Result, with the server's return
// value; what concerns the connection comes from Batch.Do, in the kinds of package
// mapi. Where servers leave the specifications, a comment says QUIRK.
//
// Rows, restrictions and recipients stay encoded in the structs (RowData,
// RestrictionData, RecipientRow): their meaning depends on columns that were set
// elsewhere. Their methods take the columns and decode them.
package rop
