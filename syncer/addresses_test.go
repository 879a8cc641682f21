package syncer_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"mailfs/mapi"
	"mailfs/replica"
	"mailfs/syncer"
)

// colleague is the sender of a message that a server of one organization keeps for
// another of it: known by distinguished name alone.
func colleague(subject, dn string) *mapi.Message {
	return &mapi.Message{Properties: mapi.PropertyBag{
		{Tag: mapi.PidTagMessageClass, Value: "IPM.Note"},
		{Tag: mapi.PidTagSubject, Value: subject},
		{Tag: mapi.PidTagBody, Value: "body of " + subject},
		{Tag: mapi.PidTagSentRepresentingName, Value: "Bert"},
		{Tag: mapi.PidTagSentRepresentingAddressType, Value: "EX"},
		{Tag: mapi.PidTagSentRepresentingEmailAddress, Value: dn},
		{Tag: mapi.PidTagSenderName, Value: "Bert"},
		{Tag: mapi.PidTagSenderAddressType, Value: "EX"},
		{Tag: mapi.PidTagSenderEmailAddress, Value: dn},
	}, Recipients: []mapi.Recipient{{Type: mapi.RecipientTo, Properties: mapi.PropertyBag{
		{Tag: mapi.PidTagRecipientType, Value: int32(mapi.RecipientTo)},
		{Tag: mapi.PidTagDisplayName, Value: "Bert"},
		{Tag: mapi.PidTagAddressType, Value: "EX"},
		{Tag: mapi.PidTagEmailAddress, Value: strings.ToUpper(dn)},
	}}}}
}

// fileOf returns the message as a file, and the size that the list tells.
func (c *client) fileOf(subject string) (string, int64) {
	c.t.Helper()
	n := c.at("Inbox", "*"+subject)
	for _, text := range c.contents() {
		if _, file, _ := strings.Cut(text, "\n"); strings.Contains(file, "Subject: "+subject) {
			return file, n.Size
		}
	}
	c.t.Fatalf("%s has no body here", subject)
	return "", 0
}

func TestAddressBookIsAsked(t *testing.T) {
	const bert, nobody = "/o=Org/ou=x/cn=Recipients/cn=bert", "/o=Org/ou=x/cn=Recipients/cn=gone"
	w := newMemWorld(t)
	var asked [][]string
	var down error
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	c := w.client(t, func(cfg *syncer.Config) {
		cfg.Now = func() time.Time { return now }
		cfg.InTurn = true
		cfg.SMTP = func(_ context.Context, dns []string) (map[string]string, error) {
			asked = append(asked, slices.Sorted(slices.Values(dns)))
			if down != nil {
				return nil, down
			}
			out := map[string]string{}
			for _, dn := range dns {
				if strings.EqualFold(dn, bert) {
					out[dn] = "bert@example.test"
				}
			}
			return out, nil
		}
	})
	deliver := func(subject, dn string) {
		t.Helper()
		if _, err := w.box.Deliver(w.inbox(), colleague(subject, dn)); err != nil {
			t.Fatal(err)
		}
	}

	deliver("first", bert)
	deliver("unknown", nobody)
	w.deliver("ordinary", "text")
	c.pass()
	file, size := c.fileOf("first")
	if strings.Count(file, "<bert@example.test>") < 2 || strings.Contains(file, "cn=") || size != int64(len(file)) {
		t.Errorf("size %d of %d:\n%s", size, len(file), file)
	}
	if file, _ := c.fileOf("unknown"); !strings.Contains(file, "IMCEAEX") {
		t.Errorf("not encapsulated:\n%s", file)
	}
	if n := c.at("Inbox", "*first"); n.Message.From == "" || strings.Contains(n.Message.From, "/o=") {
		t.Errorf("attribute %q", n.Message.From)
	}
	if len(asked) != 1 || !slices.Equal(asked[0], []string{bert, nobody}) {
		t.Errorf("asked %q", asked)
	}

	// What is known or was not there is not asked for again soon.
	asked = nil
	deliver("second", bert)
	deliver("unknown still", nobody)
	c.pass()
	if file, _ := c.fileOf("second"); !strings.Contains(file, "<bert@example.test>") || len(asked) != 0 {
		t.Errorf("asked %q:\n%s", asked, file)
	}
	now = now.Add(2 * time.Hour)
	deliver("unknown as ever", nobody)
	c.pass()
	if len(asked) != 1 {
		t.Errorf("asked %q", asked)
	}

	// An address book that fails holds nothing up, and is left alone for a while.
	asked, down = nil, errors.New("closed for stock-taking")
	deliver("other", "/o=Org/cn=other")
	c.pass()
	deliver("another", "/o=Org/cn=another")
	c.pass()
	if file, _ := c.fileOf("another"); !strings.Contains(file, "body of another") || len(asked) != 1 {
		t.Errorf("asked %q:\n%s", asked, file)
	}
}

// TestAddressOfAnEdit: what the address book told stays with a message that is edited
// here, and does not count as a change.
func TestAddressOfAnEdit(t *testing.T) {
	const bert = "/o=Org/ou=x/cn=Recipients/cn=bert"
	w := newMemWorld(t)
	c := w.client(t, func(cfg *syncer.Config) {
		cfg.SMTP = func(context.Context, []string) (map[string]string, error) {
			return map[string]string{bert: "bert@example.test"}, nil
		}
	})
	if _, err := w.box.Deliver(w.inbox(), colleague("plan", bert)); err != nil {
		t.Fatal(err)
	}
	c.pass()
	c.view(func(v *replica.View) error {
		if n, _, err := v.Pending(); err != nil || n != 0 {
			t.Errorf("%d changes queued, %v", n, err)
		}
		return nil
	})
	n := c.at("Inbox", "*plan")
	file, _ := c.fileOf("plan")
	c.edit(n.Num, strings.Replace(file, "body of plan", "another body", 1))
	c.flush()
	other := w.client(t)
	other.pass()
	if file, _ := other.fileOf("plan"); !strings.Contains(file, "bert@example.test") || !strings.Contains(file, "another body") {
		t.Error(file)
	}
}
