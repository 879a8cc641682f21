package vcard

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mailfs/mapi"
	"mailfs/mime/contentline"
)

func cardOf(lines ...string) string {
	return "BEGIN:VCARD\r\nVERSION:3.0\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VCARD\r\n"
}

func TestPhones(t *testing.T) {
	for _, tt := range []struct {
		types string
		tag   mapi.PropertyTag
	}{
		{"WORK", mapi.PidTagBusinessTelephoneNumber}, {"work,voice", mapi.PidTagBusinessTelephoneNumber}, {"HOME", mapi.PidTagHomeTelephoneNumber}, {"CELL", mapi.PidTagMobileTelephoneNumber},
		{"IPHONE,CELL,VOICE,pref", mapi.PidTagMobileTelephoneNumber}, {"FAX", mapi.PidTagPrimaryFaxNumber}, {"HOME,FAX", mapi.PidTagHomeFaxNumber}, {"WORK,FAX", mapi.PidTagBusinessFaxNumber},
		{"PAGER", mapi.PidTagPagerTelephoneNumber}, {"CAR", mapi.PidTagCarTelephoneNumber}, {"ISDN", mapi.PidTagIsdnNumber}, {"PREF", mapi.PidTagPrimaryTelephoneNumber}, {"MAIN", mapi.PidTagOtherTelephoneNumber},
		{"VOICE", mapi.PidTagOtherTelephoneNumber}, {"X-ASSISTANT", mapi.PidTagAssistantTelephoneNumber},
	} {
		it, err := Parse(cardOf("FN:x", "TEL;TYPE="+tt.types+":1"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := it.Message.Properties.String(tt.tag); got != "1" {
			t.Errorf("%s is not %v", tt.types, tt.tag)
		}
	}
	it, err := Parse(cardOf("FN:x", "TEL;TYPE=WORK:1", "TEL;TYPE=WORK:2", "TEL;TYPE=WORK:3", "TEL;TYPE=CELL:4", "TEL;TYPE=CELL:5"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := it.Message.Properties
	if p.String(mapi.PidTagBusiness2TelephoneNumber) != "2" || p.Has(mapi.PidTagOtherTelephoneNumber) {
		t.Errorf("%v", p)
	}
	p.Set(mapi.PidTagTitle, "edited")
	it.Message.Properties = p
	out := string(Render(it))
	for _, want := range []string{"TEL;TYPE=WORK:3", "TEL;TYPE=CELL:5"} {
		if strings.Count(out, want) != 1 {
			t.Errorf("%q is lost, or there twice:\n%s", want, out)
		}
	}
}

func TestNames(t *testing.T) {
	for _, tt := range []struct{ in, display, fileUnder string }{
		{"N:Berg;Anna;;;", "Anna Berg", "Berg, Anna"},
		{"FN:Anna Berg", "Anna Berg", "Anna Berg"},
		{"ORG:Firma", "Firma", "Firma"},
		{"FN:A\r\nSORT-STRING:Z", "A", "Z"},
		{"N:;;;;\r\nFN:Only", "Only", "Only"},
	} {
		it, err := Parse(cardOf(tt.in), Options{})
		if err != nil {
			t.Fatal(err)
		}
		p := it.Message.Properties
		if got := p.String(mapi.PidTagDisplayName); got != tt.display {
			t.Errorf("%q: name %q", tt.in, got)
		}
		if got := p.StringNamed(mapi.PidLidFileUnder); got != tt.fileUnder {
			t.Errorf("%q: filed under %q", tt.in, got)
		}
	}
}

// TestAnyContact: whatever the properties hold, the card is read as one with the same
// values, and nothing breaks out of its line.
func TestAnyContact(t *testing.T) {
	tags := []mapi.PropertyTag{mapi.PidTagGivenName, mapi.PidTagSurname, mapi.PidTagCompanyName, mapi.PidTagDepartmentName, mapi.PidTagTitle, mapi.PidTagMobileTelephoneNumber, mapi.PidTagHomeAddressStreet, mapi.PidTagHomeAddressCity, mapi.PidTagNickname}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.StringMatching(`[a-z;,:\\"äö]{0,12}`), rapid.SampledFrom([]string{"", "x\r\nX-EVIL:1", "a;b", `a\,b`, "日本", strings.Repeat("long ", 40)}))
		it := &Item{Message: &mapi.Message{}, Note: text.Draw(t, "note")}
		bag := &it.Message.Properties
		bag.Set(mapi.PidTagMessageClass, classContact)
		bag.Set(mapi.PidTagDisplayName, "n")
		for _, tag := range tags {
			bag.Set(tag, text.Draw(t, tag.Name()))
		}
		out := string(Render(it))
		list, err := contentline.Parse(out)
		if err != nil {
			t.Fatal(err)
		}
		if _, evil := list[0].Find("X-EVIL"); evil {
			t.Fatalf("a property broke out of its line:\n%s", out)
		}
		back, err := Parse(out, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, tag := range tags {
			want := oneLine(bag.String(tag))
			if got := oneLine(back.Message.Properties.String(tag)); got != want {
				t.Fatalf("%v is %q, want %q\n%s", tag, got, want, out)
			}
		}
		if got := string(Render(back)); got != out {
			t.Fatalf("rendered again: %s", cmp.Diff(out, got))
		}
	})
}

func TestErrors(t *testing.T) {
	for text, want := range map[string]error{
		"": ErrFormat, "BEGIN:VCARD\n": ErrFormat, "BEGIN:VCALENDAR\nEND:VCALENDAR\n": ErrFormat, cardOf("FN:a") + cardOf("FN:b"): ErrSeveral, strings.Repeat("x", maxFile+1): ErrFormat,
	} {
		if _, err := Parse(text, Options{}); !errors.Is(err, want) {
			t.Errorf("%.30q: %v", text, err)
		}
	}
}

func TestChecksum(t *testing.T) {
	// CRC-32 of "123456789" with neither inversion, as other implementations have it.
	if got := memberChecksum([][]byte{[]byte("12345"), []byte("6789")}); got != 0x2DFD2D88 {
		t.Errorf("checksum %08x", got)
	}
}

// FuzzCard: what is accepted is rendered as it was, and after an edit it is still
// accepted.
func FuzzCard(f *testing.F) {
	f.Add(cardOf("N:a;b;c;d;e", "FN:x", "TEL;TYPE=WORK,FAX:1", "ADR;TYPE=HOME:1;2;3;4;5;6;7", "PHOTO;ENCODING=b:aGk=", "BDAY:19700101", "item1.URL:https\\://x", "X-A:b"))
	f.Add("BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=x;QUOTED-PRINTABLE:a=\n=FC\nKEY;BASE64:aGk=\nEND:VCARD\n")
	f.Add("BEGIN:VCARD\nVERSION:4.0\nKIND:group\nMEMBER:mailto:a@b\nMEMBER:urn:x\nEND:VCARD\n")
	f.Fuzz(func(t *testing.T, text string) {
		it, err := Parse(text, Options{})
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrSeveral) {
				t.Fatal(err)
			}
			return
		}
		if len(text) <= maxKept && string(Render(it)) != text {
			t.Fatal("not the same file")
		}
		set(&it.Message.Properties, mapi.PidLidDistributionListName, "edited")
		it.Message.Properties.Set(mapi.PidTagTitle, "edited")
		out := string(Render(it))
		again, err := Parse(out, Options{})
		if err != nil {
			t.Fatalf("%v\n%q\n%q", err, text, out)
		}
		Render(again)
	})
}
