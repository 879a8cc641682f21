package rop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mailfs/mapi"
)

func TestBatchUsesObjectsBeforeTheyExist(t *testing.T) {
	server := newTestServer(t)
	logon := loggedOn(t, server, Options{})
	b := logon.Session().NewBatch()
	folder := b.Add(logon, &OpenFolderRequest{FolderID: 7})
	table := b.Add(folder.Object(), &GetContentsTableRequest{})
	columns := b.Add(table.Object(), &SetColumnsRequest{PropertyTags: testColumns[:1]})
	if err := folder.Err(); err == nil {
		t.Error("a result before the batch was run")
	}
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := Get[*OpenFolderResponse](folder); err != nil {
		t.Error(err)
	}
	if _, err := Get[*SetColumnsResponse](columns); err != nil {
		t.Error(err)
	}
	if _, err := Get[*SortTableResponse](columns); err == nil {
		t.Error("a response of another type")
	}
	if folder.Object().Handle() != 1 || table.Object().Handle() != 2 || columns.Object() != nil {
		t.Errorf("handles %d and %d", folder.Object().Handle(), table.Object().Handle())
	}
	if len(server.buffers) != 2 {
		t.Errorf("%d buffers", len(server.buffers))
	}
	if err := b.Do(t.Context()); err == nil || len(server.buffers) != 2 {
		t.Error("run twice")
	}
}

func TestReleaseOwnedBeforeOwner(t *testing.T) {
	server := newTestServer(t)
	logon := loggedOn(t, server, Options{})
	b := logon.Session().NewBatch()
	folder := b.Add(logon, &OpenFolderRequest{}).Object()
	table := b.Add(folder, &GetContentsTableRequest{}).Object()
	message := b.Add(folder, &OpenMessageRequest{}).Object()
	attachment := b.Add(message, &OpenAttachmentRequest{}).Object()
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	folder.Release()
	folder.Release()
	(*Object)(nil).Release()
	if err := logon.Session().Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"Release 2", "Release 1"} // the message belongs to the log on
	if got := names(server.buffers[2]); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if table.Handle() != NoHandle || message.Handle() != 3 {
		t.Errorf("table %d, message %d", table.Handle(), message.Handle())
	}
	if _, err := Do[*SetColumnsResponse](t.Context(), table, &SetColumnsRequest{}); !errors.Is(err, errReleased) {
		t.Errorf("use of a released table: %v", err)
	}
	_ = attachment
	logon.Release()
	if err := logon.Session().Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(server.open) != 0 {
		t.Errorf("left open: %v", server.open)
	}
}

func TestReleaseInsideBatch(t *testing.T) {
	server := newTestServer(t)
	logon := loggedOn(t, server, Options{})
	b := logon.Session().NewBatch()
	message := b.Add(logon, &OpenMessageRequest{}).Object()
	b.Add(message, &OpenAttachmentRequest{})
	b.Add(message, &SaveChangesMessageRequest{})
	b.Release(message)
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(server.buffers) != 2 || len(server.open) != 1 {
		t.Errorf("%d buffers, open %v", len(server.buffers), server.open)
	}
	message.Release()
	if err := logon.Session().Poll(t.Context()); err != nil || len(server.buffers[2].Calls) != 0 {
		t.Errorf("released again: %v, %v", server.buffers[2].Calls, err)
	}
}

