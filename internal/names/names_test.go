package names

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"mailfs/mapi"
)

const key = mapi.SourceKey("\x01\x00\x00\x00\xa5\x18\x7b\x6f\xbc\xdc\xea\x1e\xd0\x3c\x56\x57\x00\x00\x00\x03\x00\x7f")

var berlin = time.FixedZone("CET", 3600)

func bagOf(sender, subject string, t time.Time) mapi.PropertyBag {
	var b mapi.PropertyBag
	b.Set(mapi.PidTagSentRepresentingName, sender)
	b.Set(mapi.PidTagSubject, subject)
	if !t.IsZero() {
		b.Set(mapi.PidTagMessageDeliveryTime, mapi.NewFileTime(t))
	}
	return b
}

func TestMessage(t *testing.T) {
	at := time.Date(2026, 11, 20, 8, 15, 59, 0, time.UTC)
	id := ShortID(key)
	tests := []struct{ name, sender, subject, want string }{
		{"ordinary", "Anna Berg", "Quarterly numbers", "2026-11-20 0915 Anna Berg - Quarterly numbers." + id + ".eml"},
		{"nothing", "", "", "2026-11-20 0915 (no sender) - (no subject)." + id + ".eml"},
		{"slash", "A/B", "1/2", "2026-11-20 0915 A-B - 1-2." + id + ".eml"},
		{"controls and spaces", "A\tB", " x \r\n y\x00z\x7f\u0085", "2026-11-20 0915 A B - x y z." + id + ".eml"},
		{"bidirectional override", "A", "exe\u202Egpj\u2066.\uFEFFx", "2026-11-20 0915 A - exegpj.x." + id + ".eml"},
		{"decomposed", "Ju\u0308rgen", "e\u0301", "2026-11-20 0915 Jürgen - é." + id + ".eml"},
		{"composes over a removed character", "A", "e\u202E\u0301", "2026-11-20 0915 A - é." + id + ".eml"},
		{"lone surrogate", "A", "x\xED\xA0\x80y\xFF", "2026-11-20 0915 A - x\uFFFDy\uFFFD." + id + ".eml"},
		{"legacy DN", "/O=Org/OU=Group/CN=RECIPIENTS/CN=ANNA", "s", "2026-11-20 0915 ANNA - s." + id + ".eml"},
		{"emoji joiner kept", "A", "👩\u200D💻", "2026-11-20 0915 A - 👩\u200D💻." + id + ".eml"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Message(bagOf(tt.sender, tt.subject, at), ".eml", key, berlin); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// TestTypedItems: appointments are named after when they begin, contacts after who they are.
func TestTypedItems(t *testing.T) {
	id := ShortID(key)
	at := mapi.NewFileTime(time.Date(2026, 11, 20, 23, 30, 0, 0, time.UTC))
	item := func(class, subject string) (b mapi.PropertyBag) {
		b.Set(mapi.PidTagMessageClass, class)
		b.Set(mapi.PidTagSentRepresentingName, "Anna Berg")
		b.Set(mapi.PidTagSubject, subject)
		b.Set(mapi.PidTagMessageDeliveryTime, mapi.NewFileTime(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)))
		return b
	}
	meeting := item("IPM.Appointment", "Team / meeting")
	if got, want := Message(meeting, ".ics", key, berlin), "Team - meeting."+id+".ics"; got != want {
		t.Errorf("no beginning: %q, want %q", got, want)
	}
	meeting.Set(mapi.PidTagStartDate, at)
	if got, want := Message(meeting, ".ics", key, berlin), "2026-11-21 0030 Team - meeting."+id+".ics"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	meeting.SetNamed(mapi.PidLidAppointmentStartWhole, mapi.TypeTime, mapi.NewFileTime(time.Date(2026, 12, 24, 23, 0, 0, 0, time.UTC)))
	meeting.SetNamed(mapi.PidLidAppointmentSubType, mapi.TypeBoolean, true)
	if got, want := Message(meeting, ".ics", key, berlin), "2026-12-25 Team - meeting."+id+".ics"; got != want {
		t.Errorf("a whole day: %q, want %q", got, want)
	}
	task := item("IPM.Task", "")
	task.Set(mapi.PidTagStartDate, at)
	if got, want := Message(task, ".ics", key, berlin), "(no subject)."+id+".ics"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	contact := item("IPM.Contact", "-Berg, Bo")
	if got, want := Message(contact, ".vcf", key, berlin), "_Berg, Bo."+id+".vcf"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	contact.Set(mapi.PidTagDisplayName, "Bo Berg")
	name := Message(contact, ".vcf", key, berlin)
	if want := "Bo Berg." + id + ".vcf"; name != want {
		t.Errorf("%q, want %q", name, want)
	}
	if !Generated(name, key) || Generated("Bo Berg.vcf", key) || Generated("x."+id, key) {
		t.Error("names given and names made are not told apart")
	}
}

func TestFolderExt(t *testing.T) {
	for class, want := range map[string]string{"IPF.Note": "", "": "", "IPF.Appointment": ".ics", "ipf.task": ".ics", "IPF.Contact": ".vcf",
		"IPF.Contact.MOC.QuickContacts": ".vcf", "IPF.Contacts": "", "IPF.StickyNote": "", "IPF.Journal": ""} {
		if got := FolderExt(class); got != want {
			t.Errorf("FolderExt(%q) = %q, want %q", class, got, want)
		}
	}
}

func TestMessageWithoutDate(t *testing.T) {
	id := ShortID(key)
	if got, want := Message(bagOf("-rf", "x", time.Time{}), ".eml", key, berlin), "_rf - x."+id+".eml"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := Message(bagOf(".hidden", "x", time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC)), ".eml", key, berlin), "_hidden - x."+id+".eml"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var b mapi.PropertyBag
	b.Set(mapi.PidTagMessageDeliveryTime, mapi.FileTime(0))
	b.Set(mapi.PidTagClientSubmitTime, mapi.NewFileTime(time.Date(2025, 1, 2, 3, 4, 0, 0, time.UTC)))
	b.Set(mapi.PidTagSenderEmailAddress, "a@example.test")
	b.Set(mapi.PidTagSubjectPrefix, "Re: ")
	b.Set(mapi.PidTagNormalizedSubject, mapi.String8("Gr\xFC\xDFe"))
	if got, want := Message(b, ".eml", key, time.UTC), "2025-01-02 0304 a@example.test - Re: Grüße."+id+".eml"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMessageIsCut(t *testing.T) {
	at := time.Date(2026, 11, 20, 8, 15, 0, 0, time.UTC)
	got := Message(bagOf(strings.Repeat("日", 100), strings.Repeat("本", 200), at), ".eml", key, berlin)
	if len(got) > Max || len(got) < Max-3 || !utf8.ValidString(got) {
		t.Errorf("%d bytes: %q", len(got), got)
	}
	if !strings.HasSuffix(got, "."+ShortID(key)+".eml") || !strings.Contains(got, "日 - 本") {
		t.Errorf("lost a part: %q", got)
	}
}

func TestMessageProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sk := mapi.SourceKey(rapid.SliceOf(rapid.Byte()).Draw(t, "key"))
		name := Message(bagOf(anyString(t, "sender"), anyString(t, "subject"), time.Unix(rapid.Int64Range(-1e10, 1e11).Draw(t, "time"), 0)), ".eml", sk, time.UTC)
		checkName(t, name)
		if !strings.HasSuffix(name, "."+ShortID(sk)+".eml") {
			t.Fatalf("no short id: %q", name)
		}
		if !IsMessageName(name) {
			t.Fatalf("not a message name: %q", name)
		}
		loser := Loser(name, time.Unix(1e9, 0), time.UTC, sk)
		checkName(t, loser)
		if !IsMessageName(loser) || loser == name {
			t.Fatalf("loser %q of %q", loser, name)
		}
	})
}

