package syncer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/rop"
	"mailfs/replica"
)

const (
	// pieceMax is the largest transfer buffer that is asked for: what fits into one
	// payload of 32 KiB beside the answer's own fields.
	pieceMax = 0x7BC0

	contentsBatch = 24 << 10 // bytes of requests for contents downloads that share an Execute
	contentsMax   = 60       // and how many they are at most
	quietRoom     = 320      // bytes of a stream that brings nothing, beside the sets of its state

	busyMost  = 20 // times in a row that a server may be too busy for a transfer buffer
	emptyMost = 64 // transfer buffers in a row that may have nothing in them
)

// download is a FastTransfer source context on the server and what reads it.
type download struct {
	l    *link
	ctx  *object
	dir  *object   // what it was made from, if that goes with it
	got  *answer   // the first RopFastTransferSourceGetBuffer
	tail []*answer // to the requests before that

	empty int // transfer buffers in a row that had nothing in them
}

// open adds the request that makes the context.
func (d *download) open(b *batch, in *object, q rop.Request) {
	var opened *answer
	d.ctx, opened = b.open(in, q)
	d.tail = append(d.tail, opened)
}

// uploadState adds the requests that give a context its initial state
// ([MS-OXCFXICS] 2.2.3.2.2).
func (b *batch) uploadState(ctx *object, state fxics.ICSState, contents bool) []*answer {
	var out []*answer
	for _, p := range state.Properties(contents) {
		out = append(out, b.uploadProperty(ctx, p)...)
	}
	return out
}

// uploadProperty adds the requests for one property of a state.
func (b *batch) uploadProperty(ctx *object, p fxics.StateProperty) []*answer {
	out := []*answer{b.do(ctx, &rop.SynchronizationUploadStateStreamBeginRequest{StateProperty: p.Tag, TransferBufferSize: uint32(len(p.Data))})}
	for data := p.Data; len(data) > 0; {
		n := min(len(data), streamPiece)
		out = append(out, b.do(ctx, &rop.SynchronizationUploadStateStreamContinueRequest{StreamData: data[:n]}))
		data = data[n:]
	}
	return append(out, b.do(ctx, &rop.SynchronizationUploadStateStreamEndRequest{}))
}

func getBuffer() rop.Request { return getBufferOf(pieceMax) }

func getBufferOf(size int) rop.Request {
	return &rop.FastTransferSourceGetBufferRequest{BufferSize: rop.BufferSizeMarker, MaximumBufferSize: uint16(size)}
}

// openHierarchy starts a download of the folder tree.
func (l *link) openHierarchy(ctx context.Context, state fxics.ICSState) (*pieces, error) {
	root, err := l.fid(ctx, l.subtree)
	if err != nil {
		return nil, err
	}
	b := l.batch()
	d := &download{l: l}
	var opened *answer
	d.dir, opened = b.open(l.store, &rop.OpenFolderRequest{FolderID: root})
	d.tail = append(d.tail, opened)
	d.open(b, d.dir, &rop.SynchronizationConfigureRequest{
		SynchronizationType:       rop.SyncHierarchy,
		SendOptions:               rop.SendUnicode | rop.SendForceUnicode,
		SynchronizationFlags:      rop.SyncUnicode,
		SynchronizationExtraFlags: rop.SyncExtraEid,
	})
	d.tail = append(d.tail, b.uploadState(d.ctx, state, false)...)
	d.got = b.do(d.ctx, getBuffer())
	if err := b.run(ctx); err != nil {
		return nil, err
	}
	return d.start(ctx)
}

// contentsRequest is one folder of a batch of contents downloads.
type contentsRequest struct {
	folder folderRef
	cp     *replica.Checkpoint
	d      *download
}

// firstPiece is how much the first transfer buffer may hold. Where nothing is expected
// but the state again it is little, so that the answers for many folders fit one payload;
// what does not fit comes with a request of its own.
func (r *contentsRequest) firstPiece() int {
	if !r.folder.quiet {
		return pieceMax
	}
	n := quietRoom
	for _, p := range stateOf(r.cp).Properties(true) {
		n += len(p.Data)
	}
	return min(n, pieceMax)
}

// openContents starts contents downloads as client headers, many in one Execute.
func (l *link) openContents(ctx context.Context, reqs []*contentsRequest) error {
	include, err := l.headerColumns(ctx)
	if err != nil {
		return err
	}
	options := uint8(rop.SendUnicode | rop.SendForceUnicode | rop.SendRecoverMode)
	if l.info.partialItems() {
		options |= rop.SendPartialItem
	}
	b := l.batch()
	for _, r := range reqs {
		fid, err := l.fid(ctx, r.folder.key)
		if err != nil {
			return err
		}
		flags := uint16(rop.SyncUnicode | rop.SyncReadState | rop.SyncFAI | rop.SyncNormal | rop.SyncOnlySpecifiedProperties)
		if !r.folder.quiet {
			flags |= rop.SyncProgress // nobody watches where nothing is expected
		}
		d := &download{l: l}
		var opened *answer
		d.dir, opened = b.open(l.store, &rop.OpenFolderRequest{FolderID: fid})
		d.tail = append(d.tail, opened)
		d.open(b, d.dir, &rop.SynchronizationConfigureRequest{
			SynchronizationType:       rop.SyncContents,
			SendOptions:               options,
			SynchronizationFlags:      flags,
			SynchronizationExtraFlags: rop.SyncExtraEid | rop.SyncExtraMessageSize | rop.SyncExtraCN | rop.SyncExtraOrderByDeliveryTime,
			RestrictionData:           r.folder.only,
			PropertyTags:              include,
		})
		d.tail = append(d.tail, b.uploadState(d.ctx, stateOf(r.cp), true)...)
		d.got = b.do(d.ctx, getBufferOf(r.firstPiece()))
		r.d = d
	}
	return b.run(ctx)
}

