//go:build !linux

package fs

import "syscall"

func helperAttr() *syscall.SysProcAttr { return nil }

// caller has nothing to call where there is no inotify.
type caller struct{ dir string }

func (*caller) do(helperCall) error { return syscall.ENOSYS }

func closeOnExec() {}
