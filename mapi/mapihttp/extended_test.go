package mapihttp

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestForeignExtended takes apart what Outlook 2007 sent.
func TestForeignExtended(t *testing.T) {
	vs := vectors(t)
	for id, flags := range map[string]ExtFlags{
		"outlook2007_1_rgbIn":    ExtCompressed | ExtLast,
		"outlook2007_1_rgbAuxIn": ExtXorMagic | ExtLast,
		"outlook2007_2_rgbIn":    ExtCompressed | ExtLast,
		"outlook2007_2_rgbAuxIn": ExtXorMagic | ExtLast,
	} {
		v := vs[id]
		want := unhex(t, v.Decoded["payload_plain_hex"].(string))
		got, err := SplitExtended(unhex(t, v.Hex), 1)
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		if diff := cmp.Diff([]ExtendedBuffer{{Flags: flags, Payload: want}}, got); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
	}
}

func TestForeignAux(t *testing.T) {
	vs := vectors(t)
	got, err := DecodeAux(unhex(t, vs["lpe_connect_aux_out"].Hex))
	if err != nil {
		t.Fatal(err)
	}
	if serverCapabilities(got) != UltraLargePackedDownload || len(got) != 2 || got[0].Type != AuxExorgInfo {
		t.Errorf("decoded to %+v", got)
	}
	raw := unhex(t, vs["outlook2007_1_rgbAuxIn"].Hex)
	blocks, err := DecodeAux(raw)
	if err != nil || len(blocks) != 3 || blocks[0].Type != 0x01 || blocks[2].Type != 0x0C {
		t.Fatalf("decoded to %+v, %v", blocks, err)
	}
	if again, err := EncodeAux(blocks, ExtXorMagic); err != nil || !bytes.Equal(again, raw) {
		t.Errorf("encoded again to %x, %v, want %x", again, err, raw)
	}
}

func TestDamagedAux(t *testing.T) {
	for _, payload := range []string{"03000146", "0900014600000000", "04", "00000000"} {
		raw, err := AppendExtended(nil, unhex(t, payload), ExtLast)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := DecodeAux(raw); err == nil {
			t.Errorf("%s: decoded to %+v", payload, got)
		}
	}
	if _, err := EncodeAux([]AuxBlock{{Data: make([]byte, 0xFFFF)}}, 0); err == nil {
		t.Error("block of 65535 bytes and a header accepted")
	}
}

func TestSplitExtendedRefuses(t *testing.T) {
	one := []byte{0, 0, 4, 0, 2, 0, 2, 0, 0xAA, 0xBB}
	more := []byte{0, 0, 0, 0, 2, 0, 2, 0, 0xAA, 0xBB}
	for name, data := range map[string][]byte{
		"no last buffer":    more,
		"bytes after last":  append(append([]byte{}, one...), one...),
		"version 1":         {1, 0, 4, 0, 0, 0, 0, 0},
		"sizes differ":      {0, 0, 4, 0, 1, 0, 2, 0, 0xAA},
		"payload cut":       one[:9],
		"header cut":        one[:7],
		"damaged":           {0, 0, 5, 0, 2, 0, 9, 0, 0xAA, 0xBB},
		"more than allowed": bytes.Repeat(more, 4),
	} {
		if got, err := SplitExtended(data, 3); err == nil {
			t.Errorf("%s: accepted as %+v", name, got)
		}
	}
}

func TestExtendedTooLarge(t *testing.T) {
	if _, err := AppendExtended(nil, make([]byte, MaxPayload+1), ExtLast); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v, want %v", err, ErrTooLarge)
	}
	full, err := AppendExtended(nil, make([]byte, MaxPayload), ExtLast)
	if err != nil || len(full) != OneBuffer {
		t.Errorf("full payload makes %d bytes, %v", len(full), err)
	}
}

// TestIncompressible checks that compression is dropped when it gains nothing: with
// Compressed, Size MUST be less than SizeActual.
func TestIncompressible(t *testing.T) {
	got, err := AppendExtended(nil, []byte("abc"), ExtCompressed|ExtLast)
	if want := "\x00\x00\x04\x00\x03\x00\x03\x00abc"; err != nil || string(got) != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

func TestExtendedRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		flags := ExtFlags(rapid.IntRange(0, 3).Draw(t, "flags"))
		var payloads [][]byte
		for range rapid.IntRange(0, 5).Draw(t, "payloads") {
			p := rapid.SliceOfN(rapid.ByteRange('a', 'c'), 0, 500).Draw(t, "payload")
			payloads = append(payloads, p)
		}
		data, err := JoinExtended(payloads, flags)
		if err != nil {
			t.Fatal(err)
		}
		keep := bytes.Clone(data)
		got, err := SplitExtended(data, 5)
		if err != nil || len(got) != len(payloads) {
			t.Fatalf("%d buffers, %v, want %d", len(got), err, len(payloads))
		}
		for i, b := range got {
			if !bytes.Equal(b.Payload, payloads[i]) {
				t.Errorf("payload %d is %q, want %q", i, b.Payload, payloads[i])
			}
		}
		if !bytes.Equal(keep, data) {
			t.Error("decoding changed its input")
		}
	})
}

func FuzzSplitExtended(f *testing.F) {
	for _, x := range recordedExchanges(f)[:40] {
		if q, err := DecodeExecuteRequest(x.Req); err == nil && x.Type == Execute {
			f.Add(q.RopBuffer)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		buffers, err := SplitExtended(data, MaxChained)
		if err != nil || len(buffers) == 0 {
			return
		}
		var again []byte
		for _, b := range buffers {
			if len(b.Payload) > MaxPayload {
				return // may be received, not sent
			}
			if again, err = AppendExtended(again, b.Payload, b.Flags); err != nil {
				t.Fatal(err)
			}
		}
		after, err := SplitExtended(again, MaxChained)
		if err != nil || len(after) != len(buffers) {
			t.Fatalf("%d buffers after another round, %v, want %d", len(after), err, len(buffers))
		}
		for i := range after {
			if !bytes.Equal(after[i].Payload, buffers[i].Payload) {
				t.Fatalf("payload %d differs after another round", i)
			}
		}
	})
}
