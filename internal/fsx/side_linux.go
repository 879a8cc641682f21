package fsx

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// side is one of the two directories, with the files that are open in it.
type side struct {
	root   string
	fds    [slotCount]int // -1: not open
	others func(name string) bool
}

func newSide(root string, others func(string) bool) *side {
	s := &side{root: root, others: others}
	for i := range s.fds {
		s.fds[i] = -1
	}
	return s
}

// result is what a call returned, as far as it is compared.
type result struct {
	errno syscall.Errno
	n     int64
	data  []byte
	note  string
}

func (r result) equal(o result) bool {
	return r.errno == o.errno && r.n == o.n && bytes.Equal(r.data, o.data) && r.note == o.note
}

func (r result) String() string {
	var b strings.Builder
	if r.errno != 0 {
		fmt.Fprintf(&b, "%v ", unix.ErrnoName(r.errno))
	}
	fmt.Fprintf(&b, "%d", r.n)
	if r.note != "" {
		fmt.Fprintf(&b, " %s", r.note)
	}
	if r.data != nil {
		fmt.Fprintf(&b, " %d bytes %.40q", len(r.data), r.data)
	}
	return b.String()
}

func fail(err error) result {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		errno = syscall.EIO
	}
	return result{errno: errno}
}

func outcome(n int64, err error) result {
	if err != nil {
		return fail(err)
	}
	return result{n: n}
}

func (s *side) path(p string) string { return filepath.Join(s.root, p) }

func (s *side) open(slot int, p string, flags int, mode uint32) result {
	fd, err := retry(func() (int, error) { return unix.Open(s.path(p), flags|unix.O_CLOEXEC, mode) })
	if err != nil {
		return fail(err)
	}
	s.fds[slot] = fd
	return result{}
}

// retry repeats a call that a signal of the Go runtime interrupted.
func retry(f func() (int, error)) (n int, err error) {
	for {
		if n, err = f(); err != unix.EINTR {
			return n, err
		}
	}
}

func (s *side) close(slot int) result {
	err := unix.Close(s.fds[slot])
	s.fds[slot] = -1
	return outcome(0, err)
}

// nameOf returns the path that an open file has by now.
func (s *side) nameOf(slot int) string {
	name, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(s.fds[slot]))
	if err != nil {
		return err.Error()
	}
	return strings.TrimPrefix(name, s.root+"/")
}

func (s *side) pread(slot int, n int, off int64) result {
	p := make([]byte, n)
	n, err := unix.Pread(s.fds[slot], p, off)
	if err != nil {
		return fail(err)
	}
	return result{n: int64(n), data: p[:n]}
}

func (s *side) read(slot int, n int) result {
	p := make([]byte, n)
	n, err := unix.Read(s.fds[slot], p)
	if err != nil {
		return fail(err)
	}
	return result{n: int64(n), data: p[:n]}
}

func (s *side) pwrite(slot int, p []byte, off int64) result {
	n, err := unix.Pwrite(s.fds[slot], p, off)
	return outcome(int64(n), err)
}

func (s *side) write(slot int, p []byte) result {
	n, err := unix.Write(s.fds[slot], p)
	return outcome(int64(n), err)
}

func (s *side) seek(slot int, off int64, whence int) result {
	var st unix.Stat_t
	if err := unix.Fstat(s.fds[slot], &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return result{note: "no file"}
	}
	return outcome(unix.Seek(s.fds[slot], off, whence))
}

// mapRead reads a range through a mapping, mapWrite changes it. Neither goes over the end of the file.
func (s *side) mapRead(slot int, off int64, n int) result {
	return s.mapped(slot, off, n, unix.PROT_READ, func(p []byte) []byte { return slices.Clone(p) })
}

func (s *side) mapWrite(slot int, off int64, data []byte, sync bool) result {
	return s.mapped(slot, off, len(data), unix.PROT_READ|unix.PROT_WRITE, func(p []byte) []byte {
		copy(p, data)
		if sync {
			if err := unix.Msync(p, unix.MS_SYNC); err != nil && err != unix.EINVAL {
				return []byte(err.Error())
			}
		}
		return nil
	})
}

