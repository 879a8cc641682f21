package replica

import (
	"slices"

	"mailfs/mapi"
	"mailfs/mapi/idset"
)

// checkBlobs compares blobs with what refers to them, and with their pieces.
func (c *checker) checkBlobs() error {
	err := c.each(spaceBlob, func(p pair) error {
		id := BlobID(keyTail(p.k))
		c.top[counterBlob] = max(c.top[counterBlob], uint64(id))
		m, err := decodeBlobMeta([]byte(p.v))
		if err != nil {
			c.bad("blob %d: %v", id, err)
			return nil
		}
		if m.refs != c.blobs[id] {
			c.bad("blob %d counts %d references and has %d", id, m.refs, c.blobs[id])
		}
		delete(c.blobs, id)
		orphan, err := c.v.has(orphanKey(spaceBlob, uint64(id)))
		if err != nil {
			return err
		}
		if orphan != (m.refs == 0) {
			c.bad("blob %d has %d references, and its mark as orphan says otherwise", id, m.refs)
		}
		return nil
	})
	for id := range c.blobs {
		c.bad("blob %d is referred to and missing", id)
	}
	if err != nil {
		return err
	}
	return c.checkChunks()
}

// checkChunks adds up the pieces of each blob.
func (c *checker) checkChunks() error {
	have := make(map[BlobID]int64)
	err := c.each(spaceChunk, func(p pair) error {
		id, i := BlobID(keyHead(p.k)), int64(keyTail(p.k))
		if have[id] != i*chunkSize {
			c.bad("blob %d has a gap before piece %d", id, i)
		}
		have[id] += int64(len(p.v))
		return nil
	})
	if err != nil {
		return err
	}
	for id, n := range have {
		m, err := c.v.blobMeta(id)
		if err == nil && m.size == n {
			continue
		}
		if err != nil && !isNotFound(err) {
			return err
		}
		orphan, oerr := c.v.has(orphanKey(spaceBlob, uint64(id)))
		if oerr != nil {
			return oerr
		}
		if !orphan {
			c.bad("blob %d has %d bytes and should have %d (%v)", id, n, m.size, err)
		}
	}
	return c.each(spaceBlob, func(p pair) error {
		m, err := decodeBlobMeta([]byte(p.v))
		if id := BlobID(keyTail(p.k)); err == nil && m.size > 0 && have[id] == 0 {
			c.bad("blob %d of %d bytes has no pieces", id, m.size)
		}
		return nil
	})
}

// checkJournal compares the journal with the queues of the items.
func (c *checker) checkJournal() error {
	queued := make(map[uint64]Num)
	err := c.each(spaceQueue, func(p pair) error {
		n := Num(keyTail(p.k))
		seqs, err := c.v.seqs(n)
		if err != nil {
			c.bad("queue of %d: %v", n, err)
			return nil
		}
		if len(seqs) == 0 || !slices.IsSorted(seqs) {
			c.bad("queue of %d is empty or out of order", n)
		}
		for _, seq := range seqs {
			queued[seq] = n
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = c.each(spaceJournal, func(p pair) error {
		seq := keyTail(p.k)
		c.top[counterSeq] = max(c.top[counterSeq], seq)
		ch, err := decodeChange(seq, p.v)
		if err != nil {
			c.bad("change %d: %v", seq, err)
			return nil
		}
		if queued[seq] != ch.Item {
			c.bad("change %d of %d is in the queue of %d", seq, ch.Item, queued[seq])
		}
		delete(queued, seq)
		c.checkChange(ch)
		c.tally.queue(ch, +1)
		return nil
	})
	for seq, n := range queued {
		c.bad("change %d in the queue of %d is missing", seq, n)
	}
	return err
}

func (c *checker) checkChange(ch *Change) {
	r := c.nodes[ch.Item]
	switch {
	case r == nil:
		c.bad("change %d is about %d, which is not there", ch.Seq, ch.Item)
	case ch.Kind >= ChangeFolderCreate && r.Folder == nil || ch.Kind < ChangeFolderCreate && r.Message == nil:
		c.bad("change %d of kind %d is about %d, which is of kind %d", ch.Seq, ch.Kind, ch.Item, r.Kind)
	case ch.ofContent() && r.content.id == 0:
		c.bad("change %d is about the content of %d, which has none", ch.Seq, ch.Item)
	}
}

// checkCheckpoints checks that the ids that a folder's checkpoint gives are those of
// the messages that the server has in it, as far as is known here: an id too many
// hides a message for ever, one too few a deletion.
func (c *checker) checkCheckpoints() error {
	members := make(map[Num][]*record)
	for _, r := range c.nodes {
		if m := r.member(); m.folder != 0 {
			members[m.folder] = append(members[m.folder], r)
		}
	}
	for s, err := range c.v.Checkpoints() {
		if err != nil {
			return err
		}
		raw, err := c.v.get(keyString(spaceCheckpoint, string(s)))
		if err != nil {
			return err
		}
		cp, err := decodeCheckpoint(raw)
		if err != nil {
			c.bad("checkpoint %q: %v", s, err)
			continue
		}
		sk, ok := folderOfScope(s)
		if !ok {
			continue
		}
		n, err := c.v.getNumber(keyString(spaceSource, string(sk)))
		if err != nil {
			return err
		}
		if f := c.nodes[Num(n)]; f == nil || f.Folder == nil {
			c.bad("checkpoint of a folder %s that is not here", sk)
			continue
		}
		if cp.At.IsZero() {
			continue // a first download under way, or one that compares what is left over at its end
		}
		if err := c.checkGiven(Num(n), cp.Given, members[Num(n)]); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) checkGiven(folder Num, given idset.IDSet, members []*record) error {
	var here idset.IDSet
	for _, r := range members {
		id, ok := r.Message.SourceKey.LongTermID()
		if !ok {
			continue
		}
		here.Add(id)
		if given.Contains(id) {
			continue
		}
		if excused, err := c.v.has(driftKey(r.member())); err != nil {
			return err
		} else if !excused {
			c.bad("message %d is in folder %d on the server, and the checkpoint does not say so", r.Num, folder)
		}
	}
	for _, e := range given.Subtract(here).Entries() {
		for _, r := range e.Set.Ranges() {
			if uint64(r.High-r.Low) >= maxFindings {
				c.bad("the checkpoint of folder %d names messages %x to %x of %s, which are not here", folder, r.Low, r.High, e.GUID)
				continue
			}
			for n := r.Low; n <= r.High; n++ {
				m := membership{folder, mapi.LongTermID{GUID: e.GUID, Counter: n}.SourceKey()}
				if excused, err := c.v.has(driftKey(m)); err != nil {
					return err
				} else if !excused {
					c.bad("the checkpoint of folder %d names message %x of %s, which is not here", folder, n, e.GUID)
				}
			}
		}
	}
	return nil
}

func (c *checker) checkReserve() error {
	var end uint64
	return c.each(spaceReserve, func(p pair) error {
		first, count, err := decodeReserve(p)
		if err != nil {
			c.bad("reserve %q: %v", p.k, err)
			return nil
		}
		if uint64(first) < end || count == 0 {
			c.bad("reserved ids from %x overlap those before", first)
		}
		end = uint64(first) + count
		used, err := c.v.getNumber(key(spaceUsed, uint64(first)))
		if err != nil {
			return err
		}
		if end > uint64(mapi.MaxGlobCnt)+1 || used > count {
			c.bad("reserve of %d from %x, %d used, makes no sense", count, first, used)
		}
		return nil
	})
}