// contentsBytes is the size of the requests for one folder, roughly.
func contentsBytes(cp *replica.Checkpoint) int {
	n := 200 + 4*len(headerTags) // a restriction included
	for _, p := range stateOf(cp).Properties(true) {
		n += len(p.Data) + 21
	}
	return n
}

// headerColumns returns the include list of client headers with the numbers that
// this session has for the named ones.
func (l *link) headerColumns(ctx context.Context) ([]mapi.PropertyTag, error) {
	ids, err := l.numbers(ctx, []mapi.PropertyName{keywords})
	if err != nil {
		return nil, err
	}
	out := headerTags[:len(headerTags):len(headerTags)]
	if n, ok := ids[keywords]; ok {
		out = append(out, mapi.NewTag(n, mapi.TypeMultiString))
	}
	return out, nil
}

// openMessages starts a copy of messages of one folder ([MS-OXCSYNC] 3.1.5.3.6).
func (l *link) openMessages(ctx context.Context, wants []want) (*pieces, error) {
	fid, err := l.fid(ctx, wants[0].folder)
	if err != nil {
		return nil, err
	}
	mids := make([]mapi.MID, len(wants))
	for i, w := range wants {
		if mids[i], err = l.mid(ctx, w.key); err != nil {
			return nil, err
		}
	}
	b := l.batch()
	d := &download{l: l}
	var opened *answer
	d.dir, opened = b.open(l.store, &rop.OpenFolderRequest{FolderID: fid})
	d.tail = append(d.tail, opened)
	d.open(b, d.dir, &rop.FastTransferSourceCopyMessagesRequest{
		MessageIDs:  mids,
		CopyFlags:   rop.CopyMessagesSendEntryID,
		SendOptions: rop.SendUnicode | rop.SendForceUnicode | rop.SendRecoverMode,
	})
	d.got = b.do(d.ctx, getBuffer())
	if err := b.run(ctx); err != nil {
		return nil, err
	}
	return d.start(ctx)
}

// start begins to read ahead. The pieces must be closed.
func (d *download) start(ctx context.Context) (*pieces, error) {
	for _, a := range d.tail {
		if err := a.err(); err != nil {
			d.end()
			return nil, err
		}
	}
	first := d.piece(ctx, d.got)
	if first.err != nil {
		d.end()
		return nil, first.err
	}
	read := readAhead
	if d.l.s.cfg.InTurn {
		read = readInTurn
	}
	p := read(ctx, first, func(ctx context.Context) piece {
		b := d.l.batch()
		a := b.do(d.ctx, getBuffer())
		if err := b.run(ctx); err != nil {
			return piece{err: err}
		}
		return d.piece(ctx, a)
	})
	p.after = d.end
	return p, nil
}

// end gives the context up; the server hears of it with the next request.
func (d *download) end() {
	d.ctx.Release()
	if d.dir != nil {
		d.dir.Release()
	}
}

// piece takes the data out of the answer to RopFastTransferSourceGetBuffer and out
// of what the server chained to it. A server that is too busy is asked again when
// it says so ([MS-OXCSYNC] 3.1.5.3.7); one that stays so ends the download, for others to have their turn.
func (d *download) piece(ctx context.Context, a *answer) piece {
	for asked := 0; ; asked++ {
		resp, err := rop.Get[*rop.FastTransferSourceGetBufferResponse](a.r)
		if err == nil {
			return d.moving(joinPieces(resp, a.r.Further()))
		}
		var busy *mapi.Busy
		if !errors.As(err, &busy) || asked == busyMost {
			return piece{err: fmt.Errorf("transfer buffer: %w", err)}
		}
		if busy.After <= 0 {
			if err := d.l.s.sleep(ctx, busyWait(busy)); err != nil {
				return piece{err: err}
			}
		}
		_ = d.l.s.heed(busy) // the next request waits
		b := d.l.batch()
		a = b.do(d.ctx, getBuffer())
		if err := b.run(ctx); err != nil {
			return piece{err: err}
		}
	}
}

// moving ends a download that brings nothing and does not end.
func (d *download) moving(p piece) piece {
	if d.empty++; len(p.data) > 0 {
		d.empty = 0
	}
	if p.err == nil && !p.last && d.empty > emptyMost {
		p.err = &mapi.Protocol{Err: errors.New("a transfer brings nothing and does not end")}
	}
	return p
}

func joinPieces(first *rop.FastTransferSourceGetBufferResponse, further []rop.Response) piece {
	p := piece{data: first.TransferBuffer}
	if len(further) > 0 {
		p.data = slices.Grow(p.data, len(further)*pieceMax) // full ones, but for the last
	}
	last := first
	for _, f := range further {
		r, ok := f.(*rop.FastTransferSourceGetBufferResponse)
		if !ok {
			return piece{err: unexpected(f)}
		}
		p.data = append(p.data, r.TransferBuffer...)
		last = r
	}
	switch {
	case last.ReturnValue != 0:
		p.err = fmt.Errorf("transfer buffer: %w", last.ReturnValue)
	case last.TransferStatus == rop.TransferError:
		p.err = &mapi.Protocol{Err: errors.New("the server ended a transfer with an error")}
	}
	p.last = last.TransferStatus == rop.TransferDone
	return p
}
