package fs

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// fioJobs are ways of writing that fio verifies, with the size of the file in KiB.
var fioJobs = []struct {
	name string
	size int
	args []string
}{
	{"sequential", 12 << 10, []string{"--rw=write", "--bs=64k", "--ioengine=psync"}},
	{"random", 8 << 10, []string{"--rw=randwrite", "--bs=4k", "--ioengine=psync", "--fsync=512"}},
	{"odd sizes", 6 << 10, []string{"--rw=randwrite", "--bsrange=512-17k", "--bs_unaligned=1", "--ioengine=psync", "--fdatasync=300"}},
	{"mapping", 8 << 10, []string{"--rw=randwrite", "--bs=4k", "--ioengine=mmap"}},
	{"direct", 8 << 10, []string{"--rw=randwrite", "--bs=8k", "--ioengine=libaio", "--direct=1", "--iodepth=8"}},
	{"several at once", 3 << 10, []string{"--rw=randwrite", "--bs=4k", "--ioengine=psync", "--numjobs=4", "--fsync=256"}},
}

func fio(t *testing.T, args ...string) {
	t.Helper()
	args = append([]string{"--verify=crc32c", "--verify_fatal=1", "--randseed=7", "--fallocate=none", "--verify_state_save=0", "--group_reporting", "--thread=0"}, args...)
	if out, err := command(t, tool(t, "fio"), args...); err != nil || strings.Contains(out, "verify:") {
		t.Fatalf("fio %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// TestFio lets fio write to local files and read back what it wrote, also after a remount.
func TestFio(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long: not with -short")
	}
	tool(t, "fio")
	conf := childConfig{RealTime: true, Dir: t.TempDir(), Replica: fastDir(t)}
	all, m := t, start(t, conf)
	for _, dir := range []string{"Inbox", "Inbox/.fio"} {
		if err := os.MkdirAll(m.path(dir), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, j := range fioJobs {
			t.Run(dir+"/"+j.name, func(t *testing.T) {
				args := append([]string{"--name=" + strings.ReplaceAll(j.name, " ", "-"), "--directory=" + m.path(dir), fmt.Sprintf("--size=%dk", j.size)}, j.args...)
				fio(t, args...)
				m.unmount()
				m = start(all, conf)
				if j.name == "odd sizes" {
					return // fio reads over the end when it looks a second time, on any disk
				}
				fio(t, append(args, "--verify_only=1")...)
			})
		}
	}
}

// TestFioMessage does the same with a message of 100 MiB, behind its header.
func TestFioMessage(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long: not with -short")
	}
	tool(t, "fio")
	const header, size = 4096, 100 << 20
	conf := childConfig{RealTime: true, Dir: t.TempDir(), Replica: fastDir(t)}
	m := start(t, conf)
	head := "Subject: large\nMIME-Version: 1.0\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: binary\nX-Pad: "
	head += strings.Repeat("x", header-2-len(head)) + "\n\n"
	m.write("Inbox/big.eml", head)
	if err := os.Truncate(m.path("Inbox/big.eml"), header+size); err != nil {
		t.Fatal(err)
	}
	file := []string{"--filename=" + m.path("Inbox/big.eml"), "--offset=" + strconv.Itoa(header), "--size=" + strconv.Itoa(size)}
	jobs := [][]string{
		{"--name=mapping", "--rw=randwrite", "--bs=64k", "--ioengine=mmap"}, // from the start of the file, whatever offset says
		{"--name=sequential", "--rw=write", "--bs=256k", "--ioengine=psync", "--fsync=200"},
		{"--name=random", "--rw=randwrite", "--bs=16k", "--ioengine=psync", "--fsync=4000"},
	}
	for _, j := range jobs {
		fio(t, append(j, file...)...)
	}
	// The first job wrote over the header.
	f := openFile(t, m.path("Inbox/big.eml"), os.O_RDWR)
	if _, err := f.WriteAt([]byte(head), 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	m.do("flush", "", "", 0)
	if v, err := getxattr(m.path("Inbox/big.eml"), xattrState); err != nil || v != "queued" {
		t.Errorf("state %q, %v", v, err)
	}
	m.unmount()
	m = start(t, conf)
	fio(t, append(append(jobs[2], file...), "--verify_only=1")...)
	f = openFile(t, m.path("Inbox/big.eml"), os.O_RDONLY)
	got := make([]byte, header)
	if _, err := f.ReadAt(got, 0); err != nil || string(got) != head {
		t.Errorf("the header is %.60q, %v", got, err)
	}
	if st := fileStat(t, f); st.Size != header+size {
		t.Errorf("size %d", st.Size)
	}
}
