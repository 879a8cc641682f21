package fs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// What a Mac does differently, as far as it can be seen without one.

func TestPlainXattrs(t *testing.T) {
	b := newBed(t, func(o *Options) { o.PlainXattrs = true })
	b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	r := newRaw(b.tree)
	in := header(uint64(b.at("Inbox/a.eml").id))
	get := func(name string) (string, fuse.Status) {
		buf := make([]byte, 100)
		n, s := r.GetXAttr(nil, &in, name, buf)
		return string(buf[:n]), s
	}
	if v, s := get("mailfs.state"); v != "full" || s != fuse.OK {
		t.Errorf("mailfs.state is %q, %v", v, s)
	}
	for _, name := range []string{"com.apple.FinderInfo", "user.mailfs.state", "com.apple.quarantine"} {
		if _, s := get(name); s != fuse.ENOATTR {
			t.Errorf("%s: %v", name, s)
		}
	}
	set := fuse.SetXAttrIn{InHeader: in}
	for name, value := range map[string]string{"com.apple.FinderInfo": strings.Repeat("x", 32), "xdg.tags": "Red", "mailfs.flag": "flagged"} {
		if s := r.SetXAttr(nil, &set, name, []byte(value)); s != fuse.OK {
			t.Errorf("setting %s: %v", name, s)
		}
		if v, s := get(name); v != value || s != fuse.OK {
			t.Errorf("%s is %q, %v", name, v, s)
		}
	}
	buf := make([]byte, 4096)
	n, s := r.ListXAttr(nil, &in, buf)
	list := strings.Split(string(buf[:n]), "\x00")
	if s != fuse.OK || !slices.Contains(list, "mailfs.flag") || !slices.Contains(list, "com.apple.FinderInfo") || strings.Contains(string(buf[:n]), userSpace) {
		t.Errorf("listed: %q, %v", list, s)
	}
	if s := r.RemoveXAttr(nil, &in, "com.apple.FinderInfo"); s != fuse.OK {
		t.Error(s)
	}
}

// What the Finder leaves behind is local, also beside messages whose names it takes.
func TestFinderFilesStayLocal(t *testing.T) {
	b := newBed(t)
	for _, name := range []string{"Inbox/.DS_Store", "Inbox/._a.eml", "._Inbox", ".DS_Store", "Inbox/Icon\r"} {
		b.save(name, note("looks like mail", "but is none"))
	}
	b.pass()
	b.wantChanges()
	for _, name := range []string{"Inbox/._a.eml", "Inbox/.DS_Store"} {
		if got := b.xattr(name, xattrState); got != "local" {
			t.Errorf("%s is %q", name, got)
		}
	}
}

func TestNoRootMail(t *testing.T) {
	b := newBed(t, func(o *Options) { o.NoRootMail = true })
	b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	if _, err := b.tree.mknod(rootID, "x.eml", 0o600); err != syscall.EPERM {
		t.Errorf("a message in the root: %v", err)
	}
	if err := b.rename("Inbox/a.eml", "a.eml", 0); err != syscall.EPERM {
		t.Errorf("a message moved to the root: %v", err)
	}
	b.save("tmp", note("two", "x"))
	if err := b.rename("tmp", "two.eml", 0); err != syscall.EPERM {
		t.Errorf("a file that would be a message in the root: %v", err)
	}
	b.save("Inbox/tmp", note("two", "x"))
	b.mustRename("Inbox/tmp", "Inbox/two.eml")
	if _, err := b.tree.mkdir(rootID, "Folder", 0o700); err != nil {
		t.Error(err)
	}
}

func TestMacVolume(t *testing.T) {
	for want, o := range map[string]Options{
		"volname=anna@example.org": {User: "anna@example.org"},
		"volname=Mail":             {User: "anna@example.org", VolumeName: "Mail"},
		"":                         {},
	} {
		if got := strings.Join(o.macVolume(), " "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestVolumeIcon(t *testing.T) {
	b := newBed(t)
	for _, text := range []string{"first picture", "next"} {
		file := filepath.Join(t.TempDir(), "x.icns")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := b.tree.placeIcon(file); err != nil {
			t.Fatal(err)
		}
		if got := b.read(".VolumeIcon.icns"); got != text {
			t.Errorf("the icon is %q", got)
		}
	}
	if v, err := b.tree.getxattr(rootID, "user.com.apple.FinderInfo"); err != nil || len(v) != 32 || v[8] != 4 {
		t.Errorf("FinderInfo is % x, %v", v, err)
	}
	b.pass()
	b.wantChanges()
	if err := b.tree.placeIcon("/nonexistent"); err == nil {
		t.Error("no icon was placed")
	}
}
