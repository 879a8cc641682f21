package syncer

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/replica"
)

// Failure is an item that the server could not deliver ([MS-OXCSYNC] 3.1.5.3.3). It is set aside: the rest of its folder
// arrives, and it is asked for again from time to time.
type Failure struct {
	Folder  string    `json:"folder"`            // source key, hexadecimal
	Message string    `json:"message,omitempty"` // source key, hexadecimal; empty for a folder
	Body    bool      `json:"body,omitempty"`    // the header is here, the rest could not be had
	Was     string    `json:"was,omitempty"`     // ChangeKey of the version that is here, hexadecimal
	Code    uint32    `json:"code"`
	Reason  string    `json:"reason"`
	At      time.Time `json:"at"`   // first
	Last    time.Time `json:"last"` // time of the last try
	Tries   int       `json:"tries"`
}

// retryAfter is the time from each try to the next; the last one counts for all later ones.
var retryAfter = []time.Duration{time.Hour, 6 * time.Hour, 24 * time.Hour}

// retryFolderAfter is the same for a whole folder: it may hide much, and what keeps a server from giving it is often over soon.
var retryFolderAfter = []time.Duration{5 * time.Second, time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour}

// Next is when the item is asked for again.
func (f *Failure) Next() time.Time {
	last := f.Last
	if last.IsZero() {
		last = f.At
	}
	after := retryAfter
	if f.Message == "" {
		after = retryFolderAfter
	}
	return last.Add(after[min(max(f.Tries-1, 0), len(after)-1)])
}

// nextFolder returns when a folder is to be asked for again; ok is false if there is none.
func (s *Syncer) nextFolder() (at time.Time, ok bool, err error) {
	list, err := s.Failures()
	now := s.cfg.Now()
	for i := range list {
		if f := &list[i]; f.Message == "" && f.Next().After(now) && (!ok || f.Next().Before(at)) {
			at, ok = f.Next(), true
		}
	}
	return at, ok, err
}

// unnamed reports whether the server did not tell which message it was: such a one can't be asked for.
func (f *Failure) unnamed() bool {
	id, ok := f.messageKey().LongTermID()
	return ok && id.GUID.IsZero()
}

// forgetAfter is how long a failure is shown of which nothing more can be learned.
const forgetAfter = 7 * 24 * time.Hour

func (f *Failure) folderKey() mapi.SourceKey  { return keyOfText(f.Folder) }
func (f *Failure) messageKey() mapi.SourceKey { return keyOfText(f.Message) }

func keyOfText(text string) mapi.SourceKey {
	b, err := hex.DecodeString(text)
	if err != nil {
		return ""
	}
	return mapi.SourceKey(b)
}

// Failures returns the items that the server could not deliver.
func (s *Syncer) Failures() (out []Failure, err error) {
	err = s.rep.View(func(v *replica.View) error {
		out, err = failures(v)
		return err
	})
	return out, err
}

func failures(v *replica.View) (out []Failure, err error) {
	b, err := v.Setting(settingFailures)
	if err != nil || b == nil {
		return nil, err
	}
	return out, json.Unmarshal(b, &out)
}

func setFailures(u *replica.Update, list []Failure) error {
	if len(list) == 0 {
		return u.SetSetting(settingFailures, nil)
	}
	b, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return u.SetSetting(settingFailures, b)
}

// noteFailure sets aside an item that the server could not deliver, or counts one more try.
func (s *Syncer) noteFailure(folder, message mapi.SourceKey, code mapi.ErrorCode) error {
	return s.note(Failure{Folder: folder.String(), Message: message.String(), Code: uint32(code), Reason: code.Error()})
}

// noteBody sets aside a message of which only the header could be delivered.
func (s *Syncer) noteBody(folder, message mapi.SourceKey, code mapi.ErrorCode) error {
	return s.note(Failure{Folder: folder.String(), Message: message.String(), Body: true, Code: uint32(code), Reason: code.Error()})
}

