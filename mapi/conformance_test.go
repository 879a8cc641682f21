package mapi

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// The numbers in this file are those of the requirements of [MS-OXCFXICS] in the public
// interoperability test suites; internal/spec/requirements.tsv says what each asks for.

// TestXIDSizeComesFromOutside: R163, nothing in an XID tells how long its local id is; what
// is given is all of it.
func TestXIDSizeComesFromOutside(t *testing.T) {
	p := bytes.Repeat([]byte{7}, 24)
	for n := 17; n <= 24; n++ {
		x, err := ParseXID(p[:n])
		if err != nil || len(x.LocalID) != n-16 {
			t.Errorf("%d bytes: local id of %d, %v", n, len(x.LocalID), err)
		}
		if k := x.ChangeKey(); len(k) != n {
			t.Errorf("%d bytes become a change key of %d", n, len(k))
		}
	}
}

// TestPCLOnTheWire: R169, sized XIDs one behind the other, ascending by the bytes of their
// namespaces, each namespace once.
func TestPCLOnTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPCL(t).Bytes()
		var last []byte
		for len(p) > 0 {
			n := int(p[0])
			if n < 17 || n > 24 || len(p) < 1+n {
				t.Fatalf("an XID of %d bytes in front of %d", n, len(p)-1)
			}
			namespace := p[1:17]
			if last != nil && bytes.Compare(last, namespace) >= 0 {
				t.Fatalf("%x behind %x", namespace, last)
			}
			last, p = namespace, p[1+n:]
		}
	})
}
