package fs

import (
	"bufio"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	mountFlags    = syscall.MS_NOSUID | syscall.MS_NODEV
	mountReadOnly = syscall.MS_RDONLY
)

// device returns the number of the device that a file is on.
func device(st iofs.FileInfo) uint64 {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return s.Dev
	}
	return 0
}

// detachMount takes a mount away even while it is in use.
func detachMount(dir string) error {
	err := syscall.Unmount(dir, syscall.MNT_DETACH)
	if err == nil || errors.Is(err, syscall.EINVAL) {
		return nil
	}
	helper, lookErr := exec.LookPath("fusermount3")
	if lookErr != nil {
		return err
	}
	out, err := exec.Command(helper, "-u", "-z", dir).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %s", helper, strings.TrimSpace(string(out)))
	}
	return nil
}

// abortConnection ends the FUSE connection of a mount point through the control file system. The number of the
// connection is the minor number of the mount's device, read from the mount table: asking the mount itself could
// hang.
func abortConnection(dir string) error {
	n, err := connection(dir)
	if err != nil {
		return err
	}
	const control = "/sys/fs/fuse/connections"
	file := filepath.Join(control, n, "abort")
	if _, err := os.Stat(file); errors.Is(err, iofs.ErrNotExist) {
		if err := syscall.Mount("fusectl", control, "fusectl", 0, ""); err != nil && !errors.Is(err, syscall.EBUSY) {
			return fmt.Errorf("fs: mounting %s: %w", control, err)
		}
	}
	return os.WriteFile(file, []byte("1"), 0)
}

func connection(dir string) (string, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	defer f.Close()
	found := ""
	for s := bufio.NewScanner(f); s.Scan(); {
		// id, parent, major:minor, root, mount point, ...
		fields := strings.Fields(s.Text())
		if len(fields) < 5 || unescapeMount(fields[4]) != dir {
			continue
		}
		if _, minor, ok := strings.Cut(fields[2], ":"); ok {
			found = minor
		}
	}
	if found == "" {
		return "", fmt.Errorf("fs: %s is not a mount point", dir)
	}
	return found, nil
}

// unescapeMount undoes the octal escapes of the mount table.
func unescapeMount(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}
