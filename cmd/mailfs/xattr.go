package main

import "golang.org/x/sys/unix"

func getXattr(path, name string) ([]byte, error) {
	buf := make([]byte, 4096)
	n, err := unix.Getxattr(path, name, buf)
	if err != nil {
		return nil, err
	}
	return buf[:n], nil
}

func setXattr(path, name string, value []byte) error { return unix.Setxattr(path, name, value, 0) }
