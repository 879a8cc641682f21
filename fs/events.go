package fs

import (
	"bytes"
	"encoding/json"
	"io"
	"path"
	"sync"
	"time"

	"mailfs/replica"
)

// .mailfs/events tells what happens to folders and messages, one JSON object per line, for as long as the mount
// lasts. It grows like a log file, so that tail -f can follow it, but only its last part is kept: a reader that comes
// late, or falls behind, gets a line that says so and goes on with what there is.

// eventLine is one line. docs/semantics.md describes it for its readers.
type eventLine struct {
	Seq    uint64 `json:"seq"`
	Time   string `json:"time"`
	Event  string `json:"event"`
	Path   string `json:"path,omitempty"`
	From   string `json:"from,omitempty"`
	Kind   string `json:"kind,omitempty"`
	Item   uint64 `json:"item,omitempty"`
	Origin string `json:"origin,omitempty"`

	Queued  *int `json:"queued,omitempty"`
	Refused *int `json:"refused,omitempty"`
}

const (
	eventRoom = 1 << 20       // bytes of lines that are kept
	eventKeep = eventRoom / 2 // at least, when old ones go
)

// eventLog holds the last lines.
type eventLog struct {
	mu       sync.Mutex
	lines    []byte
	start    int64  // offset of the first byte that is kept
	firstSeq uint64 // of the first line that is kept
	seq      uint64 // of the last line
	at       time.Time

	// Of the notifier's goroutine.
	queued, refused int
	paths           map[replica.Num]string // of folders, as they were seen last
}

func (l *eventLog) add(e eventLine, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	if l.firstSeq == 0 {
		l.firstSeq = 1
	}
	e.Seq, e.Time = l.seq, now.UTC().Format(time.RFC3339Nano)
	line, err := json.Marshal(e)
	if err != nil {
		return // strings and numbers can't fail
	}
	l.lines = append(append(l.lines, line...), '\n')
	l.at = now
	if len(l.lines) > eventRoom {
		cut := len(l.lines) - eventKeep
		cut += bytes.IndexByte(l.lines[cut:], '\n') + 1
		l.firstSeq += uint64(bytes.Count(l.lines[:cut], []byte{'\n'}))
		l.lines = append([]byte(nil), l.lines[cut:]...)
		l.start += int64(cut)
	}
}

// size returns the length of the file, and when it last grew.
func (l *eventLog) size() (int64, time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.start + int64(len(l.lines)), l.at
}

// copyAt copies what is kept from an offset on. If that is gone it copies nothing and returns where to go on, and the
// number of the line there.
func (l *eventLog) copyAt(p []byte, off int64) (n int, first int64, seq uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if off < l.start {
		return 0, l.start, l.firstSeq
	}
	if at := off - l.start; at < int64(len(l.lines)) {
		n = copy(p, l.lines[at:])
	}
	return n, off, 0
}

// eventReader is one open of the file. Who reads on from where the last read ended, or begins at 0, gets line after
// line, whatever has gone meanwhile; any other offset is one of the file.
type eventReader struct {
	log *eventLog

	mu   sync.Mutex
	next int64  // where the next read begins that reads on
	pos  int64  // the offset in the file that this is
	told []byte // rest of the line that says what is gone
}

// ReadAt is that of io.ReaderAt.
func (r *eventReader) ReadAt(p []byte, off int64) (n int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if off != r.next {
		r.pos, r.told = off, nil
	}
	for n < len(p) {
		if len(r.told) > 0 {
			k := copy(p[n:], r.told)
			r.told = r.told[k:]
			n += k
			continue
		}
		k, first, seq := r.log.copyAt(p[n:], r.pos)
		if first > r.pos {
			line, err := json.Marshal(struct {
				Event string `json:"event"`
				Next  uint64 `json:"next"`
			}{"lost", seq})
			if err != nil {
				return n, err
			}
			r.pos, r.told = first, append(line, '\n')
			continue
		}
		if k == 0 {
			break
		}
		r.pos += int64(k)
		n += k
	}
	r.next = off + int64(n)
	if n < len(p) {
		err = io.EOF
	}
	return n, err
}

// Size returns the length of the file.
func (r *eventReader) Size() int64 {
	n, _ := r.log.size()
	return n
}

// Close does nothing.
func (*eventReader) Close() error { return nil }

// note writes the lines of one commit. What is local by nature is nobody's business here.
func (l *eventLog) note(t *tree, batch []replica.Event) {
	now := t.clock.Now()
	queue := false
	_ = t.r.View(func(v *replica.View) error { // it can only fail because the replica is closed
		for _, e := range batch {
			if e.Kind == replica.EventJournal || e.Kind == replica.EventQueue {
				queue = true
				continue
			}
			line := eventLine{Event: eventName(e), Item: uint64(e.Item), Origin: "local"}
			switch {
			case line.Event == "":
				continue
			case e.NodeKind == replica.KindFolder:
				line.Kind = "folder"
			case e.NodeKind == replica.KindMessage:
				line.Kind = "message"
			default:
				continue
			}
			if e.Remote {
				line.Origin = "remote"
			}
			line.Path = path.Join(l.path(v, e.Parent), e.Name)
			if e.Kind == replica.EventMoved {
				line.From = path.Join(l.path(v, e.OldParent), e.OldName)
			}
			l.add(line, now)
		}
		if queue {
			l.noteQueue(v, now)
		}
		return nil
	})
}

func (l *eventLog) noteQueue(v *replica.View, now time.Time) {
	queued, refused, err := v.Pending()
	if err != nil || queued == l.queued && refused == l.refused {
		return
	}
	l.queued, l.refused = queued, refused
	l.add(eventLine{Event: "queue", Queued: &queued, Refused: &refused}, now)
}

func eventName(e replica.Event) string {
	switch e.Kind {
	case replica.EventAdded:
		return "create"
	case replica.EventRemoved:
		return "delete"
	case replica.EventMoved:
		return "rename"
	case replica.EventContent:
		if e.Completed {
			return "complete"
		}
		return "modify"
	case replica.EventAttr:
		return "attrib"
	}
	return ""
}

// path returns the path of a folder, as it was last if the folder is gone.
func (l *eventLog) path(v *replica.View, num replica.Num) string {
	const limit = 1 << 16
	n, err := v.Node(num)
	if err == nil {
		var p string
		if p, err = pathOf(v, n); err == nil {
			if len(l.paths) >= limit {
				clear(l.paths)
			}
			l.paths[num] = p
			return p
		}
	}
	return l.paths[num]
}
