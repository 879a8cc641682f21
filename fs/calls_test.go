package fs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// places are a file that is a message, one that is local in a folder, and one in a local directory: what a call does
// is the same for all of them.
func places(t *testing.T, f func(t *testing.T, m *mounted, path string)) {
	m := start(t, childConfig{RealTime: true})
	for _, dir := range []string{"Inbox/sub", "Inbox/.hidden"} {
		if err := os.Mkdir(m.path(dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"Inbox/sub/message.eml", "Inbox/sub/notes.txt", "Inbox/.hidden/any"} {
		t.Run(filepath.Base(name), func(t *testing.T) {
			m.t = t
			m.write(name, note("one", "first"))
			f(t, m, m.path(name))
			if err := os.RemoveAll(m.path(name)); err != nil {
				t.Error(err)
			}
		})
	}
	m.t = t
}

func openFile(t *testing.T, path string, flags int) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func wantBytes(t *testing.T, f *os.File, want string) {
	t.Helper()
	p, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<30))
	if err != nil || string(p) != want {
		t.Fatalf("%s reads %.80q (%d bytes), %v; want %.80q (%d bytes)", f.Name(), p, len(p), err, want, len(want))
	}
}

func fileStat(t *testing.T, f *os.File) *syscall.Stat_t {
	t.Helper()
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return st.Sys().(*syscall.Stat_t)
}

func TestUnlinkWhileOpen(t *testing.T) {
	places(t, func(t *testing.T, m *mounted, path string) {
		f := openFile(t, path, os.O_RDWR)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		wantBytes(t, f, note("one", "first"))
		if _, err := f.WriteAt([]byte("FROM"), 0); err != nil {
			t.Fatal(err)
		}
		wantBytes(t, f, "FROM"+note("one", "first")[4:])
		if st := fileStat(t, f); st.Nlink != 0 {
			t.Errorf("%d links", st.Nlink)
		}
		if err := errors.Join(f.Truncate(3), f.Sync(), f.Chmod(0o640)); err != nil {
			t.Error(err)
		}
		wantBytes(t, f, "FRO")
		if _, err := os.Stat(path); !errors.Is(err, syscall.ENOENT) {
			t.Errorf("the name is still there: %v", err)
		}
		m.write(strings.TrimPrefix(path, m.dir+"/"), note("two", "another"))
		wantBytes(t, f, "FRO")
		if err := f.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if got := m.read(strings.TrimPrefix(path, m.dir+"/")); got != note("two", "another") {
			t.Errorf("the new file holds %q", got)
		}
	})
}

func TestRenameOverOpenFiles(t *testing.T) {
	places(t, func(t *testing.T, m *mounted, path string) {
		other := filepath.Dir(path) + "/.new"
		if err := os.WriteFile(other, []byte(note("two", "second")), 0o600); err != nil {
			t.Fatal(err)
		}
		old, fresh := openFile(t, path, os.O_RDWR), openFile(t, other, os.O_RDWR)
		if err := os.Rename(other, path); err != nil {
			t.Fatal(err)
		}
		wantBytes(t, old, note("one", "first"))
		wantBytes(t, fresh, note("two", "second"))
		if _, err := old.WriteAt([]byte("lost"), 0); err != nil {
			t.Fatal(err)
		}
		if _, err := fresh.WriteAt([]byte("more\n"), int64(len(note("two", "second")))); err != nil {
			t.Fatal(err)
		}
		st, err := os.Stat(path)
		if err != nil || st.Sys().(*syscall.Stat_t).Ino != fileStat(t, fresh).Ino {
			t.Errorf("the name leads to another file: %v", err)
		}
		if got := fileStat(t, old).Nlink; got != 0 {
			t.Errorf("the old file has %d links", got)
		}
		if err := errors.Join(old.Close(), fresh.Close()); err != nil {
			t.Error(err)
		}
		if p, err := os.ReadFile(path); err != nil || string(p) != note("two", "second")+"more\n" {
			t.Errorf("%q, %v", p, err)
		}
	})
}