func TestFailedObjectFailsWhatNeedsIt(t *testing.T) {
	server := newTestServer(t)
	server.reply = func(c Call, _ Handle) Response {
		if c.Request.ROP() == IDOpenFolder {
			return failure(c, mapi.EcNotFound)
		}
		return nil
	}
	logon := loggedOn(t, server, Options{})
	b := logon.Session().NewBatch()
	folder := b.Add(logon, &OpenFolderRequest{})
	table := b.Add(folder.Object(), &GetContentsTableRequest{})
	other := b.Add(logon, &GetReceiveFolderRequest{})
	if err := b.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	var own *Error
	if !errors.As(folder.Err(), &own) || own.ROP != IDOpenFolder || own.Code != mapi.EcNotFound {
		t.Errorf("folder: %v", folder.Err())
	}
	if !errors.Is(table.Err(), mapi.EcNotFound) || !strings.Contains(table.Err().Error(), "GetContentsTable") {
		t.Errorf("table: %v", table.Err())
	}
	if other.Err() != nil {
		t.Errorf("other: %v", other.Err())
	}
	if _, err := Do[*GetContentsTableResponse](t.Context(), folder.Object(), &GetContentsTableRequest{}); !errors.Is(err, mapi.EcNotFound) {
		t.Errorf("later: %v", err)
	}
	b = logon.Session().NewBatch()
	b.Add(logon, &OpenFolderRequest{})
	if err := b.Run(t.Context()); !errors.Is(err, mapi.EcNotFound) {
		t.Errorf("Run: %v", err)
	}
}

func TestBatchIsSplitBySize(t *testing.T) {
	server := newTestServer(t)
	logon := loggedOn(t, server, Options{})
	b := logon.Session().NewBatch()
	message := b.Add(logon, &CreateMessageRequest{}).Object()
	value := strings.Repeat("x", 5000) // 10 KB each
	for range 10 {
		b.Add(message, &SetPropertiesRequest{PropertyValues: []mapi.Property{{Tag: mapi.NewTag(0x37, mapi.TypeString), Value: value}}})
	}
	saved := b.Add(message, &SaveChangesMessageRequest{})
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if saved.Err() != nil || len(server.buffers) != 5 {
		t.Errorf("%d buffers of %v bytes, %v", len(server.buffers), server.sizes, saved.Err())
	}
}

func TestBatchIsSplitBySlots(t *testing.T) {
	server := newTestServer(t)
	logon := loggedOn(t, server, Options{})
	b := logon.Session().NewBatch()
	var folders []*Object
	for range 600 {
		folders = append(folders, b.Add(logon, &OpenFolderRequest{}).Object())
	}
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(server.open) != 601 || len(server.buffers) != 4 {
		t.Errorf("%d open, %d buffers", len(server.open), len(server.buffers))
	}
	for _, f := range folders {
		f.Release()
	}
	for range 5 {
		if err := logon.Session().Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(server.open) != 1 {
		t.Errorf("%d left open", len(server.open))
	}
}

func TestOversizedRequestFailsAlone(t *testing.T) {
	logon := loggedOn(t, newTestServer(t), Options{})
	b := logon.Session().NewBatch()
	big := b.Add(logon, &WriteStreamRequest{Data: make([]byte, 0x8000)})
	bad := b.Add(logon, &GetReceiveFolderRequest{MessageClass: "a\x00"})
	good := b.Add(logon, &GetReceiveFolderRequest{})
	if err := b.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	if big.Err() == nil || bad.Err() == nil || good.Err() != nil {
		t.Errorf("%v, %v, %v", big.Err(), bad.Err(), good.Err())
	}
}

func TestBufferTooSmallGoesOn(t *testing.T) {
	server := newTestServer(t)
	logon := loggedOn(t, server, Options{MaxOut: 200})
	server.room = 150
	server.reply = func(c Call, _ Handle) Response {
		if q, ok := c.Request.(*ReadStreamRequest); ok {
			return &ReadStreamResponse{Data: make([]byte, q.ByteCount)}
		}
		return nil
	}
	b := logon.Session().NewBatch()
	var results []*Result
	for range 9 {
		results = append(results, b.Add(logon, &ReadStreamRequest{ByteCount: 40}))
	}
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if p, err := Get[*ReadStreamResponse](r); err != nil || len(p.Data) != 40 {
			t.Errorf("%d: %v", i, err)
		}
	}
	if got := len(server.buffers) - 1; got != 3 {
		t.Errorf("%d buffers for three answers each", got)
	}
	// One answer that does not fit even alone: more room is asked for, then it fails.
	b = logon.Session().NewBatch()
	big := b.Add(logon, &ReadStreamRequest{ByteCount: 400})
	small := b.Add(logon, &ReadStreamRequest{ByteCount: 40})
	if err := b.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(big.Err(), mapi.EcBufferTooSmall) || small.Err() != nil {
		t.Errorf("%v, %v", big.Err(), small.Err())
	}
	if got := server.maxOuts[len(server.maxOuts)-1]; got != maxOutLimit {
		t.Errorf("asked for %#x at last", got)
	}
	server.room = 0
	if _, err := Do[*ReadStreamResponse](t.Context(), logon, &ReadStreamRequest{ByteCount: 4000}); err != nil {
		t.Errorf("with room: %v", err)
	}
}

