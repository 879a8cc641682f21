package replica

import "mailfs/mapi"

// A folder's checkpoint and the messages that are here can part for a while: an
// acknowledged upload puts a message where the checkpoint does not tell of it yet.
// Such a difference is written down until the next checkpoint of the folder, so that
// Check can tell it from one that should not be.

// membership is a message as part of what the server has in a folder.
type membership struct {
	folder Num
	key    mapi.SourceKey
}

// member returns where the server has a message; the zero value if nowhere.
func (r *record) member() membership {
	if r == nil || r.Message == nil || r.home == 0 || r.Message.ChangeKey == "" {
		return membership{}
	}
	return membership{r.home, r.Message.SourceKey}
}

func driftKey(m membership) []byte { return keyName(spaceDrift, uint64(m.folder), string(m.key)) }

// drifts notes a change of membership.
func (u *Update) drifts(old, r *record) {
	was, is := old.member(), r.member()
	if was == is {
		return
	}
	for _, m := range []membership{was, is} {
		if m.folder != 0 {
			u.drift = append(u.drift, m)
		}
	}
}

// settleDrift forgets the differences of a folder whose checkpoint is new.
func (u *Update) settleDrift(s Scope) error {
	sk, ok := folderOfScope(s)
	if !ok {
		return nil
	}
	n, err := u.getNumber(keyString(spaceSource, string(sk)))
	if err != nil || n == 0 {
		return err
	}
	u.settled[Num(n)] = true
	return u.clearDrift(Num(n))
}

func (u *Update) clearDrift(folder Num) error {
	for p, err := range u.scan(key(spaceDrift, uint64(folder)), nil, false) {
		if err != nil {
			return err
		}
		u.del(p.k)
	}
	return nil
}

// saveDrift stores the differences that no checkpoint of this transaction covers.
func (u *Update) saveDrift() error {
	for _, m := range u.drift {
		if u.settled[m.folder] {
			continue
		}
		there, err := u.has(key(spacePlace, uint64(m.folder)))
		if err != nil {
			return err
		}
		if there {
			u.set(driftKey(m), []byte{1})
		}
	}
	return nil
}