func TestRenameFlags(t *testing.T) {
	places(t, func(t *testing.T, m *mounted, path string) {
		dir := filepath.Dir(path)
		other := dir + "/other" + filepath.Ext(path)
		if err := os.WriteFile(other, []byte(note("two", "second")), 0o600); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(other)
		rename := func(from, to string, flags uint) error {
			return unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, flags)
		}
		if err := rename(other, path, unix.RENAME_NOREPLACE); err != unix.EEXIST {
			t.Errorf("no replace: %v", err)
		}
		if err := rename(other, path, unix.RENAME_EXCHANGE); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{path: note("two", "second"), other: note("one", "first")} {
			if p, err := os.ReadFile(name); err != nil || string(p) != want {
				t.Errorf("%s holds %q, %v", name, p, err)
			}
		}
		if err := rename(other, dir+"/none", unix.RENAME_EXCHANGE); err != unix.ENOENT {
			t.Errorf("exchange with nothing: %v", err)
		}
		if err := rename(other, path, unix.RENAME_EXCHANGE|unix.RENAME_NOREPLACE); err != unix.EINVAL {
			t.Errorf("both flags: %v", err)
		}
		if err := rename(other, path, unix.RENAME_WHITEOUT); err == nil {
			t.Error("a whiteout was made")
		}
		if err := rename(other, dir+"/free"+filepath.Ext(path), unix.RENAME_NOREPLACE); err != nil {
			t.Errorf("no replace, of nothing: %v", err)
		}
		defer os.Remove(dir + "/free" + filepath.Ext(path))
		if err := os.Rename(path, path); err != nil {
			t.Errorf("onto itself: %v", err)
		}
		if err := os.Rename(path, dir); err == nil {
			t.Error("a file took the place of its directory")
		}
	})
}

func TestAppendAndExclusive(t *testing.T) {
	places(t, func(t *testing.T, m *mounted, path string) {
		if _, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); !errors.Is(err, syscall.EEXIST) {
			t.Errorf("O_EXCL: %v", err)
		}
		want := note("one", "first")
		x, y := openFile(t, path, os.O_WRONLY|os.O_APPEND), openFile(t, path, os.O_RDWR|os.O_APPEND)
		for i := range 50 {
			line := fmt.Sprintf("line %d\n", i)
			if _, err := []*os.File{x, y}[i%2].WriteString(line); err != nil {
				t.Fatal(err)
			}
			want += line
		}
		if _, err := unix.Pwrite(int(y.Fd()), []byte("at the end\n"), 0); err != nil {
			t.Fatal(err)
		}
		want += "at the end\n"
		wantBytes(t, y, want)
		if err := y.Truncate(int64(len(want) - 4)); err != nil {
			t.Fatal(err)
		}
		if _, err := x.WriteString("after\n"); err != nil {
			t.Fatal(err)
		}
		wantBytes(t, y, want[:len(want)-4]+"after\n")
	})
}

func TestSizesAndHoles(t *testing.T) {
	places(t, func(t *testing.T, m *mounted, path string) {
		want := []byte(note("one", "first"))
		f := openFile(t, path, os.O_RDWR)
		grow := func(n int) {
			for len(want) < n {
				want = append(want, 0)
			}
		}
		if err := f.Truncate(100_000); err != nil {
			t.Fatal(err)
		}
		grow(100_000)
		wantBytes(t, f, string(want))
		for _, off := range []int{250_001, 5 << 20} { // the second is more than is kept in memory
			if _, err := f.WriteAt([]byte("after a hole"), int64(off)); err != nil {
				t.Fatal(err)
			}
			grow(off)
			want = append(want, "after a hole"...)
			wantBytes(t, f, string(want))
		}
		if end, err := f.Seek(10, io.SeekEnd); err != nil || end != int64(len(want)+10) {
			t.Errorf("seek over the end: %d, %v", end, err)
		}
		if n, err := f.Read(make([]byte, 10)); n != 0 || err != io.EOF {
			t.Errorf("read over the end: %d, %v", n, err)
		}
		if _, err := f.Seek(-1, io.SeekStart); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("seek before the start: %v", err)
		}
		if at, err := unix.Seek(int(f.Fd()), 200, unix.SEEK_DATA); err != nil || at != 200 {
			t.Errorf("data at %d, %v", at, err)
		}
		if at, err := unix.Seek(int(f.Fd()), 200, unix.SEEK_HOLE); err != nil || at > int64(len(want)) || at < 200 {
			t.Errorf("hole at %d, %v", at, err)
		}
		if _, err := unix.Seek(int(f.Fd()), int64(len(want)), unix.SEEK_DATA); err != unix.ENXIO {
			t.Errorf("data after the end: %v", err)
		}
		if err := f.Truncate(50); err != nil {
			t.Fatal(err)
		}
		wantBytes(t, f, string(want[:50]))
		if err := f.Truncate(60); err != nil {
			t.Fatal(err)
		}
		wantBytes(t, f, string(want[:50])+strings.Repeat("\x00", 10))
		if err := f.Truncate(-1); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("truncate to less than nothing: %v", err)
		}
		if err := os.Truncate(path, 20); err != nil {
			t.Fatal(err)
		}
		wantBytes(t, f, string(want[:20]))
		for _, off := range []int64{0, 1, 19, 20, 21, 1 << 40} {
			p := make([]byte, 7)
			n, err := unix.Pread(int(f.Fd()), p, off)
			if err != nil || string(p[:n]) != string(want[min(off, 20):min(off+7, 20)]) {
				t.Errorf("pread at %d: %q, %v", off, p[:n], err)
			}
		}
	})
}

