package scenario_test

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mailfs/mapi"
	"mailfs/mime"
)

// Files of package mime, which say what they are there for.
const (
	corpusDir = "../../mime/testdata/corpus"
	itemsDir  = "../../mime/testdata/items"
)

// copyIn writes files into a folder of a mount, and returns what was written by path below the mount.
func (c *client) copyIn(dir, pattern, folder string) map[string][]byte {
	c.t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, pattern))
	must(c.t, err)
	if len(list) == 0 {
		c.t.Fatalf("no %s in %s", pattern, dir)
	}
	must(c.t, os.MkdirAll(filepath.Join(c.mount, folder), 0o700))
	out := map[string][]byte{}
	for _, p := range list {
		data, err := os.ReadFile(p)
		must(c.t, err)
		rel := filepath.Join(folder, filepath.Base(p))
		if err := os.WriteFile(filepath.Join(c.mount, rel), data, 0o600); err != nil {
			reason := getxattr(filepath.Join(c.mount, rel), "user.mailfs.error")
			c.t.Fatalf("%s: %v: %s", rel, err, reason)
		}
		out[rel] = data
	}
	return out
}

// items returns the path of each message by its source key.
func (c *client) items() map[string]string {
	c.t.Helper()
	out := map[string]string{}
	must(c.t, filepath.WalkDir(c.mount, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if key := getxattr(p, "user.mailfs.source-key"); key != "" {
			out[key] = p
		}
		return nil
	}))
	return out
}

// TestExactBytes: whatever one user writes through a mount, every message of the corpus and calendar items and contacts,
// another one reads through a mount of their own, byte for byte; also after somebody set flags. What somebody else edits is
// a message like any other.
func TestExactBytes(t *testing.T) {
	w := newWorld(t, 3)
	ann := w.client("ann")
	ann.start()
	written := ann.copyIn(corpusDir, "*.eml", "Inbox/corpus")
	messages := len(written)
	for pattern, folder := range map[string]string{"*.ics": "Calendar", "*.vcf": "Contacts"} {
		for rel, data := range ann.copyIn(itemsDir, pattern, folder) {
			written[rel] = data
		}
	}
	task := []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VTODO\r\nUID:t1\r\nSUMMARY:Mow\r\nX-OWN:kept\r\nEND:VTODO\r\nEND:VCALENDAR\r\n")
	must(t, os.WriteFile(filepath.Join(ann.mount, "Tasks/mow.ics"), task, 0o600))
	written["Tasks/mow.ics"] = task
	ann.flush()
	keys := map[string]string{}
	for rel := range written {
		key := getxattr(filepath.Join(ann.mount, rel), "user.mailfs.source-key")
		if key == "" {
			t.Fatalf("%s did not become an item", rel)
		}
		keys[rel] = key
	}
	w.checkSkeletons(messages)

	bob := w.client("bob")
	bob.start()
	var shown map[string]string
	all := func() bool {
		shown = bob.items()
		return !slices.ContainsFunc(slices.Collect(maps.Values(keys)), func(k string) bool {
			state := getxattr(shown[k], "user.mailfs.state")
			return state != "full"
		})
	}
	until(t, time.Minute, "everything at the other mount", all)
	compare := func(when string) {
		t.Helper()
		for rel, data := range written {
			for _, path := range []string{shown[keys[rel]], filepath.Join(ann.mount, rel)} {
				st, err := os.Stat(path)
				must(t, err)
				got, err := os.ReadFile(path)
				must(t, err)
				if st.Size() != int64(len(data)) || !bytes.Equal(got, data) {
					t.Errorf("%s, %s: stat says %d, %d bytes read, %d written", when, path, st.Size(), len(got), len(data))
				}
			}
			if ext := filepath.Ext(rel); filepath.Ext(shown[keys[rel]]) != ext {
				t.Errorf("%s is called %s", rel, shown[keys[rel]])
			}
		}
	}
	compare("at first")
	compareRemounted := func() {
		bob.stop()
		bob.start()
		until(t, time.Minute, "everything after a restart", all)
		compare("after a restart")
	}

	// Somebody reads, flags and files the messages: they say what they said.
	keywords := mapi.StringName(mapi.PSPublicStrings, "Keywords")
	edited := ""
	for _, f := range w.box.Snapshot().Folders {
		if f.Path[len(f.Path)-1] != "corpus" {
			continue
		}
		for i, m := range f.Messages {
			must(t, w.box.MarkRead(m.ID, i%2 == 0))
			must(t, w.box.Edit(m.ID, func(m *mapi.Message) {
				m.Properties.Set(mapi.PidTagFlagStatus, int32(2))
				if headers := strings.ToLower(m.Properties.String(mapi.PidTagTransportMessageHeaders)); !strings.Contains(headers, "keywords:") {
					m.Properties.SetNamed(keywords, mapi.TypeMultiString, []string{"Filed"})
				}
			}))
			edited = m.SourceKey.String()
		}
	}
	flagged := func(c *client, list map[string]string) bool {
		flag := getxattr(list[edited], "user.mailfs.flag")
		return flag == "flagged"
	}
	until(t, time.Minute, "the flags", func() bool { return flagged(bob, bob.items()) && flagged(ann, ann.items()) && all() })
	compare("flagged")
	compareRemounted()

	// Somebody edits one: it is a message made of its properties, the same at both.
	for rel, key := range keys {
		if key == edited {
			delete(written, rel)
		}
	}
	for _, f := range w.box.Snapshot().Folders {
		for _, m := range f.Messages {
			if m.SourceKey.String() == edited {
				must(t, w.box.Edit(m.ID, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagSubject, "edited by somebody else") }))
			}
		}
	}
	subject := func(c *client) []byte {
		data, err := os.ReadFile(c.items()[edited])
		if err != nil {
			return nil // just replaced
		}
		return data
	}
	until(t, time.Minute, "the edit", func() bool {
		x, y := subject(ann), subject(bob)
		return bytes.Contains(x, []byte("Subject: edited by somebody else\n")) && bytes.Equal(x, y)
	})
	all()
	compare("another one was edited")
}

// checkSkeletons tells how much the server keeps for the exact bytes.
func (w *world) checkSkeletons(messages int) {
	w.t.Helper()
	var sizes []int
	for _, f := range w.box.Snapshot().Folders {
		for _, m := range f.Messages {
			if n := mapi.ValueSize(m.Content.Properties.GetNamed(mime.SkeletonName)); n > 0 {
				sizes = append(sizes, int(n))
			}
		}
	}
	slices.Sort(sizes)
	if len(sizes) != messages {
		w.t.Fatalf("%d messages have a skeleton, %d were written", len(sizes), messages)
	}
	w.t.Logf("%d skeletons: median %d bytes, largest %d", len(sizes), sizes[len(sizes)/2], sizes[len(sizes)-1])
}
