package replica

// Counts is a summary of the replica.
type Counts struct {
	Folders   int   // shown or hidden, the root included
	Messages  int   // in the tree; hidden ones (FAI) do not count
	Full      int   // messages of StateFull
	Queued    int   // changes in the journal
	Errors    int   // items with an Error
	Conflicts int   // messages in conflict
	Overlay   int   // local files, directories and links
	Bytes     int64 // sizes of what is here in full, overlay included
}

// totals are kept up to date by every Update, so that status costs one read.
type totals struct {
	Counts
	refused int
}

func metaKey(name string) []byte { return keyString(spaceMeta, name) }

const metaTotals = "totals"

func (t *totals) fields() []*int {
	return []*int{&t.Folders, &t.Messages, &t.Full, &t.Queued, &t.Errors, &t.Conflicts, &t.Overlay, &t.refused}
}

func (v *View) readTotals() (totals, error) {
	var t totals
	p, err := v.get(metaKey(metaTotals))
	if p == nil || err != nil {
		return t, err
	}
	d := dec{s: string(p)}
	for _, f := range t.fields() {
		*f = int(d.iv())
	}
	t.Bytes = d.iv()
	return t, d.end()
}

// Counts returns messages per state and folders, for status.
func (v *View) Counts() (Counts, error) {
	t, err := v.readTotals()
	return t.Counts, err
}

// changing returns the totals for an update in place.
func (u *Update) changing() (*totals, error) {
	if u.totals == nil {
		t, err := u.readTotals()
		if err != nil {
			return nil, err
		}
		u.totals = &t
	}
	return u.totals, nil
}

func (u *Update) saveTotals() {
	if u.totals == nil {
		return
	}
	var e enc
	for _, f := range u.totals.fields() {
		e.iv(int64(*f))
	}
	e.iv(u.totals.Bytes)
	u.set(metaKey(metaTotals), e.b)
}

// share adds what a node contributes, or takes it out.
func (t *totals) share(r *record, by int) {
	if r == nil || r.hidden() || r.Parent == 0 && r.Num != RootNum {
		return
	}
	full := false
	switch r.Kind {
	case KindFolder:
		t.Folders += by
		if r.Folder.Error != nil {
			t.Errors += by
		}
	case KindMessage:
		t.Messages += by
		full = r.Message.State == StateFull
		if full {
			t.Full += by
		}
		if r.Message.Error != nil {
			t.Errors += by
		}
		if r.Message.Conflict {
			t.Conflicts += by
		}
	default:
		full = true
		t.Overlay += by
	}
	if full {
		t.Bytes += int64(by) * r.Size
	}
}

func (u *Update) count(old, r *record) error {
	t, err := u.changing()
	if err != nil {
		return err
	}
	t.share(old, -1)
	t.share(r, +1)
	return nil
}

// tally counts a change of the journal in, out, or over.
func (u *Update) tally(old, c *Change) error {
	t, err := u.changing()
	if err != nil {
		return err
	}
	t.queue(old, -1)
	t.queue(c, +1)
	return nil
}

func (t *totals) queue(c *Change, by int) {
	if c == nil {
		return
	}
	t.Queued += by
	if c.Error != nil {
		t.refused += by
	}
}
