package rop

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"mailfs/mapi"
)

func getBufferReply(status uint16, data string) *FastTransferSourceGetBufferResponse {
	return &FastTransferSourceGetBufferResponse{TransferStatus: status, InProgressCount: 1, TotalStepCount: 2, TransferBuffer: []byte(data)}
}

// download returns a reader whose server sends the given answers, one at a time.
func download(t *testing.T, replies ...Response) (*FastTransferReader, *testServer) {
	server := newTestServer(t)
	server.reply = func(c Call, _ Handle) Response {
		q, ok := c.Request.(*FastTransferSourceGetBufferRequest)
		if !ok {
			return nil
		}
		if q.BufferSize != BufferSizeMarker || len(replies) == 0 {
			t.Errorf("unexpected request %+v", q)
			return failure(c, mapi.EcGeneralFailure)
		}
		p := replies[0]
		replies = replies[1:]
		return p
	}
	logon := loggedOn(t, server, Options{})
	context, err := Open(t.Context(), logon, &SynchronizationConfigureRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return NewFastTransferReader(t.Context(), context), server
}

func TestDownload(t *testing.T) {
	f, _ := download(t, getBufferReply(TransferPartial, "abc"), getBufferReply(TransferPartial, ""),
		getBufferReply(TransferNoRoom, "d"), getBufferReply(TransferDone, "ef"))
	if n, err := f.Read(nil); n != 0 || err != nil {
		t.Error("reading nothing does something")
	}
	got, err := io.ReadAll(f)
	if err != nil || string(got) != "abcdef" {
		t.Fatalf("%q, %v", got, err)
	}
	if want := (Progress{Bytes: 6, Done: 1, Total: 2, Complete: true}); f.Progress() != want {
		t.Errorf("%+v", f.Progress())
	}
	if _, err := f.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
}

func TestDownloadChainedAndAhead(t *testing.T) {
	f, server := download(t, getBufferReply(TransferPartial, "abc"))
	server.chained = func(c Call) []Response {
		if c.Request.ROP() != IDFastTransferSourceGetBuffer {
			return nil
		}
		return []Response{getBufferReply(TransferPartial, "def"), getBufferReply(TransferDone, "g")}
	}
	b := f.context.session.NewBatch()
	f.AddTo(b)
	if err := b.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := len(server.buffers)
	got, err := io.ReadAll(f)
	if err != nil || string(got) != "abcdefg" || len(server.buffers) != before {
		t.Errorf("%q, %v, %d more buffers", got, err, len(server.buffers)-before)
	}
}

func TestDownloadBreaksOff(t *testing.T) {
	gone := &FastTransferSourceGetBufferResponse{Status: Status{mapi.EcNullObject}}
	cases := map[string][]Response{
		"error":          {getBufferReply(TransferPartial, "abc"), gone},
		"error status":   {getBufferReply(TransferPartial, "abc"), getBufferReply(TransferError, "")},
		"unknown status": {getBufferReply(TransferPartial, "abc"), getBufferReply(77, "")},
		"no end":         append([]Response{getBufferReply(TransferPartial, "abc")}, slices.Repeat([]Response{getBufferReply(TransferPartial, "")}, maxEmptyBuffers)...),
	}
	for name, replies := range cases {
		f, _ := download(t, replies...)
		got, err := io.ReadAll(f)
		if string(got) != "abc" || err == nil || f.Progress().Complete {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if _, again := f.Read(make([]byte, 1)); again == nil || again == io.EOF {
			t.Errorf("%s: then %v", name, again)
		}
	}
}

func TestDownloadAfterItsEnd(t *testing.T) {
	f, server := download(t, getBufferReply(TransferDone, "abc"))
	server.chained = func(c Call) []Response {
		if c.Request.ROP() != IDFastTransferSourceGetBuffer {
			return nil
		}
		return []Response{getBufferReply(TransferPartial, "def")}
	}
	var broken *mapi.Protocol
	if _, err := io.ReadAll(f); !errors.As(err, &broken) {
		t.Errorf("%v", err)
	}
}

func TestDownloadWaitsForBusyServer(t *testing.T) {
	f, _ := download(t, getBufferReply(TransferPartial, "abc"),
		&FastTransferSourceGetBufferResponse{Status: Status{mapi.EcServerBusy}, BackoffTime: 1500},
		getBufferReply(TransferDone, "def"))
	got, err := io.ReadAll(f)
	var busy *mapi.Busy
	if string(got) != "abc" || !errors.As(err, &busy) || busy.After != 1500*time.Millisecond || !errors.Is(err, mapi.EcServerBusy) {
		t.Fatalf("%q, %v", got, err)
	}
	if got, err = io.ReadAll(f); string(got) != "def" || err != nil {
		t.Errorf("then %q, %v", got, err)
	}
}

func TestRowsOverSeveralAnswers(t *testing.T) {
	server := newTestServer(t)
	columns := []mapi.PropertyTag{mapi.NewTag(0x674A, mapi.TypeInteger64)}
	next, end := int64(0), uint8(BookmarkCurrent)
	server.reply = func(c Call, _ Handle) Response {
		if c.Request.ROP() != IDQueryRows {
			return nil
		}
		p := &QueryRowsResponse{Origin: BookmarkCurrent}
		var rows [][]mapi.Property
		for ; len(rows) < 40 && next < 100; next++ {
			rows = append(rows, []mapi.Property{{Tag: columns[0], Value: next}})
		}
		if next == 100 && end == BookmarkEnd {
			p.Origin = BookmarkEnd
		}
		if err := p.SetRows(columns, rows); err != nil {
			t.Error(err)
		}
		return p
	}
	logon := loggedOn(t, server, Options{})
	for _, end = range []uint8{BookmarkEnd, BookmarkCurrent} {
		next = 0
		table, err := Open(t.Context(), logon, &GetContentsTableRequest{})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := AllRows(t.Context(), table, columns)
		if err != nil || len(rows) != 100 || rows[99][0].Value != int64(99) {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		table.Release()
	}
	server.chained = func(c Call) []Response {
		if c.Request.ROP() != IDQueryRows {
			return nil
		}
		return []Response{server.reply(c, 0), server.reply(c, 0), server.reply(c, 0)}
	}
	table, err := Open(t.Context(), logon, &GetContentsTableRequest{})
	if err != nil {
		t.Fatal(err)
	}
	next = 0
	before := len(server.buffers)
	rows, err := AllRows(t.Context(), table, columns)
	if err != nil || len(rows) != 100 || len(server.buffers) != before+1 {
		t.Fatalf("chained: %d rows in %d buffers, %v", len(rows), len(server.buffers)-before, err)
	}
	server.chained, next = nil, 0
	enough := errors.New("enough")
	seen := 0
	err = EachRow(t.Context(), table, columns, func([]mapi.Property) error {
		if seen++; seen == 3 {
			return enough
		}
		return nil
	})
	if err != enough || seen != 3 {
		t.Errorf("%d rows, %v", seen, err)
	}
	server.reply = func(c Call, _ Handle) Response {
		if c.Request.ROP() == IDSetColumns {
			return failure(c, mapi.EcInvalidParameter)
		}
		return &QueryRowsResponse{Origin: BookmarkEnd}
	}
	if _, err := AllRows(t.Context(), table, columns); !errors.Is(err, mapi.EcInvalidParameter) {
		t.Errorf("%v", err)
	}
}

func TestStreams(t *testing.T) {
	server := newTestServer(t)
	var stored []byte
	committed, at, quota := false, 0, 1<<20
	server.reply = func(c Call, _ Handle) Response {
		switch q := c.Request.(type) {
		case *WriteStreamRequest:
			n := min(len(q.Data), 10_000, quota-len(stored))
			stored = append(stored, q.Data[:n]...)
			return &WriteStreamResponse{WrittenSize: uint16(n)}
		case *CommitStreamRequest:
			committed = true
		case *ReadStreamRequest:
			n := min(len(stored)-at, 20_000)
			at += n
			return &ReadStreamResponse{Data: stored[at-n : at]}
		}
		return nil
	}
	logon := loggedOn(t, server, Options{})
	stream, err := Open(t.Context(), logon, &OpenStreamRequest{OpenModeFlags: OpenCreate})
	if err != nil {
		t.Fatal(err)
	}
	data := bytes.Repeat([]byte("mailfs!"), 12_345)
	w := NewStreamWriter(t.Context(), stream)
	if n, err := w.Write(data); n != len(data) || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if err := w.Commit(); err != nil || !committed {
		t.Errorf("%v", err)
	}
	got, err := io.ReadAll(NewStreamReader(t.Context(), stream))
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d of %d bytes, %v", len(got), len(data), err)
	}
	quota = len(stored) + 5
	if n, err := w.Write(data); n != 5 || !errors.Is(err, errShortWrite) {
		t.Errorf("%d, %v", n, err)
	}
	server.reply = func(c Call, _ Handle) Response { return failure(c, mapi.EcStreamSizeError) }
	if n, err := w.Write(data); n != 0 || !errors.Is(err, mapi.EcStreamSizeError) {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := io.ReadAll(NewStreamReader(t.Context(), stream)); !errors.Is(err, mapi.EcStreamSizeError) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewStreamReader(ctx, stream).Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestNames(t *testing.T) {
	server := newTestServer(t)
	known := map[mapi.PropertyName]uint16{}
	asked := 0
	server.reply = func(c Call, _ Handle) Response {
		switch q := c.Request.(type) {
		case *GetPropertyIDsFromNamesRequest:
			p := &GetPropertyIDsFromNamesResponse{}
			for _, n := range q.PropertyNames {
				asked++
				if known[n] == 0 && q.Flags&NamesCreate != 0 {
					known[n] = 0x8000 + uint16(len(known))
				}
				if known[n] == 0 {
					p.ReturnValue = mapi.EcErrorsReturned
				}
				p.PropertyIDs = append(p.PropertyIDs, known[n])
			}
			return p
		case *GetNamesFromPropertyIDsRequest:
			p := &GetNamesFromPropertyIDsResponse{}
			for _, id := range q.PropertyIDs {
				asked++
				name := mapi.PropertyName{Kind: mapi.NameKindNone}
				for n, i := range known {
					if i == id {
						name = n
					}
				}
				p.PropertyNames = append(p.PropertyNames, name)
			}
			return p
		}
		return nil
	}
	names := NewNames(loggedOn(t, server, Options{}))
	set := mapi.MustGUID("00062008-0000-0000-c000-000000000046")
	var many []mapi.PropertyName
	for i := range uint32(250) {
		many = append(many, mapi.LIDName(set, i), mapi.StringName(set, strings.Repeat("n", int(i%100))+"x"))
	}
	none, err := names.IDs(t.Context(), many[:2], false)
	if err != nil || none[0] != 0 || none[1] != 0 {
		t.Fatalf("%v, %v", none, err)
	}
	ids, err := names.IDs(t.Context(), many, true)
	if err != nil || len(ids) != len(many) || slices.Contains(ids, 0) {
		t.Fatalf("%v, %v", ids, err)
	}
	before := asked
	again, err := names.IDs(t.Context(), many, false)
	if err != nil || !slices.Equal(again, ids) || asked != before {
		t.Errorf("%v, asked %d more", err, asked-before)
	}
	back, err := NewNames(names.logon).Names(t.Context(), append(slices.Clone(ids), 0xFFF0))
	if err != nil || back[len(ids)].Kind != mapi.NameKindNone || !slices.Equal(back[:len(ids)], many) {
		t.Errorf("%v", err)
	}
	server.reply = func(c Call, _ Handle) Response { return failure(c, mapi.EcAccessDenied) }
	if _, err := NewNames(names.logon).IDs(t.Context(), many[:1], false); !errors.Is(err, mapi.EcAccessDenied) {
		t.Errorf("%v", err)
	}
	if _, err := NewNames(names.logon).Names(t.Context(), []uint16{0x8001}); !errors.Is(err, mapi.EcAccessDenied) {
		t.Errorf("%v", err)
	}
	server.reply = nil
	var broken *mapi.Protocol
	if _, err := NewNames(names.logon).IDs(t.Context(), many[:1], false); !errors.As(err, &broken) {
		t.Errorf("%v", err)
	}
}

func TestLongTermIDs(t *testing.T) {
	server := newTestServer(t)
	replica := mapi.MustGUID("6f7b18a5-bcdc-ea1e-d03c-565700000000")
	server.reply = func(c Call, _ Handle) Response {
		switch q := c.Request.(type) {
		case *LongTermIDFromIDRequest:
			id := mapi.FID(q.ObjectID)
			if id.ReplID() != 1 {
				return failure(c, mapi.EcNotFound)
			}
			return &LongTermIDFromIDResponse{LongTermID: mapi.LongTermID{GUID: replica, Counter: id.Counter()}}
		case *IDFromLongTermIDRequest:
			return &IDFromLongTermIDResponse{ObjectID: uint64(mapi.NewMID(1, q.LongTermID.Counter))}
		}
		return nil
	}
	logon := loggedOn(t, server, Options{})
	long, err := LongTermIDs(t.Context(), logon, mapi.NewFID(1, 7), mapi.NewFID(1, 8))
	if err != nil || long[1] != (mapi.LongTermID{GUID: replica, Counter: 8}) {
		t.Fatalf("%v, %v", long, err)
	}
	short, err := ShortIDs[mapi.MID](t.Context(), logon, long...)
	if err != nil || short[0] != mapi.NewMID(1, 7) {
		t.Errorf("%v, %v", short, err)
	}
	if _, err := LongTermIDs(t.Context(), logon, mapi.NewMID(2, 7)); !errors.Is(err, mapi.EcNotFound) {
		t.Errorf("%v", err)
	}
	before := len(server.buffers)
	if got, err := LongTermIDs[mapi.FID](t.Context(), logon); err != nil || len(got) != 0 || len(server.buffers) != before {
		t.Errorf("%v, %v", got, err)
	}
}

func TestRecipientsAndRestrictions(t *testing.T) {
	columns := []mapi.PropertyTag{mapi.NewTag(0x39FE, mapi.TypeString)}
	row := mapi.NewRecipientRow(mapi.PropertyBag{
		{Tag: mapi.PidTagDisplayName, Value: "Bob"},
		{Tag: mapi.PidTagEmailAddress, Value: "bob@example.test"},
		{Tag: mapi.PidTagAddressType, Value: "SMTP"},
		{Tag: columns[0], Value: "bob@example.test"},
	}, columns)
	modify, err := NewModifyRecipientRow(3, mapi.RecipientCc, 0x10, row, columns)
	if err != nil || modify.RecipientType != 0x12 {
		t.Fatalf("%+v, %v", modify, err)
	}
	if got, ok, err := modify.Recipient(columns); err != nil || !ok || got.DisplayName != "Bob" {
		t.Errorf("%+v, %v, %v", got, ok, err)
	}
	if _, ok, err := (ModifyRecipientRow{}).Recipient(columns); ok || err != nil {
		t.Errorf("a deleted row: %v, %v", ok, err)
	}
	open, err := NewOpenRecipientRow(mapi.RecipientTo, 0, 1252, row, columns)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := open.Recipient(columns); err != nil || got.DisplayName != "Bob" {
		t.Errorf("%+v, %v", got, err)
	}
	read, err := NewReadRecipientRow(1, mapi.RecipientTo, 0, 1252, row, columns)
	if err != nil {
		t.Fatal(err)
	}
	read.RecipientRow = append(read.RecipientRow, 0)
	if got, err := read.Recipient(columns); err == nil {
		t.Errorf("bytes left over: %+v", got)
	}
	data, err := EncodeRestriction(mapi.ExistRestriction{Tag: columns[0]})
	if err != nil || len(data) != 5 {
		t.Fatalf("%x, %v", data, err)
	}
	if got, err := DecodeRestriction(data); err != nil || got != (mapi.ExistRestriction{Tag: columns[0]}) {
		t.Errorf("%v, %v", got, err)
	}
	if data, err := EncodeRestriction(nil); err != nil || len(data) != 0 {
		t.Errorf("%x, %v", data, err)
	}
	if got, err := DecodeRestriction(nil); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := DecodeRestriction(append(data, 8, 1, 2)); err == nil {
		t.Errorf("cut: %v", got)
	}
}
