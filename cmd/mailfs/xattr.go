package main

import (
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

func getXattr(path, name string) ([]byte, error) {
	buf := make([]byte, 4096)
	n, err := unix.Getxattr(path, xattrName(name), buf)
	if err != nil {
		return nil, err
	}
	return buf[:n], nil
}

func setXattr(path, name string, value []byte) error {
	return unix.Setxattr(path, xattrName(name), value, 0)
}

// xattrName returns the name of an attribute as this system has it.
func xattrName(name string) string {
	if runtime.GOOS == "darwin" {
		return strings.TrimPrefix(name, "user.")
	}
	return name
}
