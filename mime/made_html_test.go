package mime

import (
	"bytes"
	"strings"
	"testing"

	"mailfs/mapi"
)

// TestDropMadeHTML: HTML that a server made from the text goes, wherever it is and however it is held, the sender's stays, and
// the file is the same.
func TestDropMadeHTML(t *testing.T) {
	made := `<html><head><meta name="Generator" content="gromox-texttohtml" /></head><body>text</body></html>`
	with := func(html any) *mapi.Message {
		m := &mapi.Message{}
		m.Properties.Set(mapi.PidTagMessageClass, "IPM.Note")
		m.Properties.Set(mapi.PidTagBody, "text")
		m.Properties.Set(mapi.PidTagHtml, html)
		return m
	}
	for name, c := range map[string]struct {
		m     *mapi.Message
		stays bool
	}{
		"bytes":  {m: with([]byte(made))},
		"blob":   {m: with(bytes.NewReader([]byte(made + strings.Repeat(" ", 1000))))},
		"sender": {m: with([]byte("<html><body><b>text</b></body></html>")), stays: true},
		"short":  {m: with(bytes.NewReader([]byte("<b>"))), stays: true},
	} {
		outer := with([]byte(made))
		outer.Attachments = []mapi.Attachment{{Embedded: c.m}}
		before := rendered(t, outer)
		DropMadeHTML(outer)
		if outer.Properties.Has(mapi.PidTagHtml) || c.m.Properties.Has(mapi.PidTagHtml) != c.stays {
			t.Errorf("%s: outside there: %v, inside: %v", name, outer.Properties.Has(mapi.PidTagHtml), c.m.Properties.Has(mapi.PidTagHtml))
		}
		if after := rendered(t, outer); after != before {
			t.Errorf("%s: the file was\n%s\nand is\n%s", name, before, after)
		}
	}
	alone := with([]byte(made))
	alone.Properties.Delete(mapi.Property{Tag: mapi.PidTagBody}.Key())
	if DropMadeHTML(alone); !alone.Properties.Has(mapi.PidTagHtml) {
		t.Error("a message lost its only body")
	}
}

func rendered(t *testing.T, m *mapi.Message) string {
	t.Helper()
	im, err := Renderer{}.Open(m)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if _, err := im.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
