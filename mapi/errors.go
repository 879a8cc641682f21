package mapi

import (
	"fmt"
	"time"
)

// ErrorCode is a return value of a server ([MS-OXCDATA] 2.4).
type ErrorCode uint32

// Error returns the name of the code with its number.
func (e ErrorCode) Error() string {
	if n, ok := errorNames[e]; ok {
		return fmt.Sprintf("%s (0x%08X)", n, uint32(e))
	}
	return fmt.Sprintf("server error 0x%08X", uint32(e))
}

// The kinds of error that cross rooms. mapihttp and rop wrap their errors in one of
// them where the error arises; syncer and fs test with errors.As.

// Unreachable says that the server can't be reached at the moment.
type Unreachable struct{ Err error }

func (e *Unreachable) Error() string { return "server not reachable: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Unreachable) Unwrap() error { return e.Err }

// Refused says that the server does not accept the credentials, or that it does
// not let this user at this mailbox.
type Refused struct{ Err error }

func (e *Refused) Error() string { return "sign-in refused: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Refused) Unwrap() error { return e.Err }

// SessionLost says that the session context and all its handles are gone and that
// a new one can be made at once.
type SessionLost struct{ Err error }

func (e *SessionLost) Error() string { return "session lost: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *SessionLost) Unwrap() error { return e.Err }

// Busy says that the server asks to be left alone for a while.
type Busy struct {
	After time.Duration // 0 when the server names no time
	Err   error
}

func (e *Busy) Error() string { return fmt.Sprintf("server busy for %s: %s", e.After, e.Err.Error()) }

// Unwrap returns the cause.
func (e *Busy) Unwrap() error { return e.Err }

// Protocol says that an answer breaks the protocol: it does not parse, or answers
// something else than was asked.
type Protocol struct{ Err error }

func (e *Protocol) Error() string { return "protocol error: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Protocol) Unwrap() error { return e.Err }
