package nspi

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"mailfs/mapi"
)

// deskClerk is an address book without a wire: it knows entries by name.
type deskClerk struct {
	t       *testing.T
	smtp    map[string]string // by distinguished name
	few     int               // rows in one answer; 0 means all
	lose    int               // lose the session before this many look-ups
	broken  func(kind string) ([]byte, bool)
	watch   func(kind string, body []byte)
	bound   bool
	binds   int
	unbinds int
	asked   []int // names in each look-up
	order   []string
}

func (c *deskClerk) Call(_ context.Context, kind string, body []byte) ([]byte, error) {
	if c.watch != nil {
		c.watch(kind, body)
	}
	if c.broken != nil {
		if p, ok := c.broken(kind); ok {
			return p, nil
		}
	}
	if kind == Bind {
		c.bound, c.binds = true, c.binds+1
		if q, err := DecodeBindRequest(body); err != nil || q.State == nil || q.State.CodePage == 1200 {
			c.t.Errorf("bind with %+v, %v", q, err)
		}
		return BindResponse{}.Encode()
	}
	if !c.bound {
		return nil, &mapi.SessionLost{Err: errors.New("not bound")}
	}
	switch kind {
	case Unbind:
		c.bound, c.unbinds = false, c.unbinds+1
		return UnbindResponse{Result{ErrorCode: UnbindSuccess}}.Encode()
	case DNToMId:
		if c.lose > 0 {
			c.bound, c.lose = false, c.lose-1
			return nil, &mapi.SessionLost{Err: errors.New("restarted")}
		}
		q, err := DecodeDNToMIdRequest(body)
		if err != nil {
			return nil, err
		}
		c.asked, c.order = append(c.asked, len(q.Names)), q.Names
		p := DNToMIdResponse{MinimalIDs: make([]MinimalID, len(q.Names))}
		for i, n := range q.Names {
			if _, ok := c.smtp[n]; ok {
				p.MinimalIDs[i] = firstMinimalID + MinimalID(i)
			}
		}
		return p.Encode()
	case QueryRows:
		q, err := DecodeQueryRowsRequest(body)
		if err != nil {
			return nil, err
		}
		p := QueryRowsResponse{State: q.State, Columns: q.Columns}
		for i, id := range q.Explicit {
			if c.few > 0 && i == c.few {
				break
			}
			addr := c.smtp[c.order[id-firstMinimalID]]
			row := mapi.PropertyBag{{Tag: mapi.NewTag(mapi.PidTagSmtpAddress.ID(), mapi.TypeErrorCode), Value: mapi.EcNotFound}}
			if addr != "" {
				row = mapi.PropertyBag{{Tag: mapi.PidTagSmtpAddress, Value: addr}}
			}
			p.Rows = append(p.Rows, row)
		}
		return p.Encode()
	}
	return nil, fmt.Errorf("no %s", kind)
}

func TestSMTP(t *testing.T) {
	known := map[string]string{"/o=a/cn=anna": "anna@example.test", "/o=a/cn=bert": "bert@example.test", "/o=a/cn=fax": ""}
	want := map[string]string{"/o=a/cn=anna": "anna@example.test", "/o=a/cn=bert": "bert@example.test"}
	ask := []string{"/o=a/cn=nobody", "/o=a/cn=anna", "/o=a/cn=ünï", "", "/o=a/cn=fax", "/o=a/cn=bert"}
	for name, change := range map[string]func(*deskClerk){
		"at once":       func(*deskClerk) {},
		"row by row":    func(c *deskClerk) { c.few = 1 },
		"session lost":  func(c *deskClerk) { c.lose = 1 },
		"asks for each": func(c *deskClerk) { c.few = 2 },
	} {
		clerk := &deskClerk{t: t, smtp: known}
		change(clerk)
		b := New(clerk)
		for range 2 {
			got, err := b.SMTP(t.Context(), ask)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %v, %v", name, got, err)
			}
		}
		if err := b.Close(t.Context()); err != nil || clerk.bound || clerk.unbinds != 1 {
			t.Errorf("%s: closing: %v", name, err)
		}
		if err := b.Close(t.Context()); err != nil || clerk.unbinds != 1 {
			t.Errorf("%s: closing twice: %v", name, err)
		}
	}
}

func TestManyNames(t *testing.T) {
	clerk := &deskClerk{t: t, smtp: map[string]string{}}
	var ask []string
	for i := range 2*most + 1 {
		dn := fmt.Sprintf("/cn=%d", i)
		ask = append(ask, dn)
		clerk.smtp[dn] = fmt.Sprintf("%d@example.test", i)
	}
	got, err := New(clerk).SMTP(t.Context(), ask)
	if err != nil || !reflect.DeepEqual(got, clerk.smtp) || !reflect.DeepEqual(clerk.asked, []int{most, most, 1}) {
		t.Errorf("%d addresses, asked %v, %v", len(got), clerk.asked, err)
	}
}

func TestNothingToAsk(t *testing.T) {
	clerk := &deskClerk{t: t}
	if got, err := New(clerk).SMTP(t.Context(), []string{""}); err != nil || len(got) != 0 || clerk.binds != 0 {
		t.Errorf("%v, %v, %d binds", got, err, clerk.binds)
	}
}

func TestBadAnswers(t *testing.T) {
	encode := func(e encoder) []byte {
		p, err := e.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	known := map[string]string{"/cn=a": "a@example.test"}
	for name, c := range map[string]struct {
		kind string
		body []byte
	}{
		"rubbish":       {Bind, []byte("<html>")},
		"status":        {Bind, encode(BindResponse{Result: Result{StatusCode: 3}})},
		"error":         {DNToMId, encode(DNToMIdResponse{Result: Result{ErrorCode: GeneralFailure}})},
		"too few ids":   {DNToMId, encode(DNToMIdResponse{})},
		"no rows":       {QueryRows, encode(QueryRowsResponse{})},
		"too many rows": {QueryRows, encode(QueryRowsResponse{Columns: []mapi.PropertyTag{}, Rows: make([]mapi.PropertyBag, 2)})},
	} {
		clerk := &deskClerk{t: t, smtp: known}
		clerk.broken = func(kind string) ([]byte, bool) { return c.body, kind == c.kind }
		var protocol *mapi.Protocol
		if got, err := New(clerk).SMTP(t.Context(), []string{"/cn=a"}); !errors.As(err, &protocol) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	lost := &deskClerk{t: t, smtp: known, lose: 2}
	var gone *mapi.SessionLost
	if _, err := New(lost).SMTP(t.Context(), []string{"/cn=a"}); !errors.As(err, &gone) {
		t.Errorf("lost twice: %v", err)
	}
}

func TestEndOfPatience(t *testing.T) {
	b := New(&deskClerk{t: t})
	if err := b.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.SMTP(ctx, []string{"/cn=a"}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := b.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
