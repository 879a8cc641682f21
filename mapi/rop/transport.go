package rop

import "context"

// Transport carries buffers to a server within one session context. A payload is a
// ROP list with its handle table, without RPC_HEADER_EXT, compression or
// obfuscation.
//
// Execute is never called while another Execute of the same Transport is under way;
// NotificationWait may run beside it. Errors are of the kinds of package mapi
// (Unreachable, Refused, SessionLost, Busy, Protocol), or those of ctx.
type Transport interface {
	// Execute sends one payload and returns those of the answer: several when the
	// server chained further answers to the last ROP ([MS-OXCRPC] 3.1.4.2.1.2).
	// maxOut limits the size of the whole answer in bytes.
	Execute(ctx context.Context, payload []byte, maxOut uint32) (payloads [][]byte, err error)
	// NotificationWait returns true when an event is ready to be fetched with
	// Execute, and false when the server ended the wait without one.
	NotificationWait(ctx context.Context) (bool, error)
	// Disconnect ends the session context.
	Disconnect(ctx context.Context) error
}
