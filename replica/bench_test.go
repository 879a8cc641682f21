package replica

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

// fill puts n messages into a folder, in batches, as a download does.
func fill(b testing.TB, r *Replica, folder Num, first, n, size int) {
	b.Helper()
	for at := 0; at < n; at += 200 {
		update(b, r, func(u *Update) error {
			u.Remote(true)
			for i := at; i < min(at+200, n); i++ {
				m := testMail(folder, first+i)
				if _, err := u.Insert(m); err != nil {
					return err
				}
				if err := u.PutContent(m, testMessage(first+i, size)); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func benchReplica(b *testing.B) (*Replica, Num) {
	b.Helper()
	r, err := Open(Options{Dir: b.TempDir(), Fold: strings.ToLower})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { r.Close() })
	return r, inboxOf(b, r)
}

func inboxOf(t testing.TB, r *Replica) (inbox Num) {
	t.Helper()
	update(t, r, func(u *Update) (err error) {
		u.Remote(true)
		n := testFolder(RootNum, "Inbox", 7)
		n.Folder.Special = SpecialInbox
		inbox, err = u.Insert(n)
		return err
	})
	return inbox
}

// BenchmarkApply is the time for one downloaded message of 20 KiB.
func BenchmarkApply(b *testing.B) {
	r, inbox := benchReplica(b)
	b.SetBytes(20 << 10)
	b.ReportAllocs()
	b.ResetTimer()
	fill(b, r, inbox, 100, b.N, 20<<10)
	b.StopTimer()
	reportMemory(b)
}

const benchMessages = 10000

func filled(b *testing.B) (*Replica, Num) {
	r, inbox := benchReplica(b)
	fill(b, r, inbox, 100, benchMessages, 20<<10)
	b.ReportAllocs()
	b.ResetTimer()
	return r, inbox
}

// BenchmarkChildren is the time to list 10,000 messages with their attributes.
func BenchmarkChildren(b *testing.B) {
	r, inbox := filled(b)
	for b.Loop() {
		n := 0
		view(b, r, func(v *View) error {
			for _, err := range v.Children(inbox, "") {
				if err != nil {
					return err
				}
				n++
			}
			return nil
		})
		if n != benchMessages {
			b.Fatal(n)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	r, inbox := filled(b)
	names := make([]string, benchMessages)
	for i := range names {
		names[i] = testMail(inbox, 100+i).Name
	}
	i := 0
	for b.Loop() {
		view(b, r, func(v *View) error {
			_, err := v.Lookup(inbox, names[i*7919%benchMessages])
			return err
		})
		i++
	}
}

func BenchmarkNode(b *testing.B) {
	r, inbox := filled(b)
	i := 0
	for b.Loop() {
		view(b, r, func(v *View) error {
			_, err := v.Node(inbox + 1 + Num(i*7919%benchMessages))
			return err
		})
		i++
	}
}

func BenchmarkMessage(b *testing.B) {
	r, inbox := filled(b)
	b.SetBytes(20 << 10)
	i := 0
	for b.Loop() {
		view(b, r, func(v *View) error {
			_, err := v.Message(inbox + 1 + Num(i*7919%benchMessages))
			return err
		})
		i++
	}
}

// BenchmarkSmallUpdate is one durable change of an attribute.
func BenchmarkSmallUpdate(b *testing.B) {
	r, inbox := filled(b)
	i := 0
	for b.Loop() {
		update(b, r, func(u *Update) error {
			n, err := u.Node(inbox + 1 + Num(i%benchMessages))
			if err != nil {
				return err
			}
			n.Message.Read = !n.Message.Read
			if err := u.Save(n); err != nil {
				return err
			}
			_, err = u.Enqueue(&Change{Kind: ChangeRead, Item: n.Num, Read: n.Message.Read})
			return err
		})
		i++
	}
}

func BenchmarkPutBlob(b *testing.B) {
	for _, size := range []int{4 << 10, 1 << 20, 64 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			r, _ := benchReplica(b)
			p := bytes.Repeat([]byte("0123456789abcdef"), size/16)
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, _, err := r.PutBlob(context.Background(), bytes.NewReader(p)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReadBlob(b *testing.B) {
	r, _ := benchReplica(b)
	p := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	id, _, err := r.PutBlob(context.Background(), bytes.NewReader(p))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		f, err := r.OpenBlob(id)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, io.NewSectionReader(f, 0, f.Size())); err != nil || n != int64(len(p)) {
			b.Fatal(n, err)
		}
		f.Close()
	}
}

// BenchmarkOpen is the start with 10,000 messages, after a clean Close.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	r, err := Open(Options{Dir: dir, Fold: strings.ToLower})
	if err != nil {
		b.Fatal(err)
	}
	fill(b, r, inboxOf(b, r), 100, benchMessages, 20<<10)
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for b.Loop() {
		r, err := Open(Options{Dir: dir, Fold: strings.ToLower})
		if err != nil {
			b.Fatal(err)
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	reportMemory(b)
}

// reportMemory adds what the process holds, of its own and of mapped files.
func reportMemory(b *testing.B) {
	p, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return
	}
	for _, line := range strings.Split(string(p), "\n") {
		var kib int
		for _, name := range []string{"RssAnon", "RssFile"} {
			if n, _ := fmt.Sscanf(line, name+":%d", &kib); n == 1 {
				b.ReportMetric(float64(kib)/1024, name+"-MiB")
			}
		}
	}
}
