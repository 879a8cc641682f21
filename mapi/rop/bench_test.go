package rop

import "testing"

// BenchmarkGetBuffer encodes and decodes one piece of a download.
func BenchmarkGetBuffer(b *testing.B) {
	sent := Requests{Calls: []Call{{Request: getBuffer()}}, Handles: []Handle{1}}
	answer := sent.Calls[0].Answer(&FastTransferSourceGetBufferResponse{TransferStatus: TransferPartial, TransferBuffer: make([]byte, getBufferSize)})
	b.SetBytes(getBufferSize)
	for b.Loop() {
		payload, err := EncodeResponses([]Answer{answer}, sent.Handles)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := DecodeResponses(payload, sent, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCorpus decodes and encodes the recorded exchanges.
func BenchmarkCorpus(b *testing.B) {
	all := corpus(b)
	size := 0
	for _, e := range all {
		size += len(e.Req)
		for _, p := range e.Resp {
			size += len(p)
		}
	}
	b.SetBytes(int64(size))
	for b.Loop() {
		sessions := map[string]Columns{}
		for _, e := range all {
			if sessions[e.Session] == nil {
				sessions[e.Session] = Columns{}
			}
			if _, _, err := e.again(sessions[e.Session]); err != nil {
				b.Fatal(err)
			}
		}
	}
}
