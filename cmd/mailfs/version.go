package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version says what this program was built from, on one line.
func version() string {
	tag, rev, dirty := "(devel)", "", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			tag = info.Main.Version
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				rev = " " + s.Value
			case "vcs.modified":
				if s.Value == "true" {
					dirty = " with local changes"
				}
			}
		}
	}
	return fmt.Sprintf("mailfs %s%s%s, %s %s/%s", tag, rev, dirty, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
