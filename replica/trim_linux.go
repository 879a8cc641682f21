package replica

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// dropMapped takes the pages of the value log out of this process's memory. They stay
// in the system's cache, from where the next access has them again. Nothing may unmap
// a value log meanwhile.
func dropMapped(dir string) error {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		low, high, ok := mappedLog(lines.Text(), dir)
		if !ok {
			continue
		}
		if _, _, e := syscall.Syscall(syscall.SYS_MADVISE, low, high-low, syscall.MADV_DONTNEED); e != 0 {
			return e
		}
	}
	return lines.Err()
}

// mappedLog reads a line of /proc/self/maps and says whether it is the shared mapping
// of a value log in a directory.
func mappedLog(line, dir string) (low, high uintptr, ok bool) {
	f := strings.SplitN(line, " ", 6)
	if len(f) < 6 || !strings.HasSuffix(f[1], "s") {
		return 0, 0, false
	}
	path := strings.TrimLeft(f[5], " ")
	if filepath.Dir(path) != dir || filepath.Ext(path) != ".vlog" {
		return 0, 0, false
	}
	from, to, _ := strings.Cut(f[0], "-")
	a, err1 := strconv.ParseUint(from, 16, 64)
	b, err2 := strconv.ParseUint(to, 16, 64)
	return uintptr(a), uintptr(b), err1 == nil && err2 == nil && a < b
}
