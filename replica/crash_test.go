package replica

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailfs/internal/powercut"
)

const crashDir = "MAILFS_REPLICA_CRASH_DIR"

// TestCrashChild is what TestKill starts and kills: it writes for ever, and says of
// each update that it is done.
func TestCrashChild(t *testing.T) {
	dir := os.Getenv(crashDir)
	if dir == "" {
		t.Skip("only for TestKill")
	}
	fmt.Println("done 0")
	r, err := Open(Options{Dir: dir, Small: true, Fold: strings.ToLower})
	if err != nil {
		t.Fatal(err)
	}
	for {
		seq, err := crashStep(r)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("done %d\n", seq)
	}
}

const crashSetting = "crash/seq"

// crashStep makes one update of several parts, all of which carry the number that it
// returns.
func crashStep(r *Replica) (seq uint64, err error) {
	working, size, err := r.PutBlob(context.Background(), bytes.NewReader(make([]byte, rand.IntN(700<<10))))
	if err != nil {
		return 0, err
	}
	err = r.Update(func(u *Update) error {
		p, err := u.Setting(crashSetting)
		if err != nil {
			return err
		}
		if p != nil {
			seq = binary.BigEndian.Uint64(p)
		}
		seq++
		if err := u.SetSetting(crashSetting, binary.BigEndian.AppendUint64(nil, seq)); err != nil {
			return err
		}
		u.Remote(true)
		for i := range 20 {
			n := testMail(RootNum, int(seq)*100+i)
			if _, err := u.Insert(n); err != nil {
				return err
			}
			if err := u.PutContent(n, tokenMessage(int(seq))); err != nil {
				return err
			}
		}
		u.Remote(false)
		return crashEdit(u, seq, working, size)
	})
	return seq, err
}

// crashEdit edits what an earlier step made, and removes what a still earlier one did.
func crashEdit(u *Update, seq uint64, working BlobID, size int64) error {
	if seq < 4 {
		return nil
	}
	n, err := u.BySourceKey(sourceKey(int(seq-1) * 100))
	if err != nil {
		return err
	}
	if err := u.PutContent(n, tokenMessage(int(seq))); err != nil {
		return err
	}
	if _, err := u.Enqueue(&Change{Kind: ChangeEdit, Item: n.Num}); err != nil {
		return err
	}
	if err := u.PutWorkingCopy(&WorkingCopy{Item: n.Num, Content: working, Size: size}); err != nil {
		return err
	}
	for i := range 20 {
		old, err := u.BySourceKey(sourceKey(int(seq-3)*100 + i))
		if err != nil {
			return err
		}
		if err := u.Remove(old.Num); err != nil {
			return err
		}
	}
	return nil
}

// crashVerify opens what a crash left, checks it, and returns the number of its last update.
func crashVerify(t *testing.T, dir string) uint64 {
	t.Helper()
	r, err := Open(Options{Dir: dir, Small: true, Fold: strings.ToLower, Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	defer checkClose(t, r)
	var seq uint64
	view(t, r, func(v *View) error {
		p, err := v.Setting(crashSetting)
		if err != nil || p == nil {
			return err
		}
		seq = binary.BigEndian.Uint64(p)
		for i := range 20 {
			n, err := v.BySourceKey(sourceKey(int(seq)*100 + i))
			if err != nil {
				return fmt.Errorf("message %d of update %d: %w", i, seq, err)
			}
			m, err := v.Message(n.Num)
			if err != nil {
				return err
			}
			if token, err := tokenOf(m); err != nil || token != int(seq) {
				return fmt.Errorf("message %d of update %d has token %d, %w", i, seq, token, err)
			}
		}
		if _, err := v.BySourceKey(sourceKey(int(seq+1) * 100)); !errors.Is(err, ErrNotFound) {
			return fmt.Errorf("part of an update is there: %w", err)
		}
		return nil
	})
	return seq
}

// TestKill kills a writing process again and again: what it acknowledged is there,
// and what is there is whole.
func TestKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "replica")
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	var last uint64
	for range rounds {
		acked := killWriter(t, dir, last+uint64(rand.IntN(25))+1, time.Duration(rand.IntN(3000))*time.Microsecond)
		found := crashVerify(t, dir)
		if found < acked || found < last {
			t.Fatalf("update %d was acknowledged, the replica has %d", acked, found)
		}
		last = found
	}
}

// TestKillOpening kills processes that are just opening a replica, a new one at first.
func TestKillOpening(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "replica")
	rounds := 8
	if testing.Short() {
		rounds = 2
	}
	var last uint64
	for i := range rounds {
		if i == rounds/2 {
			dir, last = filepath.Join(t.TempDir(), "replica"), 0
		}
		acked := killWriter(t, dir, 0, time.Duration(rand.IntN(12000))*time.Microsecond)
		found := crashVerify(t, dir)
		if found < max(acked, last) {
			t.Fatalf("update %d was acknowledged, the replica has %d", max(acked, last), found)
		}
		last = found
	}
}