func TestMaxOutGrows(t *testing.T) {
	server := newTestServer(t)
	logon := loggedOn(t, server, Options{MaxOut: 256})
	server.reply = func(Call, Handle) Response { return &ReadStreamResponse{Data: make([]byte, 900)} }
	if _, err := Do[*ReadStreamResponse](t.Context(), logon, &ReadStreamRequest{}); err != nil {
		t.Fatal(err)
	}
	if want := []uint32{256, 256, 512, 1024}; !slices.Equal(server.maxOuts, want) {
		t.Errorf("asked for %v, want %v", server.maxOuts, want)
	}
}

// scripted answers every buffer with what its function returns.
type scripted struct {
	testServer
	f func(q Requests) ([][]byte, error)
}

func (s *scripted) Execute(_ context.Context, payload []byte, _ uint32) ([][]byte, error) {
	q, err := DecodeRequests(payload, nil)
	if err != nil {
		return nil, err
	}
	return s.f(q)
}

func TestBackoff(t *testing.T) {
	s := NewSession(&scripted{f: func(q Requests) ([][]byte, error) {
		raw, err := EncodeResponses([]Answer{
			q.Calls[0].Answer(&LogonResponse{LogonFlags: LogonPrivate}),
			{Response: &Backoff{Duration: 1000, BackoffRops: []BackoffRop{{IDOpenFolder, 4000}, {IDOpenMessage, 9000}}}},
		}, []Handle{5, NoHandle})
		return [][]byte{raw}, err
	}}, Options{})
	b := s.NewBatch()
	logon := b.AddLogon(PrivateLogon("/o=x"))
	folder := b.Add(logon.Object(), &OpenFolderRequest{})
	err := b.Do(t.Context())
	var busy *mapi.Busy
	if !errors.As(err, &busy) || busy.After != 4*time.Second {
		t.Errorf("%v", err)
	}
	if logon.Err() != nil || !errors.As(folder.Err(), &busy) {
		t.Errorf("%v, %v", logon.Err(), folder.Err())
	}
}

