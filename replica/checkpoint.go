package replica

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"iter"

	"mailfs/mapi"
	"mailfs/mapi/idset"
)

const (
	checkpointFormat = 2 // 1 had no checksum
	identityFormat   = 1
	workingFormat    = 1
	metaIdentity     = "identity"
)

// Identity returns the mailbox identity, ErrNotFound before the first log on.
func (v *View) Identity() (Identity, error) {
	var id Identity
	p, err := v.get(metaKey(metaIdentity))
	if err != nil {
		return id, err
	}
	if p == nil {
		return id, fmt.Errorf("%w: identity", ErrNotFound)
	}
	d := &dec{s: string(p)}
	d.format(identityFormat)
	id.MailboxGUID, id.LegacyDN, id.User = d.guid(), d.str(), d.str()
	id.ReplicaGUID, id.Namespace = d.guid(), d.guid()
	return id, d.end()
}

// SetIdentity stores the mailbox identity; ErrMailbox if that of another mailbox is there. The address
// and the replica GUID may change, the mailbox and the namespace may not.
func (u *Update) SetIdentity(id Identity) error {
	old, err := u.Identity()
	if err != nil && !isNotFound(err) {
		return err
	}
	if err == nil && (old.MailboxGUID != id.MailboxGUID || old.Namespace != id.Namespace) {
		return fmt.Errorf("%w: it is that of %s", ErrMailbox, old.User)
	}
	u.putIdentity(id)
	return nil
}

func (u *Update) putIdentity(id Identity) {
	var e enc
	e.u8(identityFormat)
	e.guid(id.MailboxGUID)
	e.str(id.LegacyDN)
	e.str(id.User)
	e.guid(id.ReplicaGUID)
	e.guid(id.Namespace)
	u.set(metaKey(metaIdentity), e.b)
}

// SetNamespace gives the replica another namespace for its change keys, after it was put back to an earlier time: the
// counter of the old one would give numbers again that the server has seen, and what is sent under them would pass for
// something sent before. The present namespace is ErrInvalid.
func (u *Update) SetNamespace(g mapi.GUID) error {
	id, err := u.Identity()
	if err != nil {
		return err
	}
	if g == id.Namespace {
		return fmt.Errorf("%w: %v is the namespace already", ErrInvalid, g)
	}
	id.Namespace = g
	u.putIdentity(id)
	return nil
}

// Checkpoint returns the state of a scope, an empty one if there is none or if it can't be read: a full download makes
// a new one.
func (v *View) Checkpoint(s Scope) (*Checkpoint, error) {
	p, err := v.get(keyString(spaceCheckpoint, string(s)))
	if err != nil {
		return nil, err
	}
	if p == nil {
		return &Checkpoint{}, nil
	}
	c, err := decodeCheckpoint(p)
	if err != nil {
		v.r.opt.Logf("replica: the state of a scope is dropped: %v", err)
		return &Checkpoint{}, nil
	}
	return c, nil
}

// Checkpoints yields the scopes that have a state.
func (v *View) Checkpoints() iter.Seq2[Scope, error] {
	return func(yield func(Scope, error) bool) {
		for p, err := range v.scan([]byte{spaceCheckpoint}, nil, false) {
			if err != nil {
				yield("", err)
				return
			}
			if !yield(Scope(p.k[1:]), nil) {
				return
			}
		}
	}
}

// castagnoli is the table of the checksum behind a checkpoint. A set of change numbers is dense enough that damage makes
// another set of it, and one that is too large hides what changed: nothing else would tell.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func decodeCheckpoint(p []byte) (*Checkpoint, error) {
	if len(p) > 4 && p[0] >= 2 {
		body := p[:len(p)-4]
		if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(p[len(p)-4:]) {
			return nil, fmt.Errorf("%w: the checksum of a checkpoint is wrong", errCorrupt)
		}
		p = body
	}
	d := &dec{s: string(p)}
	d.format(checkpointFormat)
	c := &Checkpoint{At: d.time()}
	given := d.bytes()
	var sets [3]idset.CNSet
	var err error
	for i := range sets {
		raw := d.bytes()
		if d.err != nil {
			break
		}
		if sets[i], err = idset.DecodeCNSet(raw); err != nil {
			return nil, fmt.Errorf("%w: %w", errCorrupt, err)
		}
	}
	c.Seen, c.SeenFAI, c.Read = sets[0], sets[1], sets[2]
	if n := d.count(2); n > 0 {
		c.Hints = make(map[string]int64, n)
		for range n {
			name := d.str()
			c.Hints[name] = d.iv()
		}
	}
	if err := d.end(); err != nil {
		return nil, err
	}
	if c.Given, err = idset.Decode(given); err != nil {
		return nil, fmt.Errorf("%w: %w", errCorrupt, err)
	}
	return c, nil
}

