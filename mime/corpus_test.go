package mime

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-message"
	"github.com/google/go-cmp/cmp"

	"mailfs/mapi"
)

// specimen is a message of the corpus, with the reason why it is there and the rules of
// changes that it needs.
type specimen struct {
	file, reason string
	changes      []string
	data         []byte
}

const corpusTable = "testdata/corpus/REASONS.tsv"

// changeRules are the ways in which a message may be another one after a trip through
// the properties of a message object, each with its reason. docs/mime.md has them, too.
var changeRules = map[string]string{
	"partly":      "what can't be understood is told in an UnsupportedError and kept as it is",
	"broken":      "a reader that is less lenient sees no parts, or other ones",
	"field":       "a field is missing, new or written anew: it had no value, was there twice, broke the rules for lines, or is regenerated from a property",
	"address":     "addresses are written anew where they were not in the form of RFC 5322, had comments or groups, or one recipient field became another",
	"tree":        "the parts are ordered as mixed(related(alternative(text, HTML), pictures), files), which is all that properties tell; what winmail.dat and uuencode hold takes their place, and text/enriched becomes HTML",
	"disposition": "a picture that the HTML shows is inline; a disposition that is broken, or none that properties know, is another",
	"name":        "a file name without its path and control characters, or in a form that others can read",
	"text":        "text whose charset was missing or wrong is UTF-8, and control characters and ends of lines are those of mail; uuencoded files are taken out",
	"data":        "text that is attached in a multipart of texts is written as text; delivery status and calendar parts get the line ends of the message",
}

func corpus(t testing.TB) []specimen {
	t.Helper()
	f, err := os.Open(corpusTable)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []specimen
	for scan := bufio.NewScanner(f); scan.Scan(); {
		cols := strings.Split(scan.Text(), "\t")
		if strings.HasPrefix(cols[0], "#") || len(cols) != 3 {
			continue
		}
		data, err := os.ReadFile(filepath.Join(filepath.Dir(corpusTable), cols[0]))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, specimen{cols[0], cols[2], strings.Fields(cols[1]), data})
	}
	return out
}

// leaf is a part without parts, as a reader sees it that shares no code with this package.
type leaf struct {
	path, ctype, name, disposition, charset string
	params                                  map[string]string
	data                                    string // decoded; text as UTF-8 with LF and no line end at the end
	text                                    bool
}

// outline is a message as that reader sees it.
type outline struct {
	fields map[string][]string
	tree   string
	leaves []leaf
}

func outlineOf(data []byte) (o outline, err error) {
	e, err := message.Read(bytes.NewReader(data))
	if err != nil && !message.IsUnknownCharset(err) {
		return o, err
	}
	o.fields = map[string][]string{}
	for f := e.Header.Fields(); f.Next(); {
		v, err := f.Text()
		if err != nil {
			v = f.Value()
		}
		key := strings.ToLower(f.Key())
		o.fields[key] = append(o.fields[key], squeeze(v))
	}
	o.tree, err = o.walk(e, "")
	return o, err
}

func (o *outline) walk(e *message.Entity, path string) (string, error) {
	ctype, params, _ := e.Header.ContentType()
	disposition, dparams, _ := e.Header.ContentDisposition()
	if mr := e.MultipartReader(); mr != nil {
		var parts []string
		for {
			p, err := mr.NextPart()
			if err == io.EOF {
				return strings.TrimPrefix(ctype, "multipart/") + "(" + strings.Join(parts, " ") + ")", nil
			}
			if err != nil && !message.IsUnknownCharset(err) {
				return "", err
			}
			s, err := o.walk(p, path+"/"+ctype)
			if err != nil {
				return "", err
			}
			parts = append(parts, s)
		}
	}
	data, err := io.ReadAll(e.Body)
	if err != nil {
		return "", err
	}
	l := leaf{path: path, ctype: ctype, disposition: disposition, charset: params["charset"], data: string(data)}
	l.name = dparams["filename"]
	if l.name == "" {
		l.name = params["name"]
	}
	l.params = both(params, dparams)
	for _, known := range []string{"name", "filename", "charset", "boundary"} {
		delete(l.params, known)
	}
	l.text = strings.HasPrefix(ctype, "text/") && disposition != "attachment" && l.name == ""
	if l.text || ctype == "message/rfc822" {
		l.data = strings.TrimRight(strings.ReplaceAll(l.data, "\r\n", "\n"), "\n")
	}
	if ctype == "message/rfc822" {
		l.data = "" // looked at on its own
	}
	o.leaves = append(o.leaves, l)
	return ctype, nil
}

