package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"mailfs/mapi"
)

// pattern returns n bytes of which no two pieces are the same.
func pattern(n int) []byte {
	p := make([]byte, 0, n+8)
	for i := 0; len(p) < n; i++ {
		p = fmt.Appendf(p, "%07d\n", i)
	}
	return p[:n]
}

func putBlob(t testing.TB, r *Replica, n int) BlobID {
	t.Helper()
	id, size, err := r.PutBlob(context.Background(), bytes.NewReader(pattern(n)))
	if err != nil || size != int64(n) {
		t.Fatal(size, err)
	}
	return id
}

// blobs returns the numbers of the blobs that are stored, in whole or in part.
func blobs(t testing.TB, r *Replica) map[BlobID]bool {
	t.Helper()
	out := make(map[BlobID]bool)
	v := &View{r: r, tx: r.db.NewTransactionAt(latest, false)}
	defer v.tx.Discard()
	for _, space := range []byte{spaceBlob, spaceChunk} {
		for p, err := range v.scan([]byte{space}, nil, false) {
			if err != nil {
				t.Fatal(err)
			}
			out[BlobID(keyHead(p.k))] = true
		}
	}
	return out
}

// purged waits until the cleaner has nothing to do.
func purged(t testing.TB, r *Replica) {
	t.Helper()
	if err := r.purge(); err != nil {
		t.Fatal(err)
	}
}

func TestBlobSizes(t *testing.T) {
	for _, opt := range []Options{{InMemory: true, Small: true}, {Small: true}} {
		if !opt.InMemory {
			opt.Dir = t.TempDir()
		}
		r := open(t, opt)
		for _, n := range []int{0, 1, 4095, chunkSize - 1, chunkSize, chunkSize + 1, 3*chunkSize + 17, 9 << 20} {
			want := pattern(n)
			id, size, err := r.PutBlob(context.Background(), iotest.HalfReader(bytes.NewReader(want)))
			if err != nil || size != int64(n) {
				t.Fatal(n, size, err)
			}
			b, err := r.OpenBlob(id)
			if err != nil {
				t.Fatal(err)
			}
			if b.Size() != int64(n) {
				t.Error(n, b.Size())
			}
			got, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes come back as %d, %v", n, len(got), err)
			}
			for range 20 {
				off, p := rand.Int64N(int64(n)+1), make([]byte, rand.IntN(600<<10))
				m, err := b.ReadAt(p, off)
				end := min(off+int64(len(p)), int64(n))
				if !bytes.Equal(p[:m], want[off:end]) || (m < len(p)) != errors.Is(err, io.EOF) {
					t.Fatalf("%d bytes at %d of %d: %d, %v", len(p), off, n, m, err)
				}
			}
			if _, err := b.ReadAt(make([]byte, 1), -1); err == nil {
				t.Error("read before the start")
			}
			b.Close()
			b.Close()
		}
	}
}

func TestPutBlobFails(t *testing.T) {
	r := openMemory(t)
	cut := errors.New("cut")
	src := io.MultiReader(bytes.NewReader(pattern(2<<20)), iotest.ErrReader(cut))
	if _, _, err := r.PutBlob(context.Background(), src); !errors.Is(err, cut) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := r.PutBlob(ctx, bytes.NewReader(pattern(10))); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	purged(t, r)
	if left := blobs(t, r); len(left) != 0 {
		t.Error("left behind:", left)
	}
}

// TestBlobLife: a blob goes with its last reference, but not under those who read it.
func TestBlobLife(t *testing.T) {
	r := openMemory(t)
	n := item(t, r, RootNum, 5) // has one large value
	var msg *mapi.Message
	view(t, r, func(v *View) (err error) {
		msg, err = v.Message(n)
		return err
	})
	value := msg.Properties.Get(mapi.PidTagHtml).(mapi.Blob)
	id := value.(*stored).id
	handle, err := r.OpenBlob(id)
	if err != nil {
		t.Fatal(err)
	}
	view(t, r, func(*View) error {
		update(t, r, func(u *Update) error { return u.Remove(n) })
		purged(t, r)
		if !blobs(t, r)[id] {
			t.Error("the blob went under a handle")
		}
		handle.Close()
		handle.Close() // a second Close must not end the hold of the message
		purged(t, r)
		if _, err := mapi.ValueBytes(value); err != nil {
			t.Error("the blob went under the message:", err)
		}
		unreachable(t, r, &msg, &value, id)
		purged(t, r)
		if !blobs(t, r)[id] {
			t.Error("the blob went under a View")
		}
		return nil
	})
	purged(t, r)
	if blobs(t, r)[id] {
		t.Error("the blob is still there")
	}
	if _, err := r.OpenBlob(id); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if _, err := (&stored{r: r, id: id, size: 1}).ReadAt(make([]byte, 1), 0); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

// unreachable lets go of a message and waits until its blob is not pinned any more.
func unreachable(t *testing.T, r *Replica, msg **mapi.Message, value *mapi.Blob, id BlobID) {
	t.Helper()
	*msg, *value = nil, nil
	for end := time.Now().Add(time.Minute); ; runtime.GC() {
		r.blobs.mu.Lock()
		pins := r.blobs.pins[id]
		r.blobs.mu.Unlock()
		if pins == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the blob stays pinned")
		}
	}
}