// SetCheckpoint stores the state of a scope.
func (u *Update) SetCheckpoint(s Scope, c *Checkpoint) error {
	if s == "" || len(s) > maxName {
		return fmt.Errorf("%w: scope", ErrInvalid)
	}
	var e enc
	e.u8(checkpointFormat)
	e.time(c.At)
	e.bytes(c.Given.Encode())
	e.bytes(c.Seen.Encode())
	e.bytes(c.SeenFAI.Encode())
	e.bytes(c.Read.Encode())
	sorted(&e, c.Hints, e.iv)
	e.b = binary.LittleEndian.AppendUint32(e.b, crc32.Checksum(e.b, castagnoli))
	u.set(keyString(spaceCheckpoint, string(s)), e.b)
	return u.settleDrift(s)
}

// DropCheckpoint forgets the state of a scope.
func (u *Update) DropCheckpoint(s Scope) error {
	u.del(keyString(spaceCheckpoint, string(s)))
	return u.settleDrift(s)
}

// The settings that hold the mailbox's figures, as decimal bytes; absent where the server tells none.
const (
	SettingQuotaLimit = "quota.limit" // PidTagProhibitSendQuota
	SettingQuotaUsed  = "quota.used"  // PidTagMessageSizeExtended
)

// Setting returns a small value by key (quota figures, renderer version, failures ...), nil if absent.
func (v *View) Setting(key string) ([]byte, error) { return v.get(keyString(spaceSetting, key)) }

// Settings returns the settings whose keys have a prefix.
func (v *View) Settings(prefix string) (map[string][]byte, error) {
	out := map[string][]byte{}
	for p, err := range v.scanAll(keyString(spaceSetting, prefix)) {
		if err != nil {
			return nil, err
		}
		out[string(p.k[1:])] = []byte(p.v)
	}
	return out, nil
}

// SetSetting stores a small value by key; nil removes it.
func (u *Update) SetSetting(key string, value []byte) error {
	if key == "" || len(key) > maxName {
		return fmt.Errorf("%w: setting key", ErrInvalid)
	}
	if value != nil {
		value = append([]byte{}, value...)
	}
	u.w[string(keyString(spaceSetting, key))] = value
	return nil
}

// WorkingCopy returns the durable working copy of a node.
func (v *View) WorkingCopy(n Num) (*WorkingCopy, error) {
	p, err := v.get(key(spaceWorking, uint64(n)))
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, fmt.Errorf("%w: working copy of %d", ErrNotFound, n)
	}
	return decodeWorkingCopy(n, string(p))
}

func decodeWorkingCopy(n Num, p string) (*WorkingCopy, error) {
	d := &dec{s: p}
	d.format(workingFormat)
	w := &WorkingCopy{Item: n, Content: BlobID(d.uv()), Size: d.iv(), Base: decodeBase(d), Closed: d.bool(), At: d.time()}
	return w, d.end()
}

// WorkingCopies yields all of them, for recovery after a crash.
func (v *View) WorkingCopies() iter.Seq2[*WorkingCopy, error] {
	return func(yield func(*WorkingCopy, error) bool) {
		for p, err := range v.scanAll([]byte{spaceWorking}) {
			if err != nil {
				yield(nil, err)
				return
			}
			w, err := decodeWorkingCopy(Num(keyTail(p.k)), p.v)
			if !yield(w, err) || err != nil {
				return
			}
		}
	}
}

// PutWorkingCopy stores a working copy; its blob was stored before. Content 0 is an empty file.
func (u *Update) PutWorkingCopy(w *WorkingCopy) error {
	if _, err := u.load(w.Item); err != nil {
		return err
	}
	var was, is []BlobID
	old, err := u.WorkingCopy(w.Item)
	if err != nil && !isNotFound(err) {
		return err
	}
	if err == nil && old.Content != 0 {
		was = []BlobID{old.Content}
	}
	if w.Content != 0 {
		is = []BlobID{w.Content}
	}
	if err := u.reref(was, is); err != nil {
		return err
	}
	var e enc
	e.u8(workingFormat)
	e.uv(uint64(w.Content))
	e.iv(w.Size)
	encodeBase(&e, &w.Base)
	e.bool(w.Closed)
	e.time(w.At)
	u.set(key(spaceWorking, uint64(w.Item)), e.b)
	return nil
}

// DropWorkingCopy removes it.
func (u *Update) DropWorkingCopy(n Num) error {
	w, err := u.WorkingCopy(n)
	if err != nil {
		return err
	}
	u.del(key(spaceWorking, uint64(n)))
	if w.Content == 0 {
		return nil
	}
	return u.reref([]BlobID{w.Content}, nil)
}

// folderOfScope returns the source key of a contents scope.
func folderOfScope(s Scope) (mapi.SourceKey, bool) {
	const prefix = "contents:"
	if len(s) < len(prefix) || s[:len(prefix)] != prefix {
		return "", false
	}
	return mapi.SourceKey(s[len(prefix):]), true
}
