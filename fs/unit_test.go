package fs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"mailfs/mapi"
	"mailfs/replica"
)

func TestErrnoTable(t *testing.T) {
	network := errors.New("network")
	for _, c := range []struct {
		err  error
		want syscall.Errno
	}{
		{nil, 0},
		{syscall.EXDEV, syscall.EXDEV},
		{fmt.Errorf("wrapped: %w", syscall.ENOSPC), syscall.ENOSPC},
		{fmt.Errorf("x: %w", replica.ErrNotFound), syscall.ENOENT},
		{replica.ErrExists, syscall.EEXIST},
		{replica.ErrNotEmpty, syscall.ENOTEMPTY},
		{replica.ErrStale, syscall.ESTALE},
		{context.Canceled, syscall.EINTR},
		{context.DeadlineExceeded, syscall.ETIMEDOUT},
		{&mapi.Unreachable{Err: network}, syscall.ENETUNREACH},
		{&mapi.Unreachable{Err: syscall.ECONNREFUSED}, syscall.ENETUNREACH},
		{&mapi.Refused{Err: network}, syscall.EACCES},
		{&mapi.Unreachable{Err: io.EOF}, syscall.ENETUNREACH},
		{&mapi.Busy{Err: network}, syscall.EHOSTUNREACH},
		{&mapi.SessionLost{Err: network}, syscall.EHOSTUNREACH},
		{&mapi.Protocol{Err: network}, syscall.EPROTO},
		{mapi.EcAccessDenied, syscall.EACCES},
		{mapi.EcQuotaExceeded, syscall.EDQUOT},
		{mapi.EcStoreFull, syscall.EDQUOT},
		{mapi.EcSyncObjectDeleted, syscall.ESTALE},
		{mapi.EcGeneralFailure, syscall.EIO},
		{errors.New("anything else"), syscall.EIO},
	} {
		if got := errnoOf(c.err); got != c.want {
			t.Errorf("%v: %v, want %v", c.err, got, c.want)
		}
	}
}

// TestBuffer compares a buffer with a slice, below and above the size at which it goes to a file.
func TestBuffer(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		b := newBuffer(dir)
		defer b.Close()
		base := rapid.SampledFrom([]int64{0, spillSize - 100}).Draw(rt, "base")
		var model []byte
		grow := func(n int64) {
			if n > int64(len(model)) {
				model = append(model, make([]byte, n-int64(len(model)))...)
			}
		}
		for range rapid.IntRange(1, 12).Draw(rt, "operations") {
			off := base + rapid.Int64Range(0, 200).Draw(rt, "offset")
			switch rapid.IntRange(0, 2).Draw(rt, "operation") {
			case 0:
				p := rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(rt, "bytes")
				if n, err := b.WriteAt(p, off); n != len(p) || err != nil {
					rt.Fatal(n, err)
				}
				grow(off + int64(len(p)))
				copy(model[off:], p)
			case 1:
				if err := b.Truncate(off); err != nil {
					rt.Fatal(err)
				}
				grow(off)
				model = model[:off:off]
			case 2:
				if off < int64(len(model)) {
					n := min(50, int64(len(model))-off)
					if err := b.Zero(off, 50); err != nil {
						rt.Fatal(err)
					}
					clear(model[off : off+n])
				}
			}
			if b.Size() != int64(len(model)) {
				rt.Fatalf("size %d, want %d", b.Size(), len(model))
			}
		}
		got, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
		if err != nil || !bytes.Equal(got, model) {
			rt.Fatalf("holds other bytes, %v", err)
		}
		if b.Size() > 0 {
			if n, err := b.ReadAt(make([]byte, 10), b.Size()-1); n != 1 || err != io.EOF {
				rt.Fatalf("at the end: %d, %v", n, err)
			}
		}
	})
}

