package syncer_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/mime"
	"mailfs/replica"
	"mailfs/syncer"
)

// The environment of the process whose memory TestLargeUpload measures.
const (
	uploadDir = "MAILFS_SYNCER_UPLOAD_DIR"
	uploadURL = "MAILFS_SYNCER_UPLOAD_URL"
)

// weighed is a transport that knows its largest request, and looks at the memory in use now and then.
type weighed struct {
	rop.Transport
	requests, largest int
	heap              uint64
}

func (w *weighed) Execute(ctx context.Context, payload []byte, maxOut uint32) ([][]byte, error) {
	w.largest = max(w.largest, len(payload))
	if w.requests++; w.requests%100 == 0 {
		w.heap = max(w.heap, heapInUse())
	}
	return w.Transport.Execute(ctx, payload, maxOut)
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestUploadChild is what TestLargeUpload starts, so that the memory of the server does not count.
func TestUploadChild(t *testing.T) {
	dir, base := os.Getenv(uploadDir), os.Getenv(uploadURL)
	if dir == "" {
		t.Skip("only for TestLargeUpload")
	}
	w := &world{t: t, user: address}
	dial := dialer(t, base, address, "secret")
	scale := &weighed{}
	w.dial = func(ctx context.Context) (rop.Transport, syncer.ServerInfo, error) {
		tr, info, err := dial(ctx)
		scale.Transport = tr
		return scale, info, err
	}
	c := w.openClient(t, dir)
	before := heapInUse()
	c.flush()
	fmt.Printf("weighed %d %d %d %d\n", scale.requests, scale.largest, before, scale.heap)
	c.close()
}

// TestLargeUpload: an attachment of 40 MiB goes up in pieces: no request is larger than a payload may be, and memory does
// not depend on it.
func TestLargeUpload(t *testing.T) {
	w := newMemWorld(t)
	server := httptest.NewServer(w.srv.Handler())
	defer server.Close()
	dir := filepath.Join(t.TempDir(), "replica")
	data := noise(40<<20, 1)
	c := w.openClient(t, dir)
	c.pass()
	id, _, err := c.rep.PutBlob(t.Context(), bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	blob, err := c.rep.OpenBlob(id)
	if err != nil {
		t.Fatal(err)
	}
	m := parse(t, mail("large", "with a large attachment"))
	m.Attachments = []mapi.Attachment{attachmentOf("file.bin", nil)}
	m.Attachments[0].Properties.Set(mapi.PidTagAttachDataBinary, blob)
	inbox := c.at("Inbox")
	c.update(func(u *replica.Update) error {
		now := time.Now()
		n := &replica.Node{Parent: inbox.Num, Name: "large.eml", Kind: replica.KindMessage, Mtime: now, Ctime: now,
			Message: &replica.MessageInfo{State: replica.StateFull, Renderer: mime.Version}}
		if n.Num, err = u.Insert(n); err != nil {
			return err
		}
		if err := u.PutContent(n, m); err != nil {
			return err
		}
		_, err := u.Enqueue(&replica.Change{Kind: replica.ChangeCreate, Item: n.Num, At: now, Folder: inbox.Num})
		return err
	})
	if err := blob.Close(); err != nil {
		t.Fatal(err)
	}
	c.close()
	w.srv.ResetStats()

	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestUploadChild$")
	cmd.Env = append(os.Environ(), uploadDir+"="+dir, uploadURL+"="+server.URL)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	var requests, largest, before, peak int
	_, line, _ := strings.Cut(string(out), "weighed ")
	if _, err := fmt.Sscan(line, &requests, &largest, &before, &peak); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	t.Logf("%d requests of at most %d bytes, %d bytes up; %d MiB of memory in use before, at most %d MiB within",
		requests, largest, w.srv.Stats().BytesIn, before>>20, peak>>20)
	if largest > rop.MaxPayload {
		t.Errorf("a request has %d bytes", largest)
	}
	if most := len(data)/(24<<10) + 50; requests > most {
		t.Errorf("%d requests, at most %d", requests, most)
	}
	if peak == 0 || peak-before > 16<<20 {
		t.Errorf("%d bytes of memory in use, %d before", peak, before)
	}
	fresh := w.client(t)
	fresh.pass()
	fresh.wantAttachments(data)
}