// anyString draws text with the characters that matter more often than chance would.
func anyString(t *rapid.T, label string) string {
	hard := []string{"/", "\x00", ".", "-", "\u202E", "\u0301", "e", " ", "\n", "\xED\xA0\x80", "\xFF", "\u2215", "\u2400", "\uFE0E", "\u2205", "\u2024", "\U000F202E", "\uFB01", "\u0345", "İ"}
	parts := rapid.SliceOf(rapid.OneOf(rapid.String(), rapid.SampledFrom(hard))).Draw(t, label)
	return strings.Join(parts, "")
}

type failer interface{ Fatalf(string, ...any) }

func checkName(t failer, name string) {
	switch {
	case name == "", len(name) > Max:
		t.Fatalf("%d bytes: %q", len(name), name)
	case !utf8.ValidString(name):
		t.Fatalf("not UTF-8: %q", name)
	case !norm.NFC.IsNormalString(name):
		t.Fatalf("not NFC: %q", name)
	case name[0] == '.', name[0] == '-':
		t.Fatalf("starts with %q: %q", name[0], name)
	}
	for _, c := range name {
		if c == '/' || c < 0x20 || c >= 0x7F && c < 0xA0 || bidi(c) {
			t.Fatalf("%U in %q", c, name)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "a/b", "e\u202E\u0301", "\xED\xA0\x80", "\u1100\u200b\u1161", ".x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := clean(s)
		if again := clean(c); again != c {
			t.Errorf("%q, cleaned twice %q", c, again)
		}
		if c != "" {
			checkName(t, visible(cut(c, 200)))
		}
		if f := Fold(s); Fold(f) != f {
			t.Errorf("Fold(%q) = %q, folded again %q", s, f, Fold(f))
		}
	})
}