func TestBadAnswers(t *testing.T) {
	encode := func(answers ...Answer) ([][]byte, error) {
		raw, err := EncodeResponses(answers, nil)
		return [][]byte{raw}, err
	}
	cases := map[string]func(q Requests) ([][]byte, error){
		"no payload":        func(Requests) ([][]byte, error) { return nil, nil },
		"no answer":         func(Requests) ([][]byte, error) { return encode() },
		"garbage":           func(Requests) ([][]byte, error) { return [][]byte{{9, 9, 9}}, nil },
		"another operation": func(Requests) ([][]byte, error) { return encode(Answer{Response: &OpenFolderResponse{}}) },
		"no handle": func(q Requests) ([][]byte, error) {
			return encode(q.Calls[0].Answer(&LogonResponse{LogonFlags: LogonPrivate}))
		},
		"garbage chained": func(q Requests) ([][]byte, error) {
			raw, err := EncodeResponses([]Answer{q.Calls[0].Answer(&LogonResponse{LogonFlags: LogonPrivate})}, []Handle{0})
			return [][]byte{raw, {1}}, err
		},
	}
	for name, f := range cases {
		s := NewSession(&scripted{f: f}, Options{})
		_, _, err := s.Logon(t.Context(), PrivateLogon("/o=x"))
		var broken *mapi.Protocol
		if !errors.As(err, &broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLogonFailures(t *testing.T) {
	server := newTestServer(t)
	s := NewSession(server, Options{})
	code := mapi.EcUnknownUser
	server.reply = func(c Call, _ Handle) Response {
		p := failure(c, code).(*LogonResponse)
		p.ServerName = "/o=x/cn=other"
		return p
	}
	var refused *mapi.Refused
	if _, _, err := s.Logon(t.Context(), PrivateLogon("/o=x")); !errors.As(err, &refused) || !errors.Is(err, mapi.EcUnknownUser) {
		t.Errorf("%v", err)
	}
	code = mapi.EcWrongServer
	var moved *WrongServer
	if _, _, err := s.Logon(t.Context(), PrivateLogon("/o=x")); !errors.As(err, &moved) || moved.ServerName != "/o=x/cn=other" || !errors.Is(err, mapi.EcWrongServer) {
		t.Errorf("%v", err)
	}
	code = mapi.EcMailboxInTransit
	var busy *mapi.Busy
	if _, _, err := s.Logon(t.Context(), PrivateLogon("/o=x")); !errors.As(err, &busy) {
		t.Errorf("%v", err)
	}
	code = mapi.EcUnknownCodePage
	if _, _, err := s.Logon(t.Context(), PrivateLogon("/o=x")); !errors.Is(err, mapi.EcUnknownCodePage) || errors.As(err, &busy) || errors.As(err, &refused) {
		t.Errorf("%v", err)
	}
}

func TestTransportErrors(t *testing.T) {
	server := newTestServer(t)
	logon := loggedOn(t, server, Options{})
	s := logon.Session()
	folder, err := Open(t.Context(), logon, &OpenFolderRequest{})
	if err != nil {
		t.Fatal(err)
	}
	folder.Release()
	server.broken = &mapi.Unreachable{Err: errors.New("no route")}
	b := s.NewBatch()
	r := b.Add(logon, &OpenFolderRequest{})
	var unreachable *mapi.Unreachable
	if err := b.Do(t.Context()); !errors.As(err, &unreachable) || !errors.As(r.Err(), &unreachable) {
		t.Errorf("%v, %v", err, r.Err())
	}
	server.broken = nil
	if err := s.Poll(t.Context()); err != nil || len(server.open) != 1 {
		t.Errorf("the release was lost: %v, %v", server.open, err)
	}
	server.broken = &mapi.SessionLost{Err: errors.New("expired")}
	var lost *mapi.SessionLost
	if err := s.Poll(t.Context()); !errors.As(err, &lost) {
		t.Errorf("%v", err)
	}
	server.broken = nil
	if err := s.Poll(t.Context()); !errors.As(err, &lost) || !errors.As(s.Err(), &lost) {
		t.Errorf("a lost session goes on: %v", err)
	}
}

func TestContextEndsTheWaitForATurn(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s := NewSession(&scripted{f: func(Requests) ([][]byte, error) {
		close(entered)
		<-leave
		return nil, nil
	}}, Options{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Poll(context.Background()); err != nil {
			t.Error(err)
		}
	})
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Poll(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(leave)
	wg.Wait()
}

func TestManyGoroutines(t *testing.T) {
	server := newTestServer(t)
	logon := loggedOn(t, server, Options{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				folder, err := Open(t.Context(), logon, &OpenFolderRequest{})
				if err != nil {
					t.Error(err)
					return
				}
				folder.Release()
			}
		})
	}
	wg.Wait()
	if err := logon.Session().Poll(t.Context()); err != nil || len(server.open) != 1 {
		t.Errorf("left open: %v, %v", server.open, err)
	}
}

func TestNotifications(t *testing.T) {
	server := newTestServer(t)
	var got []string
	var s *Session
	logon := loggedOn(t, server, Options{OnNotify: func(n *Notify) {
		got = append(got, fmt.Sprintf("%d %#x %d", n.Handle, n.Flags, n.FolderID))
		if len(got) == 1 {
			server.events = []Response{&Notify{Handle: 1, Flags: NotifyObjectModified | NotifyFlagTotal, FolderID: 3}}
			if err := s.Poll(t.Context()); err != nil { // delivered after the others
				t.Error(err)
			}
		}
	}})
	s = logon.Session()
	sub, err := Open(t.Context(), logon, &RegisterNotificationRequest{NotificationTypes: NotifyNewMail, WantWholeStore: true})
	if err != nil {
		t.Fatal(err)
	}
	server.events = []Response{
		&Pending{SessionIndex: 1},
		&Notify{Handle: sub.Handle(), Flags: NotifyObjectCreated | NotifyFlagMessage, FolderID: 1, TagCount: unknownTags},
		&Notify{Handle: sub.Handle(), Flags: NotifyNewMail | NotifyFlagMessage, FolderID: 2, MessageClass: "IPM.Note"},
	}
	if ready, err := s.Wait(t.Context()); err != nil || !ready {
		t.Errorf("%v, %v", ready, err)
	}
	if err := s.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"1 0x8004 1", "1 0x8002 2", "1 0x1010 3"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestClose(t *testing.T) {
	server := newTestServer(t)
	logon := loggedOn(t, server, Options{})
	if err := logon.Session().Close(t.Context()); err != nil || !server.done {
		t.Fatalf("%v", err)
	}
	var lost *mapi.SessionLost
	if _, err := Open(t.Context(), logon, &OpenFolderRequest{}); !errors.As(err, &lost) {
		t.Errorf("%v", err)
	}
}

func TestCopyBetweenObjects(t *testing.T) {
	server := newTestServer(t)
	logon := loggedOn(t, server, Options{})
	b := logon.Session().NewBatch()
	src := b.Add(logon, &OpenFolderRequest{FolderID: 1}).Object()
	dst := b.Add(logon, &OpenFolderRequest{FolderID: 2}).Object()
	moved := b.AddTo(src, dst, &MoveCopyMessagesRequest{MessageIDs: []mapi.MID{9}})
	lacking := b.Add(src, &MoveCopyMessagesRequest{})
	if err := b.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := server.buffers[1].Calls[2]
	if moved.Err() != nil || c.In == c.Out || lacking.Err() == nil {
		t.Errorf("%v, %v, %+v", moved.Err(), lacking.Err(), c)
	}
}

func TestStateGoesInPieces(t *testing.T) {
	server := newTestServer(t)
	var got bytes.Buffer
	ends := 0
	server.reply = func(c Call, _ Handle) Response {
		switch q := c.Request.(type) {
		case *SynchronizationUploadStateStreamBeginRequest:
			if q.TransferBufferSize != 0 && q.TransferBufferSize != 100_000 {
				t.Errorf("%d bytes announced", q.TransferBufferSize)
			}
		case *SynchronizationUploadStateStreamContinueRequest:
			got.Write(q.StreamData)
		case *SynchronizationUploadStateStreamEndRequest:
			ends++
		}
		return nil
	}
	logon := loggedOn(t, server, Options{})
	state := bytes.Repeat([]byte("0123456789"), 10_000)
	b := logon.Session().NewBatch()
	sync := b.Add(logon, &SynchronizationConfigureRequest{}).Object()
	UploadState(b, sync, mapi.MetaTagIdsetGiven, state)
	UploadState(b, sync, mapi.MetaTagCnsetSeen, nil)
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), state) || ends != 2 {
		t.Errorf("%d bytes, %d ends", got.Len(), ends)
	}
}