// changesOf compares two messages and returns the rules that their differences fall
// under, with examples.
func changesOf(before, after outline, m *mapi.Message) map[string]string {
	out := map[string]string{}
	note := func(rule, format string, args ...any) {
		if _, ok := out[rule]; !ok {
			out[rule] = fmt.Sprintf(format, args...)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(both(before.fields, after.fields))) {
		if strings.HasPrefix(key, "content-") || key == "mime-version" {
			continue
		}
		b, a := before.fields[key], after.fields[key]
		if slices.Equal(b, a) {
			continue
		}
		rule := "field"
		switch key {
		case "from", "sender", "to", "cc", "bcc", "reply-to", "disposition-notification-to", "return-receipt-to":
			rule = "address"
		case "date", "expires", "reply-by":
			rule = "date"
		}
		note(rule, "%s: %.80q became %.80q", key, b, a)
	}
	if before.tree != after.tree {
		note("tree", "%s became %s", before.tree, after.tree)
	}
	compareLeaves(before.leaves, after.leaves, note)
	return out
}

func both[V any](a, b map[string]V) map[string]V {
	out := map[string]V{}
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}

// compareLeaves pairs parts by what they hold, else by their place.
func compareLeaves(before, after []leaf, note func(rule, format string, args ...any)) {
	rest := slices.Clone(after)
	take := func(same func(l leaf) bool) (leaf, bool) {
		i := slices.IndexFunc(rest, same)
		if i < 0 {
			return leaf{}, false
		}
		l := rest[i]
		rest = slices.Delete(rest, i, i+1)
		return l, true
	}
	for _, b := range before {
		a, ok := take(func(l leaf) bool { return l.ctype == b.ctype && l.data == b.data && l.name == b.name })
		if !ok {
			a, ok = take(func(l leaf) bool { return l.ctype == b.ctype && l.data == b.data })
		}
		if !ok {
			a, ok = take(func(l leaf) bool { return l.data == b.data && l.data != "" })
		}
		if !ok {
			a, ok = take(func(l leaf) bool { return l.ctype == b.ctype && l.text == b.text })
		}
		if !ok {
			note("tree", "a part %s is gone", b.ctype)
			continue
		}
		if a.ctype != b.ctype {
			note("type", "%s became %s", b.ctype, a.ctype)
		}
		if a.data != b.data {
			rule := "data"
			if b.text {
				rule = "text"
			}
			note(rule, "%s: %.60q became %.60q", b.ctype, b.data, a.data)
		}
		if a.name != b.name {
			note("name", "%q became %q", b.name, a.name)
		}
		if a.disposition != b.disposition {
			note("disposition", "%q became %q", b.disposition, a.disposition)
		}
		if diff := cmp.Diff(b.params, a.params); diff != "" && len(a.params)+len(b.params) > 0 {
			note("parameter", "%v became %v", b.params, a.params)
		}
	}
	for _, a := range rest {
		note("tree", "a part %s is new", a.ctype)
	}
}

// corpusChanges returns the rules that a message needs.
func corpusChanges(t *testing.T, s specimen) map[string]string {
	m, err := Parse(bytes.NewReader(s.data), Options{})
	var partly *UnsupportedError
	if err != nil && !errors.As(err, &partly) {
		t.Fatalf("%s: %v", s.file, err)
	}
	out := mustRender(t, m)
	after, aerr := outlineOf(out)
	if aerr != nil {
		t.Fatalf("%s: what was rendered is unreadable: %v", s.file, aerr)
	}
	changes := map[string]string{}
	before, berr := outlineOf(s.data)
	if berr != nil {
		changes["broken"] = berr.Error()
	} else {
		changes = changesOf(before, after, m)
	}
	if partly != nil {
		changes["partly"] = partly.Error()
	}
	return changes
}

// TestCorpus: a message comes back with the fields, parts, decoded bytes and parameters
// that it had, but for the rules that the table names. A rule that is named and not
// needed is a mistake, too.
func TestCorpus(t *testing.T) {
	list := corpus(t)
	if len(list) < 250 {
		t.Errorf("only %d messages", len(list))
	}
	var table strings.Builder
	table.WriteString("# file\trules of changes that it needs, see changeRules in corpus_test.go\twhy the message is here\n")
	used := map[string]int{}
	for _, s := range list {
		if s.reason == "" {
			t.Errorf("%s has no reason", s.file)
		}
		changes := corpusChanges(t, s)
		got := slices.Sorted(maps.Keys(changes))
		fmt.Fprintf(&table, "%s\t%s\t%s\n", s.file, strings.Join(got, " "), s.reason)
		for _, rule := range got {
			used[rule]++
			if changeRules[rule] == "" {
				t.Errorf("%s: no rule %q", s.file, rule)
			}
			if !slices.Contains(s.changes, rule) && !*update {
				t.Errorf("%s: %s: %s", s.file, rule, changes[rule])
			}
		}
		for _, rule := range s.changes {
			if _, ok := changes[rule]; !ok && !*update {
				t.Errorf("%s: rule %q is not needed", s.file, rule)
			}
		}
	}
	for rule := range changeRules {
		if used[rule] == 0 {
			t.Errorf("no message needs rule %q", rule)
		}
	}
	if *update {
		if err := os.WriteFile(corpusTable, []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d messages; messages per rule: %v", len(list), used)
}

// settled are the properties that need not come back: the header block itself, and what
// is computed from it.
var settled = []mapi.PropertyTag{mapi.PidTagTransportMessageHeaders}

// TestCorpusProperties: what was rendered gives back every mapped property, and
// rendering it again gives the same bytes.
func TestCorpusProperties(t *testing.T) {
	for _, s := range corpus(t) {
		m, err := Parse(bytes.NewReader(s.data), Options{})
		var partly *UnsupportedError
		if err != nil && !errors.As(err, &partly) {
			t.Fatal(err)
		}
		one := mustRender(t, m)
		if !bytes.Equal(one, mustRender(t, m)) {
			t.Errorf("%s: rendered twice, it differs", s.file)
		}
		back, err := Parse(bytes.NewReader(one), Options{})
		if err != nil && !errors.As(err, &partly) {
			t.Errorf("%s: %v", s.file, err)
			continue
		}
		if two := mustRender(t, back); !bytes.Equal(one, two) {
			t.Errorf("%s: rendered again: %s", s.file, firstDifference(two, one))
		}
		first, second := keep1(m), keep1(back)
		if strings.HasPrefix(first.Class, classSigned) && len(second.Attachments) == 1 {
			first.Attachments[0].Data, second.Attachments[0].Data = afterHeader(first), afterHeader(second)
		}
		if diff := cmp.Diff(first, second); diff != "" && !strings.Contains(s.file, "too-deep") {
			t.Errorf("%s: %s", s.file, diff)
		}
		if strings.Contains(s.file, "winmail") {
			continue // properties of the sender's that no part of a message shows
		}
		for _, p := range m.Properties {
			if got, ok := back.Properties.Lookup(p.Key()); !ok && !slices.Contains(settled, p.Tag) {
				t.Errorf("%s: %v %v is gone", s.file, p.Tag, p.Name)
			} else if fmt.Sprintf("%T", got.Value) != fmt.Sprintf("%T", p.Value) && ok {
				t.Errorf("%s: %v is of another type", s.file, p.Tag)
			}
		}
		checkOutput(t, s.file, one)
	}
}

// checkOutput: the limits of RFC 5322 hold, but for content that is passed on as it is.
func checkOutput(t *testing.T, name string, out []byte) {
	t.Helper()
	verbatim := bytes.Contains(out, []byte("multipart/signed"))
	for l := range bytes.SplitSeq(out, []byte("\n")) {
		if len(bytes.TrimSuffix(l, []byte("\r"))) > hardLine {
			t.Errorf("%s: a line of %d bytes", name, len(l))
		}
		if bytes.IndexByte(l, '\r') >= 0 && !verbatim {
			t.Errorf("%s: a CR in %.60q", name, l)
		}
	}
}

const judge = `
import email, email.policy, hashlib, json, sys
out = {}
for line in sys.stdin:
    name = line.strip()
    with open(name, 'rb') as f:
        m = email.message_from_binary_file(f, policy=email.policy.default.clone(raise_on_defect=False))
    parts = []
    defects = []
    for p in m.walk():
        defects += [type(d).__name__ for d in p.defects]
        if p.is_multipart():
            continue
        parts.append([p.get_content_type(), p.get_filename() or '', hashlib.sha256(p.get_payload(decode=True) or b'').hexdigest()])
    try:
        subject = str(m['subject'] or '')
    except Exception as e:
        subject = 'ERROR %r' % e
    out[name] = {'parts': parts, 'subject': subject, 'defects': defects}
json.dump(out, sys.stdout)
`

// TestCorpusPython: Python's email package finds no defect in what is rendered, and the
// attachments that are in the properties.
func TestCorpusPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	dir := t.TempDir()
	var names strings.Builder
	rendered := map[string]*mapi.Message{}
	for _, s := range corpus(t) {
		m, err := Parse(bytes.NewReader(s.data), Options{})
		if m == nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, s.file)
		if err := os.WriteFile(name, mustRender(t, m), 0o600); err != nil {
			t.Fatal(err)
		}
		names.WriteString(name + "\n")
		rendered[name] = m
	}
	cmd := exec.Command(python, "-c", judge)
	cmd.Stdin = strings.NewReader(names.String())
	raw, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("%v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var seen map[string]struct {
		Parts   [][3]string
		Subject string
		Defects []string
	}
	if err := json.Unmarshal(raw, &seen); err != nil {
		t.Fatal(err)
	}
	for name, m := range rendered {
		s := seen[name]
		if len(s.Defects) > 0 {
			t.Errorf("%s: %v", filepath.Base(name), s.Defects)
		}
		if got, want := squeeze(s.Subject), squeeze(m.Properties.String(mapi.PidTagSubject)); got != want && !strings.Contains(want, "=?") {
			t.Errorf("%s: subject %q, want %q", filepath.Base(name), got, want)
		}
		if isClass(m.Properties.String(mapi.PidTagMessageClass), classSMIME) {
			continue // its one attachment is the message
		}
		for _, a := range m.Attachments {
			tag := a.Properties.String(mapi.PidTagAttachMimeTag)
			if a.Embedded != nil || strings.HasPrefix(tag, "text/") || strings.HasPrefix(tag, "message/") {
				continue
			}
			sum := fmt.Sprintf("%x", sha256.Sum256(a.Properties.Bytes(mapi.PidTagAttachDataBinary)))
			if !slices.ContainsFunc(s.Parts, func(p [3]string) bool { return p[2] == sum }) {
				t.Errorf("%s: attachment %q is not there as it was: %v", filepath.Base(name), a.Properties.String(mapi.PidTagAttachLongFilename), s.Parts)
			}
		}
	}
}
