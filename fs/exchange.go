package fs

import (
	"syscall"

	"mailfs/replica"
)

// exchange swaps src and dst. A local file that gets the name of a message claims it, as in a save that moves the
// old file away.
func (m *move) exchange(u *replica.Update) error {
	if err := m.allowedSwapped(m.src, m.to, m.name); err != nil {
		return err
	}
	if err := m.allowedSwapped(m.dst, m.from, m.src.Name); err != nil {
		return err
	}
	if err := u.Exchange(m.src.Num, m.dst.Num); err != nil {
		return err
	}
	claimed, err := m.claimSwapped(u)
	if err != nil {
		return err
	}
	if err := m.arrived(u, m.src, m.from.Num); err != nil {
		return err
	}
	if err := m.arrived(u, m.dst, m.to.Num); err != nil {
		return err
	}
	for _, num := range claimed {
		if _, err := m.t.holdDeletion(u, num); err != nil {
			return err
		}
	}
	return nil
}

// claimSwapped makes files the heirs of the messages that they changed places with, and returns these.
func (m *move) claimSwapped(u *replica.Update) (claimed []replica.Num, err error) {
	for _, pair := range [][2]*replica.Node{{m.src, m.dst}, {m.dst, m.src}} {
		file, message := pair[0], pair[1]
		if message.Kind != replica.KindMessage {
			continue
		}
		heir, err := m.claimOne(u, file, message)
		if err != nil {
			return nil, err
		}
		if heir {
			claimed = append(claimed, message.Num)
		}
		at, err := u.Node(message.Num)
		if err != nil {
			return nil, err
		}
		if m.dirNode(at.Parent).Kind != replica.KindDir {
			continue
		}
		// There are no messages in local directories, not even for as long as a window.
		if !heir || m.t.unfinished(file.Num) {
			return nil, syscall.EXDEV
		}
		m.atOnce = append(m.atOnce, file.Num)
	}
	return claimed, nil
}

// claimOne makes a file the heir of a message that it has changed places with, if it may be that.
func (m *move) claimOne(u *replica.Update, file, message *replica.Node) (bool, error) {
	if file.Kind != replica.KindFile {
		return false, nil
	}
	now, err := u.Node(file.Num)
	if err != nil {
		return false, err
	}
	as := heirForm(m.dirNode(now.Parent), now.Name, message)
	if !as.item() || len(now.Xattrs[xattrClaim]) > 0 {
		return false, nil // local, or the next version of another message already
	}
	if !m.fit(as, now) {
		return false, syscall.EINVAL
	}
	base, err := m.t.baseAt(&u.View, message, file.Num)
	if err != nil {
		return false, err
	}
	setClaim(now, newClaim(message.Num, message.Parent, base))
	return true, m.t.saveMarked(u, now)
}

// allowedSwapped is allowed, but for a message that goes to a local directory in exchange for a file: the file may take
// its place, and then what stays behind becomes local at once.
func (m *move) allowedSwapped(n, dir *replica.Node, name string) error {
	err := m.allowed(n, dir, name)
	if err == syscall.EXDEV && n.Kind == replica.KindMessage {
		other := m.src
		if n.Num == m.src.Num {
			other = m.dst
		}
		if other.Kind == replica.KindFile && other.Size > 0 && n.Message.State == replica.StateFull {
			return nil
		}
	}
	return err
}