// failedMessage tells which message of a contents download could not be delivered, zero if the server does not tell.
func failedMessage(e *fxics.ErrorInfo) mapi.LongTermID {
	if m, ok := e.Interrupted.(*fxics.MessageChange); ok && e.Message.GUID.IsZero() {
		id, _ := m.SourceKey().LongTermID()
		return id
	}
	return e.Message
}

func (s *Syncer) note(f Failure) error {
	s.cfg.Logf("the server could not deliver an item: %s", f.Reason)
	f.At = s.cfg.Now()
	f.Last, f.Tries = f.At, 1
	return s.rep.Update(func(u *replica.Update) error {
		list, err := failures(&u.View)
		if err != nil {
			return err
		}
		if n, err := u.BySourceKey(f.messageKey()); err == nil && n.Message != nil && !f.Body {
			f.Was = n.Message.ChangeKey.String()
		}
		for i := range list {
			if old := &list[i]; old.Folder == f.Folder && old.Message == f.Message {
				f.At, f.Tries, f.Body = old.At, old.Tries+1, f.Body && old.Body
				*old = f
				return setFailures(u, list)
			}
		}
		return setFailures(u, append(list, f))
	})
}

// resting returns the keys of the folders and messages that are not to be asked for now.
func (s *Syncer) resting() (map[mapi.SourceKey]bool, error) {
	list, err := s.Failures()
	if err != nil || len(list) == 0 {
		return nil, err
	}
	out := map[mapi.SourceKey]bool{}
	now := s.cfg.Now()
	for i := range list {
		f := &list[i]
		if !f.Next().After(now) {
			continue
		}
		if f.Message != "" {
			out[f.messageKey()] = true
		} else {
			out[f.folderKey()] = true
		}
	}
	return out, nil
}

// withoutResting leaves out the folders that the server could not deliver lately.
func (s *Syncer) withoutResting(due []folderRef) ([]folderRef, error) {
	rest, err := s.resting()
	if err != nil || len(rest) == 0 {
		return due, err
	}
	return slices.DeleteFunc(due, func(f folderRef) bool { return rest[f.key] }), nil
}