func TestFolderTable(t *testing.T) {
	tests := []struct{ display, dir string }{
		{"Inbox", "Inbox"},
		{"", "\u2205"},
		{"\u2205", "\u2205\uFE0E"},
		{"\u2205x", "\u2205x"},
		{"a/b", "a\u2215b"},
		{"a\u2215b", "a\u2215\uFE0Eb"},
		{"a/\uFE0Eb", "a\u2215\uFE0E\uFE0Eb"},
		{"a\x00b", "a\u2400b"},
		{"a\u2400b", "a\u2400\uFE0Eb"},
		{"a\nb", "a\u240Ab"},
		{".", "\u2024"},
		{"..", "\u2024\u2024"},
		{".config", "\u2024config"},
		{"\u2024x", "\u2024\uFE0Ex"},
		{"x\u2024.", "x\u2024\u2024"},
		{"x.", "x\u2024"},
		{"x\u2024", "x\u2024\uFE0E"},
		{"-rf", "\u2010rf"},
		{"\u2010rf", "\u2010\uFE0Erf"},
		{"~root", "\u223Croot"},
		{"a-b~c.d e", "a-b~c.d e"},
		{" ", "\u2420"},
		{"x \uFE0E", "x\u2420\uFE0E\uFE0E"},
		{"a\u200Bb\u00ADc\u2028", "a\U000F200Bb\U000F00ADc\U000F2028"},
		{"a\U000E0041b\U0001D173", "a\U00100041b\U0010D173"},
		{"\U0001F468\u200D\U0001F469\uFE0F", "\U0001F468\u200D\U0001F469\uFE0F"},
		{"x\u202Ey", "x\U000F202Ey"},
		{"x\xED\xA0\x80", "x\U000FD800"},
		{" leading and trailing dots... ", "\u2420leading and trailing dots...\u2420"},
		{`Odd a/b & "q" <x> ünï 日本`, "Odd a\u2215b & \"q\" <x> ünï 日本"},
	}
	for _, tt := range tests {
		if got := FolderEncode(tt.display); got != tt.dir {
			t.Errorf("FolderEncode(%q) = %q, want %q", tt.display, got, tt.dir)
		}
		if got := FolderDecode(tt.dir); got != tt.display {
			t.Errorf("FolderDecode(%q) = %q, want %q", tt.dir, got, tt.display)
		}
	}
}

func FuzzFolder(f *testing.F) {
	for _, s := range []string{"", "a/b", "..", "\u2205\uFE0E", "\U000F0085", "\xED\xB0\x80", "/\uFE0E\uFE0E"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		// A display name is WTF-8; other bytes are not one.
		var wtf []byte
		for i := 0; i < len(s); {
			c, n := decodeWTF8(s[i:])
			i += n
			wtf = appendWTF8(wtf, c)
		}
		display := string(wtf)
		dir := FolderEncode(display)
		if got := FolderDecode(dir); got != display {
			t.Errorf("%q became %q and %q", display, dir, got)
		}
		if dir == "" || strings.ContainsAny(dir, "/\x00") || !utf8.ValidString(dir) || IsOverlayName(dir) {
			t.Errorf("FolderEncode(%q) = %q", display, dir)
		}
		if name := Folder(display, key); len(name) > Max || name == "" {
			t.Errorf("Folder(%q) = %q", display, name)
		}
	})
}

func TestFolderProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		display := strings.ToValidUTF8(anyString(t, "name"), "?")
		if got := FolderDecode(FolderEncode(display)); got != display {
			t.Fatalf("%q became %q", display, got)
		}
	})
}

