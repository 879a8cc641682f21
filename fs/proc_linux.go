package fs

import (
	"strconv"
	"strings"
)

// procFile names a file that tells of a thread.
func procFile(pid uint32, name string) string {
	return "/proc/" + strconv.FormatUint(uint64(pid), 10) + "/" + name
}

// trimDeleted removes what the kernel adds to the name of a program whose file was replaced.
func trimDeleted(exe string) string { return strings.TrimSuffix(exe, " (deleted)") }
