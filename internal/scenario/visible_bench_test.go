package scenario_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"mailfs/mapi"
)

// BenchmarkVisible measures how long it takes until a program sees in a mount what somebody else did on the server: from the act
// to a call on the mount that shows it. Nothing polls the server; its notifications are all there is.
func BenchmarkVisible(b *testing.B) {
	for name, act := range map[string]func(*watched) func() bool{
		"delivery": (*watched).deliver, "new version": (*watched).edit, "deletion": (*watched).remove,
	} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, 40)
			c := w.client("a")
			c.start("--idle-window", "100ms")
			defer c.stop()
			v := &watched{client: c, dir: filepath.Join(c.mount, "Inbox")}
			for range 50 {
				seen := v.deliver()
				v.until(b, seen)
			}
			var took []time.Duration
			for b.Loop() {
				begin := time.Now()
				v.until(b, act(v))
				took = append(took, time.Since(begin))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-median")
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "ms-95%")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// watched is a folder in which somebody else acts.
type watched struct {
	*client
	dir  string
	mids []mapi.MID
	n    int
}

func (v *watched) until(b *testing.B, seen func() bool) {
	b.Helper()
	for deadline := time.Now().Add(time.Minute); !seen(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatal("it never shows")
		}
	}
}

// find returns the file whose name has a text in it, "" for none.
func (v *watched) find(text string) string {
	list, err := filepath.Glob(filepath.Join(v.dir, "*"+text+"*"))
	if err != nil || len(list) == 0 {
		return ""
	}
	return list[0]
}

func (v *watched) subject() string { return fmt.Sprintf("act %d.", v.n) }

func (v *watched) deliver() func() bool {
	v.n++
	v.mids = append(v.mids, v.world.deliver([]string{"Inbox"}, []byte(letter(v.subject(), "first"))))
	want := v.subject()
	return func() bool { return v.find(want) != "" }
}

func (v *watched) edit() func() bool {
	v.n++
	text := fmt.Sprintf("version %d", v.n)
	must(v.t, v.box.Edit(v.mids[0], func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, text) }))
	return func() bool {
		data, err := os.ReadFile(v.find("act 1."))
		return err == nil && bytes.Contains(data, []byte(text))
	}
}

func (v *watched) remove() func() bool {
	if len(v.mids) < 2 { // more to remove, outside of what is measured
		return func() bool { return true }
	}
	last := v.mids[len(v.mids)-1]
	v.mids = v.mids[:len(v.mids)-1]
	list, err := os.ReadDir(v.dir)
	must(v.t, err)
	before := len(list)
	must(v.t, v.box.Delete(last, true))
	return func() bool {
		list, err := os.ReadDir(v.dir)
		return err == nil && len(list) < before
	}
}