func (s *side) mapped(slot int, off int64, n, prot int, f func([]byte) []byte) (r result) {
	var st unix.Stat_t
	if err := unix.Fstat(s.fds[slot], &st); err != nil {
		return fail(err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return result{note: "no file"}
	}
	page := int64(os.Getpagesize())
	start := off / page * page
	end := min(off+int64(n), st.Size)
	if end <= off {
		return result{note: "beyond the end"}
	}
	p, err := unix.Mmap(s.fds[slot], start, int(end-start), prot, unix.MAP_SHARED)
	if err != nil {
		return fail(err)
	}
	defer unix.Munmap(p) //nolint:errcheck // it was mapped
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if e := recover(); e != nil {
			r = result{note: fmt.Sprint("fault: ", e)}
		}
	}()
	return result{n: end - off, data: f(p[off-start:])}
}

func (s *side) copyRange(from, to int, offFrom, offTo int64, n int) result {
	k, err := unix.CopyFileRange(s.fds[from], &offFrom, s.fds[to], &offTo, n, 0)
	return outcome(int64(k), err)
}

func (s *side) sendfile(from, to int, off int64, n int) result {
	k, err := unix.Sendfile(s.fds[to], s.fds[from], &off, n)
	return outcome(int64(k), err)
}

func (s *side) sameFile(x, y int) bool {
	var a, b unix.Stat_t
	return unix.Fstat(s.fds[x], &a) == nil && unix.Fstat(s.fds[y], &b) == nil && a.Ino == b.Ino
}

// fstat tells what is compared of an open file: size, links, type.
func (s *side) fstat(slot int) result {
	var st unix.Stat_t
	if err := unix.Fstat(s.fds[slot], &st); err != nil {
		return fail(err)
	}
	return result{note: describe(&st)}
}

func (s *side) lstat(p string) result {
	var st unix.Stat_t
	if err := unix.Lstat(s.path(p), &st); err != nil {
		return fail(err)
	}
	return result{note: describe(&st)}
}

// stampYear is the year of all times that are set, so that they can be told from times of changes.
const stampYear = 2001

func describe(st *unix.Stat_t) string {
	kind := st.Mode & unix.S_IFMT
	if kind == unix.S_IFDIR {
		return "directory"
	}
	out := fmt.Sprintf("%#o size %d links %d", kind, st.Size, st.Nlink)
	if at := time.Unix(st.Mtim.Unix()).UTC(); at.Year() == stampYear {
		out += " " + at.Format(time.RFC3339Nano)
	}
	return out
}

func (s *side) inode(p string) uint64 {
	var st unix.Stat_t
	if unix.Lstat(s.path(p), &st) != nil {
		return 0
	}
	return st.Ino
}

// list reads a directory.
func (s *side) list(p string) result {
	names, err := s.names(p)
	if err != nil {
		return fail(err)
	}
	return result{n: int64(len(names)), note: fmt.Sprintf("%q", names)}
}

func (s *side) names(p string) ([]string, error) {
	d, err := os.Open(s.path(p))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	all, err := d.Readdirnames(-1)
	sort.Strings(all)
	return slices.DeleteFunc(all, s.foreign), err
}

func (s *side) foreign(name string) bool { return s.others != nil && s.others(name) }

// content reads a whole file by name.
func (s *side) content(p string) result {
	b, err := os.ReadFile(s.path(p))
	if err != nil {
		return fail(err)
	}
	return result{n: int64(len(b)), data: b}
}

func (s *side) rename(from, to string, flags uint) result {
	return outcome(0, unix.Renameat2(unix.AT_FDCWD, s.path(from), unix.AT_FDCWD, s.path(to), flags))
}

// xattrs lists the attributes that programs set, with their values.
func (s *side) xattrs(p string) result {
	buf := make([]byte, 64<<10)
	n, err := unix.Llistxattr(s.path(p), buf)
	if err != nil {
		return fail(err)
	}
	var out []string
	for name := range strings.SplitSeq(strings.TrimSuffix(string(buf[:n]), "\x00"), "\x00") {
		if !strings.HasPrefix(name, "user.fsx") {
			continue
		}
		v := make([]byte, 4096)
		k, err := unix.Lgetxattr(s.path(p), name, v)
		if err != nil {
			return fail(err)
		}
		out = append(out, fmt.Sprintf("%s=%q", name, v[:k]))
	}
	sort.Strings(out)
	return result{note: strings.Join(out, " ")}
}
