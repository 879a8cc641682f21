package mime

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tool runs a program in dir and returns what it writes; the test is skipped where it is
// not installed.
func tool(t *testing.T, dir, name string, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GNUPGHOME="+dir, "LC_ALL=C")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, errs.String())
	}
	return out
}

// through takes a message through a message object, as a save and a read do.
func through(t *testing.T, in []byte) []byte {
	t.Helper()
	m, err := Parse(bytes.NewReader(in), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return mustRender(t, m)
}

func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestOpenSSL: S/MIME mail that went through a message object is what openssl accepts.
func TestOpenSSL(t *testing.T) {
	dir := t.TempDir()
	tool(t, dir, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "k.pem", "-out", "c.pem", "-days", "3", "-subj", "/CN=Anna/emailAddress=anna@example.test")
	content := "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nsigned ü\r\nFrom here  \r\n"
	write(t, dir, "content", []byte(content))
	header := []string{"-from", "anna@example.test", "-to", "bob@example.test", "-subject", "Signed"}
	sign := append([]string{"smime", "-sign", "-binary", "-in", "content", "-signer", "c.pem", "-inkey", "k.pem"}, header...)
	for name, args := range map[string][]string{
		"clear-signed": sign, "opaque": append(sign[:len(sign):len(sign)], "-nodetach"),
		"CMS": append([]string{"cms", "-sign", "-binary", "-in", "content", "-signer", "c.pem", "-inkey", "k.pem"}, header...),
	} {
		write(t, dir, "mail", through(t, tool(t, dir, "openssl", args...)))
		got := tool(t, dir, "openssl", "smime", "-verify", "-in", "mail", "-CAfile", "c.pem")
		if string(lf(got)) != string(lf([]byte(content))) {
			t.Errorf("%s: verified is %q", name, got)
		}
	}
	encrypted := tool(t, dir, "openssl", append(append([]string{"cms", "-encrypt", "-aes256", "-binary", "-in", "content"}, header...), "c.pem")...)
	write(t, dir, "mail", through(t, encrypted))
	if got := tool(t, dir, "openssl", "cms", "-decrypt", "-in", "mail", "-recip", "c.pem", "-inkey", "k.pem"); string(got) != content {
		t.Errorf("decrypted is %q", got)
	}
	changed := strings.Replace(string(through(t, tool(t, dir, "openssl", sign...))), "signed", "Signed", 3)
	write(t, dir, "mail", []byte(changed))
	if out, err := exec.Command("openssl", "smime", "-verify", "-in", filepath.Join(dir, "mail"), "-CAfile", filepath.Join(dir, "c.pem")).CombinedOutput(); err == nil {
		t.Errorf("a changed text is verified: %s", out)
	}
}

// TestGPG: OpenPGP/MIME mail that went through a message object is what gpg accepts.
func TestGPG(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	gpg := func(args ...string) []byte {
		return tool(t, dir, "gpg", append([]string{"--batch", "--no-tty", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...)
	}
	gpg("--quick-generate-key", "Anna <anna@example.test>", "future-default", "default", "never")
	t.Cleanup(func() { tool(t, dir, "gpgconf", "--kill", "all") })
	part := "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nsigned =C3=BC\r\n-- =20\r\nsignature\r\n"
	write(t, dir, "part", []byte(part))
	sig := gpg("--detach-sign", "--armor", "--output", "-", "part")
	in := fmt.Sprintf("From: anna@example.test\r\nSubject: s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; micalg=pgp-sha512;\r\n protocol=\"application/pgp-signature\"; boundary=\"sig\"\r\n\r\n--sig\r\n%s\r\n--sig\r\nContent-Type: application/pgp-signature; name=signature.asc\r\n\r\n%s\r\n--sig--\r\n",
		part, bytes.ReplaceAll(sig, []byte("\n"), []byte("\r\n")))
	out := string(through(t, []byte(in)))
	_, rest, ok := strings.Cut(out, "--sig\r\n")
	if !ok {
		t.Fatalf("no signed part in\n%s", out)
	}
	signed, rest, _ := strings.Cut(rest, "\r\n--sig\r\n")
	_, armor, _ := strings.Cut(rest, "\r\n\r\n")
	armor, _, _ = strings.Cut(armor, "\r\n--sig--")
	write(t, dir, "part", []byte(signed))
	write(t, dir, "sig", []byte(armor))
	gpg("--verify", "sig", "part")

	encrypted := gpg("--trust-model", "always", "--encrypt", "--armor", "--recipient", "anna@example.test", "--output", "-", "part")
	in = fmt.Sprintf("Subject: s\nMIME-Version: 1.0\nContent-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=enc\n\n--enc\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--enc\nContent-Type: application/octet-stream; name=encrypted.asc\n\n%s\n--enc--\n", encrypted)
	back := parse(t, string(through(t, []byte(in))))
	write(t, dir, "cipher", dataBytes(back.Attachments[1].Properties.Get(0x37010102)))
	if got := gpg("--decrypt", "cipher"); string(got) != signed {
		t.Errorf("decrypted is %q", got)
	}
}

// TestSignedFields: fields that a DKIM signature covers are passed on byte for byte.
func TestSignedFields(t *testing.T) {
	fields := "DKIM-Signature: v=1; a=rsa-sha256; c=simple/relaxed; d=example.test; s=s1;\r\n\th=From : To :\r\n  Subject:Date:Message-ID:MIME-Version;\r\n bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=; b=Zm9v\r\n" +
		"From:  \"Berg, Anna\"   <anna@example.test>\r\nTo: bob@example.test,\r\n\tcarl@example.test\r\nSubject:   =?utf-8?q?two__spaces?=\r\n and =?UTF-8?B?w7w=?=\r\nDate: Fri, 20 Nov 2026 9:15:00 +0100 (CET)\r\nMessage-ID:<1@example.test>\r\nReply-To: =?iso-8859-1?q?J=FCrgen?= <j@example.test>\r\nList-Unsubscribe: <https://example.test/u>\r\n"
	out := through(t, []byte(fields+"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\ntext\r\n"))
	if want := strings.ReplaceAll(fields, "\r\n", "\n"); !strings.HasPrefix(string(out), want) {
		t.Errorf("%s\n%s", firstDifference(out, []byte(want)), out)
	}
}
