package fs

import (
	"os"
	"testing"

	"github.com/hanwen/go-fuse/v2/posixtest"
)

// skippedPosix are the conformance tests of go-fuse that do not apply, with the reason.
var skippedPosix = map[string]string{
	"Link":                "hard links are EPERM: a message has one name",
	"LinkUnlinkRename":    "hard links are EPERM: a message has one name",
	"Tmpfile":             "O_TMPFILE is EOPNOTSUPP: TestTemporaryFile",
	"FcntlFlockLocksFile": "wants two locks of one process to be in each other's way, which POSIX locks never are: TestLocks",
}

func TestPosix(t *testing.T) {
	m := start(t, childConfig{RealTime: true})
	for name, f := range posixtest.All {
		t.Run(name, func(t *testing.T) {
			if why := skippedPosix[name]; why != "" {
				t.Skip(why)
			}
			for _, dir := range []string{"plain", ".hidden"} {
				if name == "OpenSymlinkRace" && dir != "plain" {
					continue // takes long, and links are local everywhere
				}
				t.Run(dir, func(t *testing.T) {
					t.Cleanup(func() {
						if t.Skipped() {
							t.Errorf("%s skips itself, and the table does not say why", name)
						}
					})
					path := m.path(dir + name)
					if err := os.Mkdir(path, 0o700); err != nil {
						t.Fatal(err)
					}
					f(t, path)
				})
			}
		})
	}
}
