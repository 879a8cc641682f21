package rop

import (
	"context"
	"errors"
	"sync"

	"mailfs/mapi"
)

// namesPerRequest is how many names go into one request: the longest name takes 275
// bytes.
const namesPerRequest = 100

// Names translates between the names of named properties and the numbers that a
// mailbox gives them, and remembers both. A number stays valid for as long as the
// mailbox exists ([MS-OXCPRPT] 3.2.5.10). It may be used by several goroutines.
type Names struct {
	logon *Object

	mu    sync.Mutex
	ids   map[mapi.PropertyName]uint16
	names map[uint16]mapi.PropertyName
}

// NewNames returns a translator for the mailbox of a log on.
func NewNames(logon *Object) *Names {
	return &Names{logon: logon, ids: map[mapi.PropertyName]uint16{}, names: map[uint16]mapi.PropertyName{}}
}

// IDs returns the numbers of names, in their order. A name without a number gets one
// if create is set; otherwise its number is 0.
func (t *Names) IDs(ctx context.Context, names []mapi.PropertyName, create bool) ([]uint16, error) {
	unknown := t.unknownNames(names)
	b := t.logon.session.NewBatch()
	var asked []*Result
	for i := 0; i < len(unknown); i += namesPerRequest {
		q := &GetPropertyIDsFromNamesRequest{PropertyNames: unknown[i:min(i+namesPerRequest, len(unknown))]}
		if create {
			q.Flags = NamesCreate
		}
		asked = append(asked, b.Add(t.logon, q))
	}
	if len(asked) > 0 {
		if err := b.Do(ctx); err != nil {
			return nil, err
		}
	}
	for _, r := range asked {
		p, err := Get[*GetPropertyIDsFromNamesResponse](r)
		if err != nil && !errors.Is(err, mapi.EcErrorsReturned) {
			return nil, err
		}
		if err := t.learn(r.request.(*GetPropertyIDsFromNamesRequest).PropertyNames, p.PropertyIDs); err != nil {
			return nil, err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]uint16, len(names))
	for i, n := range names {
		out[i] = t.ids[n]
	}
	return out, nil
}

func (t *Names) unknownNames(names []mapi.PropertyName) []mapi.PropertyName {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []mapi.PropertyName
	seen := map[mapi.PropertyName]bool{}
	for _, n := range names {
		if _, ok := t.ids[n]; !ok && !seen[n] {
			seen[n] = true
			out = append(out, n)
		}
	}
	return out
}

// learn remembers pairs of names and numbers; names without a number may get one
// later and are not remembered.
func (t *Names) learn(names []mapi.PropertyName, ids []uint16) error {
	if len(ids) != len(names) {
		return &mapi.Protocol{Err: errCounts}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, n := range names {
		if ids[i] == 0 || n.Kind == mapi.NameKindNone {
			continue
		}
		t.ids[n] = ids[i]
		if _, ok := t.names[ids[i]]; !ok {
			t.names[ids[i]] = n
		}
	}
	return nil
}

// Names returns the names of numbers, in their order. A number without a name gives
// one of Kind NameKindNone.
func (t *Names) Names(ctx context.Context, ids []uint16) ([]mapi.PropertyName, error) {
	unknown := t.unknownIDs(ids)
	b := t.logon.session.NewBatch()
	var asked []*Result
	for i := 0; i < len(unknown); i += namesPerRequest {
		asked = append(asked, b.Add(t.logon, &GetNamesFromPropertyIDsRequest{PropertyIDs: unknown[i:min(i+namesPerRequest, len(unknown))]}))
	}
	if len(asked) > 0 {
		if err := b.Do(ctx); err != nil {
			return nil, err
		}
	}
	for _, r := range asked {
		p, err := Get[*GetNamesFromPropertyIDsResponse](r)
		if err != nil && !errors.Is(err, mapi.EcErrorsReturned) {
			return nil, err
		}
		if err := t.learn(p.PropertyNames, r.request.(*GetNamesFromPropertyIDsRequest).PropertyIDs); err != nil {
			return nil, err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]mapi.PropertyName, len(ids))
	for i, id := range ids {
		n, ok := t.names[id]
		if !ok {
			n.Kind = mapi.NameKindNone
		}
		out[i] = n
	}
	return out, nil
}

func (t *Names) unknownIDs(ids []uint16) []uint16 {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []uint16
	seen := map[uint16]bool{}
	for _, id := range ids {
		if _, ok := t.names[id]; !ok && !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}