// restingBodies returns the messages whose bodies the server could not deliver lately.
func (s *Syncer) restingBodies() (map[replica.Num]bool, error) {
	out := map[replica.Num]bool{}
	rest, err := s.resting()
	if err != nil || len(rest) == 0 {
		return out, err
	}
	err = s.rep.View(func(v *replica.View) error {
		for key := range rest {
			n, err := v.BySourceKey(key)
			if err == nil {
				out[n.Num] = true
			} else if ignoreMissing(err) != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// reviewFailures strikes what has arrived or is gone, and asks again for what was set aside long enough ago.
func (s *Syncer) reviewFailures(ctx context.Context, l *link) error {
	list, err := s.Failures()
	if err == nil && len(list) > 0 {
		err = s.askAgain(ctx, l, list)
	}
	if err != nil {
		return err
	}
	now := s.cfg.Now()
	return s.strike(func(u *replica.Update, f *Failure) (bool, error) {
		if f.unnamed() {
			return now.Sub(f.Last) > forgetAfter, nil
		}
		return arrived(&u.View, f)
	})
}

// strike takes failures off the list.
func (s *Syncer) strike(over func(u *replica.Update, f *Failure) (bool, error)) error {
	list, err := s.Failures()
	if err != nil || len(list) == 0 {
		return err
	}
	return s.rep.Update(func(u *replica.Update) error {
		list, err := failures(&u.View)
		if err != nil {
			return err
		}
		keep := list[:0]
		for i := range list {
			gone, err := over(u, &list[i])
			if err != nil {
				return err
			}
			if !gone {
				keep = append(keep, list[i])
			}
		}
		return setFailures(u, keep)
	})
}

// arrived reports whether what could not be delivered is here now.
func arrived(v *replica.View, f *Failure) (bool, error) {
	key := f.messageKey()
	if f.Message == "" {
		key = f.folderKey()
	}
	n, err := v.BySourceKey(key)
	if err != nil {
		return false, ignoreMissing(err)
	}
	if f.Message != "" {
		return n.Message != nil && (!f.Body || n.Message.State == replica.StateFull) && (f.Was == "" || n.Message.ChangeKey.String() != f.Was), nil
	}
	cp, err := v.Checkpoint(replica.ContentsScope(key))
	if err != nil {
		return false, ignoreMissing(err)
	}
	return cp.At.After(f.Last), nil
}

// askAgain fetches messages whole whose headers could not be delivered, if it is time to.
func (s *Syncer) askAgain(ctx context.Context, l *link, list []Failure) error {
	now := s.cfg.Now()
	for i := range list {
		f := &list[i]
		if f.Message == "" || f.Body || f.unnamed() || f.Next().After(now) {
			continue
		}
		if here, err := s.hasArrived(f); err != nil || here {
			if err != nil {
				return err
			}
			continue
		}
		if err := s.askOne(ctx, l, f); err != nil {
			return err
		}
	}
	return nil
}

func (s *Syncer) hasArrived(f *Failure) (here bool, err error) {
	err = s.rep.View(func(v *replica.View) error {
		here, err = arrived(v, f)
		return err
	})
	return here, err
}

// askOne fetches one message. It is forgotten when the server has it no more; a new failure counts as one more try.
func (s *Syncer) askOne(ctx context.Context, l *link, f *Failure) error {
	folder, key := f.folderKey(), f.messageKey()
	k, found, err := l.lookUp(ctx, folder, key)
	_, refused := refusal(err)
	switch {
	case refused:
		return s.note(*f)
	case err != nil:
		return err
	case !found:
		return s.strike(func(_ *replica.Update, g *Failure) (bool, error) { return g.Message == f.Message, nil })
	}
	got, err := s.readBodies(ctx, l, []want{{key: key, folder: folder}})
	if err != nil {
		return err
	}
	if len(got) == 0 || k.cn.GUID.IsZero() {
		return s.countTry(f)
	}
	m := got[0].msg
	if t := m.Properties.Time(mapi.PidTagLastModificationTime); t != 0 && t != k.modified {
		return nil // it has changed meanwhile, and comes with the next download
	}
	id, _ := key.LongTermID()
	a := arrival{key: key, change: k.change, pcl: k.pcl, id: id, cn: k.cn, modified: k.modified, header: m.Properties,
		full: m, rendered: got[0].size, size: m.Properties.Int(mapi.PidTagMessageSize), fai: m.Properties.Bool(mapi.PidTagAssociated)}
	if a.size == 0 {
		a.size = a.rendered
	}
	return s.takeLate(folder, &a)
}

// countTry counts a try that brought nothing, unless that was noted already.
func (s *Syncer) countTry(f *Failure) error {
	list, err := s.Failures()
	if err != nil {
		return err
	}
	for _, g := range list {
		if g.Message == f.Message && g.Tries > f.Tries {
			return nil
		}
	}
	return s.note(*f)
}

// takeLate stores a message that could be had after all.
func (s *Syncer) takeLate(folder mapi.SourceKey, a *arrival) error {
	return s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		n, err := u.BySourceKey(folder)
		if err != nil {
			return ignoreMissing(err)
		}
		kind, err := rebuilding(&u.View)
		if err != nil {
			return err
		}
		if f, err := s.applyMessage(u, n.Num, a, kind); err != nil || f == setAside {
			return err
		}
		return withCheckpoint(u, replica.ContentsScope(folder), func(cp *replica.Checkpoint) {
			cp.Given.Add(a.id)
			if a.fai {
				cp.SeenFAI.Add(a.cn)
			} else {
				cp.Seen.Add(a.cn)
			}
		})
	})
}
