package scenario_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/mime"
)

// stored returns a message as the server has it.
func (w *world) stored(key string) *mapi.Message {
	w.t.Helper()
	for _, f := range w.box.Snapshot().Folders {
		for _, m := range f.Messages {
			if m.SourceKey.String() == key {
				return m.Content
			}
		}
	}
	w.t.Fatalf("the server has no %s", key)
	return nil
}

// differences names the properties in which two versions of a message differ, but for those that servers make.
func differences(a, b *mapi.Message) (out []string) {
	made := []mapi.PropertyTag{mapi.PidTagLastModificationTime, mapi.PidTagChangeKey, mapi.PidTagPredecessorChangeList, mapi.PidTagChangeNumber,
		mapi.PidTagMessageSize, mapi.PidTagLastModifierName, mapi.PidTagLastModifierEntryId, mapi.PidTagLocalCommitTime, mapi.PidTagInternetArticleNumber,
		mapi.PidTagCreationTime, mapi.PidTagAttachNumber, mapi.PidTagRowid, mapi.PidTagRecipientType, mapi.PidTagResponsibility, mapi.PidTagSendRichInfo,
		mapi.PidTagDisplayType, mapi.PidTagTransmittableDisplayName}
	// Servers give what an item lacks.
	defaults := []mapi.PropertyTag{mapi.PidTagImportance, mapi.PidTagSensitivity}
	bags := func(where string, x, y mapi.PropertyBag) {
		for _, bag := range []mapi.PropertyBag{x, y} {
			for _, p := range bag {
				name, _, _ := strings.Cut(p.Tag.String(), " ")
				if !p.Name.IsZero() {
					name = p.Name.String()
				}
				if slices.ContainsFunc(made, func(t mapi.PropertyTag) bool { return p.Name.IsZero() && t.ID() == p.Tag.ID() }) || slices.Contains(out, where+name) {
					continue
				}
				q, had := x.Lookup(p.Key())
				if !had && slices.Contains(defaults, p.Tag) {
					continue
				}
				r, _ := y.Lookup(p.Key())
				v, _ := mapi.ValueBytes(q.Value)
				u, _ := mapi.ValueBytes(r.Value)
				if v == nil && u == nil && !reflect.DeepEqual(q.Value, r.Value) || !bytes.Equal(v, u) {
					out = append(out, where+name)
				}
			}
		}
	}
	bags("", a.Properties, b.Properties)
	if len(a.Recipients) != len(b.Recipients) || len(a.Attachments) != len(b.Attachments) {
		return append(out, "rows")
	}
	for i := range a.Recipients {
		bags("recipient ", a.Recipients[i].Properties, b.Recipients[i].Properties)
	}
	for i := range a.Attachments {
		bags("attachment ", a.Attachments[i].Properties, b.Attachments[i].Properties)
	}
	slices.Sort(out)
	return out
}

