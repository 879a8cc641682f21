package scenario_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailfs/mapi"
	"mailfs/mime"
)

// Programs that nobody here wrote judge what arrives at a second mount: of files as they were written through the first one
// and, once the skeleton of a message is gone, of what is made of its properties. `.ci/run` installs them; a test whose judge
// is missing says so.

// judge is a directory in which programs look at files.
type judge struct {
	t   *testing.T
	dir string
}

func newJudge(t *testing.T, programs ...string) *judge {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed", p)
		}
	}
	dir, err := os.MkdirTemp("", "mailfs-judge-") // gpg-agent's socket needs a short path
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return &judge{t, dir}
}

func (j *judge) write(name string, data []byte) {
	j.t.Helper()
	must(j.t, os.WriteFile(filepath.Join(j.dir, name), data, 0o600))
}

func (j *judge) try(name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = j.dir, append(os.Environ(), "GNUPGHOME="+j.dir, "LC_ALL=C.UTF-8", "TMPDIR="+j.dir)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %v: %w\n%s%s", name, args, err, out, errs.String())
	}
	return out, err
}

func (j *judge) run(name string, args ...string) []byte {
	j.t.Helper()
	out, err := j.try(name, args...)
	must(j.t, err)
	return out
}

// pairOfMounts has files written through one mount and reads them through another.
type pairOfMounts struct {
	*world
	ann, bob *client
}

func newPair(t *testing.T) *pairOfMounts {
	w := newWorld(t, 0)
	p := &pairOfMounts{world: w, ann: w.client("ann"), bob: w.client("bob")}
	p.ann.start()
	p.bob.start()
	return p
}

// send writes files through the one mount, and returns them as the other one shows them: at first, and when what the server
// knows of the bytes is gone. Names are paths below the mount.
func (p *pairOfMounts) send(files map[string][]byte) (exact, made map[string][]byte) {
	p.t.Helper()
	for name, data := range files {
		must(p.t, os.WriteFile(filepath.Join(p.ann.mount, name), data, 0o600))
	}
	p.ann.flush()
	keys := map[string]string{}
	for name := range files {
		keys[name] = getxattr(filepath.Join(p.ann.mount, name), "user.mailfs.source-key")
	}
	read := func() map[string][]byte {
		out := map[string][]byte{}
		shown := p.bob.items()
		for name, key := range keys {
			data, err := os.ReadFile(shown[key])
			if err != nil || getxattr(shown[key], "user.mailfs.state") != "full" {
				return nil
			}
			out[name] = data
		}
		return out
	}
	until(p.t, time.Minute, "the files at the other mount", func() bool { exact = read(); return exact != nil })
	for name, data := range files {
		if !bytes.Equal(exact[name], data) {
			p.t.Errorf("%s is another file at the other mount", name)
		}
	}
	for _, f := range p.box.Snapshot().Folders {
		for _, m := range f.Messages {
			for _, key := range keys {
				if m.SourceKey.String() == key {
					must(p.t, p.box.Edit(m.ID, forgetFile))
				}
			}
		}
	}
	until(p.t, time.Minute, "files made of properties", func() bool {
		made = read()
		for name, data := range files {
			if made == nil || bytes.Equal(made[name], data) {
				return false
			}
		}
		return true
	})
	return exact, made
}

// forgetFile takes away what an item knows of the file that it was made of.
func forgetFile(m *mapi.Message) {
	m.Properties.Set(mapi.PidTagImportance, int32(2))
	for _, name := range []string{"Skeleton", "ICalendar", "VCard"} {
		m.Properties.Delete(mapi.Key{Name: mapi.StringName(mapi.PSETIDMailfs, name)})
	}
}

