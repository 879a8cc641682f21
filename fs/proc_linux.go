package fs

import (
	"strconv"
	"strings"
)

// procExe names the link to the program that a thread runs.
func procExe(pid uint32) string { return "/proc/" + strconv.FormatUint(uint64(pid), 10) + "/exe" }

// trimDeleted removes what the kernel adds to the name of a program whose file was replaced.
func trimDeleted(exe string) string { return strings.TrimSuffix(exe, " (deleted)") }
