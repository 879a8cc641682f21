//go:build !linux

package fs

// procExe has no answer here.
func procExe(uint32) string { return "" }

func trimDeleted(exe string) string { return exe }
