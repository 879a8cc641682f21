package replica

import (
	"fmt"

	"mailfs/mapi"
)

// Amend replaces the stored properties of a message by ones that show the same to a reader, such as
// a flag that was acknowledged: neither Version nor Gen is raised, and base and journal stay as they are.
// n is saved with it; its Version and Gen are those stored.
func (u *Update) Amend(n *Node, m *mapi.Message) error {
	old, err := u.current(n)
	if err != nil {
		return err
	}
	if n.Message == nil {
		return fmt.Errorf("%w: %d is no message", ErrInvalid, n.Num)
	}
	r := *old
	r.Node = *n
	r.Version, r.Gen = old.Version, old.Gen
	if err := u.free(old, &r); err != nil {
		return err
	}
	if r.content, err = u.store(m); err != nil {
		return err
	}
	if old.content.id != 0 {
		u.dropContent(old.content.id)
	}
	if err := u.put(old, &r); err != nil {
		return err
	}
	n.Version, n.Gen = r.Version, r.Gen
	u.event(EventAttr, &r)
	return nil
}
