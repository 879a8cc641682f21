// Package nspi asks the address book of a server over MAPI/HTTP: the request types of
// the address book endpoint ([MS-OXCMAPIHTTP] 2.2.5) whose meaning [MS-OXNSPI] tells.
// It holds the codecs of both halves and a Book, which looks addresses up.
//
// A mailbox names people of its own organization by distinguished names; only the
// address book knows the mail addresses behind them.
package nspi
