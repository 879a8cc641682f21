package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// unmountDead removes a mount whose process is gone.
func unmountDead(ctx context.Context, mountpoint string) error {
	if !mountedByUs(mountpoint) {
		return fmt.Errorf("%s: %w", mountpoint, errNoMount)
	}
	if os.Geteuid() == 0 {
		return unix.Unmount(mountpoint, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
	}
	out, err := exec.CommandContext(ctx, "fusermount3", "-u", "-z", mountpoint).CombinedOutput()
	if err != nil {
		return fmt.Errorf("fusermount3: %s: %w", strings.TrimSpace(string(out)), err)
	}
	return nil
}

// mountedByUs reports whether the kernel's table has a mailfs there. Asking the
// directory itself would fail on a dead mount.
func mountedByUs(mountpoint string) bool {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return false
	}
	defer f.Close()
	for scan := bufio.NewScanner(f); scan.Scan(); {
		c := strings.Fields(scan.Text())
		if len(c) > 8 && unescape(c[4]) == mountpoint && strings.Contains(scan.Text(), " fuse.mailfs ") {
			return true
		}
	}
	return false
}

// unescape undoes the octal escapes of mountinfo.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}