func TestAllocate(t *testing.T) {
	places(t, func(t *testing.T, m *mounted, path string) {
		want := note("one", "first")
		f := openFile(t, path, os.O_RDWR)
		fd := int(f.Fd())
		if err := unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE, 0, 100_000); err != nil {
			t.Fatal(err)
		}
		wantBytes(t, f, want)
		if err := unix.Fallocate(fd, 0, 10, 2000); err != nil {
			t.Fatal(err)
		}
		want += strings.Repeat("\x00", 2010-len(want))
		wantBytes(t, f, want)
		if err := unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 100, 50); err != nil {
			t.Fatal(err)
		}
		want = want[:100] + strings.Repeat("\x00", 50) + want[150:]
		wantBytes(t, f, want)
		if err := unix.Fallocate(fd, unix.FALLOC_FL_ZERO_RANGE, 2000, 20); err != nil {
			t.Fatal(err)
		}
		wantBytes(t, f, want[:2000]+strings.Repeat("\x00", 20))
		for _, mode := range []uint32{unix.FALLOC_FL_COLLAPSE_RANGE, unix.FALLOC_FL_INSERT_RANGE} {
			if err := unix.Fallocate(fd, mode, 0, 4096); err != unix.EOPNOTSUPP {
				t.Errorf("mode %d: %v", mode, err)
			}
		}
		if err := unix.Fallocate(int(openFile(t, path, os.O_RDONLY).Fd()), 0, 0, 10); err != unix.EBADF {
			t.Errorf("of a file that is open to read: %v", err)
		}
	})
}