func TestStatfs(t *testing.T) {
	b := newBed(t)
	disk, err := b.tree.statfs()
	if err != nil || disk.blocks == 0 {
		t.Fatal(disk, err)
	}
	set := func(limit, used uint64) {
		if err := b.r.Update(func(u *replica.Update) error {
			return errors.Join(u.SetSetting(replica.SettingQuotaLimit, strconv.AppendUint(nil, limit, 10)), u.SetSetting(replica.SettingQuotaUsed, strconv.AppendUint(nil, used, 10)))
		}); err != nil {
			t.Fatal(err)
		}
	}
	const mib = 1 << 20 / statfsBlock
	room := min(disk.free, 16*mib)
	for name, c := range map[string]struct{ limit, used, blocks, free uint64 }{
		"half full": {100 * mib, 60 * mib, 60*mib + min(disk.free, 40*mib), min(disk.free, 40*mib)},
		// local writes still succeed
		"full":           {100 * mib, 100 * mib, 100*mib + room, room},
		"more than full": {100 * mib, 130 * mib, 130*mib + room, room},
		// more than the disk has: it is the disk that ends first
		"larger than the disk": {1 << 50, 60 * mib, 60*mib + disk.free, disk.free},
	} {
		set(c.limit*statfsBlock, c.used*statfsBlock)
		s, err := b.tree.statfs()
		if around := func(a, b uint64) bool { return max(a, b)-min(a, b) < 64*mib }; err != nil || !around(s.blocks, c.blocks) || !around(s.free, c.free) || s.free == 0 && disk.free > 0 {
			t.Errorf("%s: %+v, %v; want %d blocks, %d free", name, s, err, c.blocks, c.free)
		}
	}
}

func TestImageCache(t *testing.T) {
	c := newImageCache(80)
	put := func(num replica.Num, version uint64, n int) {
		k := imageKey{num, version}
		if got, running := c.begin(k); got != nil || running != nil {
			t.Fatal("there already")
		}
		if _, running := c.begin(k); running == nil {
			t.Fatal("rendered twice")
		}
		c.end(k, newMemContent(make([]byte, n)), nil)
	}
	for num := range replica.Num(9) {
		put(num, 1, 10)
	}
	if got, _ := c.begin(imageKey{8, 1}); got == nil || got.Size() != 10 {
		t.Fatal("the latest one is gone")
	}
	if c.size > 80 || len(c.byNum) != 8 {
		t.Fatalf("%d bytes in %d images", c.size, len(c.byNum))
	}
	put(100, 1, 50) // too large to push out the others
	if len(c.byNum) != 8 {
		t.Fatal("kept a large one")
	}
	put(8, 3, 5)
	put(8, 2, 7) // late
	if got, _ := c.begin(imageKey{8, 3}); got == nil || got.Size() != 5 || len(c.byNum) != 8 || c.size != 75 {
		t.Fatalf("%d bytes in %d images", c.size, len(c.byNum))
	}
}

// TestReady: what was read ahead is opened once without a look into the replica, as long as nothing was committed
// since, and with the bytes of its own version only.
func TestReady(t *testing.T) {
	c := newImageCache(80)
	k := imageKey{5, 2}
	c.begin(k)
	c.end(k, newMemContent(make([]byte, 10)), nil)
	node := func(version uint64, size int64) *replica.Node {
		return &replica.Node{Num: 5, Version: version, Size: size}
	}
	for _, tt := range []struct {
		n        *replica.Node
		snapshot uint64
		want     bool
	}{
		{node(2, 10), 7, true},
		{node(2, 10), 8, false},
		{node(1, 10), 7, false},
		{node(2, 11), 7, false},
	} {
		c.lay(tt.n, 7)
		n, src := c.take(5, tt.snapshot)
		if (n == tt.n && src != nil) != tt.want || !tt.want && n != nil {
			t.Errorf("%+v in snapshot %d: %v", tt.n, tt.snapshot, n)
		}
		if n, _ := c.take(5, tt.snapshot); n != nil {
			t.Error("taken twice")
		}
	}
}

func TestNodeIDs(t *testing.T) {
	if makeID(replica.RootNum, 0) != 1 {
		t.Fatal("the root must have the kernel's number for it")
	}
	rapid.Check(t, func(rt *rapid.T) {
		num := replica.Num(rapid.Uint64Range(1, numMask).Draw(rt, "num"))
		inc := rapid.Uint64().Draw(rt, "incarnation")
		id := makeID(num, inc)
		if id.num() != num || id.control() || id == makeID(num, inc+1) {
			rt.Fatalf("%x", id)
		}
	})
}
