package mapihttp

import (
	"fmt"
	"strings"
	"time"

	"mailfs/mapi"
)

// Error is the detail of a failed request. It travels inside one of the error kinds
// of package mapi.
type Error struct {
	Request    RequestType
	HTTPStatus int            // 0 when no answer came
	Code       ResponseCode   // X-ResponseCode
	StatusCode uint32         // StatusCode of the response body
	ErrorCode  mapi.ErrorCode // ErrorCode of the response body
	Detail     string         // what is wrong, or the server's diagnostic text
	Err        error          // cause, if there is one
}

// Error describes the failure in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Request))
	if e.HTTPStatus != 0 && e.HTTPStatus != 200 {
		fmt.Fprintf(&b, ": HTTP status %d", e.HTTPStatus)
	}
	if e.Code != CodeSuccess {
		fmt.Fprintf(&b, ": response code %d (%s)", uint32(e.Code), e.Code)
	}
	if e.StatusCode != 0 {
		fmt.Fprintf(&b, ": status 0x%08X", e.StatusCode)
	}
	if e.ErrorCode != 0 {
		b.WriteString(": " + e.ErrorCode.Error())
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause: Err, or the ErrorCode of the body.
func (e *Error) Unwrap() error {
	if e.Err == nil && e.ErrorCode != 0 {
		return e.ErrorCode
	}
	return e.Err
}

// ofCode gives an answer with a response code other than 0 its kind.
//
// QUIRK gromox 3.10: its codes have other numbers (2 unknown or expired session
// cookie, 3 missing header, 4 no privilege, 5 invalid body, 6 no cookie, 7 wrong
// sequence cookie, 8 unknown request type, 9 out of memory). The mistakes that the
// specification gives the numbers 2, 4 and 7 (verb, header, missing header) can't be
// ours, so those numbers are read gromox's way.
func ofCode(e *Error) error {
	switch e.Code {
	case CodeInvalidVerb, CodeInvalidContextCookie, CodeMissingHeader,
		CodeContextNotFound, CodeMissingCookie, CodeInvalidSequence:
		return &mapi.SessionLost{Err: e}
	case CodeInvalidHeader, CodeAnonymousNotAllowed, CodeNoPrivilege:
		return &mapi.Refused{Err: e}
	case CodeUnknownFailure:
		return &mapi.Busy{Err: e}
	case CodeEndpointDisabled, CodeEndpointShuttingDown:
		return &mapi.Unreachable{Err: e}
	}
	return &mapi.Protocol{Err: e}
}

// ofStatus gives an answer with an HTTP status other than 200 its kind.
func ofStatus(e *Error, retryAfter time.Duration) error {
	switch s := e.HTTPStatus; {
	case s == 401 || s == 403:
		return &mapi.Refused{Err: e}
	case s == 408 || s == 429 || s == 503 || (s >= 500 && retryAfter > 0):
		return &mapi.Busy{After: retryAfter, Err: e}
	case s == 407 || (s >= 500 && s != 501 && s != 505):
		return &mapi.Unreachable{Err: e}
	}
	// Redirects too: following one would hand the credentials to another place. A
	// mailbox that moved is found by discovery.
	return &mapi.Protocol{Err: e}
}

// RPC status codes that a StatusCode can hold ([MS-ERREF] 2.2).
const (
	rpcServerUnavailable = 0x000006BA
	rpcServerTooBusy     = 0x000006BB
	rpcCallFailed        = 0x000006BE
)

// Error codes of Connect and Execute ([MS-OXCRPC] 3.1.4.1 and 3.1.4.2).
const (
	ecAccessDenied        mapi.ErrorCode = 0x80070005
	ecNotEncrypted        mapi.ErrorCode = 0x00000970
	ecClientVerDisallowed mapi.ErrorCode = 0x000004DF
	ecRPCHTTPDisallowed   mapi.ErrorCode = 0x000004E0
	ecCachedModeRequired  mapi.ErrorCode = 0x000004E1
	ecProtocolDisabled    mapi.ErrorCode = 0x000007D8
)

// rejectedDelay is how long to poll before the next NotificationWait when a server
// rejects one.
const rejectedDelay = 15 * time.Second

// checkBody checks StatusCode, then ErrorCode of a response body. retryDelay is what
// the server asked for at Connect, for answers that say busy.
func checkBody(kind RequestType, status uint32, code mapi.ErrorCode, retryDelay time.Duration) error {
	if status != 0 {
		e := &Error{Request: kind, HTTPStatus: 200, StatusCode: status}
		switch status {
		case rpcServerTooBusy:
			return &mapi.Busy{After: retryDelay, Err: e}
		case rpcServerUnavailable, rpcCallFailed:
			return &mapi.Unreachable{Err: e}
		}
		return &mapi.Protocol{Err: e}
	}
	if code == mapi.EcSuccess {
		return nil
	}
	e := &Error{Request: kind, HTTPStatus: 200, ErrorCode: code}
	switch code {
	case mapi.EcServerBusy, mapi.EcServerPaused, mapi.EcMailboxInTransit:
		return &mapi.Busy{After: retryDelay, Err: e}
	case mapi.EcRejected:
		// Another wait is outstanding ([MS-OXCRPC] 3.3.4.1). QUIRK gromox 3.10: also one that was given up,
		// up to five minutes ago, and that of a session that has ended since.
		if kind == NotificationWait {
			return &mapi.Busy{After: rejectedDelay, Err: e}
		}
	case mapi.EcUnknownUser, mapi.EcLoginPerm, mapi.EcLogonFailed, mapi.EcVersionMismatch, mapi.EcMailboxDisabled,
		mapi.EcMailboxIsQuarantined, ecAccessDenied, ecNotEncrypted, ecClientVerDisallowed, ecRPCHTTPDisallowed,
		ecCachedModeRequired, ecProtocolDisabled:
		return &mapi.Refused{Err: e}
	case mapi.EcNetworkError:
		// QUIRK gromox 3.10: Connect answers this for a distinguished name that it does not know.
		if kind == Connect {
			return &mapi.Refused{Err: e}
		}
		return &mapi.Unreachable{Err: e}
	}
	return &mapi.Protocol{Err: e}
}
