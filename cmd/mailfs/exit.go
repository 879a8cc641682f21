package main

import (
	"errors"
	"fmt"

	"mailfs/mapi"
	"mailfs/replica"
)

// The exit statuses of every command.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitRefused     = 3
	exitUnreachable = 4
)

// usageError marks what the user can mend on the command line.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// exitStatus is the one place that turns an error into an exit status.
func exitStatus(err error) int {
	var (
		usage       usageError
		refused     *mapi.Refused
		unreachable *mapi.Unreachable
	)
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &refused):
		return exitRefused
	case errors.As(err, &unreachable):
		return exitUnreachable
	}
	return exitFailed
}

// hint returns what the user can do about an error, "" when there is nothing to add.
func hint(err error) string {
	var (
		refused     *mapi.Refused
		unreachable *mapi.Unreachable
		protocol    *mapi.Protocol
	)
	var hinted hintedError
	switch {
	case errors.As(err, &hinted):
		return hinted.hint
	case errors.As(err, &refused):
		return "check the address and the password (--user, --password-file)"
	case errors.As(err, &unreachable):
		return "check the network and --server; a mailbox that was mounted before can be mounted offline"
	case errors.Is(err, replica.ErrInUse):
		return "another mailfs works on this replica: unmount it, or give another --replica directory"
	case errors.Is(err, replica.ErrMailbox):
		return "give another --replica directory for this mailbox"
	case errors.As(err, &protocol):
		return "the server answered, but not as an Exchange-compatible MAPI/HTTP server does: check --server"
	}
	return ""
}
