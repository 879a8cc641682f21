package nspi

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"mailfs/mapi"
)

// Transport carries request bodies to the address book endpoint and brings those of
// the answers, an X-ResponseCode of 0 granted. A Bind makes its session context, an
// Unbind ends it. Errors are of the kinds of package mapi, SessionLost among them when
// there is no session context (any more), or the context's own.
type Transport interface {
	Call(ctx context.Context, requestType string, body []byte) ([]byte, error)
}

// Book is an address book. Its methods may be called from several goroutines; they
// take turns.
type Book struct {
	t     Transport
	turn  chan struct{}
	bound bool // there is a session context; belongs to who has the turn
}

// New returns the address book behind a transport. The first look-up signs in.
func New(t Transport) *Book { return &Book{t: t, turn: make(chan struct{}, 1)} }

// most bounds how many names travel in one request.
const most = 200

// SMTP returns the mail addresses that stand behind distinguished names, by name as
// given. Names that the address book does not know, or knows no mail address of, are
// not in the map. Names that can't travel (not ASCII) count as unknown.
func (b *Book) SMTP(ctx context.Context, dns []string) (map[string]string, error) {
	if err := b.take(ctx); err != nil {
		return nil, err
	}
	defer b.give()
	var ask []string
	for _, dn := range dns {
		if plain(dn) {
			ask = append(ask, dn)
		}
	}
	out := map[string]string{}
	for len(ask) > 0 {
		n := min(len(ask), most)
		err := b.lookUp(ctx, ask[:n], out)
		if lost := (*mapi.SessionLost)(nil); errors.As(err, &lost) {
			b.bound = false // once more with another session
			err = b.lookUp(ctx, ask[:n], out)
		}
		if err != nil {
			return nil, err
		}
		ask = ask[n:]
	}
	return out, nil
}

func plain(dn string) bool {
	return dn != "" && strings.IndexFunc(dn, func(c rune) bool { return c < ' ' || c > '~' }) < 0
}

// lookUp adds the addresses of some names to out.
func (b *Book) lookUp(ctx context.Context, dns []string, out map[string]string) error {
	if err := b.bind(ctx); err != nil {
		return err
	}
	var found DNToMIdResponse
	if err := b.call(ctx, DNToMId, DNToMIdRequest{Names: dns}, &found); err != nil {
		return err
	}
	if len(found.MinimalIDs) != len(dns) {
		return protocol(DNToMId, fmt.Errorf("%d ids for %d names", len(found.MinimalIDs), len(dns)))
	}
	var names []string
	var ids []MinimalID
	for i, id := range found.MinimalIDs {
		if id >= firstMinimalID {
			names, ids = append(names, dns[i]), append(ids, id)
		}
	}
	columns := []mapi.PropertyTag{mapi.PidTagSmtpAddress}
	for len(ids) > 0 {
		var p QueryRowsResponse
		q := QueryRowsRequest{State: start(), Explicit: ids, RowCount: uint32(len(ids)), Columns: columns}
		if err := b.call(ctx, QueryRows, q, &p); err != nil {
			return err
		}
		// At least one row, in the order of the ids ([MS-OXNSPI] 3.1.4.1.8).
		if len(p.Rows) == 0 || len(p.Rows) > len(ids) {
			return protocol(QueryRows, fmt.Errorf("%d rows for %d ids", len(p.Rows), len(ids)))
		}
		for i, row := range p.Rows {
			if addr := row.String(mapi.PidTagSmtpAddress); addr != "" {
				out[names[i]] = addr
			}
		}
		names, ids = names[len(p.Rows):], ids[len(p.Rows):]
	}
	return nil
}

// bind makes a session context unless there is one.
func (b *Book) bind(ctx context.Context) error {
	if b.bound {
		return nil
	}
	var p BindResponse
	if err := b.call(ctx, Bind, BindRequest{State: start()}, &p); err != nil {
		return err
	}
	b.bound = true
	return nil
}

// take waits for the turn.
func (b *Book) take(ctx context.Context) error {
	select {
	case b.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *Book) give() { <-b.turn }

// Close ends the session context on the server, if there is one.
func (b *Book) Close(ctx context.Context) error {
	if err := b.take(ctx); err != nil {
		return err
	}
	defer b.give()
	if !b.bound {
		return nil
	}
	b.bound = false
	var p UnbindResponse
	err := b.call(ctx, Unbind, UnbindRequest{}, &p)
	if errors.Is(err, UnbindSuccess) {
		return nil
	}
	return err
}

type encoder interface{ Encode() ([]byte, error) }

type decoder interface {
	Decode(body []byte) error
	result() *Result
}

// call makes one request.
func (b *Book) call(ctx context.Context, kind string, q encoder, p decoder) error {
	body, err := q.Encode()
	if err != nil {
		return protocol(kind, err)
	}
	answer, err := b.t.Call(ctx, kind, body)
	if err != nil {
		return err
	}
	if err := p.Decode(answer); err != nil {
		return protocol(kind, err)
	}
	switch r := p.result(); {
	case r.StatusCode != 0:
		return protocol(kind, fmt.Errorf("status 0x%08X", r.StatusCode))
	case r.ErrorCode != Success:
		return protocol(kind, r.ErrorCode)
	}
	return nil
}

func protocol(kind string, err error) error {
	return &mapi.Protocol{Err: fmt.Errorf("address book: %s: %w", kind, err)}
}
