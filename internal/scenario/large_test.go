package scenario_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	largeSize = 100 << 20
	mayTake   = 64 << 20
)

// anonymous returns the memory of a process that is no file's, in bytes.
func anonymous(t testing.TB, pid int) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(t, err)
	for line := range strings.Lines(string(data)) {
		var kb int64
		if _, err := fmt.Sscanf(line, "RssAnon: %d kB", &kb); err == nil {
			return kb << 10
		}
	}
	t.Skip("this kernel does not tell how much memory is no file's")
	return 0
}

// weigh calls f and returns by how much the mount's process was larger meanwhile than before.
func (c *client) weigh(f func()) int64 {
	c.t.Helper()
	before := anonymous(c.t, c.pid)
	peak := before
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				peak = max(peak, anonymous(c.t, c.pid))
			}
		}
	}()
	f()
	stop()
	<-done
	return peak - before
}

// writeLarge makes a message with an attachment of random bytes, and returns its hash.
func writeLarge(t *testing.T, path string, size int64) (sum [32]byte) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	h := sha256.New()
	w := bufio.NewWriterSize(io.MultiWriter(f, h), 1<<20)
	fmt.Fprint(w, "From: anna@example.test\nTo: bo@example.test\nSubject: large\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nsee attached\n--b\nContent-Type: application/octet-stream; name=l.bin\nContent-Disposition: attachment; filename=l.bin\nContent-Transfer-Encoding: base64\n\n")
	random := rand.NewChaCha8([32]byte{1})
	line := make([]byte, 57)
	for left := size; left > 0; left -= int64(len(line)) {
		line = line[:min(int64(len(line)), left)]
		random.Read(line) //nolint:errcheck // never fails
		fmt.Fprintln(w, base64.StdEncoding.EncodeToString(line))
	}
	fmt.Fprint(w, "--b--\n")
	must(t, w.Flush())
	must(t, f.Close())
	return [32]byte(h.Sum(nil))
}

func hashOf(t *testing.T, path string) (sum [32]byte) {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	h := sha256.New()
	_, err = io.CopyBuffer(h, struct{ io.Reader }{f}, make([]byte, 1<<20))
	must(t, err)
	return [32]byte(h.Sum(nil))
}

// TestLargeAttachment: a message with an attachment of 100 MiB goes in through one mount and out of another, byte for byte,
// and neither needs more than 64 MiB for it.
func TestLargeAttachment(t *testing.T) {
	w := newWorld(t, 3)
	ann, bob := w.client("ann"), w.client("bob")
	ann.start()
	bob.start()
	path := filepath.Join(ann.mount, "Inbox", "large.eml")
	var sum [32]byte
	in := ann.weigh(func() {
		sum = writeLarge(t, path, largeSize)
		until(t, 5*time.Minute, "the message at the server", func() bool {
			ann.try("flush", ann.mount) //nolint:errcheck // the next look tells
			return getxattr(path, "user.mailfs.state") == "full"
		})
	})
	key := getxattr(path, "user.mailfs.source-key")
	if key == "" {
		t.Fatal("it did not become a message")
	}
	shown := ""
	out := bob.weigh(func() {
		until(t, 5*time.Minute, "the message at the other mount", func() bool {
			shown = bob.items()[key]
			return shown != "" && getxattr(shown, "user.mailfs.state") == "full"
		})
		if hashOf(t, shown) != sum {
			t.Error("other bytes came out")
		}
	})
	t.Logf("in with %d MiB, out with %d MiB", in>>20, out>>20)
	if in > mayTake || out > mayTake {
		t.Errorf("more than %d MiB", mayTake>>20)
	}
	if got := hashOf(t, path); got != sum {
		t.Error("other bytes are where it was written")
	}
}
