package mapihttp

import (
	"bytes"
	"reflect"
	"testing"

	"mailfs/mapi"
)

// bodies lists every body once, request and response, success and failure.
func bodies(t testing.TB) []struct {
	kind    RequestType
	request bool
	body    encoder
} {
	t.Helper()
	aux, err := EncodeAux([]AuxBlock{
		{Version: 1, Type: AuxExorgInfo, Data: []byte{1, 0, 0, 0}},
		{Version: 1, Type: AuxServerCapabilities, Data: []byte{8, 0, 0, 0}},
	}, ExtXorMagic)
	if err != nil {
		t.Fatal(err)
	}
	rop, err := JoinExtended([][]byte{bytes.Repeat([]byte("ab"), 400), {2, 0}}, ExtCompressed|ExtXorMagic)
	if err != nil {
		t.Fatal(err)
	}
	type row = struct {
		kind    RequestType
		request bool
		body    encoder
	}
	return []row{
		{Connect, true, ConnectRequest{UserDN: "/o=x/cn=y", Flags: 1, DefaultCodePage: 1252, LcidSort: 1033, LcidString: 1031, Aux: aux}},
		{Connect, false, ConnectResponse{PollsMax: 60000, RetryCount: 6, RetryDelay: 10000, DNPrefix: "/o=x", DisplayName: "Ünï 日本 𝄞", Aux: aux}},
		{Connect, false, ConnectResponse{StatusCode: 7, Aux: aux}},
		{Execute, true, ExecuteRequest{Flags: Chain | NoXorMagic, RopBuffer: rop, MaxRopOut: MaxRopOut, Aux: aux}},
		{Execute, false, ExecuteResponse{ErrorCode: mapi.EcRpcFormat, RopBuffer: rop, Aux: aux}},
		{Execute, false, ExecuteResponse{StatusCode: 1}},
		{Disconnect, true, DisconnectRequest{Aux: aux}},
		{Disconnect, false, DisconnectResponse{ErrorCode: 5}},
		{Disconnect, false, DisconnectResponse{StatusCode: 5, Aux: aux}},
		{NotificationWait, true, NotificationWaitRequest{Flags: 1, Aux: aux}},
		{NotificationWait, false, NotificationWaitResponse{EventPending: 1, Aux: aux}},
		{NotificationWait, false, NotificationWaitResponse{StatusCode: 9}},
	}
}

func decodeBody(kind RequestType, request bool, body []byte) (encoder, error) {
	if request {
		return decodeRequest(kind, body)
	}
	return decodeResponse(kind, body)
}

// TestBodies encodes and decodes every body, and refuses every one that is cut or
// too long.
func TestBodies(t *testing.T) {
	for _, r := range bodies(t) {
		enc, err := r.body.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeBody(r.kind, r.request, enc)
		if err != nil || !sameBody(got, r.body) {
			t.Errorf("%s: decoded to %+v, %v, want %+v", r.kind, got, err, r.body)
		}
		for n := range len(enc) {
			if r.kind == Disconnect && r.request && n == 0 {
				continue // may be missing altogether
			}
			if _, err := decodeBody(r.kind, r.request, enc[:n:n]); err == nil {
				t.Errorf("%s: accepted %d of %d bytes of %+v", r.kind, n, len(enc), r.body)
			}
		}
		if _, err := decodeBody(r.kind, r.request, append(enc, 0)); err == nil {
			t.Errorf("%s: accepted a byte too many", r.kind)
		}
	}
}

// sameBody compares bodies, taking nil and empty buffers for the same.
func sameBody(a, b encoder) bool {
	x, errX := a.Encode()
	y, errY := b.Encode()
	return errX == nil && errY == nil && bytes.Equal(x, y) && reflect.TypeOf(a) == reflect.TypeOf(b)
}

func TestNULRefused(t *testing.T) {
	for _, v := range []encoder{
		ConnectRequest{UserDN: "a\x00b"},
		ConnectResponse{DNPrefix: "a\x00b"},
		ConnectResponse{DisplayName: "a\x00b"},
	} {
		if b, err := v.Encode(); err == nil {
			t.Errorf("%+v encoded to %x", v, b)
		}
	}
}

// TestHugeLengths checks that lengths are compared with what is there before
// anything is allocated for them.
func TestHugeLengths(t *testing.T) {
	huge := []byte{0xFF, 0xFF, 0xFF, 0xFF}
	for name, f := range map[string]func() error{
		"execute request":  func() error { _, err := DecodeExecuteRequest(append(make([]byte, 4), huge...)); return err },
		"execute response": func() error { _, err := DecodeExecuteResponse(append(make([]byte, 12), huge...)); return err },
		"auxiliary":        func() error { _, err := DecodeNotificationWaitRequest(append(make([]byte, 4), huge...)); return err },
	} {
		if allocs := testing.AllocsPerRun(10, func() {
			if f() == nil {
				t.Errorf("%s: accepted", name)
			}
		}); allocs > 20 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}

// TestForeignExecuteBodies decodes Execute requests of other clients.
func TestForeignExecuteBodies(t *testing.T) {
	n := 0
	for id, v := range vectors(t) {
		if v.File != "captures_mapihttp" || id == "lpe_connect_aux_out" {
			continue
		}
		n++
		raw := unhex(t, v.Hex)
		q, err := DecodeExecuteRequest(raw)
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		sameBytes(t, id, q, raw)
		checkExtended(t, id, q)
		if q.Flags != NoXorMagic || q.MaxRopOut != 0x8007 || len(q.Aux) != 0 {
			t.Errorf("%s: flags %#x, room %#x, %d auxiliary bytes", id, q.Flags, q.MaxRopOut, len(q.Aux))
		}
		if size := v.Decoded["RopBufferSize"].(float64); int(size) != len(q.RopBuffer) {
			t.Errorf("%s: ROP buffer of %d bytes, want %v", id, len(q.RopBuffer), size)
		}
	}
	if n == 0 {
		t.Error("no vectors")
	}
}

func FuzzBodies(f *testing.F) {
	kinds := []RequestType{Connect, Execute, Disconnect, NotificationWait}
	for _, r := range bodies(f) {
		enc, err := r.body.Encode()
		if err != nil {
			f.Fatal(err)
		}
		for i, k := range kinds {
			if k == r.kind {
				f.Add(uint8(i), r.request, enc)
			}
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, request bool, body []byte) {
		if request && len(body) == 0 {
			return // a Disconnect without a body gets one when it is written again
		}
		v, err := decodeBody(kinds[int(kind)%len(kinds)], request, body)
		if err != nil {
			return
		}
		again, err := v.Encode()
		if err != nil || !bytes.Equal(again, body) {
			t.Fatalf("%+v encodes to %x, %v, want %x", v, again, err, body)
		}
	})
}
