//go:build !linux

package fs

import (
	"errors"
	iofs "io/fs"
	"os/exec"
	"syscall"
)

const (
	mountFlags    = 0
	mountReadOnly = 0
)

func device(st iofs.FileInfo) uint64 {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Dev)
	}
	return 0
}

func detachMount(dir string) error { return exec.Command("umount", "-f", dir).Run() }

func abortConnection(string) error { return errors.New("fs: no way to abort a FUSE connection here") }
