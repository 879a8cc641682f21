package fsx

import (
	"encoding/binary"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The names that calls use: messages, what programs leave beside them, twins that differ in case or composition.
var (
	fileNames = []string{"a.eml", "b.eml", "c.eml", "A.eml", "a.eml~", ".a.eml.swp", "temp", "notes.txt", "x.tmp",
		"caf\u00e9.eml", "cafe\u0301.eml", "-rf", "two\nlines", " ", "d.EML", ".eml"}
	dirNames = []string{"d1", "d2", ".h1", ".h2", "dir.eml"}
)

// weighted is one kind of call and how often it is made.
type weighted struct {
	weight int
	next   func(*runner) op
}

var kinds = []weighted{
	{110, (*runner).openFile}, {60, (*runner).closeFile},
	{140, (*runner).pwrite}, {140, (*runner).pread}, {40, (*runner).write}, {40, (*runner).read}, {40, (*runner).seek},
	{30, (*runner).ftruncate}, {15, (*runner).truncate}, {20, (*runner).fallocate},
	{25, (*runner).mapRead}, {25, (*runner).mapWrite}, {15, (*runner).copyRange}, {10, (*runner).sendfile},
	{10, (*runner).fsync}, {50, (*runner).fstat}, {60, (*runner).lstat}, {20, (*runner).access}, {30, (*runner).listDir},
	{15, (*runner).utimens}, {10, (*runner).chmod}, {12, (*runner).setxattr}, {6, (*runner).removexattr}, {12, (*runner).listxattr},
	{45, (*runner).rename}, {15, (*runner).exchange}, {8, (*runner).noReplace}, {30, (*runner).unlink},
	{20, (*runner).mkdir}, {15, (*runner).rmdir}, {6, (*runner).symlink}, {8, (*runner).readlink}, {3, (*runner).link}, {4, (*runner).mknod},
	{8, (*runner).whole},
}

var kindsSum = func() (n int) {
	for _, k := range kinds {
		n += k.weight
	}
	return n
}()

func (r *runner) next() op {
	k := r.rng.IntN(kindsSum)
	for _, w := range kinds {
		if k -= w.weight; k < 0 {
			return w.next(r)
		}
	}
	return op{}
}

func pick[T any](r *runner, list ...T) T { return list[r.rng.IntN(len(list))] }

// dir picks a directory, as a rule one that there is.
func (r *runner) dir() string {
	for range 8 {
		d := ""
		for range r.rng.IntN(4) {
			d = path.Join(d, pick(r, append(dirNames, r.Steady...)...))
		}
		if st, err := os.Lstat(r.p.path(d)); err == nil && st.IsDir() || r.rng.IntN(20) == 0 {
			return d
		}
	}
	return ""
}

func (r *runner) file() string { return path.Join(r.dir(), pick(r, fileNames...)) }

// existing picks a file that there is, as a rule.
func (r *runner) existing() string {
	p := r.file()
	for range 6 {
		if _, err := os.Lstat(r.p.path(p)); err == nil {
			break
		}
		p = r.file()
	}
	return p
}

// steady reports whether a path is one that must stay.
func (r *runner) steady(p string) bool {
	for _, s := range r.Steady {
		if s == p || strings.HasPrefix(s, p+"/") {
			return true
		}
	}
	return false
}

func (r *runner) newDir() string { return path.Join(r.dir(), pick(r, dirNames...)) }

// slot picks an open file; ok is false if there is none.
func (r *runner) slot() (slot int, ok bool) {
	first := r.rng.IntN(slotCount)
	for i := range slotCount {
		if slot = (first + i) % slotCount; r.m.fds[slot] >= 0 {
			return slot, true
		}
	}
	return 0, false
}

// onSlot makes a call on an open file.
func (r *runner) onSlot(name string, f func(slot int) (string, func(*side) result)) op {
	slot, ok := r.slot()
	if !ok {
		return op{}
	}
	text, run := f(slot)
	return op{name: name, text: fmt.Sprintf("%s(%d%s)", name, slot, text), slot: slot, run: run}
}

func onPath(name, p, text string, run func(*side) result) op {
	return op{name: name, text: fmt.Sprintf("%s(%q%s)", name, p, text), from: p, slot: -1, run: run}
}

// length picks a number of bytes: small as a rule, now and then some pages, rarely more than is kept in memory.
func (r *runner) length() int {
	switch k := r.rng.IntN(3000); {
	case k == 0:
		return 5<<20 + r.rng.IntN(1<<20)
	case k < 60:
		return r.rng.IntN(300 << 10)
	case k < 900:
		return r.rng.IntN(16 << 10)
	}
	return r.rng.IntN(600)
}

func (r *runner) offset() int64 {
	switch r.rng.IntN(6) {
	case 0, 1, 2:
		return 0
	case 3:
		return int64(r.rng.IntN(80 << 10))
	case 4:
		return int64(r.rng.IntN(20)) * 4096
	}
	return int64(r.rng.IntN(1500))
}

// bytes makes data that nothing else has. What goes to the start of a file is, more often than not, the start of a
// message.
func (r *runner) bytes(n int, off int64) []byte {
	r.serial++
	p := make([]byte, n+8)
	for i := 0; i < n; i += 8 {
		binary.LittleEndian.PutUint64(p[i:], r.rng.Uint64())
	}
	p = p[:n]
	if off == 0 && r.rng.IntN(4) > 0 {
		copy(p, fmt.Sprintf("Subject: text %d\nX-Fsx: %d\n\n", r.serial, n))
	}
	return p
}

func (r *runner) openFile() op {
	slot := r.rng.IntN(slotCount)
	if r.m.fds[slot] >= 0 {
		return r.closeSlot(slot)
	}
	p := r.file()
	flags := pick(r, unix.O_RDONLY, unix.O_WRONLY, unix.O_RDWR, unix.O_RDWR, unix.O_RDWR)
	if r.rng.IntN(3) > 0 {
		flags |= unix.O_CREAT
	}
	for _, f := range []struct{ flag, one int }{{unix.O_TRUNC, 5}, {unix.O_APPEND, 6}, {unix.O_EXCL, 12}, {unix.O_NOFOLLOW, 12}, {unix.O_SYNC, 30}} {
		if r.rng.IntN(f.one) == 0 {
			flags |= f.flag
		}
	}
	mode := pick(r, uint32(0o600), 0o644, 0o400)
	o := onPath("open", p, fmt.Sprintf(", %#x) -> slot(%d", flags, slot), func(s *side) result { return s.open(slot, p, flags, mode) })
	o.slot = slot
	return o
}

func (r *runner) closeSlot(slot int) op {
	return op{name: "close", text: fmt.Sprintf("close(%d)", slot), slot: slot, run: func(s *side) result { return s.close(slot) }}
}

func (r *runner) closeFile() op {
	slot, ok := r.slot()
	if !ok {
		return op{}
	}
	return r.closeSlot(slot)
}

func (r *runner) pwrite() op {
	off := r.offset()
	data := r.bytes(r.length(), off)
	return r.onSlot("pwrite", func(slot int) (string, func(*side) result) {
		return fmt.Sprintf(", %d bytes %.12q, %d", len(data), data, off), func(s *side) result { return s.pwrite(slot, data, off) }
	})
}

func (r *runner) pread() op {
	off, n := r.offset(), r.length()
	return r.onSlot("pread", func(slot int) (string, func(*side) result) {
		return fmt.Sprintf(", %d, %d", n, off), func(s *side) result { return s.pread(slot, n, off) }
	})
}

func (r *runner) write() op {
	data := r.bytes(r.length(), int64(r.rng.IntN(2)))
	return r.onSlot("write", func(slot int) (string, func(*side) result) {
		return fmt.Sprintf(", %d bytes %.12q", len(data), data), func(s *side) result { return s.write(slot, data) }
	})
}

func (r *runner) read() op {
	n := r.length()
	return r.onSlot("read", func(slot int) (string, func(*side) result) {
		return fmt.Sprint(", ", n), func(s *side) result { return s.read(slot, n) }
	})
}

func (r *runner) seek() op {
	whence := pick(r, unix.SEEK_SET, unix.SEEK_SET, unix.SEEK_CUR, unix.SEEK_END, unix.SEEK_DATA, unix.SEEK_HOLE)
	off := r.offset()
	if whence == unix.SEEK_CUR || whence == unix.SEEK_END {
		off = pick(r, off, -off, 0)
	}
	name := "seek"
	if whence == unix.SEEK_DATA || whence == unix.SEEK_HOLE {
		name = "seek for data or hole"
	}
	o := r.onSlot(name, func(slot int) (string, func(*side) result) {
		return fmt.Sprintf(", %d, %d", off, whence), func(s *side) result { return s.seek(slot, off, whence) }
	})
	if o.run != nil && name != "seek" {
		return r.holeless(o, off, whence)
	}
	return o
}

func (r *runner) ftruncate() op {
	size := r.size()
	return r.onSlot("ftruncate", func(slot int) (string, func(*side) result) {
		return fmt.Sprint(", ", size), func(s *side) result { return outcome(0, unix.Ftruncate(s.fds[slot], size)) }
	})
}

func (r *runner) size() int64 {
	if r.rng.IntN(4) == 0 {
		return 0
	}
	return r.offset() + int64(r.length())
}

func (r *runner) truncate() op {
	p, size := r.existing(), r.size()
	if st, err := os.Stat(r.p.path(p)); err == nil && st.Size() == size {
		return op{} // whether that sets the time is for the file system to say
	}
	return onPath("truncate", p, fmt.Sprint(", ", size), func(s *side) result { return outcome(0, unix.Truncate(s.path(p), size)) })
}

func (r *runner) fallocate() op {
	mode := pick(r, uint32(0), unix.FALLOC_FL_KEEP_SIZE, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, unix.FALLOC_FL_PUNCH_HOLE)
	off, n := r.offset(), int64(r.length())
	return r.onSlot("fallocate", func(slot int) (string, func(*side) result) {
		return fmt.Sprintf(", %d, %d, %d", mode, off, n), func(s *side) result { return outcome(0, unix.Fallocate(s.fds[slot], mode, off, n)) }
	})
}

func (r *runner) mapRead() op {
	off, n := r.offset(), r.length()
	return r.onSlot("mmap, read", func(slot int) (string, func(*side) result) {
		return fmt.Sprintf(", %d, %d", off, n), func(s *side) result { return s.mapRead(slot, off, n) }
	})
}

func (r *runner) mapWrite() op {
	off := r.offset()
	data, sync := r.bytes(r.length(), off), r.rng.IntN(2) == 0
	return r.onSlot("mmap, write", func(slot int) (string, func(*side) result) {
		return fmt.Sprintf(", %d bytes %.12q, %d, %t", len(data), data, off, sync), func(s *side) result { return s.mapWrite(slot, off, data, sync) }
	})
}

func (r *runner) copyRange() op {
	from, to, n := r.offset(), r.offset(), r.length()
	return r.onSlot("copy_file_range", func(slot int) (string, func(*side) result) {
		other, _ := r.slot()
		return fmt.Sprintf(", %d, to %d, %d, %d", from, other, to, n), func(s *side) result { return s.copyRange(slot, other, from, to, n) }
	})
}

func (r *runner) sendfile() op {
	off, n := r.offset(), r.length()
	return r.onSlot("sendfile", func(slot int) (string, func(*side) result) {
		other, _ := r.slot()
		return fmt.Sprintf(", %d, to %d, %d", off, other, n), func(s *side) result {
			if s.sameFile(slot, other) { // what a copy onto itself makes is not defined
				return result{}
			}
			return s.sendfile(slot, other, off, n)
		}
	})
}

func (r *runner) fsync() op {
	data := r.rng.IntN(2) == 0
	return r.onSlot("fsync", func(slot int) (string, func(*side) result) {
		return "", func(s *side) result {
			if data {
				return outcome(0, unix.Fdatasync(s.fds[slot]))
			}
			return outcome(0, unix.Fsync(s.fds[slot]))
		}
	})
}

func (r *runner) fstat() op {
	return r.onSlot("fstat", func(slot int) (string, func(*side) result) {
		return "", func(s *side) result { return s.fstat(slot) }
	})
}

func (r *runner) lstat() op {
	p := r.file()
	return onPath("lstat", p, "", func(s *side) result { return s.lstat(p) })
}

func (r *runner) access() op {
	p := r.file()
	mode := pick(r, uint32(unix.F_OK), unix.R_OK, unix.W_OK, unix.R_OK|unix.W_OK)
	return onPath("access", p, fmt.Sprint(", ", mode), func(s *side) result { return outcome(0, unix.Faccessat(unix.AT_FDCWD, s.path(p), mode, 0)) })
}

func (r *runner) listDir() op {
	p := r.dir()
	return onPath("readdir", p, "", func(s *side) result { return s.list(p) })
}

func (r *runner) utimens() op {
	p := r.existing()
	r.serial++
	at := time.Date(stampYear, 3, 1, 0, 0, r.serial, 100*r.rng.IntN(1e7), time.UTC)
	m := unix.NsecToTimespec(at.UnixNano())
	switch r.rng.IntN(6) {
	case 0:
		m = unix.Timespec{Nsec: unix.UTIME_OMIT}
	case 1:
		m = unix.Timespec{Nsec: unix.UTIME_NOW}
	}
	ts := []unix.Timespec{pick(r, m, unix.Timespec{Nsec: unix.UTIME_NOW}, unix.Timespec{Nsec: unix.UTIME_OMIT}), m}
	return onPath("utimens", p, fmt.Sprint(", ", ts), func(s *side) result {
		return outcome(0, unix.UtimesNanoAt(unix.AT_FDCWD, s.path(p), ts, unix.AT_SYMLINK_NOFOLLOW))
	})
}

func (r *runner) chmod() op {
	p := r.existing()
	mode := pick(r, uint32(0o600), 0o640, 0o755)
	return onPath("chmod", p, fmt.Sprintf(", %#o", mode), func(s *side) result { return outcome(0, unix.Chmod(s.path(p), mode)) })
}

func (r *runner) xattrName() string { return pick(r, "user.fsx.a", "user.fsx.b", "user.fsx") }

func (r *runner) setxattr() op {
	p, name := r.existing(), r.xattrName()
	if r.inherits(p) {
		return op{}
	}
	value := r.bytes(r.rng.IntN(60), 1)
	flags := pick(r, 0, 0, unix.XATTR_CREATE, unix.XATTR_REPLACE)
	return onPath("setxattr", p, fmt.Sprintf(", %s, %d bytes, %d", name, len(value), flags), func(s *side) result {
		return outcome(0, unix.Lsetxattr(s.path(p), name, value, flags))
	})
}

func (r *runner) removexattr() op {
	p, name := r.existing(), r.xattrName()
	if r.inherits(p) {
		return op{}
	}
	return onPath("removexattr", p, ", "+name, func(s *side) result { return outcome(0, unix.Lremovexattr(s.path(p), name)) })
}

func (r *runner) listxattr() op {
	p := r.existing()
	if r.inherits(p) {
		return op{}
	}
	return onPath("listxattr", p, "", func(s *side) result { return s.xattrs(p) })
}

// renamed picks two paths of the same kind, as a rule.
func (r *runner) renamed() (from, to string) {
	if r.rng.IntN(5) == 0 {
		from, to = r.newDir(), r.newDir()
		if r.rng.IntN(10) == 0 {
			to = r.file()
		}
		return from, to
	}
	return r.existing(), r.file()
}

func (r *runner) renameOp(name string, flags uint) op {
	from, to := r.renamed()
	if r.steady(from) || r.steady(to) {
		return op{}
	}
	o := onPath(name, from, fmt.Sprintf(", %q", to), func(s *side) result { return s.rename(from, to, flags) })
	o.to = to
	return o
}

func (r *runner) rename() op    { return r.renameOp("rename", 0) }
func (r *runner) exchange() op  { return r.renameOp("exchange", unix.RENAME_EXCHANGE) }
func (r *runner) noReplace() op { return r.renameOp("rename, no replace", unix.RENAME_NOREPLACE) }

func (r *runner) unlink() op {
	p := r.existing()
	if r.rng.IntN(20) == 0 {
		p = r.newDir()
	}
	return onPath("unlink", p, "", func(s *side) result { return outcome(0, unix.Unlink(s.path(p))) })
}

func (r *runner) mkdir() op {
	p := r.newDir()
	if strings.Count(p, "/") > 3 {
		return op{}
	}
	return onPath("mkdir", p, "", func(s *side) result { return outcome(0, unix.Mkdir(s.path(p), 0o700)) })
}

func (r *runner) rmdir() op {
	p := r.newDir()
	if r.rng.IntN(20) == 0 {
		p = r.existing()
	}
	if r.steady(p) {
		return op{}
	}
	return onPath("rmdir", p, "", func(s *side) result { return outcome(0, unix.Rmdir(s.path(p))) })
}

func (r *runner) symlink() op {
	p, target := r.file(), pick(r, fileNames...)
	return onPath("symlink", p, fmt.Sprintf(", %q", target), func(s *side) result { return outcome(0, unix.Symlink(target, s.path(p))) })
}

func (r *runner) readlink() op {
	p := r.existing()
	return onPath("readlink", p, "", func(s *side) result {
		buf := make([]byte, 4096)
		n, err := unix.Readlink(s.path(p), buf)
		if err != nil {
			return fail(err)
		}
		return result{n: int64(n), data: buf[:n]}
	})
}

func (r *runner) link() op {
	from, to := r.existing(), r.file()
	o := onPath("link", from, fmt.Sprintf(", %q", to), func(s *side) result { return outcome(0, unix.Link(s.path(from), s.path(to))) })
	o.to = to
	return o
}

func (r *runner) mknod() op {
	p := r.file()
	return onPath("mknod", p, "", func(s *side) result { return outcome(0, unix.Mknod(s.path(p), unix.S_IFREG|0o600, 0)) })
}

// whole reads a file by its name.
func (r *runner) whole() op {
	p := r.existing()
	return onPath("read whole", p, "", func(s *side) result { return s.content(p) })
}
