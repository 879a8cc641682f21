package fsx

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Tree reads all files below a directory, by path: directories end in a slash, links hold where they lead to. Sizes have
// to be those of the bytes.
func Tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		switch {
		case d.IsDir():
			out[rel+"/"] = ""
		case d.Type()&fs.ModeSymlink != 0:
			out[rel], err = os.Readlink(path)
		default:
			var p []byte
			p, err = os.ReadFile(path)
			out[rel] = string(p)
			if st, err := d.Info(); err != nil || st.Size() != int64(len(p)) {
				t.Errorf("%s: %d bytes, size %d", path, len(p), st.Size())
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// DiffTrees tells how two results of Tree differ.
func DiffTrees(t testing.TB, when string, got, want map[string]string) {
	t.Helper()
	for name, text := range want {
		if g, ok := got[name]; !ok {
			t.Errorf("%s: %s is missing", when, name)
		} else if g != text {
			t.Errorf("%s: %s holds\n%s\nwant\n%s", when, name, g, text)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: %s is left over", when, name)
		}
	}
}
