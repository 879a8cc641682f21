package fs

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"

	"mailfs/mapi"
	"mailfs/replica"
)

// errnoTable is the one place where errors of other rooms become error numbers. Inside this package an operation
// that fails for a reason of its own returns the syscall.Errno itself. What is in no row is EIO.
var errnoTable = []struct {
	err   error
	errno syscall.Errno
}{
	{replica.ErrNotFound, syscall.ENOENT},
	{replica.ErrExists, syscall.EEXIST},
	{replica.ErrNotEmpty, syscall.ENOTEMPTY},
	{replica.ErrNotLocal, syscall.EHOSTUNREACH},
	{replica.ErrStale, syscall.ESTALE},
	{context.DeadlineExceeded, syscall.ETIMEDOUT},
	{context.Canceled, syscall.EINTR},
	{os.ErrPermission, syscall.EACCES},
	{io.EOF, syscall.EIO},
}

// errnoOf translates an error at the edge to the kernel.
func errnoOf(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	// First: below the kinds of mapi there can be any error of a connection, an end of file among them.
	if errno := networkErrno(err); errno != syscall.EIO {
		return errno
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	for _, row := range errnoTable {
		if errors.Is(err, row.err) {
			return row.errno
		}
	}
	return syscall.EIO
}

// networkErrno translates the kinds of error that a download can end with.
func networkErrno(err error) syscall.Errno {
	var (
		unreachable *mapi.Unreachable
		refused     *mapi.Refused
		lost        *mapi.SessionLost
		busy        *mapi.Busy
		protocol    *mapi.Protocol
		code        mapi.ErrorCode
	)
	switch {
	case errors.As(err, &unreachable):
		return syscall.ENETUNREACH
	case errors.As(err, &refused):
		return syscall.EACCES
	case errors.As(err, &lost), errors.As(err, &busy):
		return syscall.EHOSTUNREACH
	case errors.As(err, &protocol):
		return syscall.EPROTO
	case errors.As(err, &code):
		return codeErrno(code)
	}
	return syscall.EIO
}

// codeErrno translates what a server answered ([MS-OXCDATA] 2.4).
func codeErrno(code mapi.ErrorCode) syscall.Errno {
	switch code {
	case mapi.EcNotFound, mapi.EcObjectDeleted, mapi.EcMessageDeleted, mapi.EcSyncObjectDeleted:
		return syscall.ESTALE
	case mapi.EcAccessDenied:
		return syscall.EACCES
	case mapi.EcQuotaExceeded, mapi.EcStoreFull:
		return syscall.EDQUOT
	case mapi.EcTooBig, mapi.EcMessageTooBig:
		return syscall.EFBIG
	case mapi.EcServerBusy, mapi.EcServerPaused, mapi.EcMailboxInTransit:
		return syscall.EHOSTUNREACH
	}
	return syscall.EIO
}