// TestBlobShared: the same blob as working copy, as exact bytes of a node and inside a
// message counts three times.
func TestBlobShared(t *testing.T) {
	dir := t.TempDir()
	r := openDir(t, dir)
	id := putBlob(t, r, 70<<10)
	lost := putBlob(t, r, 5)
	b, err := r.OpenBlob(id)
	if err != nil {
		t.Fatal(err)
	}
	var n *Node
	update(t, r, func(u *Update) error {
		n = testMail(RootNum, 1)
		n.Content, n.Size = id, 70<<10
		if _, err := u.Insert(n); err != nil {
			return err
		}
		m := &mapi.Message{}
		m.Properties.Set(mapi.PidTagHtml, b)
		if err := u.PutContent(n, m); err != nil {
			return err
		}
		return u.PutWorkingCopy(&WorkingCopy{Item: n.Num, Content: id, Size: 70 << 10})
	})
	b.Close()
	update(t, r, func(u *Update) error { return u.DropWorkingCopy(n.Num) })
	update(t, r, func(u *Update) error {
		n.Content = 0
		return u.Save(n)
	})
	checkClose(t, r)
	r = openDir(t, dir)
	if left := blobs(t, r); !left[id] || left[lost] {
		t.Error("after reopening:", left)
	}
	view(t, r, func(v *View) error {
		m, err := v.Message(n.Num)
		if err != nil {
			return err
		}
		if !bytes.Equal(m.Properties.Bytes(mapi.PidTagHtml), pattern(70<<10)) {
			t.Error("other bytes")
		}
		return nil
	})
}

// TestValuesWithinUpdate: what a transaction wrote it can read, large values too.
func TestValuesWithinUpdate(t *testing.T) {
	r := openDir(t, t.TempDir())
	update(t, r, func(u *Update) error {
		n := testMail(RootNum, 1)
		if _, err := u.Insert(n); err != nil {
			return err
		}
		for _, token := range []int{35, 70} {
			if err := u.PutContent(n, tokenMessage(token)); err != nil {
				return err
			}
			m, err := u.Message(n.Num)
			if err != nil {
				return err
			}
			if got, err := tokenOf(m); got != token || err != nil {
				t.Error(got, err)
			}
			if err := u.PutContent(n, m); err != nil { // its blobs are known already
				return err
			}
		}
		return nil
	})
	purged(t, r)
	if got := len(blobs(t, r)); got != 2 {
		t.Error("blobs left:", got)
	}
}

// TestBadContentLeavesNothing: a content that can't be stored does not leave its blobs.
func TestBadContentLeavesNothing(t *testing.T) {
	r := openDir(t, t.TempDir())
	n := item(t, r, RootNum, 1)
	update(t, r, func(u *Update) error {
		node, err := u.Node(n)
		if err != nil {
			return err
		}
		m := tokenMessage(5)
		m.Properties.Set(mapi.PidTagSubject, 17)
		if err := u.PutContent(node, m); err == nil {
			t.Error("a value of type int was stored")
		}
		m = tokenMessage(5)
		m.Properties.Set(mapi.PidTagBody, 17)
		if err := u.PutContent(node, m); err == nil {
			t.Error("a value of type int was stored")
		}
		return nil
	})
	purged(t, r)
	if left := blobs(t, r); len(left) != 0 {
		t.Error("left behind:", left)
	}
}

