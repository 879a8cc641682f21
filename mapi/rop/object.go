package rop

// Object is a server object: a log on, folder, message, attachment, table, stream,
// subscription, or FastTransfer or synchronization context. A batch creates it
// before the server does; it can be used in later requests of the batch at once.
//
// An object belongs to the one that it was made from, save that folders and messages
// belong to their log on ([MS-OXCROPS] 3.1.5.3).
type Object struct {
	session *Session
	logonID uint8
	owner   *Object // nil for a log on

	// Guarded by session.mu.
	handle   Handle // NoHandle until the server has made it
	err      error  // why it does not exist
	released bool
	owned    []*Object
}

// Session returns the session that the object lives in.
func (o *Object) Session() *Session { return o.session }

// Handle returns the object's handle, NoHandle when it has none. Notify.Handle names
// subscriptions and tables by it.
func (o *Object) Handle() Handle {
	o.session.mu.Lock()
	defer o.session.mu.Unlock()
	if o.released {
		return NoHandle
	}
	return o.handle
}

// newObject makes an object that is yet to be opened. owner is nil for a log on.
func (s *Session) newObject(owner *Object, logonID uint8) *Object {
	o := &Object{session: s, logonID: logonID, owner: owner, handle: NoHandle}
	if owner != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		owner.owned = append(owner.owned, o)
	}
	return o
}

// ownerOf returns what an object made by q from in belongs to.
func ownerOf(in *Object, q Request) *Object {
	switch q.ROP() {
	case IDOpenFolder, IDCreateFolder, IDOpenMessage, IDCreateMessage:
		for in.owner != nil {
			in = in.owner
		}
	}
	return in
}

// Release gives the object up, and those that belong to it before it. The server
// hears of it with the next buffer. A nil object and a second release are fine.
func (o *Object) Release() {
	if o == nil {
		return
	}
	o.session.mu.Lock()
	defer o.session.mu.Unlock()
	for _, one := range o.retire(nil) {
		if one.handle != NoHandle {
			o.session.releases = append(o.session.releases, one)
		}
	}
	o.leaveOwner()
}

// retire marks the object and those that belong to it as released and appends them
// to list, owners last. session.mu is held.
func (o *Object) retire(list []*Object) []*Object {
	if o.released {
		return list
	}
	for _, one := range o.owned {
		list = one.retire(list)
	}
	o.owned = nil
	o.released = true
	return append(list, o)
}

// leaveOwner makes the owner forget the object. session.mu is held.
func (o *Object) leaveOwner() {
	if o.owner == nil {
		return
	}
	for i, one := range o.owner.owned {
		if one == o {
			o.owner.owned = append(o.owner.owned[:i], o.owner.owned[i+1:]...)
			return
		}
	}
}

// opened stores the handle that the server gave.
func (o *Object) opened(h Handle) {
	o.session.mu.Lock()
	defer o.session.mu.Unlock()
	o.handle = h
	if o.released {
		o.session.releases = append(o.session.releases, o)
	}
}

// failed stores why the object does not exist.
func (o *Object) failed(err error) {
	o.session.mu.Lock()
	defer o.session.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
	o.leaveOwner()
}

// state returns the handle, and an error if the object can't be used.
func (o *Object) state() (Handle, error) {
	o.session.mu.Lock()
	defer o.session.mu.Unlock()
	switch {
	case o.err != nil:
		return NoHandle, o.err
	case o.released:
		return NoHandle, errReleased
	}
	return o.handle, nil
}
