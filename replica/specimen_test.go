package replica

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mailfs/mapi"
)

var specimen = flag.Bool("specimen", false, "make the specimen database of the present schema anew")

func specimenFile(schema int) string {
	return filepath.Join("testdata", fmt.Sprintf("schema%d.tar.gz", schema))
}

// TestSpecimen opens a replica of every schema that there ever was, and reads it.
func TestSpecimen(t *testing.T) {
	if *specimen {
		makeSpecimen(t, specimenFile(schemaVersion))
	}
	for schema := 1; schema <= schemaVersion; schema++ {
		t.Run(fmt.Sprint(schema), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "replica")
			unpack(t, specimenFile(schema), dir)
			opt := testOptions(t)
			opt.Dir = dir
			r, err := Open(opt)
			if err != nil {
				t.Fatal(err)
			}
			view(t, r, func(v *View) error { return readSpecimen(t, v) })
			update(t, r, func(u *Update) error { // and it can be written
				n, err := u.BySpecial(SpecialInbox)
				if err != nil {
					return err
				}
				_, err = u.Insert(&Node{Parent: n.Num, Name: "later", Kind: KindFile})
				return err
			})
			checkClose(t, r)
		})
	}
}

// readSpecimen compares a replica with what furnished puts into one.
func readSpecimen(t *testing.T, v *View) error {
	inbox, err := v.BySpecial(SpecialInbox)
	if err != nil {
		return err
	}
	var names []string
	for n, err := range v.Children(inbox.Num, "") {
		if err != nil {
			return err
		}
		names = append(names, n.Name)
	}
	want := []string{".dir", ".link", testMail(0, 8).Name, testMail(0, 35).Name, testMail(0, 51).Name, "notes.txt"}
	if !slices.Equal(names, want) {
		t.Errorf("names %q, want %q", names, want)
	}
	full, err := v.BySourceKey(sourceKey(35))
	if err != nil {
		return err
	}
	if !full.Mtime.Equal(testTime.Add(35*time.Minute)) || full.Message.Subject != "Quarterly numbers 35" || !full.Exact {
		t.Errorf("%+v", full)
	}
	for what, read := range map[int]func(Num) (*mapi.Message, error){10: v.Message, 35: v.BaseMessage} {
		m, err := read(full.Num)
		if err != nil {
			return err
		}
		if token, err := tokenOf(m); token != what || err != nil {
			t.Error(token, what, err)
		}
	}
	notes, err := v.Lookup(inbox.Num, "notes.txt")
	if err != nil {
		return err
	}
	b, err := v.r.OpenBlob(notes.Content)
	if err != nil {
		return err
	}
	defer b.Close()
	if p, err := mapi.ValueBytes(b); err != nil || !bytes.Equal(p, pattern(300)) || string(notes.Xattrs["user.k"]) != "v" {
		t.Errorf("%q, %v, %v", p, notes.Xattrs, err)
	}
	return readSpecimenState(t, v)
}

func readSpecimenState(t *testing.T, v *View) error {
	var changes []string
	for c, err := range v.Changes(0) {
		if err != nil {
			return err
		}
		changes = append(changes, fmt.Sprint(c.Kind, c.Item))
	}
	if got := strings.Join(changes, ", "); got != "1 4, 2 3" {
		t.Errorf("changes %q", got)
	}
	w, err := v.WorkingCopy(4)
	if err != nil {
		return err
	}
	if w.Size != chunkSize+5 || !w.Closed || !w.At.Equal(testTime) {
		t.Errorf("%+v", w)
	}
	cp, err := v.Checkpoint(ContentsScope(sourceKey(7)))
	if err != nil {
		return err
	}
	if !cp.Given.Equal(given(35, 50, 51, 52).Given) {
		t.Error(cp.Given)
	}
	if n, err := v.Reserved(); n != 99 || err != nil {
		t.Error(n, err)
	}
	if id, err := v.Identity(); id.User != "anna@example.org" || err != nil {
		t.Error(id, err)
	}
	c, err := v.Counts()
	if want := (Counts{Folders: 2, Messages: 3, Full: 2, Queued: 2, Overlay: 3, Bytes: 20035 + 20008 + 300}); c != want {
		t.Errorf("%+v, want %+v", c, want)
	}
	return err
}

func makeSpecimen(t *testing.T, file string) {
	t.Helper()
	opt := testOptions(t)
	opt.Dir = filepath.Join(t.TempDir(), "replica")
	r, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	furnished(t, r)
	checkClose(t, r)
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
	w := tar.NewWriter(z)
	for name, p := range files(t, opt.Dir) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(p))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	z.Close()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func unpack(t *testing.T, file, dir string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(dir, "db")
	if err := os.MkdirAll(db, 0o700); err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		p, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(db, filepath.Base(h.Name)), p, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