// TestSpill: contents that do not fit one transaction of the database still come with
// one Update, or not at all.
func TestSpill(t *testing.T) {
	r := openMemory(t)
	add := func(first int, fail error) error {
		return r.Update(func(u *Update) error {
			for i := range 60 {
				n := testMail(RootNum, first+i)
				if _, err := u.Insert(n); err != nil {
					return err
				}
				if err := u.PutContent(n, testMessage(i, 50<<10)); err != nil {
					return err
				}
			}
			return fail
		})
	}
	if err := add(1, nil); err != nil {
		t.Fatal(err)
	}
	check(t, r)
	if err := add(101, errAbort); !errors.Is(err, errAbort) {
		t.Fatal(err)
	}
	view(t, r, func(v *View) error {
		c, err := v.Counts()
		if c.Messages != 60 || c.Full != 60 {
			t.Errorf("%+v", c)
		}
		return err
	})
	err := r.Update(func(u *Update) error {
		for i := range 20000 {
			if err := u.SetSetting(strings.Repeat("x", i%200+1)+string(rune('a'+i%26))+string(rune(0x100+i)), make([]byte, 100)); err != nil {
				return err
			}
		}
		return nil
	})
	if !errors.Is(err, ErrTooBig) {
		t.Error(err)
	}
}

// TestDiskFull: Update and PutBlob say so before a log can't grow any more.
func TestDiskFull(t *testing.T) {
	r := openMemory(t)
	r.opt.InMemory, r.opt.Dir = false, "/proc/self/fd" // a file system without any room
	defer func() { r.opt.InMemory = true }()
	if _, err := os.Stat(r.opt.Dir); err != nil {
		t.Skip("no such file system here")
	}
	if err := r.Update(func(*Update) error { return nil }); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Error(err)
	}
	if _, _, err := r.PutBlob(context.Background(), strings.NewReader("x")); err == nil {
		t.Error("a blob was stored")
	}
}

// TestPutBlobWithin: a blob that comes with a transaction and is not used is not stored.
func TestPutBlobWithin(t *testing.T) {
	r := openDir(t, t.TempDir())
	var used BlobID
	update(t, r, func(u *Update) error {
		for _, size := range []int{0, 10, 300 << 10, inlineBlob + 1} {
			id, err := u.PutBlob(memory(pattern(size)))
			if err != nil {
				return err
			}
			if size == 300<<10 {
				used = id
				if _, err := u.Insert(&Node{Parent: RootNum, Name: "f", Kind: KindFile, Content: id, Size: 300 << 10}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	purged(t, r)
	if left := blobs(t, r); len(left) != 1 || !left[used] {
		t.Error("stored:", left)
	}
	b, err := r.OpenBlob(used)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if p, err := mapi.ValueBytes(b); err != nil || !bytes.Equal(p, pattern(300<<10)) {
		t.Error(len(p), err)
	}
}

// TestReclaim: the space of what was removed comes back, and nothing else goes.
func TestReclaim(t *testing.T) {
	dir := t.TempDir()
	r := openDir(t, dir)
	var keep, drop []Num
	add := func(name string, size int) (n Num) {
		id := putBlob(t, r, size)
		update(t, r, func(u *Update) (err error) {
			n, err = u.Insert(&Node{Parent: RootNum, Name: name, Kind: KindFile, Content: id, Size: int64(size)})
			return err
		})
		return n
	}
	for i := range 10 {
		keep = append(keep, add(fmt.Sprint("keep", i), 300<<10))
		drop = append(drop, add(fmt.Sprint("drop", i), 2<<20))
	}
	for _, n := range drop {
		update(t, r, func(u *Update) error { return u.Remove(n) })
	}
	purged(t, r)
	before := logSize(t, dir)
	for i := range 6 { // each Close writes a table out; from a few on they are merged
		checkClose(t, r)
		r = openDir(t, dir)
		update(t, r, func(u *Update) error { return u.SetSetting("i", []byte{byte(i)}) })
	}
	if err := r.db.Flatten(1); err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	quit := make(chan struct{})
	readers.Go(func() {
		for {
			select {
			case <-quit:
				return
			default:
				readAll(t, r, keep)
			}
		}
	})
	r.reclaim()
	close(quit)
	readers.Wait()
	readAll(t, r, keep)
	checkClose(t, r)
	if after := logSize(t, dir); after > before/2 {
		t.Errorf("%d bytes of %d are left", after, before)
	}
	readAll(t, openDir(t, dir), keep)
}

func readAll(t *testing.T, r *Replica, nums []Num) {
	t.Helper()
	for _, n := range nums {
		view(t, r, func(v *View) error {
			node, err := v.Node(n)
			if err != nil {
				return err
			}
			b, err := r.OpenBlob(node.Content)
			if err != nil {
				return err
			}
			defer b.Close()
			p, err := mapi.ValueBytes(b)
			if !bytes.Equal(p, pattern(int(b.Size()))) {
				t.Error("other bytes")
			}
			return err
		})
	}
}

// logSize adds up what is written in the value log.
func logSize(t *testing.T, dir string) (n int) {
	t.Helper()
	for name, p := range files(t, filepath.Join(dir, "replica")) {
		if strings.HasSuffix(name, ".vlog") {
			n += len(p)
		}
	}
	return n
}