// TestSignedMail: openssl and gpg accept signed and encrypted mail that was copied in through one mount and read through
// another.
func TestSignedMail(t *testing.T) {
	j := newJudge(t, "openssl", "gpg")
	content := "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nsigned ü\r\nFrom here  \r\n"
	j.write("content", []byte(content))
	j.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "k.pem", "-out", "c.pem", "-days", "3", "-subj", "/CN=Anna/emailAddress=anna@example.test")
	header := []string{"-from", "anna@example.test", "-to", "bob@example.test", "-subject", "Signed"}
	sign := func(kind string, more ...string) []byte {
		return j.run("openssl", append(append([]string{kind, "-sign", "-binary", "-in", "content", "-signer", "c.pem", "-inkey", "k.pem"}, more...), header...)...)
	}
	files := map[string][]byte{
		"Inbox/clear.eml":  sign("smime"),
		"Inbox/opaque.eml": sign("smime", "-nodetach"),
		"Inbox/cms.eml":    sign("cms"),
		"Inbox/cipher.eml": j.run("openssl", append(append([]string{"cms", "-encrypt", "-aes256", "-binary", "-in", "content"}, header...), "c.pem")...),
	}
	gpg := func(args ...string) []byte {
		return j.run("gpg", append([]string{"--batch", "--no-tty", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...)
	}
	gpg("--quick-generate-key", "Anna <anna@example.test>", "future-default", "default", "never")
	t.Cleanup(func() { j.try("gpgconf", "--kill", "all") }) //nolint:errcheck // its directory goes anyway
	head := "From: anna@example.test\r\nTo: bob@example.test\r\nSubject: s\r\nMIME-Version: 1.0\r\n"
	files["Inbox/pgp.eml"] = []byte(head + "Content-Type: multipart/signed; micalg=pgp-sha512; protocol=\"application/pgp-signature\"; boundary=\"sig\"\r\n\r\n--sig\r\n" +
		content + "\r\n--sig\r\nContent-Type: application/pgp-signature; name=signature.asc\r\n\r\n" +
		string(gpg("--detach-sign", "--armor", "--output", "-", "content")) + "\r\n--sig--\r\n")
	files["Inbox/pgpcipher.eml"] = []byte(head + "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=enc\r\n\r\n--enc\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--enc\r\nContent-Type: application/octet-stream; name=encrypted.asc\r\n\r\n" +
		string(gpg("--trust-model", "always", "--encrypt", "--armor", "--recipient", "anna@example.test", "--output", "-", "content")) + "\r\n--enc--\r\n")

	check := func(what string, read map[string][]byte) {
		for _, name := range []string{"clear", "opaque", "cms"} {
			j.write("mail", read["Inbox/"+name+".eml"])
			if got := j.run("openssl", "smime", "-verify", "-in", "mail", "-CAfile", "c.pem"); string(got) != content {
				t.Errorf("%s, %s: verified is %q", what, name, got)
			}
		}
		j.write("mail", read["Inbox/cipher.eml"])
		if got := j.run("openssl", "cms", "-decrypt", "-in", "mail", "-recip", "c.pem", "-inkey", "k.pem"); string(got) != content {
			t.Errorf("%s: decrypted is %q", what, got)
		}
		signed, signature := bytesBetween(read["Inbox/pgp.eml"], "--sig\r\n", "\r\n--sig\r\n"), bytesBetween(read["Inbox/pgp.eml"], "-----BEGIN PGP SIGNATURE", "--sig--")
		j.write("signed", signed)
		j.write("signature", append([]byte("-----BEGIN PGP SIGNATURE"), signature...))
		gpg("--verify", "signature", "signed")
		j.write("mail", append(append([]byte("-----BEGIN PGP MESSAGE"), bytesBetween(read["Inbox/pgpcipher.eml"], "-----BEGIN PGP MESSAGE", "-----END PGP MESSAGE")...), "-----END PGP MESSAGE-----\n"...))
		if got := gpg("--decrypt", "mail"); string(got) != content {
			t.Errorf("%s: decrypted is %q", what, got)
		}
	}
	exact, made := newPair(t).send(files)
	check("as it was written", exact)
	check("of its properties", made)
	j.write("mail", bytes.Replace(made["Inbox/clear.eml"], []byte("signed"), []byte("Signed"), -1))
	if out, err := j.try("openssl", "smime", "-verify", "-in", "mail", "-CAfile", "c.pem"); err == nil {
		t.Errorf("a changed text is verified: %s", out)
	}
}

func bytesBetween(data []byte, from, to string) []byte {
	_, rest, _ := bytes.Cut(data, []byte(from))
	out, _, _ := bytes.Cut(rest, []byte(to))
	return out
}

// TestDeliveredFields: header fields that a DKIM signature covers are those of the message as it was delivered, byte for byte,
// but for the ends of lines; also after somebody set flags and categories.
func TestDeliveredFields(t *testing.T) {
	fields := "DKIM-Signature: v=1; a=rsa-sha256; c=simple/relaxed; d=example.test; s=s1;\r\n\th=From : To :\r\n  Subject:Date:Message-ID:MIME-Version;\r\n bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=; b=Zm9v\r\n" +
		"From:  \"Berg, Anna\"   <anna@example.test>\r\nTo: bob@example.test,\r\n\tcarl@example.test\r\nSubject:   =?utf-8?q?two__spaces?=\r\n and =?UTF-8?B?w7w=?=\r\nDate: Fri, 20 Nov 2026 9:15:00 +0100 (CET)\r\nMessage-ID:<1@example.test>\r\n"
	w := newWorld(t, 0)
	mid := w.deliver([]string{"Inbox"}, []byte(fields+"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\ntext\r\n"))
	bob := w.client("bob")
	bob.start()
	key := ""
	for _, f := range w.box.Snapshot().Folders {
		for _, m := range f.Messages {
			if m.ID == mid {
				key = m.SourceKey.String()
			}
		}
	}
	want := strings.ReplaceAll(fields, "\r\n", "\n")
	look := func(when string, ready func(path string) bool) {
		t.Helper()
		path := ""
		until(t, time.Minute, when, func() bool {
			path = bob.items()[key]
			return path != "" && getxattr(path, "user.mailfs.state") == "full" && ready(path)
		})
		data, err := os.ReadFile(path)
		must(t, err)
		if !strings.HasPrefix(string(data), want) {
			t.Errorf("%s:\n%s\nthe message was\n%s", when, data, want)
		}
	}
	look("delivered", func(string) bool { return true })
	must(t, w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagFlagStatus, int32(2)) }))
	look("flagged", func(path string) bool { return getxattr(path, "user.mailfs.flag") == "flagged" })
}

