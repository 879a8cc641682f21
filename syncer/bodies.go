package syncer

import (
	"context"
	"errors"
	"fmt"
	"io"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mime"
	"mailfs/replica"
)

const (
	bodyWindow = 2000     // headers looked at together
	bodyItems  = 100      // messages per request
	bodyBytes  = 8 << 20  // bytes per request, as far as the sizes are known
	blobOver   = 64 << 10 // values larger than this are kept as blobs
)

// want is a message whose body is to be fetched.
type want struct {
	num    replica.Num
	key    mapi.SourceKey
	folder mapi.SourceKey
	size   int64
	newer  bool // than what is here in full
	alone  bool // to be asked for by itself
	clash  bool // it may be a conflict resolve message, though nothing in it says so
}

// decoding returns the options of decoding messages: large values go to blobs as
// they arrive, so that memory does not depend on them.
func (s *Syncer) decoding(ctx context.Context) *fxics.Options {
	return &fxics.Options{
		SpillOver: blobOver,
		Spill: func(_ fxics.LargeValue, r io.Reader) (mapi.Blob, error) {
			id, _, err := s.rep.PutBlob(ctx, r)
			if err != nil {
				return nil, err
			}
			return s.rep.OpenBlob(id)
		},
	}
}

// syncBodies completes the headers that the keep policy asks for, newest first
// ([MS-OXCSYNC] 3.1.5.3.6). With yield it stops when something more urgent waits.
func (s *Syncer) syncBodies(ctx context.Context, l *link, yield bool) error {
	s.setPhase(PhaseBodies)
	tried, err := s.restingBodies()
	if err := errors.Join(err, s.dropPartials(), s.countBodies(tried)); err != nil {
		return err
	}
	for {
		wants, err := s.gatherWants(tried)
		if err != nil || len(wants) == 0 {
			return err
		}
		for _, w := range wants {
			tried[w.num] = true
		}
		if err := s.fetchBodies(ctx, l, chunk(wants)); err != nil {
			return err
		}
		if yield && s.moreUrgent() {
			return nil
		}
	}
}

// errEnough ends an iteration that has what it needs.
var errEnough = errors.New("syncer: enough")

