package fs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"mailfs/internal/fsx"
)

// The programs that every system has, driven on the mount and on a plain directory: both must end with the same files.
// internal/scenario has many more.

func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed here", name)
	}
	return path
}

// program is one way to save a file; the message must keep its identity.
type program struct {
	name   string
	script string // run by sh in the directory of the file, which is a.eml
}

var programs = []program{
	{name: "sed", script: `sed -i s/first/second/ a.eml`},
	{name: "sed-backup", script: `sed -i.bak s/first/second/ a.eml`},
	{name: "append", script: `echo 'one more line' >> a.eml`},
	{name: "truncate", script: `cp a.eml ../copy && sed s/first/second/ ../copy > a.eml && rm ../copy`},
	{name: "dd", script: `printf XXXX | dd of=a.eml bs=1 seek=300 conv=notrunc 2>/dev/null`},
	{name: "cp-over", script: `sed s/first/second/ a.eml > ../copy && cp ../copy a.eml && rm ../copy`},
	{name: "mv-over", script: `sed s/first/second/ a.eml > a.tmp && mv a.tmp a.eml`},
	{name: "mv-in", script: `sed s/first/second/ a.eml > ../copy && mv ../copy a.eml`},
	{name: "rm-create", script: `sed s/first/second/ a.eml > ../copy && rm a.eml && cp ../copy a.eml && rm ../copy`},
	{name: "tar", script: `tar cf ../t.tar a.eml && sed -i s/first/x/ a.eml && tar xf ../t.tar && rm ../t.tar`},
	{name: "copy", script: `cp -p a.eml b.eml && cp a.eml c.eml && rm c.eml`},
	{name: "rename", script: `mv a.eml b.eml && mv b.eml a.eml`},
	{name: "dirs", script: `mkdir -p sub/deeper && cp a.eml sub/deeper/ && rm -r sub && mkdir kept && cp a.eml kept/`},
}

func TestPrograms(t *testing.T) {
	m := start(t, childConfig{})
	text := m.read("Inbox/a.eml")
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			plain := t.TempDir()
			mounted := m.path(p.name)
			dir := filepath.Join(plain, "dir")
			if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "a.eml"), []byte(text), 0o600)); err != nil {
				t.Fatal(err)
			}
			m.do("folder", p.name, "", 0)
			m.do("deliver", p.name+"/a.eml", text, 0)
			eventually(t, "the message shows", func() bool { _, err := os.Stat(m.path(p.name + "/a.eml")); return err == nil })
			sk, err := getxattr(m.path(p.name+"/a.eml"), xattrSourceKey)
			if err != nil {
				t.Fatal(err)
			}
			key := m.path(p.name + "/a.eml")
			for _, dir := range []string{filepath.Join(plain, "dir"), mounted} {
				cmd := execCommand("/bin/sh", "-ec", p.script)
				cmd.Dir = dir
				var out bytes.Buffer
				cmd.Stdout, cmd.Stderr = &out, &out
				if err := cmd.Run(); err != nil {
					t.Fatalf("%s: %v\n%s", dir, err, out.String())
				}
			}
			want := fsx.Tree(t, filepath.Join(plain, "dir"))
			fsx.DiffTrees(t, "at once", fsx.Tree(t, mounted), want)
			m.pass()
			fsx.DiffTrees(t, "after the window", fsx.Tree(t, mounted), want)
			if v, err := getxattr(key, xattrSourceKey); err != nil || v != sk {
				t.Errorf("another message than before: %q, %v", v, err)
			}
			changed := want["a.eml"] != text
			edits := slices.Contains(m.do("journal", "", "", 0).List, "edit "+p.name+"/a.eml")
			if changed != edits {
				t.Errorf("changed %t, but a change is queued: %t", changed, edits)
			}
		})
	}
}

