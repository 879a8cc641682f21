// Package sample makes the mailbox that `mailfs demo` shows: a few hundred messages of
// every ordinary kind in nested folders with ordinary and odd names. The same seed
// makes the same bytes.
package sample

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"mime"
	"strings"
	"time"
)

// Message is one message of the sample, as an RFC 5322 file.
type Message struct {
	Folder []string // path below the mailbox's root; "Inbox", "Sent Items" ... are the special folders
	Data   []byte
	Read   bool
	Flag   bool
}

// Owner is the address that the sample mailbox belongs to.
const Owner = "alice@example.test"

type person struct{ name, addr string }

var people = []person{
	{"Anna Berg", "anna.berg@example.test"},
	{"Bogdan Ионеску", "bogdan@example.test"},
	{"José Muñoz", "jose.munoz@example.test"},
	{"山田 太郎", "yamada@example.test"},
	{"Zoë O'Neill", "zoe@example.test"},
	{"\"Support, Example\"", "support@example.test"},
	{"", "build-bot@example.test"},
	{"Karl-Heinz Müller", "khm@example.test"},
}

var subjects = []string{
	"Quarterly numbers", "Minutes of Tuesday's meeting", "Re: Travel to Lisbon", "Lunch?", "Invoice 2026-0412",
	"Résumé de la réunion", "Отчёт за неделю", "会議の議事録", "Fwd: Contract, second draft", "Build broken on main",
	"Your order has shipped", "Re: Re: Re: naming things", "Holiday plans / Urlaub", "", "[list] release candidate 3",
	"Budget: 40% <draft> & \"final\"", "Weekly digest", "Passwords expire soon",
}

var sentences = []string{
	"The figures are in the attached sheet.", "Could you have a look before Friday?", "I moved the meeting to ten o'clock.",
	"Grüße aus Köln, es regnet.", "Это письмо написано по-русски.", "添付ファイルをご確認ください。", "Nothing urgent, just for your files.",
	"Please don't reply to this address.", "Let's keep the old name for now.", "The train leaves at 07:42, platform 3.",
	"I disagree with the second paragraph, see below.", "Thanks, that was quick!", "Remember to water the plants.",
}

// folder says how many messages of which kinds a folder has.
type folder struct {
	path  string
	count int
	kinds []func(*maker) []byte
}

func plan() []folder {
	mail := []func(*maker) []byte{(*maker).plain, (*maker).html, (*maker).alternative, (*maker).reply, (*maker).attachment, (*maker).inline}
	text := []func(*maker) []byte{(*maker).plain, (*maker).reply}
	return []folder{
		{"Inbox", 90, append(mail, (*maker).forwarded, (*maker).longText, (*maker).latin1, (*maker).many)},
		{"Inbox/Projects", 12, mail},
		{"Inbox/Projects/Alpha", 40, mail},
		{"Inbox/Projects/Beta/Deep/Deeper", 8, text},
		{"Sent Items", 35, text},
		{"Drafts", 5, []func(*maker) []byte{(*maker).plain}},
		{"Deleted Items", 8, mail},
		{"Junk Email", 10, []func(*maker) []byte{(*maker).html}},
		{"Archive/2024", 50, mail},
		{"Archive/2025", 40, mail},
		{odd, 12, mail},
		{"Lists/golang-nuts", 25, text},
		{"Lists/größe & maß", 10, text},
		{"Empty", 0, nil},
	}
}

// Folders returns the paths of every folder of the sample, parents first.
func Folders() [][]string {
	var out [][]string
	for _, f := range plan() {
		out = append(out, f.levels())
	}
	return out
}

// odd is the name of one folder; everywhere else "/" separates levels.
const odd = "Odd a/b & \"q\" <x> ünï 日本"

func (f folder) levels() []string {
	if f.path == odd {
		return []string{odd}
	}
	return strings.Split(f.path, "/")
}

