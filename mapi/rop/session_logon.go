package rop

import "context"

// PrivateLogon returns the request that logs on to the mailbox with the given legacy
// distinguished name, as its owner does.
func PrivateLogon(essdn string) *LogonRequest {
	return &LogonRequest{
		LogonFlags: LogonPrivate,
		OpenFlags:  OpenHomeLogon | OpenUsePerMDBReplidMapping,
		Essdn:      essdn,
	}
}

// Logon logs on to a store. Its failures are mapi.Refused where the user has no
// business there, *WrongServer after a move, and mapi.Busy for a mailbox that is to
// come back.
func (s *Session) Logon(ctx context.Context, q *LogonRequest) (*Object, *LogonResponse, error) {
	b := s.NewBatch()
	r := b.AddLogon(q)
	if err := b.Do(ctx); err != nil {
		return nil, nil, err
	}
	p, err := Get[*LogonResponse](r)
	if err != nil {
		return nil, p, err
	}
	return r.Object(), p, nil
}
