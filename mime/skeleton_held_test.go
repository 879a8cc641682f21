package mime

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailfs/mapi"
)

// alone returns a message that is a winmail.dat with few header fields.
func alone(t testing.TB) []byte {
	t.Helper()
	p, err := os.ReadFile("testdata/corpus/318-winmail-alone.eml")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestHeldSkeleton: properties that only a winmail.dat shows are a part of its bytes where the skeleton makes use of them,
// and nowhere else.
func TestHeldSkeleton(t *testing.T) {
	short, long := alone(t), streamFile(streams(t)["text"], 76, "\n")
	for name, c := range map[string]struct {
		file  []byte
		edit  func(m *mapi.Message)
		stale bool
	}{
		"correlation": {short, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagTnefCorrelationKey, []byte("another")) }, true},
		"no receiver": {short, func(m *mapi.Message) { m.Properties.Delete(mapi.Key{ID: mapi.PidTagReceivedByEntryId.ID()}) }, true},
		"name":        {short, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagReceivedByName, "Simpson, Marc") }, true},
		"much":        {short, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagReceivedByName, strings.Repeat("name ", maxHeld)) }, true},
		"attachment": {short, func(m *mapi.Message) {
			m.Attachments[0].Properties.Set(mapi.PidTagDisplayName, "AUTHORS")
		}, true},
		"not in use":    {short, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagReportTag, []byte("added to it")) }, false},
		"of the server": {short, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagCreatorName, "a server") }, false},
		"room enough": {long, func(m *mapi.Message) {
			m.Properties.Set(mapi.PidTagConversationIndex, []byte("another"))
			m.Properties.Set(mapi.PidTagTnefCorrelationKey, []byte("another"))
		}, false},
	} {
		m := parse(t, string(c.file))
		skeleton, err := MakeSkeleton(m, bytes.NewReader(c.file), int64(len(c.file)))
		if err != nil {
			t.Fatal(err)
		}
		c.edit(m)
		im, err := OpenSkeleton(m, skeleton)
		if c.stale {
			if !errors.Is(err, ErrStale) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if same, err := sameBytes(im, bytes.NewReader(c.file), int64(len(c.file))); !same || err != nil {
			t.Errorf("%s: other bytes, %v", name, err)
		}
	}
}

// TestBrokenHeldSkeleton: one that is cut off, or names properties that there are not, is told.
func TestBrokenHeldSkeleton(t *testing.T) {
	file := alone(t)
	m := parse(t, string(file))
	skeleton, err := MakeSkeleton(m, bytes.NewReader(file), int64(len(file)))
	if err != nil || skeleton[0] != skeletonVersionHeld {
		t.Fatalf("version %d, %v", skeleton[0], err)
	}
	for i := range skeleton {
		if _, err := OpenSkeleton(m, skeleton[:i]); !errors.Is(err, errSkeleton) && !errors.Is(err, ErrStale) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	const head = 1 + digestSize + 1 + bodySetSize
	for name, set := range map[string][]byte{"no property": {0}, "one too many": {0x80, 0x80, 0x80, 1}, "no end": bytes.Repeat([]byte{0xFF}, 12)} {
		if _, err := OpenSkeleton(m, append(bytes.Clone(skeleton[:head]), set...)); !errors.Is(err, errSkeleton) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestReceiverOfStream: who got a message before is told, but not that this mailbox acts for anybody.
func TestReceiverOfStream(t *testing.T) {
	bag := bagOf(mapi.PidTagReceivedByName, "Mark")
	bag.Set(mapi.PidTagReceivedByEntryId, []byte("entry id"))
	bag.Set(mapi.PidTagReceivedRepresentingName, "Mark")
	m := parse(t, string(streamFile(streamOf(bag), 76, "\n")))
	if p := m.Properties; p.String(mapi.PidTagReceivedByName) != "Mark" || !p.Has(mapi.PidTagReceivedByEntryId) || p.Has(mapi.PidTagReceivedRepresentingName) {
		t.Errorf("a mail: %v", p)
	}
	bag.Set(mapi.PidTagMessageClass, "IPM.Schedule.Meeting.Request")
	m = parse(t, string(streamFile(streamOf(bag), 76, "\n")))
	if p := m.Properties; p.String(mapi.PidTagMessageClass) != "IPM.Schedule.Meeting.Request" || p.Has(mapi.PidTagReceivedByName) || p.Has(mapi.PidTagReceivedByEntryId) {
		t.Errorf("a meeting: %v", p)
	}
}

// TestOldSkeletons: what earlier programs stored on servers is read, in each version.
func TestOldSkeletons(t *testing.T) {
	list, err := filepath.Glob("testdata/skeletons/*.v*")
	if err != nil || len(list) != 9 {
		t.Fatalf("%d old skeletons, %v", len(list), err)
	}
	for _, name := range list {
		skeleton, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		ext := filepath.Ext(name)
		if len(skeleton) == 0 || ext != ".v"+string('0'+skeleton[0]) {
			t.Errorf("%s has another version", name)
		}
		file, err := os.ReadFile("testdata/corpus/" + strings.TrimSuffix(filepath.Base(name), ext) + ".eml")
		if err != nil {
			t.Fatal(err)
		}
		m := parse(t, string(file))
		im, err := OpenSkeleton(m, skeleton)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var b bytes.Buffer
		if _, err := im.WriteTo(&b); err != nil || !bytes.Equal(b.Bytes(), file) {
			t.Errorf("%s: %v: %s", name, err, firstDifference(b.Bytes(), file))
		}
		m.Properties.Set(mapi.PidTagSubject, "another")
		if _, err := OpenSkeleton(m, skeleton); !errors.Is(err, ErrStale) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
