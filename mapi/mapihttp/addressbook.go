package mapihttp

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"mailfs/mapi"
)

// The request types of the address book endpoint that make and end a session context
// ([MS-OXCMAPIHTTP] 2.2.5.1 and 2.2.5.2).
const (
	Bind   RequestType = "Bind"
	Unbind RequestType = "Unbind"
)

// AddressBook is the client half of one session context at a time on the address book
// endpoint. It carries bodies of which it knows nothing. Requests take turns.
type AddressBook struct {
	c *Client
}

// NewAddressBook returns an AddressBook for the endpoint that cfg.URL names, as New
// does for a mailbox.
func NewAddressBook(cfg Config) (*AddressBook, error) {
	c, err := New(cfg)
	if err != nil {
		return nil, err
	}
	return &AddressBook{c: c}, nil
}

// Call sends one request and returns the body of its answer. A Bind makes a session
// context in place of the one that there was, an Unbind ends it. Errors are those of
// a Client: SessionLost, except from a Bind, says that there is no session context.
func (a *AddressBook) Call(ctx context.Context, requestType string, body []byte) ([]byte, error) {
	kind := RequestType(requestType)
	c := a.c
	if err := c.turn.take(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	defer c.turn.give()
	if kind == Bind {
		return a.bind(ctx, body)
	}
	s, err := c.session(kind)
	if err != nil {
		return nil, err
	}
	answer, err := c.exchange(ctx, s, exchangeArgs{kind: kind, body: body})
	if kind == Unbind && (err == nil || isLost(err)) {
		a.replace(nil, errDisconnected)
		c.closeIdle()
	}
	return answer.body, err
}

func (a *AddressBook) bind(ctx context.Context, body []byte) ([]byte, error) {
	c := a.c
	c.mu.Lock()
	c.contexts++
	clientInfo := fmt.Sprintf("{%s}:%d", strings.ToUpper(c.cfg.ClientID.String()), c.contexts)
	c.mu.Unlock()
	s := newSession(clientInfo)
	answer, err := c.exchange(ctx, s, exchangeArgs{kind: Bind, body: body})
	if lost := (*mapi.SessionLost)(nil); errors.As(err, &lost) {
		err = &mapi.Protocol{Err: lost.Err}
	}
	if err != nil {
		return nil, err
	}
	a.replace(s, errReplaced)
	return answer.body, nil
}

// replace puts s, nil for none, in the place of the session context that there was.
func (a *AddressBook) replace(s *session, why error) {
	c := a.c
	c.mu.Lock()
	old := c.cur
	c.cur = s
	c.mu.Unlock()
	if old != nil {
		old.end(why)
	}
}