// gatherWants returns the newest headers that the policy wants completed and that
// were not tried in this pass.
func (s *Syncer) gatherWants(tried map[replica.Num]bool) ([]want, error) {
	var out []want
	err := s.rep.View(func(v *replica.View) error {
		out = out[:0]
		return s.eachWant(v, func(w want) error {
			if tried[w.num] {
				return nil
			}
			if out = append(out, w); len(out) == bodyWindow {
				return errEnough
			}
			return nil
		})
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return out, err
}

// countBodies sets what the phase of bodies has before it.
func (s *Syncer) countBodies(resting map[replica.Num]bool) error {
	var total Progress
	err := s.rep.View(func(v *replica.View) error {
		total = Progress{}
		return s.eachWant(v, func(w want) error {
			if resting[w.num] {
				return nil
			}
			total.Total++
			total.TotalBytes += w.size
			return nil
		})
	})
	s.board.update(func(st *Status) { st.Bodies = total })
	return err
}

// eachWant calls f for the headers that the policy wants completed, newest first.
// Where no folder has a policy of its own, the account's tells where to stop.
func (s *Syncer) eachWant(v *replica.View, f func(want) error) error {
	own := false
	err := s.eachFolder(v, func(n *replica.Node) error {
		own = own || n.Folder.Keep != ""
		return nil
	})
	if err != nil || !own && s.cfg.Keep.Headers {
		return err
	}
	folders := map[replica.Num]*replica.Node{}
	now := s.cfg.Now()
	counts, err := v.Counts()
	if err != nil {
		return err
	}
	room := s.cfg.Room - counts.Bytes
	for n, err := range v.Incomplete() {
		if err != nil {
			return err
		}
		if !own && !s.cfg.Keep.wants(n.Message.Delivered, now) {
			return nil
		}
		w, ok, err := s.wantOf(v, n, folders)
		if err != nil {
			return err
		}
		if !ok || !s.keepOf(folders[n.Parent].Folder).wants(n.Message.Delivered, now) {
			continue
		}
		if s.cfg.Room > 0 && folders[n.Parent].Folder.Keep != "all" {
			if room -= w.size; room < 0 {
				continue // has no place here, until somebody opens it
			}
		}
		if err := f(w); err != nil {
			return err
		}
	}
	return nil
}

// wantOf describes how to fetch a message; false for one that can't be fetched or
// is not shown.
func (s *Syncer) wantOf(v *replica.View, n *replica.Node, folders map[replica.Num]*replica.Node) (want, bool, error) {
	f := folders[n.Parent]
	if f == nil && n.Parent != 0 {
		var err error
		if f, err = v.Node(n.Parent); err != nil {
			return want{}, false, err
		}
		folders[n.Parent] = f
	}
	if f == nil || f.Folder == nil || n.Message.FAI || n.Message.ChangeKey == "" {
		return want{}, false, nil
	}
	w := want{num: n.Num, key: n.Message.SourceKey, folder: f.Folder.SourceKey, size: n.Message.ServerSize}
	w.alone = s.suspected(w.key)
	changes, err := v.ChangesOf(n.Num)
	if err != nil {
		return w, false, err
	}
	for _, c := range changes {
		if c.Kind != replica.ChangeMove || c.From == 0 {
			continue
		}
		// moved here, but not there yet
		from, err := v.Node(c.From)
		if err != nil || from.Folder == nil {
			return w, false, nil
		}
		w.folder = from.Folder.SourceKey
		break
	}
	return w, w.folder != "", nil
}

// chunk groups wants by folder, in order of their first one, and cuts the groups
// into requests.
func chunk(wants []want) [][]want {
	group := map[mapi.SourceKey]int{}
	var out [][]want
	sizes := []int64{}
	for _, w := range wants {
		if w.alone {
			out, sizes = append(out, []want{w}), append(sizes, w.size)
			continue
		}
		i, ok := group[w.folder]
		if !ok || len(out[i]) >= bodyItems || sizes[i]+w.size > bodyBytes {
			i = len(out)
			out, sizes = append(out, nil), append(sizes, 0)
			group[w.folder] = i
		}
		out[i] = append(out[i], w)
		sizes[i] += w.size
	}
	return out
}

// body is a complete message that came for a want.
type body struct {
	want want
	msg  *mapi.Message
	size int64 // rendered

	partials []string // keys of the blobs in it that were written as partial ones
}

// fetchBodies fetches and stores the messages of the requests. While one answer is
// decoded the next is on its way, and while one is stored the next is decoded.
func (s *Syncer) fetchBodies(ctx context.Context, l *link, requests [][]want) error {
	if s.cfg.InTurn {
		return s.fetchInTurn(ctx, l, requests)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		bodies []body
		err    error
	}
	results := make(chan result, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(results)
		for _, r := range requests {
			bodies, err := s.readBodies(ctx, l, r)
			select {
			case results <- result{bodies, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	var err error
	for r := range results {
		if err == nil {
			err = s.storeBodies(r.bodies)
		}
		if err == nil {
			err = r.err
		}
		if err != nil {
			cancel()
		}
	}
	<-done
	if err == nil {
		err = ctx.Err()
	}
	return err
}

// fetchInTurn is fetchBodies without anything ahead.
func (s *Syncer) fetchInTurn(ctx context.Context, l *link, requests [][]want) error {
	for _, r := range requests {
		bodies, err := s.readBodies(ctx, l, r)
		if err := errors.Join(s.storeBodies(bodies), err); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// readBodies reads the answer to one request, all of one folder. What came before
// an error is returned with it.
func (s *Syncer) readBodies(ctx context.Context, l *link, wants []want) ([]body, error) {
	out, err := s.readAnswer(ctx, l, wants)
	err = s.bodiesUnreadable(wants, out, err)
	messages := make([]*mapi.Message, len(out))
	for i := range out {
		messages[i] = out[i].msg
	}
	for i := range out {
		if bad := s.markVersions(ctx, l, out[i]); bad != nil {
			return out[:i], errors.Join(err, bad)
		}
	}
	for i, other := range s.addAddresses(ctx, messages...) {
		if !other {
			continue
		}
		size, bad := s.render.size(out[i].msg)
		if bad != nil {
			return out[:i], errors.Join(err, bad)
		}
		out[i].size = size
	}
	return out, err
}

func (s *Syncer) readAnswer(ctx context.Context, l *link, wants []want) ([]body, error) {
	if len(wants) == 1 && wants[0].size > largeOver {
		if bodies, err := s.readLarge(ctx, l, wants[0]); !errors.Is(err, errOdd) {
			return bodies, err
		}
	}
	stream, err := l.openMessages(ctx, wants)
	if code, ok := refusal(err); ok {
		// the folder or all messages are gone; the next pass over it tells
		s.cfg.Logf("bodies: %v", code)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer stream.close()
	byKey := make(map[mapi.SourceKey]want, len(wants))
	for _, w := range wants {
		byKey[w.key] = w
	}
	dec := fxics.NewDecoder(stream, fxics.RootMessageList, s.decoding(ctx))
	var out []body
	var unnamed mapi.ErrorCode // of a message that the server did not name
	for {
		el, err := dec.Next()
		if err == io.EOF {
			return out, s.noteMissing(wants, out, unnamed)
		}
		if err != nil {
			return out, fmt.Errorf("download of messages: %w", err)
		}
		switch e := el.(type) {
		case *fxics.MessageContent:
			key, err := l.identify(ctx, &e.Message)
			if err != nil {
				return out, err
			}
			if key == "" && len(wants) == 1 {
				key = wants[0].key
			}
			w, ok := byKey[key]
			if !ok {
				s.cfg.Logf("bodies: a message that nobody asked for came")
				continue
			}
			mime.DropMadeHTML(&e.Message)
			size, err := s.render.size(&e.Message)
			if err != nil {
				return out, err
			}
			out = append(out, body{want: w, msg: &e.Message, size: size})
		case *fxics.ErrorInfo:
			if isMissing(e.Code) {
				s.cfg.Logf("bodies: a message is gone: %v", e.Code) // the next pass over its folder tells where to
				continue
			}
			if len(wants) > 1 && e.Message.GUID.IsZero() {
				unnamed = e.Code
				continue
			}
			if err := s.noteBody(wants[0].folder, failedOf(e, wants), e.Code); err != nil {
				return out, err
			}
		}
	}
}

// noteMissing sets aside what did not come, if the server could not deliver something and did not say what.
func (s *Syncer) noteMissing(wants []want, got []body, code mapi.ErrorCode) error {
	if code == 0 {
		return nil
	}
	came := make(map[mapi.SourceKey]bool, len(got))
	for _, b := range got {
		came[b.want.key] = true
	}
	for _, w := range wants {
		if came[w.key] {
			continue
		}
		if err := s.noteBody(w.folder, w.key, code); err != nil {
			return err
		}
	}
	return nil
}

// failedOf tells which message could not be delivered: the one that the server names, or the only one that was asked for.
func failedOf(e *fxics.ErrorInfo, wants []want) mapi.SourceKey {
	if len(wants) == 1 {
		return wants[0].key
	}
	return e.Message.SourceKey()
}

// identify tells which message came: by PidTagOriginalEntryId
// ([MS-OXCSYNC] 3.1.5.3.6), else by what other servers send.
//
// QUIRK: gromox 3.10 sends PidTagMid, whether SendEntryId is set or not, and never
// an entry id or source key (captures 06).
func (l *link) identify(ctx context.Context, m *mapi.Message) (mapi.SourceKey, error) {
	if id := m.Properties.Bytes(mapi.PidTagOriginalEntryId); id != nil {
		if key, ok := messageOfEntryID(id); ok {
			return key, nil
		}
	}
	if key := m.Properties.Bytes(mapi.PidTagSourceKey); len(key) > 0 {
		return mapi.SourceKey(key), nil
	}
	if mid, ok := m.Properties.Get(mapi.PidTagMid).(int64); ok {
		id, err := l.longID(ctx, uint64(mid))
		return id.SourceKey(), err
	}
	return "", nil
}

// storeBodies stores complete messages, but not over what has changed meanwhile.
func (s *Syncer) storeBodies(bodies []body) error {
	if len(bodies) == 0 {
		return nil
	}
	var items int
	var bytes int64
	err := s.rep.Update(func(u *replica.Update) error {
		items, bytes = 0, 0
		u.Remote(true)
		for _, b := range bodies {
			stored, err := s.storeBody(u, b)
			if err != nil {
				return err
			}
			for _, key := range b.partials {
				if err := u.DropPartial(key); err != nil {
					return err
				}
			}
			if stored {
				items++
				bytes += b.want.size
			}
		}
		return nil
	})
	if err == nil {
		s.board.update(func(st *Status) { st.Bodies.Done += items; st.Bodies.DoneBytes += bytes })
	}
	return err
}

func (s *Syncer) storeBody(u *replica.Update, b body) (bool, error) {
	n, err := u.Node(b.want.num)
	if errors.Is(err, replica.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if n.Message == nil || n.Message.State != replica.StateHeader {
		return false, nil
	}
	changes, err := u.ChangesOf(n.Num)
	if err != nil {
		return false, err
	}
	p := pendingOf(changes)
	if p.content {
		return false, nil
	}
	if other, err := ofLostVersion(&u.View, n, b); err != nil || other {
		return false, err
	}
	alt, err := s.takeApart(&u.View, n.Parent, n.Message.ChangeKey, b.msg)
	if err != nil {
		return false, err
	}
	msg, size := b.msg, b.size
	if alt != nil && len(alt.versions) > 0 {
		msg = alt.top
		if size, err = s.render.size(msg); err != nil {
			return false, err
		}
	}
	if len(p.props) > 0 {
		m := *msg
		for _, c := range p.props {
			m.Properties = overlay(m.Properties, c)
		}
		msg = &m
	}
	read := n.Message.Read
	info := *n.Message
	fillInfo(&info, msg.Properties)
	n.Message = &info
	n.Message.Read, n.Message.State, n.Message.Renderer = read, replica.StateFull, s.render.version()
	n.Size, n.Exact = size, true
	if err := u.PutContent(n, msg); err != nil || alt == nil {
		return true, err
	}
	return true, s.keepAlternates(u, n.Num, alt)
}

// ofLostVersion reports whether a body may not be that of the version whose keys are here, which the server lost when it was put
// back: what is made of it would pass for a successor of that one.
func ofLostVersion(v *replica.View, n *replica.Node, b body) (bool, error) {
	kind, err := rebuilding(v)
	if err != nil || kind != rebuildServer {
		return false, err
	}
	if key := b.msg.Properties.Bytes(mapi.PidTagChangeKey); len(key) > 0 {
		return mapi.ChangeKey(key) != n.Message.ChangeKey, nil
	}
	t := b.msg.Properties.Time(mapi.PidTagLastModificationTime)
	return t != 0 && t != n.Message.Modified, nil
}

// completeKnown fetches the bodies of those arrivals whose older version is here in
// full, so that they are not without one in between.
func (s *Syncer) completeKnown(ctx context.Context, l *link, f folderRef, batch []arrival) error {
	var wants []want
	at := map[mapi.SourceKey]int{}
	err := s.rep.View(func(v *replica.View) error {
		for i := range batch {
			a := &batch[i]
			n, err := v.BySourceKey(a.key)
			if errors.Is(err, replica.ErrNotFound) {
				n, err = s.formerSelf(v, a)
			}
			if err != nil {
				return err
			}
			if n == nil || n.Message == nil || n.Message.State != replica.StateFull || a.fai || a.full != nil ||
				n.Message.ChangeKey == a.change && n.Message.PCL.Includes(a.pcl) {
				continue
			}
			wants = append(wants, want{num: n.Num, key: a.key, folder: f.key, size: a.size, newer: true})
			at[a.key] = i
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, r := range chunk(wants) {
		bodies, err := s.readBodies(ctx, l, r)
		if err != nil {
			return err
		}
		for _, b := range bodies {
			a := &batch[at[b.want.key]]
			if t := b.msg.Properties.Time(mapi.PidTagLastModificationTime); t != 0 && t != a.modified {
				continue // it has changed again; the next pass brings the newer version
			}
			a.full, a.rendered = b.msg, b.size
		}
	}
	return nil
}
