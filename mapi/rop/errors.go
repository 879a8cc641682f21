package rop

import (
	"errors"
	"fmt"
	"time"

	"mailfs/mapi"
)

// Error is a remote operation that the server answered with a return value other
// than 0. Some of these are warnings: the operation was carried out
// ([MS-OXCDATA] 2.4.3).
type Error struct {
	ROP  ID
	Code mapi.ErrorCode
}

func (e *Error) Error() string { return e.ROP.String() + ": " + e.Code.Error() }

// Unwrap returns the code, so that errors.Is finds it.
func (e *Error) Unwrap() error { return e.Code }

// WrongServer is the failure of a log on to a mailbox that has moved ([MS-OXCROPS]
// 2.2.3.1.4).
type WrongServer struct {
	ServerName string // legacy distinguished name of the right server
	Err        error
}

func (e *WrongServer) Error() string { return "mailbox is on " + e.ServerName + ": " + e.Err.Error() }

// Unwrap returns the *Error of the log on.
func (e *WrongServer) Unwrap() error { return e.Err }

var (
	errFewer    = errors.New("rop: the server got to none of the requests")
	errNotRun   = errors.New("rop: the batch was not run")
	errRunTwice = errors.New("rop: the batch was run before")
	errReleased = errors.New("rop: the object was released")
	errNoAnswer = errors.New("rop: requests were left without an answer")

	errChainedEarly = errors.New("rop: payloads chained to requests that were handed back")
)

// resultError turns a return value into an error of the kinds of package mapi where
// one of them fits, nil for 0.
func resultError(id ID, r Response) error {
	code := r.Result()
	if code == 0 {
		return nil
	}
	err := error(&Error{ROP: id, Code: code})
	switch p := r.(type) {
	case *FastTransferSourceGetBufferResponse:
		if code == mapi.EcServerBusy {
			return &mapi.Busy{After: time.Duration(p.BackoffTime) * time.Millisecond, Err: err}
		}
	case *LogonResponse:
		return logonError(p, err)
	}
	if code == mapi.EcServerBusy {
		return &mapi.Busy{Err: err}
	}
	return err
}

// logonError classifies the failures of a log on ([MS-OXCSTOR] 3.2.5.1).
func logonError(p *LogonResponse, err error) error {
	switch p.ReturnValue {
	case mapi.EcWrongServer:
		return &WrongServer{ServerName: p.ServerName, Err: err}
	case mapi.EcAccessDenied, mapi.EcLogonFailed, mapi.EcUnknownUser, mapi.EcLoginPerm, mapi.EcMailboxDisabled:
		return &mapi.Refused{Err: err}
	case mapi.EcServerBusy, mapi.EcServerPaused, mapi.EcMailboxInTransit, mapi.EcMailboxIsQuarantined:
		return &mapi.Busy{Err: err}
	}
	return err
}

// backoffError is what a Backoff response means for an operation.
func backoffError(p *Backoff, id ID) error {
	ms := p.Duration
	for _, r := range p.BackoffRops {
		if r.ROP == id {
			ms = max(ms, r.Duration)
		}
	}
	return &mapi.Busy{After: time.Duration(ms) * time.Millisecond, Err: fmt.Errorf("rop: server backs off from %s", id)}
}
