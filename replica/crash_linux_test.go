package replica

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"unsafe"
)

// mappedDirty writes a page of a mapped file and returns what is seen as dirty then.
func mappedDirty(t *testing.T, path string, sync bool) int {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(1 << 16); err != nil {
		t.Fatal(err)
	}
	p, err := syscall.Mmap(int(f.Fd()), 0, 1<<16, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(p)
	p[0] = 1
	if sync {
		if _, _, e := syscall.Syscall(syscall.SYS_MSYNC, uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), syscall.MS_SYNC); e != 0 {
			t.Fatal(e)
		}
	}
	return dirtyPages(t, filepath.Dir(path))[path]
}
