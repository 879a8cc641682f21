package mime

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path"
	"strings"
	"testing"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
)

// gunzip returns the content of a compressed file of testdata.
func gunzip(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	p, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// recorded returns the messages that a server sent for one folder.
func recorded(t testing.TB, folder string) []*fxics.MessageChange {
	t.Helper()
	d := fxics.NewDecoder(bytes.NewReader(gunzip(t, folder+".fxs.gz")), fxics.RootContentsSync, nil)
	var out []*fxics.MessageChange
	for {
		el, err := d.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatalf("%s: %v", folder, err)
		}
		if m, ok := el.(*fxics.MessageChange); ok && !m.Associated() {
			out = append(out, m)
		}
	}
}

// recordedByID returns the messages of all recorded mail folders by Message-ID.
func recordedByID(t testing.TB) map[string]*mapi.Message {
	t.Helper()
	out := map[string]*mapi.Message{}
	for _, folder := range []string{"inbox", "alpha", "sent", "drafts", "odd"} {
		for _, m := range recorded(t, folder) {
			id := m.Message.Properties.String(mapi.PidTagInternetMessageId)
			if id == "" {
				t.Fatalf("%s: a message without an id: %s", folder, m.Message.Properties.String(mapi.PidTagSubject))
			}
			out[id] = &m.Message
		}
	}
	return out
}

type original struct {
	name string // "0107-report"
	data []byte
}

// originals returns the messages as they were before the server had them.
func originals(t testing.TB) []original {
	t.Helper()
	tr := tar.NewReader(bytes.NewReader(gunzip(t, "originals.tar.gz")))
	var out []original
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, original{strings.TrimSuffix(path.Base(h.Name), ".eml"), data})
	}
}

// kind returns the part of an original's name that tells what it is.
func (o original) kind() string {
	_, kind, _ := strings.Cut(o.name, "-")
	return kind
}

func mustRender(t testing.TB, m *mapi.Message) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := (Renderer{}).Render(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
