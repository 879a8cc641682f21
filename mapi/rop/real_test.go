package rop_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"mailfs/internal/realserver"
	"mailfs/mapi"
	"mailfs/mapi/mapihttp"
	"mailfs/mapi/rop"
)

var _ rop.Transport = (*mapihttp.Client)(nil)

// realMailbox logs on at a real server. Without one the test is skipped.
func realMailbox(t *testing.T, o rop.Options) (*rop.Object, *rop.LogonResponse) {
	t.Helper()
	found, cfg := realserver.Need(t).Discover(t)
	client, err := mapihttp.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := rop.NewSession(client, o)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	logon, p, err := s.Logon(t.Context(), rop.PrivateLogon(found.LegacyDN))
	if err != nil {
		t.Fatal(err)
	}
	return logon, p
}

// scratchFolder creates a folder that is gone after the test. It is beside the IPM
// subtree, where the tests of syncer, which empty that mailbox, do not look.
func scratchFolder(t *testing.T, logon *rop.Object, p *rop.LogonResponse) (*rop.Object, mapi.FID) {
	t.Helper()
	b := logon.Session().NewBatch()
	parent := b.Add(logon, &rop.OpenFolderRequest{FolderID: p.FolderIDs[rop.FolderRoot]}).Object()
	r := b.Add(parent, &rop.CreateFolderRequest{FolderType: rop.FolderGeneric, UseUnicodeStrings: true, OpenExisting: true, DisplayName: "rop test " + t.Name()})
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	made, err := rop.Get[*rop.CreateFolderResponse](r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		flags := uint8(rop.DeleteFolderMessages | rop.DeleteFolderFolders | rop.DeleteFolderHard)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if _, err := rop.Do[*rop.DeleteFolderResponse](ctx, parent, &rop.DeleteFolderRequest{DeleteFolderFlags: flags, FolderID: made.FolderID}); err != nil {
			t.Errorf("deleting the folder: %v", err)
		}
	})
	return r.Object(), made.FolderID
}

// TestRealRows reads a table that takes several answers.
func TestRealRows(t *testing.T) {
	logon, p := realMailbox(t, rop.Options{})
	folder, id := scratchFolder(t, logon, p)
	const messages = 120
	b := logon.Session().NewBatch()
	for range messages {
		m := b.Add(logon, &rop.CreateMessageRequest{CodePageID: rop.CodePageLogon, FolderID: id}).Object()
		b.Add(m, &rop.SetPropertiesRequest{PropertyValues: []mapi.Property{
			{Tag: mapi.PidTagMessageClass, Value: "IPM.Note"},
			{Tag: mapi.PidTagSubject, Value: strings.Repeat("subject ", 20)},
		}})
		b.Add(m, &rop.SaveChangesMessageRequest{SaveFlags: rop.SaveKeepOpenReadOnly})
		b.Release(m)
	}
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	table, err := rop.Open(t.Context(), folder, &rop.GetContentsTableRequest{TableFlags: rop.TableUseUnicode})
	if err != nil {
		t.Fatal(err)
	}
	columns := []mapi.PropertyTag{mapi.PidTagMid, mapi.PidTagSubject, mapi.PidTagMessageClass}
	seen := map[any]bool{}
	err = rop.EachRow(t.Context(), table, columns, func(row []mapi.Property) error {
		seen[row[0].Value] = true
		return nil
	})
	if err != nil || len(seen) != messages {
		t.Fatalf("%d rows, %v", len(seen), err)
	}
}

