package replica

import (
	"errors"
	"testing"
)

// TestSupplant: a save by rename. The file gets the identity of the message, with its
// queue and its base, and the name keeps the file's number.
func TestSupplant(t *testing.T) {
	for _, detached := range []bool{false, true} {
		r := openDir(t, t.TempDir())
		inbox := inboxOf(t, r)
		old := item(t, r, inbox, 35)
		exact := putBlob(t, r, 500)
		var heir Num
		update(t, r, func(u *Update) (err error) {
			if err := edit(u, old, 10); err != nil {
				return err
			}
			if _, err := u.Enqueue(&Change{Kind: ChangeEdit, Item: old}); err != nil {
				return err
			}
			if heir, err = u.Insert(&Node{Parent: inbox, Name: "new.eml", Kind: KindFile, Content: exact, Size: 500}); err != nil {
				return err
			}
			if detached {
				return u.Detach(old)
			}
			return nil
		})
		update(t, r, func(u *Update) error {
			if err := u.Supplant(old, heir); !errors.Is(err, ErrInvalid) {
				t.Error(err)
			}
			if err := u.Supplant(heir, old); err != nil {
				return err
			}
			n, err := u.Node(heir)
			if err != nil {
				return err
			}
			if n.Kind != KindMessage || n.Name != "new.eml" || n.Content != exact || n.Size != 500 || n.Message.SourceKey != sourceKey(35) {
				t.Errorf("%+v", n)
			}
			return u.PutContent(n, tokenMessage(15))
		})
		if content, base := tokens(t, r, heir); content != 15 || base != 35 {
			t.Error(content, base)
		}
		if k := kinds(t, r, heir); len(k) != 1 || k[0] != ChangeEdit {
			t.Error(k)
		}
		view(t, r, func(v *View) error {
			if n, err := v.BySourceKey(sourceKey(35)); err != nil || n.Num != heir {
				t.Error(n, err)
			}
			left, err := v.Node(old)
			if detached {
				if !errors.Is(err, ErrNotFound) {
					t.Error(left, err)
				}
				return nil
			}
			if err != nil || left.Kind != KindFile || left.Message != nil || left.Size != 0 || left.Parent != inbox {
				t.Errorf("%+v, %v", left, err)
			}
			return nil
		})
		checkClose(t, r)
	}
}

// TestPromotion: a local file becomes a message, a local directory a folder.
func TestPromotion(t *testing.T) {
	r := openMemory(t)
	update(t, r, func(u *Update) error {
		n := &Node{Parent: RootNum, Name: "draft.eml", Kind: KindFile}
		if _, err := u.Insert(n); err != nil {
			return err
		}
		n.Kind, n.Message = KindMessage, &MessageInfo{State: StateFull}
		if err := u.PutContent(n, tokenMessage(3)); err != nil {
			return err
		}
		d := &Node{Parent: RootNum, Name: "new", Kind: KindDir}
		if _, err := u.Insert(d); err != nil {
			return err
		}
		d.Kind, d.Folder = KindFolder, &FolderInfo{DisplayName: "new"}
		if err := u.Save(d); err != nil {
			return err
		}
		d.Kind = KindSymlink
		d.Folder = nil
		if err := u.Save(d); !errors.Is(err, ErrInvalid) {
			t.Error(err)
		}
		return nil
	})
	view(t, r, func(v *View) error {
		c, err := v.Counts()
		if c.Folders != 2 || c.Messages != 1 || c.Overlay != 0 {
			t.Errorf("%+v", c)
		}
		return err
	})
}