// Mailbox makes the whole sample. now is the time of its newest message.
func Mailbox(seed uint64, now time.Time) []Message {
	var out []Message
	for i, f := range plan() {
		m := &maker{rng: rand.New(rand.NewPCG(seed, uint64(i))), now: now, folder: f.path}
		for n := range f.count {
			m.n = n
			m.date = now.Add(-time.Duration(n)*7*time.Hour - time.Duration(m.rng.IntN(3600))*time.Second).UTC().Truncate(time.Second)
			if strings.HasPrefix(f.path, "Archive/") {
				m.date = m.date.AddDate(-1-i%2, 0, 0)
			}
			out = append(out, Message{Folder: f.levels(), Data: f.kinds[n%len(f.kinds)](m), Read: m.rng.IntN(2) == 0, Flag: m.rng.IntN(12) == 0})
		}
	}
	return out
}

// Large makes n messages of about size bytes each for measurements, in ten folders.
func Large(seed uint64, n, size int, now time.Time) []Message {
	m := &maker{rng: rand.New(rand.NewPCG(seed, 99)), now: now}
	out := make([]Message, 0, n)
	for i := range n {
		m.n, m.folder = i, fmt.Sprintf("Bulk %d", i%10)
		m.date = now.Add(-time.Duration(i) * 11 * time.Minute).UTC().Truncate(time.Second)
		var body strings.Builder
		for body.Len() < size-600 {
			body.WriteString(m.paragraph())
			body.WriteString("\n")
		}
		out = append(out, Message{Folder: []string{m.folder}, Data: m.message("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n", body.String()), Read: i%3 == 0})
	}
	return out
}

type maker struct {
	rng    *rand.Rand
	now    time.Time
	date   time.Time
	folder string
	n      int
}

func (m *maker) pick(list []string) string { return list[m.rng.IntN(len(list))] }

func (m *maker) paragraph() string {
	var b strings.Builder
	for range 2 + m.rng.IntN(5) {
		b.WriteString(m.pick(sentences))
		b.WriteByte('\n')
	}
	return b.String()
}

func (m *maker) text() string {
	var b strings.Builder
	for range 1 + m.rng.IntN(5) {
		b.WriteString(m.paragraph())
		b.WriteByte('\n')
	}
	return b.String()
}

func (p person) header() string {
	switch {
	case p.name == "":
		return p.addr
	case strings.HasPrefix(p.name, "\""):
		return p.name + " <" + p.addr + ">"
	case strings.ContainsAny(p.name, "'"):
		return "\"" + p.name + "\" <" + p.addr + ">"
	}
	return mime.QEncoding.Encode("utf-8", p.name) + " <" + p.addr + ">"
}

// message puts the common header in front of the given fields and body.
func (m *maker) message(fields, body string) []byte {
	from, to := people[m.rng.IntN(len(people))], person{"Alice Example", Owner}
	if m.folder == "Sent Items" || m.folder == "Drafts" {
		from, to = to, from
	}
	var b bytes.Buffer
	date := m.date.Format("Mon, 02 Jan 2006 15:04:05 -0700")
	if m.folder != "Sent Items" && m.folder != "Drafts" {
		fmt.Fprintf(&b, "Received: from mx.example.test (mx.example.test [192.0.2.7])\n\tby mail.example.test with ESMTPS id %08x; %s\n", m.rng.Uint32(), date)
	}
	fmt.Fprintf(&b, "From: %s\nTo: %s\n", from.header(), to.header())
	if m.rng.IntN(3) == 0 && !strings.HasPrefix(fields, "Cc:") {
		fmt.Fprintf(&b, "Cc: %s\n", people[m.rng.IntN(len(people))].header())
	}
	fmt.Fprintf(&b, "Subject: %s\nDate: %s\nMessage-ID: <%08x.%d@example.test>\n", mime.QEncoding.Encode("utf-8", m.pick(subjects)), date, m.rng.Uint32(), m.n)
	if m.rng.IntN(15) == 0 {
		b.WriteString("Importance: high\nX-Priority: 1\n")
	}
	if m.folder == "Drafts" {
		b.WriteString("X-Unsent: 1\n")
	}
	b.WriteString("MIME-Version: 1.0\n" + fields + "\n" + body)
	return bytes.ReplaceAll(b.Bytes(), []byte("\n"), []byte("\r\n"))
}

const (
	plainFields = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"
	htmlFields  = "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"
)

func (m *maker) plain() []byte { return m.message(plainFields, m.text()) }

