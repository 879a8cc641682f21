package replica

// unsaved returns the working copy of a message that a remote transaction is about to remove, nil if nothing
// was written into it.
func (u *Update) unsaved(r *record) (*WorkingCopy, error) {
	if !u.remote || r.Message == nil || !r.listed() {
		return nil, nil
	}
	w, err := u.WorkingCopy(r.Num)
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil || w.Size == 0 {
		return nil, err
	}
	return w, nil
}

// demote makes a message that the server no longer has a local file with what was being written into it. The
// working copy stays, so that whoever made it can tell whether it was closed.
func (u *Update) demote(old *record, w *WorkingCopy) error {
	seqs, err := u.seqs(old.Num)
	if err != nil {
		return err
	}
	for _, seq := range seqs {
		if err := u.removeChange(old.Num, seq); err != nil {
			return err
		}
	}
	for _, space := range []byte{spaceBase, spaceSent} {
		if err := u.dropVersion(space, old.Num); err != nil {
			return err
		}
	}
	if old.content.id != 0 {
		u.dropContent(old.content.id)
	}
	file := record{Node: old.Node}
	file.Kind, file.Message = KindFile, nil
	file.Content, file.Size, file.Exact, file.Mtime = w.Content, w.Size, true, w.At
	file.Version++
	if w.Base.Version != old.Version {
		file.Gen++ // the name showed another version, which came after the one that was opened
	}
	if err := u.put(old, &file); err != nil {
		return err
	}
	u.event(EventContent, &file)
	return nil
}
