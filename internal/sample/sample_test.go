package sample

import (
	"bytes"
	"net/mail"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 20, 9, 15, 0, 0, time.UTC)

func TestMailboxIsLargeAndVaried(t *testing.T) {
	box := Mailbox(1, now)
	folders := map[string]bool{}
	types := map[string]bool{}
	for i, m := range box {
		msg, err := mail.ReadMessage(bytes.NewReader(m.Data))
		if err != nil {
			t.Fatalf("message %d does not parse: %v", i, err)
		}
		if _, err := mail.ParseDate(msg.Header.Get("Date")); err != nil {
			t.Errorf("message %d: %v", i, err)
		}
		if _, err := msg.Header.AddressList("From"); err != nil {
			t.Errorf("message %d: From: %v", i, err)
		}
		folders[strings.Join(m.Folder, "\x00")] = true
		types[msg.Header.Get("Content-Type")[:9]] = true
	}
	if len(box) < 300 || len(folders) < 12 || len(types) < 2 {
		t.Errorf("%d messages in %d folders, %d kinds", len(box), len(folders), len(types))
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	a, b := Mailbox(7, now), Mailbox(7, now)
	for i := range a {
		if !bytes.Equal(a[i].Data, b[i].Data) {
			t.Fatalf("message %d differs", i)
		}
	}
}

func TestLarge(t *testing.T) {
	for _, m := range Large(1, 20, 20_000, now) {
		if n := len(m.Data); n < 18_000 || n > 24_000 {
			t.Errorf("%d bytes, want about 20,000", n)
		}
	}
}
