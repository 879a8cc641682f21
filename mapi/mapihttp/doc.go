// Package mapihttp is the MAPI/HTTP transport of [MS-OXCMAPIHTTP]: session contexts
// over HTTP POST, with their cookies, the meta-tags of the answer stream, the bodies
// of the mailbox endpoint, and the extended buffers ([MS-OXCRPC] 2.2.2.1) in which
// ROP buffers travel.
//
// A Client is the client half. It hands out and takes in ROP buffers as bytes and
// knows nothing of remote operations. The codecs of the bodies, the headers, the
// response codes and the StreamWriter are exported, so that a server can be built
// from the same pieces.
//
// # Errors
//
// Every error of a Client method is one of the kinds of package mapi (Unreachable,
// Refused, SessionLost, Busy, Protocol) around an *Error that tells the details, or
// the error of the caller's context. A Client never repeats a request by itself: an
// Execute whose answer got lost may have been carried out, and only the caller knows
// how to find out. The one exception is Connect, which is sent a second time without
// the cookies of the previous context when the server does not want those.
//
// # Waiting
//
// No request waits for ever: the server has to begin its answer within two minutes,
// has to send something at least every third X-PendingPeriod after that, and has to
// come to an end within Config.RequestTimeout, or for NotificationWait six hours.
//
// # Locks
//
// Connect, Execute, Ping and Disconnect take turns, one at a time per session context
// ([MS-OXCMAPIHTTP] 3.1.5.5); NotificationWait has a turn of its own and runs beside
// them. A request holds its turn to its end. The mutex of a Client guards memory only
// and is never held during a request.
package mapihttp