// killWriter starts a writer and kills it some time after it has acknowledged update
// number n. It returns the last number that was acknowledged.
func killWriter(t *testing.T, dir string, n uint64, after time.Duration) (acked uint64) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestCrashChild$")
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var other []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var seq uint64
		if _, err := fmt.Sscanf(lines.Text(), "done %d", &seq); err != nil {
			other = append(other, lines.Text())
			continue
		}
		acked = seq
		if seq == n {
			time.AfterFunc(after, func() { cmd.Process.Kill() })
		}
	}
	if cmd.Wait() == nil || acked < n {
		t.Fatalf("the writer ended by itself after %d updates:\n%s", acked, strings.Join(other, "\n"))
	}
	return acked
}

// files reads the database files of a replica, without the empty space at their ends.
func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := make(map[string][]byte)
	entries, err := os.ReadDir(filepath.Join(dir, "db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		p, err := os.ReadFile(filepath.Join(dir, "db", e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if name := e.Name(); strings.HasSuffix(name, ".mem") || strings.HasSuffix(name, ".vlog") {
			p = bytes.TrimRight(p, "\x00")
		}
		out[e.Name()] = p
	}
	return out
}

// crash returns a directory with the replica as it is in another one now, which is in use.
func crash(t *testing.T, dir string) string {
	t.Helper()
	ends, err := powercut.EndsOf(dir)
	if err != nil {
		t.Fatal(err)
	}
	return cutTo(t, dir, ends)
}

// cutTo is crash with logs that end where ends says.
func cutTo(t *testing.T, dir string, ends powercut.Ends) string {
	t.Helper()
	sub := filepath.Join(t.TempDir(), "replica")
	if err := powercut.Copy(sub, dir, ends); err != nil {
		t.Fatal(err)
	}
	return sub
}

// TestCutBack cuts the logs back to points between one update and the next, as a loss
// of power does: what is found is the one or the other, whole.
func TestCutBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "replica")
	var ends powercut.Ends
	r, err := Open(Options{Dir: dir, Small: true, Fold: strings.ToLower, Done: func() {
		var err error
		if ends, err = powercut.EndsOf(dir); err != nil {
			t.Error(err)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := crashStep(r); err != nil {
			t.Fatal(err)
		}
	}
	before := ends
	seq, err := crashStep(r)
	if err != nil {
		t.Fatal(err)
	}
	after, whole := ends, cutTo(t, dir, ends)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if got := crashVerify(t, cutTo(t, whole, before)); got != seq-1 {
		t.Fatalf("without what came after update %d, %d is there", seq-1, got)
	}
	if got := crashVerify(t, cutTo(t, whole, after)); got != seq {
		t.Fatalf("update %d is there, not %d", got, seq)
	}
	found := make(map[uint64]int)
	for i := range 24 {
		got := crashVerify(t, cutTo(t, whole, powercut.Torn(before, after, rand.Int64N)))
		if got != seq && got != seq-1 {
			t.Fatalf("cut %d left update %d, want %d or %d", i, got, seq-1, seq)
		}
		found[got]++
	}
	t.Log(found)
}

// TestSynced looks at the process's own memory map: when Update has returned, no page
// of a log is waiting to be written.
func TestSynced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "replica")
	r, err := Open(Options{Dir: dir, Fold: strings.ToLower})
	if err != nil {
		t.Fatal(err)
	}
	defer checkClose(t, r)
	probe := filepath.Join(dir, "probe")
	if !canSee(t, probe) {
		t.Skip("the dirty pages of a mapping can't be told here")
	}
	for range 5 {
		if _, err := crashStep(r); err != nil {
			t.Fatal(err)
		}
		for name, dirty := range dirtyPages(t, filepath.Join(dir, "db")) {
			if dirty > 0 && (strings.HasSuffix(name, ".mem") || strings.HasSuffix(name, ".vlog")) {
				t.Errorf("%d KiB of %s are not on disk", dirty, name)
			}
		}
	}
}

// dirtyPages returns the KiB that wait to be written, by mapped file below a directory.
func dirtyPages(t *testing.T, dir string) map[string]int {
	t.Helper()
	p, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return nil
	}
	out := make(map[string]int)
	name := ""
	for _, line := range strings.Split(string(p), "\n") {
		f := strings.Fields(line)
		if len(f) >= 5 && strings.Contains(f[0], "-") {
			name = ""
			if len(f) == 6 && strings.HasPrefix(f[5], dir) {
				name = f[5]
				out[name] += 0
			}
		}
		var kib int
		for _, field := range []string{"Shared_Dirty:", "Private_Dirty:"} {
			if n, _ := fmt.Sscanf(line, field+" %d kB", &kib); n == 1 && name != "" {
				out[name] += kib
			}
		}
	}
	return out
}

// canSee reports whether dirty pages show, and show as clean once they are synced.
func canSee(t *testing.T, path string) bool {
	t.Helper()
	return mappedDirty(t, path, false) > 0 && mappedDirty(t, path, true) == 0
}

// TestEmptyLogs: a process that is killed while it makes or deletes a log leaves an
// empty file, which holds nothing and does no harm.
func TestEmptyLogs(t *testing.T) {
	for _, name := range []string{"00099.mem", "000099.vlog"} {
		dir := t.TempDir()
		r := openDir(t, dir)
		n := item(t, r, RootNum, 5)
		checkClose(t, r)
		if err := os.WriteFile(filepath.Join(dir, "replica", "db", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		r = openDir(t, dir)
		if content, _ := tokens(t, r, n); content != 5 {
			t.Error(content)
		}
		checkClose(t, r)
	}
}