// hostile draws a name that somebody may have chosen to fool others: any bytes, with what shells, terminals and file
// managers take for more than a name in between.
func hostile(t *rapid.T, label string) string {
	part := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 8), func(p []byte) string { return string(p) }),
		rapid.SampledFrom([]string{"-", "-rf", "~", "~root", ".", "..", "...", " ", "/", "\\", "*", "$(id)", "`id`", "'", "\"", ";", "|", "&", "\n", "\r", "\t", "\x1b[2J", "\x1b]0;x\x07",
			"\x00", "\x7f", "\u0085", "\u009b31m", "\u00ad", "\u200b", "\u200d", "\u200e", "\u202e", "\u2028", "\u2029", "\u2060", "\u2066", "\ufeff", "\ufffe", "\ufff9", "\U000e0041",
			"\u3164", "\u115f", "\u034f", "\u180e", "\u2215", "\u2044", "\u29f8", "\uff0f", "\u2024", "\u2420", "\u2010", "\u223c", "\u2205", "\ufe0e", "\ufe0f", "\U000f202e", "\U00100041",
			"\xed\xa0\x80", "\xed\xb0\x80", "e\u0301", "\u00e9", "\u00df", "SS", "\u1e9e", "\u0130", "i\u0307", "\u03c2", "\u03c3", "\u212a", "k", "\uac00", "\u1100\u1161", "CON", "nul.eml", ".eml", ".mailfs", "conflicts"}))
	return strings.Join(rapid.SliceOfN(part, 0, 12).Draw(t, label), "")
}

// harmless fails unless a name is one that can be listed, completed and typed without surprises.
func harmless(t interface{ Fatalf(string, ...any) }, name string) {
	if name == "" || len(name) > Max || !utf8.ValidString(name) {
		t.Fatalf("%q has %d bytes", name, len(name))
	}
	if strings.ContainsRune(".-~ ", rune(name[0])) || name[len(name)-1] == ' ' || name[len(name)-1] == '.' {
		t.Fatalf("%q starts or ends badly", name)
	}
	for _, c := range name {
		if c == '/' || unicode.IsControl(c) || invisible(c) || unicode.IsSpace(c) && c != ' ' && c != 0x3000 || c >= 0xD800 && c < 0xE000 {
			t.Fatalf("%U in %q", c, name)
		}
	}
}

// Whatever subjects, senders and folders are called, no two entries of a directory have one name, no name is more than a
// name, it is the same each time, and what stands for a folder's name is turned back into it.
func TestHostileNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		taken := map[string]bool{}
		isTaken := func(fold string) bool { return taken[fold] }
		enter := func(make func(sk mapi.SourceKey) string) {
			sk := mapi.SourceKey(rapid.SliceOfN(rapid.Byte(), 0, 22).Draw(t, "key"))
			name := make(sk)
			if again := make(sk); again != name {
				t.Fatalf("%q, and then %q", name, again)
			}
			name = Unique(name, isTaken, sk)
			harmless(t, name)
			if taken[Fold(name)] {
				t.Fatalf("%q is there twice", name)
			}
			taken[Fold(name)] = true
		}
		for range rapid.IntRange(1, 8).Draw(t, "entries") {
			text, sender := hostile(t, "name"), hostile(t, "sender")
			at := time.Unix(rapid.Int64Range(-1e10, 1e11).Draw(t, "time"), 0)
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				enter(func(sk mapi.SourceKey) string { return Message(bagOf(sender, text, at), ".eml", sk, time.UTC) })
			case 1:
				enter(func(sk mapi.SourceKey) string { return Loser(text+".eml", at, time.UTC, sk) })
			default:
				// The replica stores names in WTF-8.
				var wtf []byte
				for i := 0; i < len(text); {
					c, n := decodeWTF8(text[i:])
					i += n
					wtf = appendWTF8(wtf, c)
				}
				enter(func(sk mapi.SourceKey) string { return Folder(string(wtf), sk) })
				if got := FolderDecode(FolderEncode(string(wtf))); got != string(wtf) {
					t.Fatalf("%q became %q", wtf, got)
				}
			}
		}
	})
}

func TestFolderIsCut(t *testing.T) {
	got := Folder(strings.Repeat("ß", 200), key)
	if len(got) > Max || !strings.HasSuffix(got, "."+ShortID(key)) || !utf8.ValidString(got) {
		t.Errorf("%q", got)
	}
}

func TestShortID(t *testing.T) {
	if got := ShortID(key); len(got) != 5 || strings.Trim(got, idDigits) != "" {
		t.Errorf("ShortID = %q", got)
	}
	seen := map[string]bool{}
	for i := range 2000 {
		seen[ShortID(mapi.SourceKey(fmt.Sprint(i)))] = true
	}
	if len(seen) < 1990 {
		t.Errorf("%d different ids of 2000 keys", len(seen))
	}
	if long := shortID(key, 51); !strings.HasPrefix(long, ShortID(key)) || len(long) != 51 {
		t.Errorf("long form %q", long)
	}
}

