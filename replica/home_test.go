package replica

import "testing"

// A message that the server lost goes on as one that it does not have. When it has one in its place again, that is where
// the message is here then, and not where the lost one was.
func TestHomeOfWhatWasLost(t *testing.T) {
	r := openMemory(t)
	var from, to Num
	update(t, r, func(u *Update) (err error) {
		u.Remote(true)
		if from, err = u.Insert(testFolder(RootNum, "from", 1)); err != nil {
			return err
		}
		to, err = u.Insert(testFolder(RootNum, "to", 2))
		return err
	})
	num := item(t, r, from, 3)
	update(t, r, func(u *Update) error { return u.Move(num, to, "moved.eml") }) // by its user
	update(t, r, func(u *Update) error {
		u.Remote(true)
		if err := u.SetKeys(num, "", "", nil); err != nil {
			return err
		}
		return u.SetKeys(num, sourceKey(4), changeKey(4), nil)
	})
	view(t, r, func(v *View) error {
		home, err := v.Home(num)
		if err == nil && home != to {
			t.Errorf("the server has it in folder %d, it is in %d, and was in %d", home, to, from)
		}
		return err
	})
}
