package rop

import (
	"errors"
	"testing"

	"mailfs/mapi"
)

func TestBatchIsSplitByAnswers(t *testing.T) {
	marked := func(size uint16) Request {
		return &FastTransferSourceGetBufferRequest{BufferSize: BufferSizeMarker, MaximumBufferSize: size}
	}
	cases := map[string]struct {
		request Request
		count   int
		buffers int
	}{
		"downloads of what fits":   {marked(getBufferSize), 5, 5},
		"small downloads":          {marked(0x400), 60, 2},
		"exact downloads":          {&FastTransferSourceGetBufferRequest{BufferSize: 0x4000}, 4, 4},
		"rows":                     {queryRows(), 3, 3},
		"few rows":                 {&QueryRowsRequest{RowCount: 10}, 20, 2},
		"properties of fixed size": {&GetPropertiesSpecificRequest{PropertyTags: []mapi.PropertyTag{mapi.PidTagMid, mapi.PidTagChangeNumber}}, 500, 1},
		"change keys":              {&GetPropertiesSpecificRequest{PropertyTags: []mapi.PropertyTag{mapi.PidTagChangeKey, mapi.PidTagPredecessorChangeList}}, 200, 1},
		"strings":                  {&GetPropertiesSpecificRequest{PropertyTags: []mapi.PropertyTag{mapi.PidTagSubject, mapi.PidTagBody}}, 120, 2},
		"cut strings":              {&GetPropertiesSpecificRequest{PropertySizeLimit: 20, PropertyTags: []mapi.PropertyTag{mapi.PidTagSubject}}, 500, 1},
		"ids":                      {&LongTermIDFromIDRequest{}, 700, 1},
	}
	for name, c := range cases {
		s := NewSession(nil, Options{})
		in := &Object{session: s, handle: 3}
		b := s.NewBatch()
		for range c.count {
			b.Add(in, c.request)
		}
		buffers := 0
		for rest := b.results; len(rest) > 0; buffers++ {
			p := s.pack(rest, maxCalls)
			if p.taken == 0 {
				t.Fatalf("%s: nothing fits", name)
			}
			rest = rest[p.taken:]
		}
		if buffers != c.buffers {
			t.Errorf("%s: %d buffers, want %d", name, buffers, c.buffers)
		}
	}
}

// TestEveryRequestHasRoom checks that any request fits a buffer of its own.
func TestEveryRequestHasRoom(t *testing.T) {
	for _, id := range allIDs() {
		q := newRequest(id)
		if q == nil {
			continue
		}
		if size, greedy := answerRoom(q); size <= 0 || !greedy && size > roomLimit {
			t.Errorf("%s: %d bytes", id, size)
		}
	}
}

// A server that fails the whole buffer when the answers do not fit.
func TestBufferThatFailsAsAWhole(t *testing.T) {
	tooSmall := &mapi.Protocol{Err: mapi.EcBufferTooSmall}
	var sizes []int
	s := NewSession(&scripted{f: func(q Requests) ([][]byte, error) {
		sizes = append(sizes, len(q.Calls))
		if len(q.Calls) > 3 {
			return nil, tooSmall
		}
		var answers []Answer
		for _, c := range q.Calls {
			answers = append(answers, c.Answer(newResponse(c.Request.ROP())))
		}
		raw, err := EncodeResponses(answers, q.Handles)
		return [][]byte{raw}, err
	}}, Options{})
	in := &Object{session: s, handle: 3}
	b := s.NewBatch()
	for range 10 {
		b.Add(in, &LongTermIDFromIDRequest{})
	}
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(sizes) != 7 { // 10, 5, then 2 at a time
		t.Errorf("%v", sizes)
	}
	b = s.NewBatch()
	for range 5 {
		b.Add(in, &SaveChangesMessageRequest{}) // not to be done twice
	}
	if err := b.Run(t.Context()); !errors.Is(err, mapi.EcBufferTooSmall) {
		t.Errorf("%v", err)
	}
}

func TestPayloadsChainedToWhatWasHandedBack(t *testing.T) {
	s := NewSession(&scripted{f: func(q Requests) ([][]byte, error) {
		first, err := EncodeResponses([]Answer{q.Calls[0].Answer(getBufferReply(TransferPartial, "a")),
			{Response: &BufferTooSmall{SizeNeeded: 100}}}, q.Handles)
		if err != nil {
			return nil, err
		}
		second, err := EncodeResponses([]Answer{q.Calls[1].Answer(getBufferReply(TransferPartial, "b"))}, q.Handles)
		return [][]byte{first, second}, err
	}}, Options{})
	in := &Object{session: s, handle: 3}
	b := s.NewBatch()
	for range 2 {
		b.Add(in, &FastTransferSourceGetBufferRequest{BufferSize: 100})
	}
	var broken *mapi.Protocol
	if err := b.Do(t.Context()); !errors.As(err, &broken) || !errors.Is(err, errChainedEarly) {
		t.Errorf("%v", err)
	}
}