// TestEditThroughMount: what programs make of a message in a mount changes the properties that the edit is about. What a file
// can't show is on the server as before, and a save that changes nothing sends nothing.
func TestEditThroughMount(t *testing.T) {
	w := newWorld(t, 0)
	var m mapi.Message
	p := &m.Properties
	p.Set(mapi.PidTagMessageClass, "IPM.Note.Custom")
	p.Set(mapi.PidTagSubject, "Lunch")
	p.Set(mapi.PidTagNormalizedSubject, "Lunch")
	p.Set(mapi.PidTagBody, "where shall we eat\r\n")
	p.Set(mapi.PidTagRtfCompressed, mime.CompressRTF([]byte(`{\rtf1\ansi\fromtext where shall we eat\par}`)))
	p.Set(mapi.PidTagNativeBody, int32(1))
	p.Set(mapi.PidTagFlagStatus, int32(2))
	p.Set(mapi.PidTagSentRepresentingName, "Anna Berg")
	p.Set(mapi.PidTagSentRepresentingAddressType, "EX")
	p.Set(mapi.PidTagSentRepresentingEmailAddress, "/o=x/cn=anna")
	p.Set(mapi.PidTagSentRepresentingSmtpAddress, "anna@example.test")
	p.SetNamed(mapi.StringName(mapi.PSPublicStrings, "Keywords"), mapi.TypeMultiString, []string{"Red"})
	p.SetNamed(mapi.PidLidVerbStream, mapi.TypeBinary, bytes.Repeat([]byte{2, 1, 4, 0}, 20))
	p.SetNamed(mapi.PidLidReminderSet, mapi.TypeBoolean, true)
	p.SetNamed(mapi.PidLidReminderTime, mapi.TypeTime, mapi.NewFileTime(time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)))
	p.SetNamed(mapi.StringName(mapi.GUID{1, 2, 3}, "somebody's own"), mapi.TypeString, "kept")
	r := mapi.Recipient{Type: mapi.RecipientTo}
	r.Properties.Set(mapi.PidTagDisplayName, "Bo")
	r.Properties.Set(mapi.PidTagAddressType, "EX")
	r.Properties.Set(mapi.PidTagEmailAddress, "/o=x/cn=bo")
	r.Properties.Set(mapi.PidTagSmtpAddress, "bo@example.test")
	r.Properties.Set(mapi.PidTagRecipientTrackStatus, int32(3))
	m.Recipients = []mapi.Recipient{r}
	a := mapi.Attachment{}
	a.Properties.Set(mapi.PidTagAttachMethod, int32(1))
	a.Properties.Set(mapi.PidTagAttachLongFilename, "menu.pdf")
	a.Properties.Set(mapi.PidTagAttachDataBinary, bytes.Repeat([]byte("%PDF"), 5000))
	a.Properties.SetNamed(mapi.StringName(mapi.GUID{1, 2, 3}, "of the menu"), mapi.TypeString, "kept")
	m.Attachments = []mapi.Attachment{a}
	_, err := w.box.Deliver(w.box.Folder(memserver.FolderInbox), &m)
	must(t, err)

	ann := w.client("ann")
	ann.start()
	var path, key string
	until(t, time.Minute, "the message", func() bool {
		for k, p := range ann.items() {
			key, path = k, p
		}
		return path != "" && getxattr(path, "user.mailfs.state") == "full"
	})
	read := func() string {
		data, err := os.ReadFile(path)
		must(t, err)
		return string(data)
	}
	inPlace := func(text string) { must(t, os.WriteFile(path, []byte(text), 0o600)) }
	byRename := func(text string) {
		temp := filepath.Join(filepath.Dir(path), ".save.tmp")
		must(t, os.WriteFile(temp, []byte(text), 0o600))
		must(t, os.Rename(temp, path))
	}
	skeleton, headers := mime.SkeletonName.String(), "PidTagTransportMessageHeaders"
	subject := []string{"PidTagConversationTopic", "PidTagNormalizedSubject", "PidTagSubject", "PidTagSubjectPrefix"}
	body := []string{"PidTagBody", "PidTagHtml", "PidTagInternetCodepage", "PidTagNativeBody", "PidTagRtfCompressed", "PidTagRtfInSync"}
	own := mapi.StringName(mapi.PSInternetHeaders, "X-Note").String()
	for _, tt := range []struct {
		what     string
		save     func(text string)
		old, new string
		may      []string
		must     string
	}{
		{"a header", inPlace, "Subject: Lunch", "Subject: Dinner", append(subject, headers, skeleton), "PidTagSubject"},
		{"the text", byRename, "where shall we eat", "at Bo's", append(body, headers, skeleton), "PidTagBody"},
		{"a field of one's own", byRename, "Subject:", "X-Note: new\nSubject:", []string{headers, skeleton, own}, own},
		{"nothing, in place", inPlace, "", "", nil, ""},
		{"nothing, by rename", byRename, "", "", nil, ""},
	} {
		before := w.stored(key)
		was := read()
		if !strings.Contains(was, tt.old) {
			t.Fatalf("%s: no %q in\n%s", tt.what, tt.old, was)
		}
		now := strings.Replace(was, tt.old, tt.new, 1)
		tt.save(now)
		ann.flush()
		changed := differences(before, w.stored(key))
		for _, name := range changed {
			if !slices.Contains(tt.may, name) {
				t.Errorf("%s: %s changed: %v", tt.what, name, changed)
			}
		}
		if tt.must != "" && !slices.Contains(changed, tt.must) {
			t.Errorf("%s: %s did not change: %v", tt.what, tt.must, changed)
		}
		if tt.must == "" && !bytes.Equal(before.Properties.Bytes(mapi.PidTagChangeKey), w.stored(key).Properties.Bytes(mapi.PidTagChangeKey)) {
			t.Errorf("%s was sent", tt.what)
		}
		if got := read(); got != now {
			t.Errorf("%s: reads as\n%s\nwritten\n%s", tt.what, got, now)
		}
	}
}
