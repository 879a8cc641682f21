package replica

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailfs/mapi"
)

// testTime is when everything in these tests happens.
var testTime = time.Date(2026, 11, 20, 9, 15, 0, 123456700, time.UTC)

func testOptions(t testing.TB) Options {
	return Options{Small: true, Fold: strings.ToLower, Now: func() time.Time { return testTime }, Logf: t.Logf}
}

// open opens a replica that is checked and closed at the end of the test.
func open(t testing.TB, opt Options) *Replica {
	t.Helper()
	r, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if r.gate.state.Load() < gateShut {
			checkClose(t, r)
		}
	})
	return r
}

func openMemory(t testing.TB) *Replica {
	opt := testOptions(t)
	opt.InMemory = true
	return open(t, opt)
}

func openDir(t testing.TB, dir string) *Replica {
	opt := testOptions(t)
	opt.Dir = filepath.Join(dir, "replica")
	return open(t, opt)
}

func checkClose(t testing.TB, r *Replica) {
	t.Helper()
	check(t, r)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

func check(t testing.TB, r *Replica) {
	t.Helper()
	bad, err := r.Check()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bad {
		t.Error("check: " + b)
	}
}

func update(t testing.TB, r *Replica, f func(u *Update) error) {
	t.Helper()
	if err := r.Update(f); err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, r *Replica, f func(v *View) error) {
	t.Helper()
	if err := r.View(f); err != nil {
		t.Fatal(err)
	}
}

var testGUID = mapi.MustGUID("12345678-1234-5678-9abc-def012345678")

func sourceKey(i int) mapi.SourceKey {
	return mapi.LongTermID{GUID: testGUID, Counter: mapi.GlobCnt(i)}.SourceKey()
}

func changeKey(i int) mapi.ChangeKey {
	return xid(i).ChangeKey()
}

func xid(i int) mapi.XID {
	return mapi.XID{Namespace: testGUID, LocalID: string([]byte{0, 0, byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)})}
}

func testFolder(parent Num, name string, id int) *Node {
	f := &FolderInfo{DisplayName: name, Class: "IPF.Note"}
	if id != 0 {
		f.SourceKey, f.ChangeKey, f.PCL = sourceKey(id), changeKey(id), mapi.PCL{xid(id)}
	}
	return &Node{Parent: parent, Name: name, Kind: KindFolder, Mtime: testTime, Ctime: testTime, Btime: testTime, Atime: testTime, Folder: f}
}

func testMail(parent Num, id int) *Node {
	m := &MessageInfo{
		SourceKey: sourceKey(id), ChangeKey: changeKey(id), PCL: mapi.PCL{xid(id)},
		State: StateFull, Read: id%2 == 0, Class: "IPM.Note", Subject: fmt.Sprintf("Quarterly numbers %d", id),
		From: "Anna Berg <anna@example.org>", Sender: "Anna Berg <anna@example.org>", MessageID: fmt.Sprintf("<%d.anna@example.org>", id),
		SearchKey: []byte(fmt.Sprintf("search-key-%05d", id)), ServerSize: 20 << 10, Importance: 1, Renderer: 1,
		Delivered: mapi.NewFileTime(testTime.Add(time.Duration(id) * time.Minute)), Modified: mapi.NewFileTime(testTime),
	}
	at := m.Delivered.Time()
	return &Node{Parent: parent, Name: fmt.Sprintf("%s Anna Berg - Quarterly numbers %d.k%05x.eml", at.Format("2006-01-02 1504"), id, id),
		Kind: KindMessage, Size: 20000 + int64(id), Exact: true, Mtime: at, Ctime: at, Btime: at, Atime: at, Message: m}
}

func testMessage(id, size int) *mapi.Message {
	body := strings.Repeat(fmt.Sprintf("line %d of a message\n", id), size/20+1)[:size]
	m := &mapi.Message{Recipients: []mapi.Recipient{{RowID: 0, Type: mapi.RecipientTo}}}
	m.Properties.Set(mapi.PidTagSubject, fmt.Sprintf("Quarterly numbers %d", id))
	m.Properties.Set(mapi.PidTagBody, body)
	m.Recipients[0].Properties.Set(mapi.PidTagDisplayName, "Bo Ek")
	return m
}
