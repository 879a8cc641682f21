package mailfs_test

import (
	"go/build"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The import table of ARCHITECTURE.md, section "Who may import whom". A trailing "/"
// allows a whole family.
var allowed = map[string][]string{
	"mapi/wire":           {},
	"mapi":                {"mapi/wire"},
	"mapi/gen":            {},
	"mapi/idset":          {"mapi", "mapi/wire"},
	"mapi/fxics":          {"mapi", "mapi/wire", "mapi/idset"},
	"mapi/rop":            {"mapi", "mapi/wire"},
	"mapi/mapihttp":       {"mapi", "mapi/wire"},
	"mapi/nspi":           {"mapi", "mapi/wire"},
	"mapi/autodiscover":   {"mapi"},
	"internal/names":      {"mapi"},
	"internal/fsx":        {"mime"},
	"internal/mutant":     {},
	"internal/powercut":   {},
	"internal/realserver": {"mapi/autodiscover", "mapi/mapihttp"},
	"internal/sample":     {},
	"internal/spec":       {},
	"mime":                {"mapi", "mapi/wire", "mime/"},
	"mime/contentline":    {},
	"mime/ical":           {"mapi", "mapi/wire", "mime/contentline", "mime/oxocal"},
	"mime/oxocal":         {"mapi", "mapi/wire"},
	"mime/tnef":           {"mapi", "mapi/wire"},
	"mime/vcard":          {"mapi", "mapi/wire", "mime/contentline"},
	"conflict":            {"mapi", "internal/names", "internal/mutant"},
	"replica":             {"mapi", "mapi/wire", "mapi/idset"},
	"syncer":              {"mapi", "mapi/rop", "mapi/fxics", "mapi/idset", "replica", "conflict", "mime", "internal/names", "internal/mutant"},
	"fs":                  {"mapi", "replica", "mime", "internal/names", "internal/mutant"},
	"fs/statictree":       {},
	"internal/memserver":  {"mapi", "mapi/"},
	"internal/scenario":   {"mapi", "mapi/", "mime", "conflict", "replica", "syncer", "fs", "internal/"},
	"internal/scenario/sim": {"mapi", "mapi/", "mime", "conflict", "replica", "syncer", "fs",
		"internal/names", "internal/memserver", "internal/mutant", "internal/powercut"},
	"cmd/mailfs": {"mapi", "mapi/", "mime", "conflict", "replica", "syncer", "fs",
		"internal/names", "internal/memserver", "internal/sample"},
}

// Modules that belong to one room each, or to a few named ones.
var owners = map[string][]string{
	"github.com/hanwen/go-fuse":      {"fs", "fs/statictree"},
	"github.com/dgraph-io/badger":    {"replica"},
	"github.com/emersion/go-message": {"mime"},
	"github.com/spf13/cobra":         {"cmd/mailfs"},
	"github.com/vbauerster/mpb":      {"cmd/mailfs"},
	"github.com/pelletier/go-toml":   {"cmd/mailfs"},
	"golang.org/x/term":              {"cmd/mailfs"},
	"github.com/godbus/dbus":         {"cmd/mailfs"},
	"net/http":                       {"mapi/mapihttp", "mapi/autodiscover", "internal/memserver", "cmd/mailfs"},
}

const module = "mailfs"

func TestImportTable(t *testing.T) {
	seen := 0
	walkPackages(t, func(room string, pkg *build.Package) {
		seen++
		rules, ok := allowed[room]
		if !ok {
			t.Errorf("%s is not in the import table: put it on the map first", room)
			return
		}
		for _, imp := range pkg.Imports {
			checkImport(t, room, rules, imp)
		}
	})
	if seen < 3 {
		t.Fatalf("only %d packages were found", seen)
	}
}

func checkImport(t *testing.T, room string, rules []string, imp string) {
	t.Helper()
	if dep, ok := strings.CutPrefix(imp, module+"/"); ok {
		if !slices.ContainsFunc(rules, func(r string) bool {
			return dep == r || strings.HasSuffix(r, "/") && strings.HasPrefix(dep, r)
		}) {
			t.Errorf("%s may not import %s", room, dep)
		}
		return
	}
	for mod, rooms := range owners {
		if (imp == mod || strings.HasPrefix(imp, mod+"/")) && !slices.Contains(rooms, room) {
			t.Errorf("%s may not import %s: it belongs to %v", room, imp, rooms)
		}
	}
}

// walkPackages calls f for every package of the module, for Linux and for macOS.
func walkPackages(t *testing.T, f func(room string, pkg *build.Package)) {
	t.Helper()
	for _, goos := range []string{"linux", "darwin"} {
		ctx := build.Default
		ctx.GOOS, ctx.CgoEnabled = goos, false
		err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return err
			}
			if n := d.Name(); p != "." && (strings.HasPrefix(n, ".") || n == "testdata" || n == "bin") {
				return fs.SkipDir
			}
			pkg, err := ctx.ImportDir(p, 0)
			if _, none := err.(*build.NoGoError); none || err == nil && len(pkg.GoFiles) == 0 {
				return nil
			}
			if err != nil {
				return err
			}
			f(path.Clean(filepath.ToSlash(p)), pkg)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Only main packages may end the process; everything else returns its errors.
func TestNoExitBelowMain(t *testing.T) {
	walkPackages(t, func(room string, pkg *build.Package) {
		if pkg.Name == "main" {
			return
		}
		for _, name := range pkg.GoFiles {
			src, err := os.ReadFile(filepath.Join(room, name))
			if err != nil {
				t.Fatal(err)
			}
			for _, call := range []string{"os.Exit(", "log.Fatal"} {
				if strings.Contains(string(src), call) {
					t.Errorf("%s/%s calls %s", room, name, call)
				}
			}
		}
	})
}

// A file that does not fit a reader's head is two files.
func TestFileLength(t *testing.T) {
	const limit = 600
	walkPackages(t, func(room string, pkg *build.Package) {
		for _, name := range pkg.GoFiles {
			if strings.HasSuffix(name, "_gen.go") {
				continue
			}
			src, err := os.ReadFile(filepath.Join(room, name))
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(src), "\n"); n > limit {
				t.Errorf("%s/%s has %d lines, more than %d", room, name, n, limit)
			}
		}
	})
}