func (m *maker) htmlText() string {
	var b strings.Builder
	b.WriteString("<html><head><meta charset=\"utf-8\"><title>Mail</title></head><body>\n")
	for p := range strings.SplitSeq(m.text(), "\n\n") {
		b.WriteString("<p>" + strings.TrimSpace(p) + "</p>\n")
	}
	b.WriteString("</body></html>\n")
	return b.String()
}

func (m *maker) html() []byte { return m.message(htmlFields, m.htmlText()) }

func (m *maker) boundary() string { return fmt.Sprintf("=_%016x", m.rng.Uint64()) }

func (m *maker) multipart(kind string, parts ...string) []byte {
	b := m.boundary()
	var body strings.Builder
	for _, p := range parts {
		body.WriteString("--" + b + "\n" + p + "\n")
	}
	body.WriteString("--" + b + "--\n")
	return m.message(fmt.Sprintf("Content-Type: multipart/%s; boundary=\"%s\"\n", kind, b), body.String())
}

func (m *maker) alternative() []byte {
	return m.multipart("alternative", plainFields+"\n"+m.text(), htmlFields+"\n"+m.htmlText())
}

func (m *maker) reply() []byte {
	var b strings.Builder
	b.WriteString(m.paragraph() + "\nOn an earlier day somebody wrote:\n")
	for line := range strings.SplitSeq(strings.TrimSpace(m.text()), "\n") {
		b.WriteString("> " + line + "\n")
	}
	id := fmt.Sprintf("<%08x@example.test>", m.rng.Uint32())
	return m.message("In-Reply-To: "+id+"\nReferences: "+id+"\n"+plainFields, b.String())
}

// encoded is random data as a base64 part body.
func (m *maker) encoded(size int) string {
	raw := make([]byte, size)
	for i := range raw {
		raw[i] = byte(m.rng.Uint32())
	}
	text := base64.StdEncoding.EncodeToString(raw)
	var b strings.Builder
	for len(text) > 76 {
		b.WriteString(text[:76] + "\n")
		text = text[76:]
	}
	return b.String() + text + "\n"
}

func (m *maker) attachment() []byte {
	names := []string{"numbers.xlsx", "Präsentation.pdf", "список.txt", "a file with spaces.zip"}
	name := m.pick(names)
	part := fmt.Sprintf("Content-Type: application/octet-stream\nContent-Disposition: attachment; filename*=utf-8''%s\nContent-Transfer-Encoding: base64\n\n%s",
		strings.ReplaceAll(urlEscape(name), "+", "%20"), m.encoded(2000+m.rng.IntN(20000)))
	return m.multipart("mixed", plainFields+"\n"+m.text(), part)
}

func urlEscape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==\n"

func (m *maker) inline() []byte {
	html := strings.Replace(m.htmlText(), "<body>", "<body><img src=\"cid:pixel@example.test\" alt=\"pixel\">", 1)
	return m.multipart("related", htmlFields+"\n"+html,
		"Content-Type: image/png; name=\"pixel.png\"\nContent-ID: <pixel@example.test>\nContent-Disposition: inline; filename=\"pixel.png\"\nContent-Transfer-Encoding: base64\n\n"+pixel)
}

func (m *maker) forwarded() []byte {
	inner := strings.ReplaceAll(string(m.plain()), "\r\n", "\n")
	return m.multipart("mixed", plainFields+"\n"+m.paragraph(), "Content-Type: message/rfc822\n\n"+inner)
}

func (m *maker) longText() []byte {
	var b strings.Builder
	for b.Len() < 120_000 {
		b.WriteString(m.text())
	}
	return m.message(plainFields, b.String())
}

func (m *maker) latin1() []byte {
	return m.message("Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n",
		"Gr=FC=DFe aus K=F6ln,\nder Z=E4hler ist =FCberpr=FCft.\n")
}

// many has a long list of recipients.
func (m *maker) many() []byte {
	var b strings.Builder
	b.WriteString("Cc: ")
	for i := range 60 {
		if i > 0 {
			b.WriteString(",\n ")
		}
		fmt.Fprintf(&b, "Person %d <p%d@example.test>", i, i)
	}
	return m.message(b.String()+"\n"+plainFields, m.text())
}