// TestProgramsAndSomebodyElse lets a remote editor change the message while it is open in a program.
func TestProgramsAndSomebodyElse(t *testing.T) {
	m := start(t, childConfig{})
	for i := range 20 {
		name := fmt.Sprintf("Inbox/r%02d.eml", i)
		m.do("deliver", name, note(fmt.Sprint("r ", i), "first"), 0)
		eventually(t, name+" shows", func() bool { _, err := os.Stat(m.path(name)); return err == nil })
		f, err := os.OpenFile(m.path(name), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		old := m.read(name)
		m.do("edit", name, note(fmt.Sprint("r ", i), "theirs"), 0)
		mine := strings.Replace(old, "first", "mine, longer than it was", 1)
		if _, err := f.WriteAt([]byte(mine), 0); err != nil {
			t.Fatal(err)
		}
		if p := make([]byte, len(mine)); true {
			if _, err := f.ReadAt(p, 0); err != nil || string(p) != mine {
				t.Fatalf("the writer reads %q, %v", p, err)
			}
		}
		eventually(t, "their version shows under the name", func() bool { return strings.Contains(m.read(name), "theirs") })
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		m.pass()
		eventually(t, "my version shows under the name", func() bool { return m.read(name) == mine })
	}
	if got := m.do("journal", "", "", 0).List; len(got) != 20 {
		t.Fatalf("journal %q", got)
	}
}

func TestPermissionDenied(t *testing.T) {
	if os.Geteuid() == 0 {
		// Root may do anything; what the others may is for the kernel to say, from owner and mode.
		t.Skip("permission tests never run as root")
	}
	m := start(t, childConfig{})
	if err := os.Chown(m.path("Inbox/a.eml"), 0, 0); !errors.Is(err, syscall.EPERM) {
		t.Fatalf("chown: %v", err)
	}
}

// TestUnprivileged runs the mount tests once more as a user without rights, through the helper that such a user
// needs.
func TestUnprivileged(t *testing.T) {
	fsx.NeedFUSE(t)
	tool(t, "fusermount3")
	if os.Geteuid() != 0 {
		t.Skip("this run is unprivileged already")
	}
	const nobody = 65534
	if st, err := os.Stat("/dev/fuse"); err != nil || st.Mode().Perm()&0o006 != 0o006 {
		t.Skip("/dev/fuse is for root only here")
	}
	work, err := os.MkdirTemp("", "mailfs-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(work) })
	if err := os.Chown(work, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(work, "fs.test")
	p, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(binary, p, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-test.run=^(TestMount|TestRemoteChangesShow|TestSurvivesKill|TestPermissionDenied)$", "-test.v")
	cmd.Dir = work
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + work, "HOME=" + work}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("--- SKIP")) || !bytes.Contains(out, []byte("--- PASS: TestMount")) {
		t.Fatalf("as nobody: %v\n%s", err, out)
	}
}

func TestExecutableName(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	pid := uint32(os.Getpid())
	if got := executable(pid); got != filepath.Base(self) || got == "" || got == "." {
		t.Fatalf("%q, want %q", got, filepath.Base(self))
	}
	if got := commandName(pid); got == "" || !strings.HasPrefix(filepath.Base(self), got) {
		t.Fatalf("%q, want the start of %q", got, filepath.Base(self))
	}
	if executable(0) != "" || commandName(0) != "" {
		t.Fatal("thread 0 runs a program")
	}
}

func TestListed(t *testing.T) {
	names := map[string]bool{"tracker-extract-3": true, "file": true}
	for _, c := range []struct {
		exe, command string
		want         bool
	}{
		{"tracker-extract-3", "tracker-extract", true},
		{"tracker-extract-3", "pool-worker", true}, // threads have names of their own
		{"", "tracker-extract", true},
		{"", "tracker-extrac", false},
		{"", "file", true},
		{"", "files", false},
		{"vim", "file", false},
		{"tracker-extract", "tracker-extract", false},
		{"", "", false},
	} {
		if got := listed(names, c.exe, c.command); got != c.want {
			t.Errorf("executable %q, command %q: %t", c.exe, c.command, got)
		}
	}
}
