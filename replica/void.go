package replica

import (
	"encoding/binary"
	"strconv"

	"mailfs/mapi"
)

// A server that was put back to an earlier time gives change numbers again that it gave to what it lost. What programs have opened,
// or written without saving it yet, names such numbers as what it builds on.

// settingVoid, with the number of an item behind it, is a version and its change key: bases of that version under that key, and of
// all versions before it, are void.
const settingVoid = "replica.void."

func voidOf(n Num) string { return settingVoid + strconv.FormatUint(uint64(n), 10) }

// VoidBases says that the server may give the keys that an item had in a version, and in those before it, to something else.
// What is enqueued from now on and was made from one of them goes up as what knows no version.
func (u *Update) VoidBases(item Num, version uint64, key mapi.ChangeKey) error {
	return u.SetSetting(voidOf(item), append(binary.BigEndian.AppendUint64(nil, version), key...))
}

// LostVersion returns the last version of an item that VoidBases was told of, 0 if there is none.
func (v *View) LostVersion(item Num) (uint64, error) {
	p, err := v.Setting(voidOf(item))
	if err != nil || len(p) < 8 {
		return 0, err
	}
	return binary.BigEndian.Uint64(p), nil
}

// validBase returns a base of an item without keys that are void.
func (u *Update) validBase(item Num, b Base) (Base, error) {
	if b.ChangeKey == "" && len(b.PCL) == 0 {
		return b, nil
	}
	p, err := u.Setting(voidOf(item))
	if err != nil || len(p) < 8 {
		return b, err
	}
	last := binary.BigEndian.Uint64(p)
	if b.Version > last || b.Version == last && b.ChangeKey != mapi.ChangeKey(p[8:]) {
		return b, nil
	}
	return Base{Version: b.Version}, nil
}

// bequeathVoid keeps what VoidBases said for a node that takes the place of another.
func (u *Update) bequeathVoid(heir, old Num) error {
	p, err := u.Setting(voidOf(old))
	if err != nil || p == nil {
		return err
	}
	if err := u.SetSetting(voidOf(old), nil); err != nil {
		return err
	}
	return u.SetSetting(voidOf(heir), p)
}

// forgetVoid drops it with the node.
func (u *Update) forgetVoid(n Num) error {
	p, err := u.Setting(voidOf(n))
	if err != nil || p == nil {
		return err
	}
	return u.SetSetting(voidOf(n), nil)
}