// TestRealMessage writes a message with a large body, reads it back as properties, as
// a stream and as a FastTransfer stream, and hears of it.
func TestRealMessage(t *testing.T) {
	var events []*rop.Notify
	logon, p := realMailbox(t, rop.Options{OnNotify: func(n *rop.Notify) { events = append(events, n) }})
	s := logon.Session()
	folder, id := scratchFolder(t, logon, p)
	sub, err := rop.Open(t.Context(), logon, &rop.RegisterNotificationRequest{NotificationTypes: rop.NotifyObjectCreated, FolderID: id})
	if err != nil {
		t.Fatal(err)
	}

	b := s.NewBatch()
	message := b.Add(logon, &rop.CreateMessageRequest{CodePageID: rop.CodePageLogon, FolderID: id}).Object()
	stream := b.Add(message, &rop.OpenStreamRequest{PropertyTag: mapi.PidTagBody, OpenModeFlags: rop.OpenCreate}).Object()
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	body := bytes.Repeat([]byte("m\x00a\x00i\x00l\x00f\x00s\x00 \x00\xE5\x65"), 10_000)
	w := rop.NewStreamWriter(t.Context(), stream)
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	b = s.NewBatch()
	b.Release(stream)
	saved := b.Add(message, &rop.SaveChangesMessageRequest{SaveFlags: rop.SaveKeepOpenReadOnly})
	b.Release(message)
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	sp, err := rop.Get[*rop.SaveChangesMessageResponse](saved)
	if err != nil {
		t.Fatal(err)
	}

	b = s.NewBatch()
	message = b.Add(logon, &rop.OpenMessageRequest{CodePageID: rop.CodePageLogon, FolderID: id, MessageID: sp.MessageID}).Object()
	tags := []mapi.PropertyTag{mapi.PidTagBody, mapi.PidTagMid}
	props := b.Add(message, &rop.GetPropertiesSpecificRequest{PropertyTags: tags})
	stream = b.Add(message, &rop.OpenStreamRequest{PropertyTag: mapi.PidTagBody}).Object()
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	pp, err := rop.Get[*rop.GetPropertiesSpecificResponse](props)
	if err != nil {
		t.Fatal(err)
	}
	row, err := pp.Row(tags)
	if err != nil || row[1].Value != int64(sp.MessageID) {
		t.Errorf("%v, %v", row, err)
	}
	got, err := io.ReadAll(rop.NewStreamReader(t.Context(), stream))
	if err != nil || !bytes.Equal(bytes.TrimRight(got, "\x00"), bytes.TrimRight(body, "\x00")) {
		t.Errorf("%d of %d bytes, %v", len(got), len(body), err)
	}

	b = s.NewBatch()
	download := b.Add(folder, &rop.FastTransferSourceCopyMessagesRequest{MessageIDs: []mapi.MID{sp.MessageID}, SendOptions: rop.SendUnicode}).Object()
	f := rop.NewFastTransferReader(t.Context(), download)
	f.AddTo(b)
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	fx, err := io.ReadAll(f)
	if err != nil || !bytes.Contains(fx, body) || !f.Progress().Complete {
		t.Errorf("stream of %d bytes, %v", len(fx), err)
	}
	if err := s.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	heard := false
	for _, n := range events {
		heard = heard || n.Handle == sub.Handle() && n.Kind() == rop.NotifyObjectCreated && n.MessageID == sp.MessageID
	}
	if !heard {
		t.Errorf("not heard of: %d events", len(events))
	}
}

func TestRealNamesAndIDs(t *testing.T) {
	logon, p := realMailbox(t, rop.Options{})
	names := rop.NewNames(logon)
	set := mapi.MustGUID("00020329-0000-0000-c000-000000000046") // PS_PUBLIC_STRINGS
	want := []mapi.PropertyName{mapi.StringName(set, "Keywords"), mapi.StringName(set, "x-mailfs-rop-test")}
	ids, err := names.IDs(t.Context(), want, true)
	if err != nil || ids[0] < 0x8000 || ids[1] < 0x8000 {
		t.Fatalf("%x, %v", ids, err)
	}
	back, err := rop.NewNames(logon).Names(t.Context(), ids)
	if err != nil || !strings.EqualFold(back[0].Name, want[0].Name) || back[1] != want[1] {
		t.Errorf("%v, %v", back, err)
	}
	inbox := p.FolderIDs[rop.FolderInbox]
	long, err := rop.LongTermIDs(t.Context(), logon, inbox)
	if err != nil || long[0].Counter != inbox.Counter() {
		t.Fatalf("%v, %v", long, err)
	}
	short, err := rop.ShortIDs[mapi.FID](t.Context(), logon, long...)
	if err != nil || short[0] != inbox {
		t.Errorf("%v, %v", short, err)
	}
}

func TestRealFailures(t *testing.T) {
	logon, _ := realMailbox(t, rop.Options{})
	s := logon.Session()
	if _, err := rop.Open(t.Context(), logon, &rop.OpenFolderRequest{FolderID: mapi.NewFID(1, 0xFFFFFF)}); !errors.Is(err, mapi.EcNotFound) {
		t.Errorf("%v", err)
	}
	if _, _, err := s.Logon(t.Context(), rop.PrivateLogon("/o=nobody/cn=nobody")); err == nil {
		t.Error("logged on as nobody")
	} else if refused := (*mapi.Refused)(nil); !errors.As(err, &refused) {
		t.Errorf("%v", err)
	}
	// Answers that do not fit: 40 kB asked for in pieces of 100 log on properties.
	b := s.NewBatch()
	tags := []mapi.PropertyTag{mapi.PidTagDisplayName, mapi.PidTagMailboxOwnerName}
	var all []*rop.Result
	for range 2000 {
		all = append(all, b.Add(logon, &rop.GetPropertiesSpecificRequest{PropertyTags: tags}))
	}
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		p, err := rop.Get[*rop.GetPropertiesSpecificResponse](r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Row(tags); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRealStreamFailure reads from a stream that does not exist, in one buffer with
// operations that go well.
func TestRealStreamFailure(t *testing.T) {
	logon, _ := realMailbox(t, rop.Options{})
	b := logon.Session().NewBatch()
	bad := b.Add(logon, &rop.ReadStreamRequest{ByteCount: 100})
	good := b.Add(logon, &rop.GetReceiveFolderRequest{})
	if err := b.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	if bad.Err() == nil || good.Err() != nil {
		t.Errorf("%v, %v", bad.Err(), good.Err())
	}
}
