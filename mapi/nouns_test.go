package mapi

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mailfs/mapi/wire"
)

func TestGUID(t *testing.T) {
	const text = "00112233-4455-6677-8899-aabbccddeeff"
	g := MustGUID("{" + text + "}")
	if want := (GUID{0x33, 0x22, 0x11, 0, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}); g != want || g.String() != text {
		t.Errorf("%x %s", g[:], g)
	}
	for _, bad := range []string{"", "00112233", text + "00", "x" + text[1:]} {
		if g, err := ParseGUID(bad); err == nil {
			t.Errorf("%q is %s", bad, g)
		}
	}
	if g.IsZero() || !(GUID{}).IsZero() {
		t.Error("zero")
	}
	defer func() {
		if recover() == nil {
			t.Error("a malformed constant passes")
		}
	}()
	MustGUID("x")
}

func TestShortIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := ReplID(rapid.Uint16().Draw(t, "replica"))
		c := GlobCnt(rapid.Uint64Range(0, uint64(MaxGlobCnt)).Draw(t, "counter"))
		f, m, n := NewFID(r, c), NewMID(r, c), NewCN(r, c)
		if f.ReplID() != r || m.ReplID() != r || n.ReplID() != r || f.Counter() != c || m.Counter() != c || n.Counter() != c {
			t.Fatalf("%s %s %s", f, m, n)
		}
		id := LongTermID{GUID: GUID{1}, Counter: c}
		roundTrip(t, id, func(b *wire.Builder, id LongTermID) { id.Append(b) }, ReadLongTermID)
		if back, ok := id.SourceKey().LongTermID(); !ok || back != id {
			t.Fatalf("%s by its source key is %s", id, back)
		}
	})
	if _, ok := SourceKey("foreign").LongTermID(); ok {
		t.Error("a foreign key has an id")
	}
}

func TestFileTime(t *testing.T) {
	at := time.Date(2025, 3, 9, 8, 7, 6, 543210900, time.FixedZone("", 3600))
	f := NewFileTime(at)
	if got := f.Time(); !got.Equal(at.Truncate(100)) || got.Location() != time.UTC {
		t.Errorf("%s becomes %s", at, got)
	}
	if NewFileTime(time.Unix(0, 0)) != unixEpoch || NewFileTime(time.Date(1500, 1, 1, 0, 0, 0, 0, time.UTC)) != 0 {
		t.Error("epochs")
	}
	if got := FileTime(0).Time(); got.Year() != 1601 {
		t.Errorf("0 is %s", got)
	}
}