func TestUnique(t *testing.T) {
	dir := map[string]bool{}
	taken := func(f string) bool { return dir[f] }
	for i := range 50 {
		name := Unique("Projects", taken, key)
		if dir[Fold(name)] {
			t.Fatalf("name %d, %q, is taken", i, name)
		}
		dir[Fold(name)] = true
	}
	if !dir["projects"] || !dir[Fold("Projects."+ShortID(key))] {
		t.Errorf("unexpected names: %v", dir)
	}
	long := strings.Repeat("x", 251) + ".eml"
	got := Unique(long, func(f string) bool { return f == Fold(long) }, key)
	if len(got) > Max || !strings.HasSuffix(got, "."+ShortID(key)+".eml") {
		t.Errorf("Unique(long) = %q", got)
	}
	if got := Unique("a.ics", func(f string) bool { return f == "a.ics" }, key); got != "a."+ShortID(key)+".ics" {
		t.Errorf("Unique(a.ics) = %q", got)
	}
	if got := Unique("x", func(string) bool { return true }, key); got == "" {
		t.Error("no name when everything is taken")
	}
}

func TestFold(t *testing.T) {
	for _, pair := range [][2]string{{"Straße", "STRASSE"}, {"Jürgen", "JU\u0308RGEN"}, {"Å", "a\u030A"}, {"ΣΑΣ", "σας"}} {
		if Fold(pair[0]) != Fold(pair[1]) {
			t.Errorf("Fold keeps %q and %q apart", pair[0], pair[1])
		}
	}
	if Fold("a") == Fold("b") {
		t.Error("Fold joins a and b")
	}
}

// TestFoldEveryRune: folding twice is folding once, and both cases of a letter are one.
func TestFoldEveryRune(t *testing.T) {
	for c := rune(0x20); c <= unicode.MaxRune; c++ {
		if !utf8.ValidRune(c) {
			continue
		}
		f := Fold(string(c))
		if Fold(f) != f {
			t.Errorf("%U: folded %q, again %q", c, f, Fold(f))
		}
		if up := unicode.ToUpper(c); up != c && unicode.ToLower(up) == c && Fold(string(up)) != f {
			t.Errorf("%U and %U stay apart", c, up)
		}
	}
}

func TestKinds(t *testing.T) {
	tests := []struct {
		name             string
		message, overlay bool
		reserved         bool
	}{
		{"a.ics", false, false, false},
		{"a.eml", true, false, false},
		{"A.EML", true, false, false},
		{".a.eml", false, true, false},
		{".eml", false, true, false},
		{"a.eml~", false, false, false},
		{"#a.eml#", false, false, false},
		{"4913", false, false, false},
		{"a.txt", false, false, false},
		{".mailfs", false, true, true},
		{"conflicts", false, false, true},
		{"Conflicts", false, false, true},
		{"", false, false, false},
	}
	for _, tt := range tests {
		if got := IsMessageName(tt.name); got != tt.message {
			t.Errorf("IsMessageName(%q) = %v", tt.name, got)
		}
		if got := ItemExt(tt.name); (got == ".eml") != tt.message || got == ".ics" != (tt.name == "a.ics") {
			t.Errorf("ItemExt(%q) = %q", tt.name, got)
		}
		if got := IsOverlayName(tt.name); got != tt.overlay {
			t.Errorf("IsOverlayName(%q) = %v", tt.name, got)
		}
		if got := IsReserved(tt.name); got != tt.reserved {
			t.Errorf("IsReserved(%q) = %v", tt.name, got)
		}
	}
}

func TestLoser(t *testing.T) {
	id := ShortID(key)
	at := time.Date(2026, 11, 21, 14, 3, 5, 0, time.UTC)
	for winner, want := range map[string]string{
		"2026-11-20 0915 Anna Berg - Numbers.k7q2m.eml": "2026-11-20 0915 Anna Berg - Numbers (conflict 2026-11-21 140305)." + id + ".eml",
		"mine.eml": "mine (conflict 2026-11-21 140305)." + id + ".eml",
		"Bo.VCF":   "Bo (conflict 2026-11-21 140305)." + id + ".vcf",
		"-x":       "_x (conflict 2026-11-21 140305)." + id + ".eml",
	} {
		if got := Loser(winner, at, time.UTC, key); got != want {
			t.Errorf("Loser(%q) = %q, want %q", winner, got, want)
		}
	}
}
