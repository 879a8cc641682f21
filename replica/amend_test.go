package replica_test

import (
	"testing"

	"mailfs/mapi"
	"mailfs/replica"
)

// TestAmend: the properties change, the version does not, and the base stays.
func TestAmend(t *testing.T) {
	r, err := replica.Open(replica.Options{Dir: t.TempDir(), Small: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var num replica.Num
	message := func(flag int32) *mapi.Message {
		m := &mapi.Message{}
		m.Properties.Set(mapi.PidTagSubject, "hello")
		m.Properties.Set(mapi.PidTagFlagStatus, flag)
		return m
	}
	update(t, r, func(u *replica.Update) error {
		u.Remote(true)
		n := &replica.Node{Parent: replica.RootNum, Name: "a.eml", Kind: replica.KindMessage,
			Message: &replica.MessageInfo{SourceKey: "sk", ChangeKey: "ck", State: replica.StateFull}}
		var err error
		if num, err = u.Insert(n); err != nil {
			return err
		}
		n.Num = num
		return u.PutContent(n, message(0))
	})
	var before *replica.Node
	update(t, r, func(u *replica.Update) error {
		n, err := u.Node(num)
		if err != nil {
			return err
		}
		before = n
		return u.Amend(n, message(2))
	})
	err = r.View(func(v *replica.View) error {
		n, err := v.Node(num)
		if err != nil {
			return err
		}
		m, err := v.Message(num)
		if err != nil {
			return err
		}
		if n.Version != before.Version || n.Gen != before.Gen || m.Properties.Int(mapi.PidTagFlagStatus) != 2 {
			t.Errorf("version %d, generation %d, flag %d", n.Version, n.Gen, m.Properties.Int(mapi.PidTagFlagStatus))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if bad, err := r.Check(); err != nil || len(bad) > 0 {
		t.Fatal(bad, err)
	}
}

func update(t *testing.T, r *replica.Replica, f func(u *replica.Update) error) {
	t.Helper()
	if err := r.Update(f); err != nil {
		t.Fatal(err)
	}
}
