package rop

import (
	"context"
	"errors"
	"fmt"
	"io"

	"mailfs/mapi"
)

// getBufferSize is how much of a FastTransfer stream is asked for at a time: what
// fits a payload with the response around it.
const getBufferSize = 0x7BC0

// maxEmptyBuffers bounds how often in a row a server may answer without data and
// without an end.
const maxEmptyBuffers = 64

// errEmptyBuffers says that a download does not move.
var errEmptyBuffers = errors.New("rop: the download brings empty buffers only")

// FastTransferReader reads a FastTransfer stream from a download context
// ([MS-OXCFXICS] 2.2.3.1.1.5): what CopyTo, CopyMessages, CopyFolder,
// CopyProperties, SynchronizationConfigure and SynchronizationGetTransferState
// create. It ends with io.EOF only after the server has said that the stream is
// complete; a download that breaks off ends with another error. A busy server is a
// *mapi.Busy, after which reading may go on. One goroutine uses it.
type FastTransferReader struct {
	ctx     context.Context
	context *Object

	first    *Result // a GetBuffer that is part of somebody's batch
	buffers  [][]byte
	pending  error // what follows the buffers
	empty    int
	progress Progress
}

// Progress tells how far a download has come.
type Progress struct {
	Bytes int64 // of the stream, received so far
	// Done and Total count steps by the server's reckoning, which is approximate
	// ([MS-OXCFXICS] 2.2.3.1.1.5.2). Total is 0 where the server does not tell.
	Done, Total uint16
	Complete    bool // the server has said that this is all
}

// NewFastTransferReader returns a reader of the stream of a download context. ctx
// bounds all its reads. The context object stays the caller's to release.
func NewFastTransferReader(ctx context.Context, download *Object) *FastTransferReader {
	return &FastTransferReader{ctx: ctx, context: download}
}

// AddTo appends the first request to a batch, which saves a round trip. The batch is
// run before the first Read.
func (f *FastTransferReader) AddTo(b *Batch) { f.first = b.Add(f.context, getBuffer()) }

func getBuffer() *FastTransferSourceGetBufferRequest {
	return &FastTransferSourceGetBufferRequest{BufferSize: BufferSizeMarker, MaximumBufferSize: getBufferSize}
}

// Progress returns how far the download has come.
func (f *FastTransferReader) Progress() Progress { return f.progress }

// Read returns what has arrived, and asks for more when there is nothing.
func (f *FastTransferReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(f.buffers) == 0 {
		if err := f.pending; err != nil {
			var busy *mapi.Busy
			if errors.As(err, &busy) {
				f.pending = nil // once the caller has waited, the context goes on
			}
			return 0, err
		}
		if err := f.fetch(); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.buffers[0])
	if f.buffers[0] = f.buffers[0][n:]; len(f.buffers[0]) == 0 {
		f.buffers = f.buffers[1:]
	}
	return n, nil
}

// fetch asks for the next buffer, or several where the server chains them.
func (f *FastTransferReader) fetch() error {
	r := f.first
	if f.first = nil; r == nil {
		b := f.context.session.NewBatch()
		r = b.Add(f.context, getBuffer())
		if err := b.Do(f.ctx); err != nil {
			return err
		}
	}
	p, err := Get[*FastTransferSourceGetBufferResponse](r)
	f.take(p, err)
	for _, further := range r.Further() {
		p, ok := further.(*FastTransferSourceGetBufferResponse)
		if !ok {
			continue
		}
		f.take(p, resultError(p.ROP(), p))
	}
	return nil
}

// take keeps one buffer, or the error that came in its place.
func (f *FastTransferReader) take(p *FastTransferSourceGetBufferResponse, err error) {
	if f.pending == io.EOF && (p == nil || len(p.TransferBuffer) > 0) {
		f.pending = &mapi.Protocol{Err: errors.New("rop: download goes on after its end")}
	}
	if f.pending != nil {
		return
	}
	if err == nil && p.TransferStatus == TransferError {
		err = &mapi.Protocol{Err: errors.New("rop: download failed without saying why")}
	}
	if err != nil {
		f.pending = err
		return
	}
	f.progress.Done, f.progress.Total = p.InProgressCount, p.TotalStepCount
	f.progress.Bytes += int64(len(p.TransferBuffer))
	f.empty++
	if len(p.TransferBuffer) > 0 {
		f.buffers = append(f.buffers, p.TransferBuffer)
		f.empty = 0
	}
	switch p.TransferStatus {
	case TransferDone:
		f.progress.Complete = true
		f.pending = io.EOF
	case TransferPartial, TransferNoRoom:
		if f.empty >= maxEmptyBuffers {
			f.pending = &mapi.Protocol{Err: errEmptyBuffers}
		}
	default:
		f.pending = &mapi.Protocol{Err: fmt.Errorf("rop: transfer status %d", p.TransferStatus)}
	}
}
