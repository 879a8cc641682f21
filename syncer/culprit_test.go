package syncer_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"unicode/utf16"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/syncer"
)

// utf16le is how text travels.
func utf16le(s string) (out []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

// A change that makes the server fail over the whole request, whichever it is of many, is found; the others go past, in
// few requests.
func TestRequestThatTheServerFailsOver(t *testing.T) {
	for name, fault := range map[string]memserver.Fault{
		"malformed":             {RPC: mapi.EcRpcFormat},
		"breaks the connection": {CutBefore: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t)
			c := w.client(t, quick)
			c.pass()
			c.flush()
			const many = 30
			for i := range many {
				c.create(c.at("Drafts"), fmt.Sprintf("%d.eml", i), mail(fmt.Sprint("letter ", i), "a body"))
			}
			poison := c.create(c.at("Drafts"), "bad.eml", mail("a poisonous letter", "a body"))
			for i := range many {
				c.create(c.at("Inbox"), fmt.Sprintf("%d.eml", i), mail(fmt.Sprint("note ", i), "a body"))
			}
			sent := 0
			w.srv.SetScript(func(r memserver.Request) memserver.Fault {
				if len(r.ROPs) > 0 {
					sent++
				}
				if bytes.Contains(r.Payload, utf16le("a poisonous letter")) {
					return fault
				}
				return memserver.Fault{}
			})
			uploaded := func() (n int) {
				for _, dir := range []string{"Drafts", "Inbox"} {
					for i := range many {
						if c.at(dir, fmt.Sprintf("%d.eml", i)).Message.ChangeKey != "" {
							n++
						}
					}
				}
				return n
			}
			passes := 0
			for ; uploaded() < 2*many && passes < 10; passes++ {
				if err := c.s.Pass(t.Context()); err == nil {
					t.Fatal("a pass did not fail")
				}
			}
			if n := uploaded(); n < 2*many {
				t.Fatalf("%d of %d went past it in %d passes", n, 2*many, passes)
			}
			t.Logf("%d requests in %d passes", sent, passes)
			if c.at("Drafts", "bad.eml").Message.ChangeKey != "" {
				t.Fatal("the test is wrong: it went up")
			}
			if fault.RPC == 0 {
				return // it is tried again with every pass: the connection may be to blame
			}
			for range 5 {
				if why := c.errorOf(poison.Num); why != nil {
					break
				}
				_ = c.s.Pass(t.Context()) // that fails until it is refused
			}
			if why := c.errorOf(poison.Num); why == nil {
				t.Fatal("nobody is told of it")
			}
			c.pass()
			w.srv.SetScript(nil)
			var refused *syncer.RefusedError
			if err := c.s.Flush(t.Context()); err != nil && !errors.As(err, &refused) {
				t.Fatal(err)
			}
		})
	}
}