// TestUnpacked: munpack takes the attachments out of messages with the bytes that went in.
func TestUnpacked(t *testing.T) {
	j := newJudge(t, "munpack")
	var m mapi.Message
	m.Properties.Set(mapi.PidTagMessageClass, "IPM.Note")
	m.Properties.Set(mapi.PidTagSubject, "files")
	m.Properties.Set(mapi.PidTagBody, "see attached\r\n")
	data := map[string][]byte{"a.bin": bytes.Repeat([]byte{0, 1, 2, 250, 10, 13}, 20_000), "b.txt": []byte("text\nwith lines\n"), "empty.dat": {}}
	for name, p := range data {
		a := mapi.Attachment{Number: uint32(len(m.Attachments))}
		a.Properties.Set(mapi.PidTagAttachMethod, int32(1))
		a.Properties.Set(mapi.PidTagAttachLongFilename, name)
		a.Properties.Set(mapi.PidTagAttachDataBinary, p)
		m.Attachments = append(m.Attachments, a)
	}
	var mail bytes.Buffer
	must(t, mime.Renderer{}.Render(&mail, &m))
	exact, made := newPair(t).send(map[string][]byte{"Inbox/files.eml": mail.Bytes()})
	for what, read := range map[string]map[string][]byte{"as it was written": exact, "of its properties": made} {
		j.write("mail", read["Inbox/files.eml"])
		j.run("munpack", "-f", "-q", "mail")
		for name, want := range data {
			got, err := os.ReadFile(filepath.Join(j.dir, name))
			must(t, err)
			if !bytes.Equal(got, want) {
				t.Errorf("%s: %s has %d bytes, want %d", what, name, len(got), len(want))
			}
			must(t, os.Remove(filepath.Join(j.dir, name)))
		}
	}
}

// readItems prints what python's icalendar and vobject find in files.
const readItems = `
import sys, icalendar, vobject
for path in sys.argv[1:]:
    text = open(path, 'rb').read()
    if path.endswith('.vcf'):
        card = vobject.readOne(text.decode('utf-8'))
        print(card.fn.value, '|', card.email.value, '|', card.tel.value)
        continue
    for c in icalendar.Calendar.from_ical(text).walk():
        if c.name in ('VEVENT', 'VTODO'):
            rule = c.get('RRULE')
            start = c.get('DTSTART')
            print(c.name, '|', c.get('SUMMARY'), '|', start.dt.isoformat() if start else '', '|', rule.to_ical().decode() if rule else '', '|', c.get('LOCATION', ''))
`

// TestItemsForOthers: libraries that nobody here wrote read calendar files and cards.
func TestItemsForOthers(t *testing.T) {
	j := newJudge(t)
	python := ""
	for _, p := range []string{"python3", "/usr/bin/python3"} { // the second one has the packages of the system
		if _, err := j.try(p, "-c", "import icalendar, vobject"); err == nil {
			python = p
			break
		}
	}
	if python == "" {
		t.Skip("no python3 here has icalendar and vobject")
	}
	j.write("read.py", []byte(readItems))
	files := map[string][]byte{}
	for _, f := range []struct{ from, to string }{{"cal1.ics", "Calendar/a.ics"}, {"c0.vcf", "Contacts/b.vcf"}} {
		data, err := os.ReadFile(filepath.Join(itemsDir, f.from))
		must(t, err)
		files[f.to] = data
	}
	files["Tasks/c.ics"] = []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VTODO\r\nUID:t1\r\nDTSTAMP:20261101T000000Z\r\nSUMMARY:Mähen\\, dann harken\r\nEND:VTODO\r\nEND:VCALENDAR\r\n")
	exact, made := newPair(t).send(files)
	want := "VEVENT | Appointment 1 Süd | 2026-12-02T09:00:00+00:00 | FREQ=DAILY;COUNT=5 | Room 1\n" +
		"Max Mustermann | c0@outside.test | +49 170 0000\n" +
		"VTODO | Mähen, dann harken |  |  | \n"
	for what, read := range map[string]map[string][]byte{"as they were written": exact, "of their properties": made} {
		var args []string
		for _, name := range []string{"Calendar/a.ics", "Contacts/b.vcf", "Tasks/c.ics"} {
			j.write(filepath.Base(name), read[name])
			args = append(args, filepath.Base(name))
		}
		if got := string(j.run(python, append([]string{"read.py"}, args...)...)); got != want {
			t.Errorf("%s:\n%s\nwant\n%s\n%s", what, got, want, read["Calendar/a.ics"])
		}
	}
}