func TestCopyFileRange(t *testing.T) {
	places(t, func(t *testing.T, m *mounted, path string) {
		from := filepath.Dir(path) + "/.from"
		data := strings.Repeat("0123456789abcdef", 20_000)
		if err := os.WriteFile(from, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		src, dst := openFile(t, from, os.O_RDONLY), openFile(t, path, os.O_RDWR)
		at, to := int64(100), int64(len(note("one", "first")))
		for left := 200_000; left > 0; {
			n, err := unix.CopyFileRange(int(src.Fd()), &at, int(dst.Fd()), &to, left, 0)
			if err != nil || n == 0 {
				t.Fatalf("%d, %v", n, err)
			}
			left -= n
		}
		wantBytes(t, dst, note("one", "first")+data[100:200_100])
		if err := os.Remove(from); err != nil {
			t.Error(err)
		}
	})
}

func TestSharedMapping(t *testing.T) {
	places(t, func(t *testing.T, m *mounted, path string) {
		text := note("one", strings.Repeat("0123456789", 3000))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f := openFile(t, path, os.O_RDWR)
		p, err := unix.Mmap(int(f.Fd()), 0, len(text), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			t.Fatal(err)
		}
		if string(p) != text {
			t.Fatal("the mapping shows something else")
		}
		want := []byte(text)
		copy(want[9000:], "through the file")
		if _, err := f.WriteAt([]byte("through the file"), 9000); err != nil {
			t.Fatal(err)
		}
		if string(p) != string(want) {
			t.Error("what was written to the file does not show in the mapping")
		}
		copy(p[20_000:], "through the mapping")
		copy(want[20_000:], "through the mapping")
		wantBytes(t, f, string(want))
		if err := unix.Msync(p, unix.MS_SYNC); err != nil {
			t.Error(err)
		}
		if err := errors.Join(f.Close(), unix.Munmap(p)); err != nil { // the mapping outlives the descriptor
			t.Error(err)
		}
		if p, err := os.ReadFile(path); err != nil || string(p) != string(want) {
			t.Errorf("%d bytes, %v", len(p), err)
		}
		private := openFile(t, path, os.O_RDONLY)
		q, err := unix.Mmap(int(private.Fd()), 0, len(want), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)
		if err != nil {
			t.Fatal(err)
		}
		copy(q, "mine alone")
		if err := unix.Munmap(q); err != nil {
			t.Error(err)
		}
		wantBytes(t, private, string(want))
	})
}

func TestSyncCalls(t *testing.T) {
	places(t, func(t *testing.T, m *mounted, path string) {
		f := openFile(t, path, os.O_RDWR)
		if _, err := f.WriteAt([]byte("FROM"), 0); err != nil {
			t.Fatal(err)
		}
		dir := openFile(t, filepath.Dir(path), os.O_RDONLY)
		for what, err := range map[string]error{
			"fsync": unix.Fsync(int(f.Fd())), "fdatasync": unix.Fdatasync(int(f.Fd())),
			"fsync of a directory": unix.Fsync(int(dir.Fd())), "fdatasync of a directory": unix.Fdatasync(int(dir.Fd())),
			"fsync of a file that is read": unix.Fsync(int(openFile(t, path, os.O_RDONLY).Fd())),
			"sync_file_range":              unix.SyncFileRange(int(f.Fd()), 0, 4, unix.SYNC_FILE_RANGE_WRITE),
			"syncfs":                       unix.Syncfs(int(f.Fd())),
		} {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

func TestSetTimes(t *testing.T) {
	places(t, func(t *testing.T, m *mounted, path string) {
		set := func(atime, mtime unix.Timespec) {
			t.Helper()
			if err := unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{atime, mtime}, 0); err != nil {
				t.Fatal(err)
			}
		}
		want := func(atime, mtime int64) {
			t.Helper()
			var st unix.Stat_t
			if err := unix.Stat(path, &st); err != nil || st.Atim.Nano() != atime || st.Mtim.Nano() != mtime {
				t.Errorf("times %d and %d, %v; want %d and %d", st.Atim.Nano(), st.Mtim.Nano(), err, atime, mtime)
			}
		}
		x, y := int64(1_000_000_000_123_456_700), int64(1_100_000_000_000_000_100)
		set(unix.NsecToTimespec(x), unix.NsecToTimespec(y))
		want(x, y)
		set(unix.Timespec{Nsec: unix.UTIME_OMIT}, unix.NsecToTimespec(x))
		want(x, x)
		set(unix.NsecToTimespec(y), unix.Timespec{Nsec: unix.UTIME_OMIT})
		want(y, x)
		set(unix.NsecToTimespec(-5_000_000_000), unix.NsecToTimespec(4_500_000_000_000_000_000)) // before the epoch, and the year 2112
		want(-5_000_000_000, 4_500_000_000_000_000_000)
		before := time.Now().Add(-time.Second)
		set(unix.Timespec{Nsec: unix.UTIME_NOW}, unix.Timespec{Nsec: unix.UTIME_NOW})
		st, err := os.Stat(path)
		if err != nil || st.ModTime().Before(before) {
			t.Errorf("now is %v, %v", st.ModTime(), err)
		}
		set(unix.NsecToTimespec(x), unix.NsecToTimespec(y))
		if _, err := os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
		if st, err := os.Stat(path); err != nil || st.ModTime().UnixNano() != y {
			t.Errorf("reading moved the time to %v, %v", st.ModTime(), err)
		}
		f := openFile(t, path, os.O_WRONLY|os.O_APPEND)
		if _, err := f.WriteString("x"); err != nil {
			t.Fatal(err)
		}
		if st, err := os.Stat(path); err != nil || !st.ModTime().After(before) {
			t.Errorf("after a write: %v, %v", st.ModTime(), err)
		}
		if err := unix.Futimes(int(f.Fd()), []unix.Timeval{unix.NsecToTimeval(0), unix.NsecToTimeval(1_000_000_000_000_000_000)}); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		m.do("flush", "", "", 0)
		if st, err := os.Stat(path); err != nil || st.ModTime().Unix() != 1_000_000_000 {
			t.Errorf("a time that was set before the close is %v after it, %v", st.ModTime(), err)
		}
	})
}

func TestDirectIO(t *testing.T) {
	places(t, func(t *testing.T, m *mounted, path string) {
		text := note("one", strings.Repeat("direct ", 3000))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f := openFile(t, path, os.O_RDWR|unix.O_DIRECT)
		buf, err := unix.Mmap(-1, 0, 16384, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE) // aligned
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Munmap(buf) //nolint:errcheck // it was mapped
		if n, err := f.ReadAt(buf[:8192], 4096); err != nil || string(buf[:n]) != text[4096:4096+n] || n != 8192 {
			t.Fatalf("%d bytes, %v", n, err)
		}
		copy(buf, bytes.Repeat([]byte("D"), 4096))
		if n, err := f.WriteAt(buf[:4096], 4096); err != nil || n != 4096 {
			t.Fatalf("%d bytes, %v", n, err)
		}
		want := text[:4096] + strings.Repeat("D", 4096) + text[8192:]
		wantBytes(t, openFile(t, path, os.O_RDONLY), want) // through the cache
	})
}
