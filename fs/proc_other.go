//go:build !linux

package fs

// procFile has no answer here.
func procFile(uint32, string) string { return "" }

func trimDeleted(exe string) string { return exe }
