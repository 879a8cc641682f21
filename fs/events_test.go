package fs

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"mailfs/replica"
)

type eventSeen struct {
	Seq, Next, Item                 uint64
	Event, Path, From, Kind, Origin string
	Queued, Refused                 *int
	Time                            time.Time
}

func parseEvents(t *testing.T, text string) (out []eventSeen) {
	t.Helper()
	for line := range strings.Lines(text) {
		var e eventSeen
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		out = append(out, e)
	}
	return out
}

func readAll(t *testing.T, r io.ReaderAt) string {
	t.Helper()
	p, err := io.ReadAll(io.NewSectionReader(r, 0, 1<<30))
	if err != nil {
		t.Fatal(err)
	}
	return string(p)
}

// The file takes no more than its room, whatever happens; who reads late or falls behind is told, and gets whole lines.
func TestEventLog(t *testing.T) {
	l := &eventLog{paths: map[replica.Num]string{}}
	add := func(n int) {
		for range n {
			l.add(eventLine{Event: "create", Path: "Inbox/" + strings.Repeat("x", 80)}, time.Unix(1, 0))
		}
	}
	add(10)
	early, slow := &eventReader{log: l}, &eventReader{log: l}
	list := parseEvents(t, readAll(t, early))
	if len(list) != 10 || list[0].Seq != 1 || list[9].Seq != 10 {
		t.Fatalf("%d lines: %+v", len(list), list)
	}
	at := early.next
	part := make([]byte, 100) // in the middle of a line
	if n, err := slow.ReadAt(part, 0); n != 100 || err != nil {
		t.Fatal(n, err)
	}

	add(100_000)
	if len(l.lines) > eventRoom || cap(l.lines) > 2*eventRoom+1024 {
		t.Fatalf("%d bytes are kept", len(l.lines))
	}
	size, _ := l.size()
	if size < 100_000*100 {
		t.Fatalf("the file has %d bytes", size)
	}
	for name, r := range map[string]struct {
		*eventReader
		off int64
	}{"early": {early, at}, "slow": {slow, 100}, "late": {&eventReader{log: l}, 0}, "seek": {&eventReader{log: l}, 5000}} {
		p, err := io.ReadAll(io.NewSectionReader(r, r.off, 1<<30))
		if err != nil {
			t.Fatal(err)
		}
		text := string(p)
		got := parseEvents(t, text)
		if got[0].Event != "lost" || got[0].Next != got[1].Seq || got[len(got)-1].Seq != 100_010 {
			t.Errorf("%s: %+v ... %+v", name, got[:2], got[len(got)-1])
		}
		for i := 2; i < len(got); i++ {
			if got[i].Seq != got[i-1].Seq+1 {
				t.Fatalf("%s: %d follows %d", name, got[i].Seq, got[i-1].Seq)
			}
		}
		add(1)
		n, err := r.ReadAt(make([]byte, 4096), r.off+int64(len(p)))
		if err != io.EOF || n == 0 || n > 300 {
			t.Errorf("%s: then %d bytes, %v", name, n, err)
		}
		l.seq-- // as before for the next one
		cut := len(l.lines) - n
		l.lines = l.lines[:cut]
	}
}

// What happens on both sides is told, and tail -f follows it.
func TestEventsFile(t *testing.T) {
	m := start(t, childConfig{RealTime: true})
	tail := tool(t, "tail")
	cmd := execCommand(tail, "-n", "+1", "-f", m.path(".mailfs/events"))
	lines := linesOf(t, cmd)
	until := func(what string, ok func(e eventSeen) bool) {
		t.Helper()
		for lines.Scan() {
			if ok(parseEvents(t, lines.Text())[0]) {
				return
			}
		}
		t.Fatalf("tail ended before %s", what)
	}
	num := uint64(m.do("deliver", "Inbox/b.eml", note("two", "new"), 0).N)
	until("new mail", func(e eventSeen) bool {
		return e.Event == "create" && e.Path == "Inbox/b.eml" && e.Kind == "message" && e.Origin == "remote" && e.Item == num && !e.Time.IsZero()
	})
	m.do("rename", "Inbox/b.eml", "Archive/b.eml", 0)
	until("a move", func(e eventSeen) bool {
		return e.Event == "rename" && e.Path == "Archive/b.eml" && e.From == "Inbox/b.eml" && e.Item == num
	})
	m.do("edit", "Archive/b.eml", note("two", "theirs"), 0)
	until("an edit", func(e eventSeen) bool {
		return e.Event == "modify" && e.Path == "Archive/b.eml" && e.Origin == "remote"
	})
	m.do("remove", "Archive/b.eml", "", 0)
	until("a deletion", func(e eventSeen) bool { return e.Event == "delete" && e.Path == "Archive/b.eml" })
	if err := os.Mkdir(m.path("Mine"), 0o700); err != nil {
		t.Fatal(err)
	}
	until("a folder made here", func(e eventSeen) bool {
		return e.Event == "create" && e.Path == "Mine" && e.Kind == "folder" && e.Origin == "local"
	})
	until("the queue", func(e eventSeen) bool { return e.Event == "queue" && *e.Queued == 1 && *e.Refused == 0 })

	// cat ends, and a reader of the last lines gets just these.
	all := parseEvents(t, m.read(".mailfs/events"))
	last, err := command(t, tail, "-n", "2", m.path(".mailfs/events"))
	if err != nil {
		t.Fatal(err)
	}
	if got := parseEvents(t, last); len(got) != 2 || fmt.Sprint(got[1].Seq, got[0].Seq) != fmt.Sprint(all[len(all)-1].Seq, all[len(all)-2].Seq) {
		t.Errorf("tail -n 2 prints %q", last)
	}
	if err := os.WriteFile(m.path(".mailfs/events"), nil, 0o600); err == nil {
		t.Error("the file could be written to")
	}
}
