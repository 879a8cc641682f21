package syncer_test

import (
	"bytes"
	"testing"
	"time"

	"mailfs/internal/sample"
	"mailfs/mime"
	"mailfs/replica"
)

// BenchmarkFirstPass measures the way of a large mailbox into an empty replica.
func BenchmarkFirstPass(b *testing.B) {
	const n, size = 10_000, 20 << 10
	w := newMemWorld(b)
	total := 0
	for _, msg := range sample.Large(1, n, size, time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)) {
		m, err := mime.Parse(bytes.NewReader(msg.Data), mime.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := w.box.Deliver(w.box.CreateFolder(msg.Folder...), m); err != nil {
			b.Fatal(err)
		}
		total += len(msg.Data)
	}
	b.SetBytes(int64(total))
	for b.Loop() {
		c := w.client(b)
		w.srv.ResetStats()
		start := time.Now()
		c.pass()
		st := w.srv.Stats()
		b.ReportMetric(float64(st.Requests), "requests")
		b.ReportMetric(float64(st.StreamBytes)/1e6, "MB/stream")
		b.ReportMetric(time.Since(start).Seconds(), "s/pass")
		c.view(func(v *replica.View) error {
			counts, err := v.Counts()
			if counts.Full != n {
				b.Fatalf("%d of %d messages are complete", counts.Full, n)
			}
			return err
		})
	}
}
