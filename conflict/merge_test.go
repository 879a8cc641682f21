package conflict

import (
	"testing"

	"mailfs/mapi"
)

// message is a small version to change.
func message(change ...func(*mapi.Message)) *mapi.Message {
	m := &mapi.Message{}
	m.Properties.Set(mapi.PidTagSubject, "subject")
	m.Properties.Set(mapi.PidTagBody, "text\r\n")
	m.Properties.Set(mapi.PidTagLastModificationTime, mapi.FileTime(1))
	to := mapi.Recipient{Type: mapi.RecipientTo}
	to.Properties.Set(mapi.PidTagEmailAddress, "a@example.test")
	m.Recipients = []mapi.Recipient{to}
	for _, f := range change {
		f(m)
	}
	return m
}

func set(tag mapi.PropertyTag, v any) func(*mapi.Message) {
	return func(m *mapi.Message) { m.Properties.Set(tag, v) }
}

var keywords = mapi.StringName(mapi.PSPublicStrings, "Keywords")

func category(name string) func(*mapi.Message) {
	return func(m *mapi.Message) { m.Properties.SetNamed(keywords, mapi.TypeMultiString, []string{name}) }
}

func attach(name string) func(*mapi.Message) {
	return func(m *mapi.Message) {
		var a mapi.Attachment
		a.Properties.Set(mapi.PidTagAttachLongFilename, name)
		m.Attachments = append(m.Attachments, a)
	}
}

func address(to string) func(*mapi.Message) {
	return func(m *mapi.Message) {
		m.Recipients = []mapi.Recipient{{Type: mapi.RecipientTo}}
		m.Recipients[0].Properties.Set(mapi.PidTagEmailAddress, to)
	}
}

// Changes of different parts are joined, those of the same part only if they are the same; and who is ours and who
// theirs makes no difference to what comes out.
func TestMerge(t *testing.T) {
	parts := map[string][2]func(*mapi.Message){
		"subject":    {set(mapi.PidTagSubject, "one"), set(mapi.PidTagSubject, "two")},
		"body":       {set(mapi.PidTagBody, "one"), set(mapi.PidTagBody, "two")},
		"recipients": {address("one@example.test"), address("two@example.test")},
		"attachment": {attach("one"), attach("two")},
		"flag":       {set(mapi.PidTagFlagStatus, int32(1)), set(mapi.PidTagFlagStatus, int32(2))},
		"category":   {category("one"), category("two")},
	}
	for a, x := range parts {
		for b, y := range parts {
			base := message()
			m, ok := Merge(Three{Base: base, Seen: base, Ours: message(x[0]), Theirs: message(y[1])})
			if a == b {
				if ok {
					t.Errorf("%s was changed on both sides and merged", a)
				}
				m, ok = Merge(Three{Base: base, Seen: base, Ours: message(x[0]), Theirs: message(y[0])})
				if !ok || !SameContent(m, message(x[0])) {
					t.Errorf("the same change of %s on both sides was not merged", a)
				}
				continue
			}
			want := message(x[0], y[1])
			back, same := Merge(Three{Base: base, Seen: base, Ours: message(y[1]), Theirs: message(x[0])})
			if !ok || !same || !equal(m, want) || !equal(back, want) {
				t.Errorf("%s here and %s there: merged %v and %v", a, b, ok, same)
			}
		}
	}
}

func equal(a, b *mapi.Message) bool {
	return sameBag(a.Properties, b.Properties) && sameRecipients(a, b) && sameAttachments(a, b)
}

// What a file does not show, and a program therefore neither keeps nor changes, is what the other side made of it.
func TestMergeKeepsWhatAFileDoesNotShow(t *testing.T) {
	base := message(set(mapi.PidTagSenderEntryId, []byte{1}), category("old"))
	theirs := message(set(mapi.PidTagSenderEntryId, []byte{1}), category("new"), set(mapi.PidTagLastModificationTime, mapi.FileTime(9)))
	ours := message(set(mapi.PidTagBody, "mine"), category("old"), set(mapi.PidTagLastModificationTime, mapi.FileTime(7)))
	m, ok := Merge(Three{Base: base, Seen: message(), Ours: ours, Theirs: theirs})
	if !ok || m.Properties.String(mapi.PidTagBody) != "mine" || m.Properties.Bytes(mapi.PidTagSenderEntryId) == nil ||
		m.Properties.GetNamed(keywords).([]string)[0] != "new" {
		t.Errorf("merged %v: %v", ok, m)
	}
	gone := message(category("old"))
	gone.Properties.Delete(mapi.Property{Name: keywords}.Key())
	if m, ok := Merge(Three{Base: base, Seen: message(), Ours: ours, Theirs: gone}); !ok || m.Properties.GetNamed(keywords) != nil {
		t.Errorf("merged %v: a category that was taken away there is %v", ok, m.Properties.GetNamed(keywords))
	}
}

// What a server fills in, and nobody has set, is no change.
func TestMergeSeesNoChangeInWhatServersFillIn(t *testing.T) {
	base := message()
	ours := message(set(mapi.PidTagSubject, "mine"))
	theirs := message(set(mapi.PidTagBody, "theirs"), set(mapi.PidTagReadReceiptRequested, false))
	m, ok := Merge(Three{Base: base, Seen: base, Ours: ours, Theirs: theirs})
	if !ok || m.Properties.String(mapi.PidTagSubject) != "mine" || m.Properties.String(mapi.PidTagBody) != "theirs" {
		t.Errorf("merged %v: %v", ok, m)
	}
	theirs.Properties.Set(mapi.PidTagReadReceiptRequested, true)
	if _, ok := Merge(Three{Base: base, Seen: base, Ours: ours, Theirs: theirs}); ok {
		t.Error("a mark that was set there is gone")
	}
}