func TestXIDs(t *testing.T) {
	ns, other := GUID{1}, GUID{2}
	x := func(g GUID, local string) XID { return XID{g, local} }
	for _, c := range []struct {
		a, b     XID
		includes bool
	}{
		{x(ns, "\x00\x02"), x(ns, "\x00\x01"), true},
		{x(ns, "\x00\x01"), x(ns, "\x00\x01"), true},
		{x(ns, "\x00\x01"), x(ns, "\x00\x02"), false},
		{x(ns, "\x01\x00"), x(ns, "\x00\xff"), true},
		{x(ns, "\x02"), x(other, "\x01"), false},
		// One namespace has one length; a peer that breaks this is read by the number.
		{x(ns, "\x00\x00\x02"), x(ns, "\x01"), true},
		{x(ns, "\x01"), x(ns, "\x00\x00\x02"), false},
	} {
		if c.a.Includes(c.b) != c.includes {
			t.Errorf("%v includes %v: %t", c.a, c.b, !c.includes)
		}
	}
	for n := range 30 {
		_, err := ParseXID(make([]byte, n))
		if ok := n >= 17 && n <= 24; (err == nil) != ok {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if _, err := ChangeKey("short").XID(); err == nil {
		t.Error("a short change key is an XID")
	}
}

func drawPCL(t *rapid.T) PCL {
	var p PCL
	for range rapid.IntRange(0, 6).Draw(t, "changes") {
		p = p.Add(drawXID(t))
	}
	return p
}

func drawXID(t *rapid.T) XID {
	g := byte(rapid.IntRange(0, 3).Draw(t, "namespace"))
	n := byte(rapid.IntRange(0, 9).Draw(t, "counter"))
	local := []byte{0, 0, 0, n}
	if g == 0 {
		local = []byte{0, 0, 0, 0, 0, n}
	}
	return XID{Namespace: GUID{g}, LocalID: string(local)}
}

// A predecessor change list is a map from namespaces to their latest change.
func TestPCLModel(t *testing.T) {
	type model map[GUID]string
	of := func(p PCL) model {
		m := model{}
		for _, x := range p {
			m[x.Namespace] = max(m[x.Namespace], x.LocalID)
		}
		return m
	}
	rapid.Check(t, func(t *rapid.T) {
		p, q, x := drawPCL(t), drawPCL(t), drawXID(t)
		mp, mq := of(p), of(q)
		includes := true
		for g, local := range mq {
			includes = includes && mp[g] >= local
		}
		if p.Includes(q) != includes {
			t.Fatalf("%v includes %v: %t", p, q, !includes)
		}
		if p.Contains(x) != (mp[x.Namespace] >= x.LocalID) {
			t.Fatalf("%v contains %v: %t", p, x, p.Contains(x))
		}
		merged := p.Merge(q)
		for g, local := range mq {
			mp[g] = max(mp[g], local)
		}
		if d := cmp.Diff(mp, of(merged)); d != "" || !merged.Includes(p) || !merged.Includes(q) || !cmp.Equal(merged, q.Merge(p)) {
			t.Fatalf("merged %v: %s", merged, d)
		}
		back, err := ParsePCL(merged.Bytes())
		if err != nil || !cmp.Equal(back, merged) {
			t.Fatalf("written %x, read %v, %v", merged.Bytes(), back, err)
		}
	})
}

func TestPCLLenient(t *testing.T) {
	a, b, later := XID{GUID{1}, "\x00\x01"}, XID{GUID{2}, "\x00\x05"}, XID{GUID{1}, "\x00\x09"}
	var w wire.Builder
	for _, x := range []XID{b, later, a} {
		w.Counted8(func() { x.Append(&w) })
	}
	p, err := ParsePCL(w.Bytes())
	if err != nil || !cmp.Equal(p, PCL{later, b}) {
		t.Errorf("%v, %v", p, err)
	}
	for _, bad := range []string{"\x00", "\x10" + string(make([]byte, 16)), "\x19" + string(make([]byte, 25)), "\x14abc"} {
		if p, err := ParsePCL([]byte(bad)); err == nil {
			t.Errorf("%q is %v", bad, p)
		}
	}
}

func TestBag(t *testing.T) {
	var b PropertyBag
	name := StringName(PSPublicStrings, "Keywords")
	b.Set(PidTagSubject, "a")
	b.SetNamed(name, TypeMultiString, []string{"x"})
	b.Set(PidTagImportance, int32(2))
	b.Set(PidTagMessageSize, EcNotFound)
	b.Put(Property{Tag: NewTag(0x1234, TypeInteger16), Value: int16(-3)})
	copied := b.Clone()
	b.Set(PidTagSubject.WithType(TypeString8), String8("b"))
	if b[0].Value != String8("b") || copied[0].Value != "a" || len(b) != 5 {
		t.Errorf("%v, copy %v", b, copied)
	}
	if b.String(PidTagSubject) != "b" || b.Int(PidTagImportance) != 2 || b.Int(NewTag(0x1234, TypeInteger32)) != -3 || b.StringNamed(name) != "" {
		t.Errorf("%v", b)
	}
	if b.Has(PidTagMessageSize) || b.Get(PidTagMessageSize) != nil || b.Get(PidTagMessageSize.WithType(TypeErrorCode)) != EcNotFound {
		t.Error("an error counts as a value")
	}
	if got := b.GetNamed(name); !cmp.Equal(got, []string{"x"}) || b.Has(PidTagHtml) || b.Bytes(PidTagHtml) != nil {
		t.Errorf("named %v", got)
	}
	b.Delete(Key{Name: name})
	b.Delete(Key{ID: PidTagImportance.ID()})
	b.Delete(Key{ID: 0x7777})
	if len(b) != 3 || b.GetNamed(name) != nil || len(copied) != 5 {
		t.Errorf("after deleting: %v, copy %v", b, copied)
	}
	b.Set(PidTagHtml, blob("abc"))
	if !bytes.Equal(b.Bytes(PidTagHtml), []byte("abc")) || ValueSize(b.Get(PidTagHtml)) != 3 || ValueSize([]byte{1}) != 1 || ValueSize(1) != 0 {
		t.Error("blob")
	}
	b.Set(PidTagHtml, badBlob{})
	if _, err := b.BytesErr(PidTagHtml); err == nil {
		t.Error("an unreadable blob gives no error")
	}
}

func TestErrors(t *testing.T) {
	cause := errors.New("cause")
	for _, err := range []error{
		&Unreachable{cause}, &Refused{cause}, &SessionLost{cause}, &Busy{After: time.Second, Err: cause}, &Protocol{cause},
	} {
		if wrapped := fmt.Errorf("more: %w", err); !errors.Is(wrapped, cause) || err.Error() == cause.Error() {
			t.Errorf("%v", wrapped)
		}
	}
	if got := EcNotFound.Error(); got != "NotFound (0x8004010F)" {
		t.Error(got)
	}
	if got := ErrorCode(0x12345).Error(); got != "server error 0x00012345" {
		t.Error(got)
	}
}

func TestServerVersion(t *testing.T) {
	v := ServerVersion{15, 1, 2507, 6}
	for w, want := range map[ServerVersion]bool{
		{}: true, v: true, {15, 1, 2507, 7}: false, {15, 0, 9999, 9}: true, {16}: false, {15, 1, 2508}: false,
	} {
		if v.AtLeast(w) != want {
			t.Errorf("%v at least %v: %t", v, w, !want)
		}
	}
}

func TestEntryIDs(t *testing.T) {
	mailbox := GUID{9}
	folder, message := LongTermID{GUID{1}, 2}, LongTermID{GUID{1}, 3}
	for _, id := range []EntryID{
		NewFolderEntryID(mailbox, folder), NewMessageEntryID(mailbox, folder, message),
		NewAddressBookEntryID("/o=Org/cn=user"), NewOneOffEntryID("Zoë", "SMTP", "zoe@example.test"),
		&OneOffEntryID{DisplayName: "\xe4", AddressType: "SMTP", Email: "a@b"},
		&StoreEntryID{DLL: "emsmdb.dll", WrappedProvider: WrappedPrivateStore, WrappedType: 0x0C, Server: "srv", MailboxDN: "/o=x"},
		&ContactEntryID{Version: 3, Type: 4, Index: 1, Contact: NewMessageEntryID(mailbox, folder, message).Bytes()},
		UnknownEntryID("something quite different"),
	} {
		p := id.Bytes()
		got, err := ParseEntryID(p)
		if d := cmp.Diff(id, got); d != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, d)
		}
		for n := range 20 {
			if _, err := ParseEntryID(p[:n]); err == nil {
				t.Errorf("%T: %d bytes accepted", id, n)
			}
		}
	}
	for name, p := range map[string][]byte{
		"address book without an end": NewAddressBookEntryID("x").Bytes()[:28],
		"one-off with more":           append(NewOneOffEntryID("a", "b", "c").Bytes(), 0),
		"contact that is cut off":     (&ContactEntryID{Contact: []byte{1, 2}}).Bytes()[:36],
	} {
		if id, err := ParseEntryID(p); err == nil {
			t.Errorf("%s: %v", name, id)
		}
	}
}

func TestBlobsMalformed(t *testing.T) {
	for _, p := range []string{"\x01", "\x01\x80\x04\x00\x01\x00\x02\x00", "\x01\x80\xff\xff", "\x01\x80\x03\x00abc"} {
		if b, err := ParsePersistBlocks([]byte(p)); err == nil {
			t.Errorf("%q: %v", p, b)
		}
	}
	for _, p := range []string{"", "\x01\x00\x00\x00\x00\x00\x00\x00", "\xff\xff\xff\xff\x04\x00\x00\x00\x00\x00\x00\x00", "\x01\x00\x00\x00\x05\x00\x00\x00\x09\x00\x00\x00a"} {
		if ids, err := ParseFlatEntryList([]byte(p)); err == nil {
			t.Errorf("%q: %v", p, ids)
		}
	}
	r := wire.NewReader([]byte{0xFF, 0xFF, 1, 0})
	if ReadRuleNames(r); r.Err() == nil {
		t.Error("65535 names in two bytes")
	}
	block := PersistBlock{ID: PersistToDo, Elements: []PersistElement{{ID: PersistElementHeader, Data: []byte{1}}}}
	if block.EntryID() != nil {
		t.Error("a header is an entry id")
	}
}
