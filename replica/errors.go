package replica

import "errors"

// Further errors that callers test with errors.Is. A disk that is nearly full shows as
// syscall.ENOSPC.
var (
	ErrClosed  = errors.New("replica: closed")
	ErrTooBig  = errors.New("replica: too many changes in one update")
	ErrInvalid = errors.New("replica: not possible for this item")
)
