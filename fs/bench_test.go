package fs

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkMessages measures what programs need for 10,000 messages of 20 KB in one folder, freshly mounted, beside
// a tree in memory that does nothing but answer (statictree). Run it with -benchtime=1x.
func BenchmarkMessages(b *testing.B) {
	if _, err := os.Stat("/dev/fuse"); err != nil || os.Geteuid() != 0 {
		b.Skip("needs /dev/fuse and root")
	}
	t := &testing.T{}
	work := b.TempDir()
	conf := childConfig{Messages: 10_000, Empty: true, RealTime: true, Dir: mkdir(b, work, "mnt"), Replica: mkdir(b, work, "replica")}
	m := start(t, conf)
	if out, err := exec.Command("cp", "-r", "--preserve=timestamps", m.path("Inbox"), filepath.Join(work, "copy")).CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	m.clean()
	conf.Messages = 0
	static := filepath.Join(work, "statictree")
	if out, err := exec.Command("go", "build", "-o", static, "mailfs/fs/statictree").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	serve := map[string]func() (dir string, pid int, stop func()){
		"mailfs": func() (string, int, func()) {
			m := start(t, conf)
			return m.path("Inbox"), m.cmd.Process.Pid, m.clean
		},
		"static": func() (string, int, func()) {
			dir := mkdir(b, work, "static")
			cmd := exec.Command(static, filepath.Join(work, "copy"), dir)
			if err := cmd.Start(); err != nil {
				b.Fatal(err)
			}
			for connectionOf(dir) == "" {
				time.Sleep(5 * time.Millisecond)
			}
			return dir, cmd.Process.Pid, func() {
				_ = detachMount(dir)
				_ = cmd.Process.Signal(os.Interrupt)
				_ = cmd.Wait()
			}
		},
	}
	for _, job := range [][]string{{"find", "."}, {"ls", "-l"}, {"grep", "-r", "nothing of that kind", "."}} {
		for _, who := range []string{"static", "mailfs"} {
			b.Run(job[0]+"/"+who, func(b *testing.B) {
				best, cpu := time.Hour, time.Hour
				defer func() {
					b.ReportMetric(best.Seconds()*1000, "ms-best")
					b.ReportMetric(cpu.Seconds()*1000, "cpu-ms-best") // of the program and the file system
				}()
				for b.Loop() {
					b.StopTimer()
					dir, pid, stop := serve[who]()
					if os.Getenv("NODROP") == "" {
						_ = os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0)
					}
					cmd := exec.Command(job[0], job[1:]...)
					cmd.Dir = dir
					b.StartTimer()
					begin, used := time.Now(), cpuTime(b, pid)
					err := cmd.Run()
					best = min(best, time.Since(begin))
					cpu = min(cpu, cpuTime(b, pid)-used+cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
					b.StopTimer()
					if err != nil && job[0] != "grep" {
						b.Fatal(err)
					}
					stop()
					b.StartTimer()
				}
			})
		}
	}
}

// cpuTime returns the processor time that a process has used, to the tick of 10 ms.
func cpuTime(b *testing.B, pid int) time.Duration {
	p, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	// After the name, in parentheses: state, and utime and stime as the 12th and 13th that follow it.
	fields := strings.Fields(string(p[bytes.LastIndexByte(p, ')')+1:]))
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

func mkdir(b *testing.B, parent, name string) string {
	dir := filepath.Join(parent, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	return dir
}

// connectionOf returns the number of the FUSE connection of a mount point, "" if nothing is mounted there.
func connectionOf(dir string) string {
	n, err := connection(dir)
	if err != nil {
		return ""
	}
	return n
}

// BenchmarkGetxattr is what ls and cp ask for with each file: attributes that are not there, and one that is.
func BenchmarkGetxattr(b *testing.B) {
	bed := newBed(&testing.T{})
	if _, err := bed.deliver("Inbox", "a.eml", note("one", "first")); err != nil {
		b.Fatal(err)
	}
	id := bed.at("Inbox/a.eml").id
	for _, name := range []string{"system.posix_acl_access", "security.selinux", "user.unknown", xattrFlag, xattrState} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = bed.tree.getxattr(id, name)
			}
		})
	}
}
