package rop

import (
	"bytes"
	"testing"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// The numbers in this file are those of the requirements of [MS-OXCFXICS] in the public
// interoperability test suites; internal/spec/requirements.tsv says what each asks for.

// TestMaximumBufferSize: R539, the field is there with the size 0xBABE, and only then.
func TestMaximumBufferSize(t *testing.T) {
	for _, c := range []struct {
		q    FastTransferSourceGetBufferRequest
		want []byte
	}{
		{FastTransferSourceGetBufferRequest{BufferSize: 0xBABE, MaximumBufferSize: 0x7BC0}, []byte{0x4E, 0, 3, 0xBE, 0xBA, 0xC0, 0x7B}},
		{FastTransferSourceGetBufferRequest{BufferSize: 0x4000, MaximumBufferSize: 0x7BC0}, []byte{0x4E, 0, 3, 0x00, 0x40}},
	} {
		var b wire.Builder
		AppendCall(&b, Call{In: 3, Request: &c.q})
		if got, err := b.Finish(); err != nil || !bytes.Equal(got, c.want) {
			t.Errorf("%+v is % x (%v), want % x", c.q, got, err, c.want)
		}
	}
}

// TestReservedFieldsOfPutBuffer: R3180 and R3183028, the reserved field of an answer may hold
// anything; R626 and R3183018, so may the status, which says nothing about the outcome.
func TestReservedFieldsOfPutBuffer(t *testing.T) {
	for _, c := range []struct {
		q       Request
		payload []byte
	}{
		{&FastTransferDestinationPutBufferRequest{TransferData: []byte{1}}, []byte{0x54, 0, 0, 0, 0, 0, 0xFF, 0xFF, 1, 0, 2, 0, 0xFF, 1, 0}},
		{&FastTransferDestinationPutBufferExtendedRequest{TransferData: []byte{1}}, []byte{0x9D, 0, 0, 0, 0, 0, 0xFF, 0xFF, 1, 0, 0, 0, 2, 0, 0, 0, 0xFF, 1, 0}},
	} {
		var b wire.Builder
		b.Uint16(uint16(len(c.payload) + 2))
		b.Raw(c.payload)
		b.Uint32(7)
		got, err := DecodeResponses(b.Bytes(), Requests{Calls: []Call{{Request: c.q}}, Handles: []Handle{7}}, nil)
		if err != nil || len(got.Answers) != 1 || got.Answers[0].Response.Result() != mapi.EcSuccess {
			t.Errorf("%s: %+v, %v", c.q.ROP(), got, err)
		}
	}
}
