package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/dgraph-io/badger/v4"

	"mailfs/mapi"
)

// Items of one folder get contiguous ids, so that the server's sets stay short ([MS-OXCSYNC] 3.1.3.1.1): a folder has a
// stretch of the reserve to itself. Taking a stretch marks it as used and gives it to the folder in one commit, so that
// no id gets lost with a crash; within its stretch a folder goes on from what it used in committed transactions, and in
// this process never back.

// stretchSetting is before the number of a folder; its value is the next id and the end of its stretch.
const stretchSetting = "ids/"

// stretchIDs is the length of a stretch.
const stretchIDs = 64

// TakeIDIn takes the next reserved id for an item of a folder (0 for folders themselves); ErrNotFound when the reserve
// is used up. An id is never handed out twice.
func (u *Update) TakeIDIn(folder Num) (mapi.GlobCnt, error) {
	name := stretchName(folder)
	b, err := u.Setting(name)
	if err != nil {
		return 0, err
	}
	next, end := decodeStretch(b)
	next = u.r.counters.notAgain(next, end)
	if next >= end {
		if next, end, err = u.newStretch(folder); err != nil {
			return 0, err
		}
	}
	u.r.counters.gave(next, end)
	return mapi.GlobCnt(next), u.SetSetting(name, encodeStretch(next+1, end))
}

func stretchName(folder Num) string { return stretchSetting + strconv.FormatUint(uint64(folder), 10) }

func encodeStretch(next, end uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, next), end)
}

func decodeStretch(b []byte) (next, end uint64) {
	if len(b) != 16 {
		return 0, 0
	}
	return binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
}

// notAgain returns the next id of the stretch with that end which was not handed out in this process.
func (c *counters) notAgain(next, end uint64) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(next, c.handed[end])
}

func (c *counters) gave(id, end uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.handed == nil {
		c.handed = map[uint64]uint64{}
	}
	c.handed[end] = id + 1
}

// newStretch gives a folder what is left of the stretch of one that is gone, else a part of the reserve.
func (u *Update) newStretch(folder Num) (next, end uint64, err error) {
	for p, err := range u.scanAll(keyString(spaceSetting, stretchSetting)) {
		if err != nil {
			return 0, 0, err
		}
		name := string(p.k[1:])
		num, err := strconv.ParseUint(strings.TrimPrefix(name, stretchSetting), 10, 64)
		if err != nil || num == 0 || Num(num) == folder {
			continue
		}
		if _, err := u.Node(Num(num)); !errors.Is(err, ErrNotFound) {
			if err != nil {
				return 0, 0, err
			}
			continue
		}
		if err := u.SetSetting(name, nil); err != nil {
			return 0, 0, err
		}
		next, end = decodeStretch([]byte(p.v))
		if next = u.r.counters.notAgain(next, end); next < end {
			return next, end, nil
		}
	}
	for p, err := range u.scanAll([]byte{spaceReserve}) {
		if err != nil {
			return 0, 0, err
		}
		first, count, err := decodeReserve(p)
		if err != nil {
			return 0, 0, err
		}
		next, end, err := u.r.cutStretch(first, count, stretchName(folder))
		if err != nil {
			return 0, 0, err
		}
		if end == uint64(first)+count {
			u.del(p.k)
		}
		if next < end {
			return next, end, nil
		}
	}
	return 0, 0, fmt.Errorf("%w: no reserved id", ErrNotFound)
}

// cutStretch takes a stretch off a range of the reserve and stores it under a name; it is empty when the range is used up.
func (r *Replica) cutStretch(first mapi.GlobCnt, count uint64, name string) (next, end uint64, err error) {
	c := &r.counters
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.ranges[first]
	if l == nil {
		l = &lease{}
		c.ranges[first] = l
	}
	n := min(stretchIDs, count-min(count, l.next))
	next = uint64(first) + l.next
	end = next + n
	if n == 0 {
		return next, end, nil
	}
	upto := max(l.upto, l.next+n)
	_, err = r.commit(func(tx *badger.Txn) error {
		var e enc
		e.uv(upto)
		if err := tx.Set(key(spaceUsed, uint64(first)), e.b); err != nil {
			return err
		}
		return tx.Set(keyString(spaceSetting, name), encodeStretch(next, end))
	})
	if err != nil {
		return 0, 0, err
	}
	l.next, l.upto = l.next+n, upto
	return next, end, nil
}

// dropStretches forgets the stretches of all folders, with the reserve that they are of.
func (u *Update) dropStretches() error {
	for p, err := range u.scan(keyString(spaceSetting, stretchSetting), nil, false) {
		if err != nil {
			return err
		}
		u.del(p.k)
	}
	return nil
}

// givenUpSetting is before a folder's source key and the source key of a message that never came to be in it.
const givenUpSetting = "givenup/"

// giveUp notes the id that a change had, when the change goes and the server has refused it: nothing will ever be there
// under it ([MS-OXCFXICS] 3.3.5.2.1).
func (u *Update) giveUp(c *Change) error {
	if c.SourceKey == "" || c.Fixed && c.Error == nil {
		return nil
	}
	folder := c.Folder
	switch c.Kind {
	case ChangeCreate, ChangeMove:
	case ChangeDelete:
		bin, err := u.BySpecial(SpecialDeletedItems)
		if err != nil {
			return ignoreNotFound(err)
		}
		folder = bin.Num
	default:
		return nil
	}
	f, err := u.Node(folder)
	if err != nil || f.Folder == nil || f.Folder.SourceKey == "" {
		return ignoreNotFound(err)
	}
	return u.SetSetting(givenUpSetting+f.Folder.SourceKey.String()+"/"+c.SourceKey.String(), []byte{1})
}

func ignoreNotFound(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// GivenUp yields the folders and the source keys of messages that never came to be in them, by hexadecimal source
// keys as Settled takes them.
func (v *View) GivenUp() iter.Seq2[[2]string, error] {
	return func(yield func([2]string, error) bool) {
		for p, err := range v.scan(keyString(spaceSetting, givenUpSetting), nil, false) {
			if err != nil {
				yield([2]string{}, err)
				return
			}
			folder, message, _ := strings.Cut(strings.TrimPrefix(string(p.k[1:]), givenUpSetting), "/")
			if !yield([2]string{folder, message}, nil) {
				return
			}
		}
	}
}

// Settled forgets one of GivenUp: the server knows.
func (u *Update) Settled(one [2]string) error {
	return u.SetSetting(givenUpSetting+one[0]+"/"+one[1], nil)
}
