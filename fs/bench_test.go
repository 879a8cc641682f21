package fs

import (
	"os"
	"os/exec"
	"path/filepath"
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
	serve := map[string]func() (dir string, stop func()){
		"mailfs": func() (string, func()) {
			m := start(t, conf)
			return m.path("Inbox"), m.clean
		},
		"static": func() (string, func()) {
			dir := mkdir(b, work, "static")
			cmd := exec.Command(static, filepath.Join(work, "copy"), dir)
			if err := cmd.Start(); err != nil {
				b.Fatal(err)
			}
			for connectionOf(dir) == "" {
				time.Sleep(5 * time.Millisecond)
			}
			return dir, func() {
				_ = detachMount(dir)
				_ = cmd.Process.Signal(os.Interrupt)
				_ = cmd.Wait()
			}
		},
	}
	for _, job := range [][]string{{"find", "."}, {"ls", "-l"}, {"grep", "-r", "nothing of that kind", "."}} {
		for _, who := range []string{"static", "mailfs"} {
			b.Run(job[0]+"/"+who, func(b *testing.B) {
				best := time.Hour
				defer func() { b.ReportMetric(best.Seconds()*1000, "ms-best") }()
				for b.Loop() {
					b.StopTimer()
					dir, stop := serve[who]()
					if os.Getenv("NODROP") == "" {
						_ = os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0)
					}
					cmd := exec.Command(job[0], job[1:]...)
					cmd.Dir = dir
					b.StartTimer()
					begin := time.Now()
					err := cmd.Run()
					best = min(best, time.Since(begin))
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
