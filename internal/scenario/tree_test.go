package scenario_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	stdmime "mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"mailfs/mapi"
)

// entry is what a user sees of one message or folder. Messages are known by their source key.
type entry struct {
	path  string // of the folder, and of the file for messages that no user named
	read  string
	flag  string
	parts []string // decoded; nil for a folder
	sum   [32]byte // of the bytes, of a message that neither side wrote
}

// tree reads a whole mount through the eyes of programs that know nothing of mailfs.
func (c *client) tree() map[string]entry {
	c.t.Helper()
	out := map[string]entry{}
	err := filepath.WalkDir(c.mount, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(c.mount, p)
		switch {
		case d.Type()&fs.ModeSymlink != 0 || strings.HasPrefix(d.Name(), "."):
			return nil
		case d.IsDir():
			out["dir "+rel] = entry{path: rel}
			return nil
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() != int64(len(data)) {
			c.t.Errorf("%s: %s has size %d and %d bytes", c.name, rel, info.Size(), len(data))
		}
		parts, err := decode(data)
		if err != nil {
			return fmt.Errorf("%s: %w", rel, err)
		}
		e := entry{path: filepath.Dir(rel), read: getxattr(p, "user.mailfs.read"), flag: getxattr(p, "user.mailfs.flag"), parts: parts}
		if tokenIn(data) == "" {
			e.sum = sha256.Sum256(data)
		}
		out[getxattr(p, "user.mailfs.source-key")] = e
		return nil
	})
	if err != nil {
		c.t.Fatalf("%s: %v", c.name, err)
	}
	return out
}

// serverTree is what the server holds, as far as a mount shows it apart from decoded parts.
func (w *world) serverTree() map[string]entry {
	if w.box == nil {
		c := w.witness()
		defer c.stop()
		return c.tree()
	}
	out := map[string]entry{}
	flags := map[int64]string{0: "none", 1: "complete", 2: "flagged"}
	for _, f := range w.box.Snapshot().Folders {
		path := strings.Join(f.Path, "/")
		out["dir "+path] = entry{path: path}
		for _, m := range f.Messages {
			if !m.Associated {
				read := map[bool]string{true: "1", false: "0"}[m.Read]
				out[m.SourceKey.String()] = entry{path: path, read: read, flag: flags[m.Content.Properties.Int(mapi.PidTagFlagStatus)]}
			}
		}
	}
	return out
}

// diffServer compares a mount with the server: where each message is, and its attributes.
func diffServer(mount, server map[string]entry) []string {
	var out []string
	for k, x := range mount {
		y, ok := server[k]
		switch {
		case !ok && x.parts != nil:
			out = append(out, fmt.Sprintf("only the mount has %s (%s)", x.path, k))
		case ok && (x.path != y.path || x.read != y.read || x.flag != y.flag):
			out = append(out, fmt.Sprintf("%s: %q read %s flag %s; on the server %q read %s flag %s", k, x.path, x.read, x.flag, y.path, y.read, y.flag))
		}
	}
	for k, y := range server {
		if _, ok := mount[k]; !ok && !strings.HasPrefix(k, "dir ") {
			out = append(out, fmt.Sprintf("only the server has %s (%s)", y.path, k))
		}
	}
	slices.Sort(out)
	return out
}

func diffTrees(a, b map[string]entry) []string {
	var out []string
	for k, x := range a {
		y, ok := b[k]
		switch {
		case !ok:
			out = append(out, fmt.Sprintf("only the first has %s (%s)", x.path, k))
		case x.path != y.path || x.read != y.read || x.flag != y.flag:
			out = append(out, fmt.Sprintf("%s: %q read %s flag %s against %q read %s flag %s", k, x.path, x.read, x.flag, y.path, y.read, y.flag))
		case !slices.Equal(x.parts, y.parts):
			out = append(out, fmt.Sprintf("%s: parts differ:\n%q\n%q", x.path, x.parts, y.parts))
		case x.sum != y.sum:
			out = append(out, fmt.Sprintf("%s: nobody wrote %q, and its bytes differ", x.path, x.parts))
		}
	}
	for k, y := range b {
		if _, ok := a[k]; !ok {
			out = append(out, fmt.Sprintf("only the second has %s (%s)", y.path, k))
		}
	}
	slices.Sort(out)
	return out
}

func getxattr(path, name string) string {
	buf := make([]byte, 4096)
	n, err := unix.Getxattr(path, name, buf)
	if err != nil {
		return ""
	}
	return string(buf[:n])
}

func setxattr(path, name, value string) error {
	if err := unix.Setxattr(path, name, []byte(value), 0); err != nil {
		return &fs.PathError{Op: "setxattr", Path: path, Err: err}
	}
	return nil
}

// decode turns a message into the list of what it says: the fields that a reader sees, and the decoded parts.
func decode(data []byte) ([]string, error) {
	r := bufio.NewReader(bytes.NewReader(data))
	h, err := textproto.NewReader(r).ReadMIMEHeader()
	if err != nil {
		return nil, err
	}
	out := []string{}
	words := &stdmime.WordDecoder{}
	for _, name := range []string{"From", "To", "Cc", "Subject", "Date", "Message-Id"} {
		if v := h.Get(name); v != "" {
			if dec, err := words.DecodeHeader(v); err == nil {
				v = dec
			}
			out = append(out, name+": "+v)
		}
	}
	return decodeBody(out, h, r)
}

func decodeBody(out []string, h textproto.MIMEHeader, r io.Reader) ([]string, error) {
	kind, params, err := stdmime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		kind = "text/plain"
	}
	if strings.HasPrefix(kind, "multipart/") {
		mr := multipart.NewReader(r, params["boundary"])
		for {
			p, err := mr.NextRawPart()
			if err == io.EOF {
				return out, nil
			}
			if err != nil {
				return nil, err
			}
			if out, err = decodeBody(append(out, "part of "+kind), p.Header, p); err != nil {
				return nil, err
			}
		}
	}
	switch strings.ToLower(h.Get("Content-Transfer-Encoding")) {
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	}
	body, err := io.ReadAll(r)
	text := strings.TrimRight(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n")
	return append(out, kind+": "+text), err
}
