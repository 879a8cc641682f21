package rop

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"
)

// FuzzRequests checks that no input buffer makes the decoder panic, and that what it
// accepts stays the same when it is encoded and decoded again. Booleans other than 0
// and 1 and reserved forms come back normalized, so bytes are compared one round
// later.
func FuzzRequests(f *testing.F) {
	for _, e := range corpus(f) {
		if len(e.Req) < 1024 {
			f.Add(e.Req, false)
		}
	}
	for _, v := range vectors(f) {
		if payload, err := v.payload(); err == nil && (v.Form == "req" || v.Form == "in") {
			f.Add(payload, false)
		}
	}
	for _, one := range (filler{rand.New(rand.NewPCG(3, 4)), testColumns}).trips() {
		if raw, err := one.encode(); err == nil {
			f.Add(raw, true)
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte, public bool) {
		of := func(uint8) bool { return public }
		first, err := DecodeRequests(payload, of)
		if err != nil {
			return
		}
		raw, err := EncodeRequests(first)
		if err != nil {
			t.Fatalf("does not encode: %v", err)
		}
		second, err := DecodeRequests(raw, of)
		if err != nil {
			t.Fatalf("does not decode again: %v", err)
		}
		again, err := EncodeRequests(second)
		if err != nil || !bytes.Equal(raw, again) {
			t.Fatalf("encodes as\n%x, then as\n%x (%v)", raw, again, err)
		}
		for _, c := range first.Calls {
			c.Fail(1)
		}
	})
}

// FuzzResponses does the same for output buffers, which answer the requests of an
// input buffer.
func FuzzResponses(f *testing.F) {
	for _, e := range corpus(f) {
		for _, p := range e.Resp {
			if len(p)+len(e.Req) < 1024 {
				f.Add(e.Req, p)
			}
		}
	}
	fill := filler{rand.New(rand.NewPCG(5, 6)), testColumns}
	for _, id := range allIDs() {
		if newRequest(id) == nil || id == IDRelease {
			continue
		}
		call := fill.request(id)
		req, err := EncodeRequests(Requests{Calls: []Call{call}, Handles: make([]Handle, 4)})
		if err != nil {
			continue
		}
		resp, err := EncodeResponses([]Answer{call.Answer(fill.response(call, 0)), {Response: fill.bareTrip(IDNotify).value.(Response)}}, nil)
		if err == nil {
			f.Add(req, resp)
		}
	}
	f.Fuzz(func(t *testing.T, request, payload []byte) {
		sent, err := DecodeRequests(request, nil)
		if err != nil {
			return
		}
		known := func() Columns {
			c := Columns{}
			for _, h := range sent.Handles {
				c[h] = testColumns
			}
			return c
		}
		first, err := DecodeResponses(payload, sent, known())
		if err != nil {
			return
		}
		raw, err := EncodeResponses(plain(first), first.Handles)
		if err != nil {
			t.Fatalf("does not encode: %v", err)
		}
		second, err := DecodeResponses(raw, sent, known())
		if err != nil {
			t.Fatalf("does not decode again: %v", err)
		}
		again, err := EncodeResponses(plain(second), second.Handles)
		if err != nil || !bytes.Equal(raw, again) {
			t.Fatalf("encodes as\n%x, then as\n%x (%v)", raw, again, err)
		}
		if !reflect.DeepEqual(first.Handles, second.Handles) {
			t.Fatalf("handles %v become %v", first.Handles, second.Handles)
		}
	})
}

func plain(p Responses) []Answer {
	out := make([]Answer, len(p.Answers))
	for i, a := range p.Answers {
		out[i] = a.Answer
	}
	return out
}
