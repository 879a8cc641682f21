package replica

import "fmt"

// schemaVersion is the version of the key spaces and records as a whole.
const schemaVersion = 1

const (
	metaSchema = "schema"
	metaFold   = "fold"
)

// migrations[i] turns version i+1 into i+2, inside one Update.
var migrations = []func(u *Update) error{}

// foldProbe has what fold functions differ in, so that another one is noticed.
const foldProbe = "AzÀÉİıſßẞΣσςǅﬁK\u0301e\u0301é.EML"

// prepare makes a new database, or brings an old one up to date.
func (r *Replica) prepare() error {
	v := &View{r: r, tx: r.db.NewTransactionAt(latest, false)}
	found, err := v.getNumber(metaKey(metaSchema))
	if err == nil {
		err = r.counters.load(v)
	}
	v.tx.Discard()
	switch {
	case err != nil:
		return err
	case found > schemaVersion:
		return fmt.Errorf("%w: schema %d, this program knows %d", ErrSchema, found, schemaVersion)
	case found == 0:
		return r.update(func(u *Update) error { return u.create() })
	}
	for ; found < schemaVersion; found++ {
		err := r.update(func(u *Update) error {
			u.setNumber(metaKey(metaSchema), found+1)
			return migrations[found-1](u)
		})
		if err != nil {
			return fmt.Errorf("replica: migration from schema %d: %w", found, err)
		}
	}
	return r.refold()
}

func (u *Update) create() error {
	u.setNumber(metaKey(metaSchema), schemaVersion)
	u.set(metaKey(metaFold), []byte(u.r.opt.Fold(foldProbe)))
	now := u.r.opt.Now()
	root := &record{Node: Node{Num: RootNum, Kind: KindFolder, Folder: &FolderInfo{}, Mtime: now, Ctime: now, Btime: now, Atime: now}}
	return u.put(nil, root)
}

// refold rebuilds the index of fold keys when the fold function is another one.
func (r *Replica) refold() error {
	return r.update(func(u *Update) error {
		probe, err := u.get(metaKey(metaFold))
		if err != nil || string(probe) == r.opt.Fold(foldProbe) {
			return err
		}
		for p, err := range u.scan([]byte{spaceFold}, nil, false) {
			if err != nil {
				return err
			}
			u.del(p.k)
		}
		for p, err := range u.scan([]byte{spaceDentry}, nil, false) {
			if err != nil {
				return err
			}
			k := u.foldKey(Num(keyHead(p.k)), string(p.k[9:]))
			n, err := u.getNumber(k)
			if err != nil {
				return err
			}
			u.setNumber(k, n+1)
		}
		u.set(metaKey(metaFold), []byte(r.opt.Fold(foldProbe)))
		return nil
	})
}
