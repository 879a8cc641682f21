package syncer

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/rop"
	"mailfs/mime"
	"mailfs/replica"
)

const (
	// largeOver is the size of a message, and of an attachment, in bytes above which attachments come by streams that go on
	// where they were after an interruption. A FastTransfer stream starts from its beginning.
	largeOver = 16 << 20

	// streamRead is what one request asks of a stream: as much as servers chain into one answer.
	streamRead = 7 * pieceMax

	attachByValue = 1 // PidTagAttachMethod ([MS-OXCMSG] 2.2.2.9)
)

// errOdd says that a message can't be read in parts.
var errOdd = errors.New("syncer: the message can't be read in parts")

// readLarge reads one large message in parts: what it has of its own, each attachment, and the bytes of large
// attachments as streams, which are kept as they come.
func (s *Syncer) readLarge(ctx context.Context, l *link, w want) ([]body, error) {
	select { // two at the same blob would be one too many
	case s.large <- struct{}{}:
		defer func() { <-s.large }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if here, err := s.isHere(w.num); err != nil || here && !w.newer {
		return nil, ignoreMissing(err)
	}
	b, err := l.largeBody(ctx, w)
	code, refused := refusal(err)
	switch {
	case refused && isMissing(code):
		s.cfg.Logf("bodies: %v", err)
		return nil, nil
	case refused || errors.Is(err, errOdd):
		s.cfg.Logf("bodies: a large message comes in one piece: %v", err)
		return nil, errOdd
	case err != nil:
		return nil, err
	}
	return []body{b}, nil
}

// largeBody reads a message in parts.
func (l *link) largeBody(ctx context.Context, w want) (body, error) {
	out := body{want: w}
	msg, version, rows, err := l.openLarge(ctx, w)
	if err != nil {
		return out, err
	}
	defer msg.Release()
	el, err := l.copyOf(ctx, msg, fxics.RootMessageContent, mapi.PidTagMessageAttachments)
	if err != nil {
		return out, err
	}
	content, ok := el.(*fxics.MessageContent)
	if !ok {
		return out, errOdd
	}
	out.msg = &content.Message
	mime.DropMadeHTML(out.msg)
	out.msg.Attachments = nil
	for _, row := range rows {
		a, key, err := l.largeAttachment(ctx, msg, row, partialKey(w.key, version))
		if err != nil {
			return out, err
		}
		out.msg.Attachments = append(out.msg.Attachments, a)
		if key != "" {
			out.partials = append(out.partials, key)
		}
	}
	// All parts have to be of one version.
	b := l.batch()
	again, asked, err := l.askAgain(ctx, b, w)
	if err != nil {
		return out, err
	}
	defer again.Release()
	if k, err := l.keysOf(ctx, asked); err != nil || k.change != version {
		return out, fmt.Errorf("it has changed meanwhile: %w", errors.Join(err, mapi.EcNotFound))
	}
	out.size, err = l.s.render.size(out.msg)
	return out, err
}

func (l *link) askAgain(ctx context.Context, b *batch, w want) (*object, *answer, error) {
	fid, err := l.fid(ctx, w.folder)
	if err != nil {
		return nil, nil, err
	}
	mid, err := l.mid(ctx, w.key)
	if err != nil {
		return nil, nil, err
	}
	obj, asked := b.openKeys(l, fid, mid)
	if err := b.run(ctx); err != nil {
		return nil, nil, err
	}
	return obj, asked, asked.err()
}

// attachmentColumns tell how to read an attachment, and what it is.
var attachmentColumns = []mapi.PropertyTag{mapi.PidTagAttachNumber, mapi.PidTagAttachSize, mapi.PidTagAttachMethod, mapi.PidTagInConflict}

// openLarge opens a message and lists its attachments.
func (l *link) openLarge(ctx context.Context, w want) (msg *object, version mapi.ChangeKey, rows []mapi.PropertyBag, err error) {
	b := l.batch()
	fid, err := l.fid(ctx, w.folder)
	if err != nil {
		return nil, "", nil, err
	}
	mid, err := l.mid(ctx, w.key)
	if err != nil {
		return nil, "", nil, err
	}
	msg, asked := b.openKeys(l, fid, mid)
	table, _ := b.open(msg, &rop.GetAttachmentTableRequest{})
	defer table.Release()
	b.do(table, &rop.SetColumnsRequest{PropertyTags: attachmentColumns})
	for range tableRounds {
		more := b.do(table, &rop.QueryRowsRequest{ForwardRead: true, RowCount: 1000})
		if err := b.run(ctx); err != nil {
			return nil, "", nil, err
		}
		resp, err := rop.Get[*rop.QueryRowsResponse](more.r)
		if err != nil {
			return nil, "", nil, err
		}
		got, err := resp.Rows(attachmentColumns)
		if err != nil {
			return nil, "", nil, &mapi.Protocol{Err: err}
		}
		for _, row := range got {
			rows = append(rows, mapi.RowBag(row))
		}
		if len(got) == 0 || resp.Origin == rop.BookmarkEnd {
			break
		}
	}
	k, err := l.keysOf(ctx, asked)
	return msg, k.change, rows, err
}

// copyOf reads an object as a stream of its own, without some of its properties.
func (l *link) copyOf(ctx context.Context, obj *object, root fxics.Root, without ...mapi.PropertyTag) (fxics.Element, error) {
	b := l.batch()
	d := &download{l: l}
	d.open(b, obj, &rop.FastTransferSourceCopyToRequest{SendOptions: rop.SendUnicode | rop.SendForceUnicode, PropertyTags: without})
	d.got = b.do(d.ctx, getBuffer())
	if err := b.run(ctx); err != nil {
		return nil, err
	}
	stream, err := d.start(ctx)
	if err != nil {
		return nil, err
	}
	defer stream.close()
	dec := fxics.NewDecoder(stream, root, l.s.decoding(ctx))
	el, err := dec.Next()
	if err != nil {
		return nil, fmt.Errorf("download of a large message: %w", err)
	}
	for {
		more, err := dec.Next()
		if err == io.EOF {
			return el, nil
		}
		if err != nil {
			return nil, fmt.Errorf("download of a large message: %w", err)
		}
		if _, ok := more.(*fxics.ErrorInfo); !ok {
			return nil, errOdd
		}
	}
}

// largeAttachment reads an attachment; key is that of the partial blob with its bytes, if it has one.
func (l *link) largeAttachment(ctx context.Context, msg *object, row mapi.PropertyBag, message string) (a mapi.Attachment, key string, err error) {
	number := uint32(row.Int(mapi.PidTagAttachNumber))
	b := l.batch()
	att, opened := b.open(msg, &rop.OpenAttachmentRequest{AttachmentID: number})
	defer att.Release()
	if err := b.run(ctx); err != nil {
		return a, "", err
	}
	if err := opened.err(); err != nil {
		return a, "", err
	}
	byStream := row.Int(mapi.PidTagAttachMethod) == attachByValue && row.Int(mapi.PidTagAttachSize) > largeOver
	var without []mapi.PropertyTag
	if byStream {
		without = []mapi.PropertyTag{mapi.PidTagAttachDataBinary}
	}
	el, err := l.copyOf(ctx, att, fxics.RootAttachmentContent, without...)
	if err != nil {
		return a, "", err
	}
	content, ok := el.(*fxics.AttachmentContent)
	if !ok {
		return a, "", errOdd
	}
	a = content.Attachment
	a.Number = number
	if !byStream {
		return a, "", nil
	}
	key = message + strconv.Itoa(int(number))
	data, err := l.readPartial(ctx, att, key)
	if err != nil {
		return a, "", err
	}
	a.Properties.Set(mapi.PidTagAttachDataBinary, data)
	return a, key, nil
}

// partialKey is what the keys of the partial blobs of one version of a message begin with.
func partialKey(key mapi.SourceKey, version mapi.ChangeKey) string {
	return "attachment/" + key.String() + "/" + hex.EncodeToString([]byte(version)) + "/"
}

// readPartial reads the bytes of an attachment that are not here yet.
func (l *link) readPartial(ctx context.Context, att *object, key string) (data mapi.Blob, err error) {
	p, err := l.s.rep.OpenPartial(key)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	b := l.batch()
	st, opened := b.open(att, &rop.OpenStreamRequest{PropertyTag: mapi.PidTagAttachDataBinary, OpenModeFlags: rop.OpenRead})
	defer st.Release()
	if p.Size() > 0 {
		b.do(st, &rop.SeekStreamRequest{Origin: rop.SeekStart, Offset: p.Size()})
	}
	first := b.do(st, readStream())
	if err := b.run(ctx); err != nil {
		return nil, err
	}
	size, err := rop.Get[*rop.OpenStreamResponse](opened.r)
	if err != nil {
		return nil, err
	}
	total := int64(size.StreamSize)
	for a := first; p.Size() < total; {
		n, err := takeRead(p, a)
		if err != nil {
			return nil, err
		}
		if n == 0 || p.Size() > total {
			return nil, &mapi.Protocol{Err: fmt.Errorf("a stream of %d bytes ends after %d", total, p.Size())}
		}
		if p.Size() < total {
			a = b.do(st, readStream())
			if err := b.run(ctx); err != nil {
				return nil, err
			}
		}
	}
	id, err := p.Finish()
	if err != nil {
		return nil, err
	}
	return l.s.rep.OpenBlob(id)
}

func readStream() rop.Request {
	return &rop.ReadStreamRequest{ByteCount: rop.BufferSizeMarker, MaximumByteCount: streamRead}
}

// takeRead writes what one answer brought, chained parts included.
func takeRead(w io.Writer, a *answer) (n int, err error) {
	resp, err := rop.Get[*rop.ReadStreamResponse](a.r)
	if err != nil {
		return 0, err
	}
	n, err = w.Write(resp.Data)
	for _, f := range a.r.Further() {
		r, ok := f.(*rop.ReadStreamResponse)
		if err != nil || !ok {
			return n, errors.Join(err, unexpected(f))
		}
		if r.ReturnValue != 0 {
			return n, r.ReturnValue
		}
		var m int
		m, err = w.Write(r.Data)
		n += m
	}
	return n, err
}

// dropPartials forgets the beginnings of attachments that nobody will go on with: of messages that are complete, gone, or
// changed.
func (s *Syncer) dropPartials() error {
	select {
	case s.large <- struct{}{}:
		defer func() { <-s.large }()
	default:
		return nil // somebody is at it
	}
	var stale []string
	err := s.rep.View(func(v *replica.View) error {
		stale = nil
		for key, err := range v.Partials() {
			if err != nil {
				return err
			}
			wanted, err := partialWanted(v, key)
			if err != nil {
				return err
			}
			if !wanted {
				stale = append(stale, key)
			}
		}
		return nil
	})
	if err != nil || len(stale) == 0 {
		return err
	}
	return s.rep.Update(func(u *replica.Update) error {
		for _, key := range stale {
			if err := u.DropPartial(key); err != nil {
				return err
			}
		}
		return nil
	})
}

func partialWanted(v *replica.View, key string) (bool, error) {
	parts := strings.Split(key, "/")
	if len(parts) != 4 || parts[0] != "attachment" {
		return true, nil // not ours
	}
	source, err := hex.DecodeString(parts[1])
	if err != nil {
		return false, nil
	}
	n, err := v.BySourceKey(mapi.SourceKey(source))
	if err != nil {
		return false, ignoreMissing(err)
	}
	return n.Message != nil && n.Message.State == replica.StateHeader && hex.EncodeToString([]byte(n.Message.ChangeKey)) == parts[2], nil
}
