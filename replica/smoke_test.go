package replica

import (
	"errors"
	"testing"
	"time"
)

func TestOpenTime(t *testing.T) {
	for range 3 {
		start := time.Now()
		r := openDir(t, t.TempDir())
		a := time.Since(start)
		start = time.Now()
		checkClose(t, r)
		t.Log(a, time.Since(start))
		start = time.Now()
		r = openMemory(t)
		a = time.Since(start)
		start = time.Now()
		checkClose(t, r)
		t.Log(a, time.Since(start))
	}
}

func TestSmoke(t *testing.T) {
	dir := t.TempDir()
	r := openDir(t, dir)
	var inbox Num
	update(t, r, func(u *Update) error {
		u.Remote(true)
		var err error
		inbox, err = u.Insert(testFolder(RootNum, "Inbox", 7))
		if err != nil {
			return err
		}
		for i := range 300 {
			n := testMail(inbox, 100+i)
			if _, err := u.Insert(n); err != nil {
				return err
			}
			if err := u.PutContent(n, testMessage(i, 20000)); err != nil {
				return err
			}
		}
		_, err = u.Insert(testMail(inbox, 101))
		if !errors.Is(err, ErrExists) {
			t.Error(err)
		}
		return nil
	})
	checkClose(t, r)
	r = openDir(t, dir)
	view(t, r, func(v *View) error {
		i := 0
		for n, err := range v.Children(inbox, "") {
			if err != nil {
				return err
			}
			m, err := v.Message(n.Num)
			if err != nil {
				return err
			}
			if got := len(m.Properties); got != 2 {
				t.Error(got)
			}
			i++
		}
		if i != 300 {
			t.Error(i)
		}
		return nil
	})
}
