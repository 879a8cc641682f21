package replica

import (
	"bytes"
	"testing"

	"mailfs/mapi"
)

// TestPartial writes a blob over several runs: what was committed is there after each,
// and it becomes a value like any other.
func TestPartial(t *testing.T) {
	dir := t.TempDir()
	want := make([]byte, 5<<20+12345)
	for i := range want {
		want[i] = byte(i>>8) ^ byte(i)
	}
	at := int64(0)
	for run, upto := range []int{300_000, 1_400_000, 1_400_001, 4 << 20, len(want)} {
		r := openDir(t, dir)
		p, err := r.OpenPartial("key")
		if err != nil {
			t.Fatal(err)
		}
		if p.Size() != at {
			t.Fatalf("run %d begins at %d, want %d", run, p.Size(), at)
		}
		for part := want[at:upto]; len(part) > 0; {
			n := min(len(part), 31_000)
			if _, err := p.Write(part[:n]); err != nil {
				t.Fatal(err)
			}
			part = part[n:]
		}
		at = int64(upto) / chunkSize * chunkSize
		if upto == len(want) {
			id, err := p.Finish()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Write([]byte{1}); err == nil {
				t.Error("a finished blob grows")
			}
			usePartial(t, r, id, want)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		checkClose(t, r)
	}
}

// usePartial makes the blob part of a message.
func usePartial(t *testing.T, r *Replica, id BlobID, want []byte) {
	t.Helper()
	b, err := r.OpenBlob(id)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	n := testMail(RootNum, 1)
	update(t, r, func(u *Update) error {
		u.Remote(true)
		num, err := u.Insert(n)
		if err != nil {
			return err
		}
		n.Num = num
		m := &mapi.Message{Attachments: []mapi.Attachment{{Properties: mapi.PropertyBag{{Tag: mapi.PidTagAttachDataBinary, Value: b}}}}}
		if err := u.PutContent(n, m); err != nil {
			return err
		}
		return u.DropPartial("key")
	})
	view(t, r, func(v *View) error {
		for k, err := range v.Partials() {
			t.Errorf("%q is left, %v", k, err)
		}
		m, err := v.Message(n.Num)
		if err != nil {
			return err
		}
		got, err := mapi.ValueBytes(m.Attachments[0].Properties.Get(mapi.PidTagAttachDataBinary))
		if err == nil && !bytes.Equal(got, want) {
			t.Error("the bytes are others")
		}
		return err
	})
}

// TestPartialDropped: a beginning that nobody goes on with takes no space.
func TestPartialDropped(t *testing.T) {
	dir := t.TempDir()
	r := openDir(t, dir)
	p, err := r.OpenPartial("key")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write(make([]byte, 3<<20)); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	update(t, r, func(u *Update) error { return u.DropPartial("key") })
	checkClose(t, r)
	r = openDir(t, dir)
	view(t, r, func(v *View) error {
		for _, space := range []byte{spaceBlob, spaceChunk, spaceOrphan} {
			for p, err := range v.scan([]byte{space}, nil, false) {
				t.Errorf("%q is left, %v", p.k, err)
			}
		}
		return nil
	})
	if p, err = r.OpenPartial("key"); err != nil || p.Size() != 0 {
		t.Fatalf("%d bytes, %v", p.Size(), err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}
