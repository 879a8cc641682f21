package syncer_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"testing"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mime"
	"mailfs/replica"
)

// recorded returns every complete message of the streams that were recorded from a
// real server, by stream and place.
func recorded(t *testing.T) map[string]*mapi.Message {
	t.Helper()
	out := map[string]*mapi.Message{}
	for pattern, root := range map[string]fxics.Root{
		"03-*": fxics.RootContentsSync, "06-kind-*": fxics.RootMessageList, "12-after-*": fxics.RootContentsSync, "07-drafts-end*": fxics.RootContentsSync,
	} {
		files, err := filepath.Glob(filepath.Join("..", "mapi", "fxics", "testdata", "streams", pattern+".fxs.gz"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no recorded streams %s: %v", pattern, err)
		}
		for _, file := range files {
			decodeRecorded(t, file, root, out)
		}
	}
	return out
}

func decodeRecorded(t *testing.T, file string, root fxics.Root, out map[string]*mapi.Message) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dec := fxics.NewDecoder(z, root, nil)
	for i := 0; ; i++ {
		el, err := dec.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		name := fmt.Sprintf("%s %d", filepath.Base(file), i)
		switch e := el.(type) {
		case *fxics.MessageChange:
			if e.Partial == nil && !e.Associated() {
				out[name] = &e.Message
			}
		case *fxics.MessageContent:
			if !e.FAI {
				out[name] = &e.Message
			}
		}
	}
}

// TestRecordedItemsGoUpWhole uploads every recorded item as a new one and compares
// what another client gets with it, property by property.
func TestRecordedItemsGoUpWhole(t *testing.T) {
	w := newWorld(t)
	items := recorded(t)
	names := make([]string, 0, len(items))
	for name := range items {
		names = append(names, name)
	}
	sort.Strings(names)
	a := w.client(t)
	a.pass()
	dir := a.mkdir(a.at(), "Recorded")
	nums := map[string]replica.Num{}
	for i, name := range names {
		m := items[name]
		mime.DropMadeHTML(m) // as a download has it
		a.update(func(u *replica.Update) error {
			n := &replica.Node{Parent: dir.Num, Name: fmt.Sprintf("%04d.eml", i), Kind: replica.KindMessage,
				Message: &replica.MessageInfo{State: replica.StateFull, Renderer: mime.Version, Read: m.Properties.Int(mapi.PidTagMessageFlags)&1 != 0}}
			num, err := u.Insert(n)
			if err != nil {
				return err
			}
			n.Num, nums[name] = num, num
			if n.Size, err = (mime.Renderer{}).Size(m); err != nil {
				return err
			}
			n.Exact = true
			if err := u.PutContent(n, m); err != nil {
				return err
			}
			_, err = u.Enqueue(&replica.Change{Kind: replica.ChangeCreate, Item: num, Folder: dir.Num})
			return err
		})
	}
	a.flush()
	b := w.client(t)
	b.pass()
	for _, name := range names {
		var key mapi.SourceKey
		a.view(func(v *replica.View) error {
			n, err := v.Node(nums[name])
			if err == nil {
				key = n.Message.SourceKey
			}
			return err
		})
		b.view(func(v *replica.View) error {
			n, err := v.BySourceKey(key)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			got, err := v.Message(n.Num)
			if err != nil {
				return err
			}
			compareMessages(t, name, items[name], got)
			return nil
		})
	}
}

// serverOwned are properties that a server makes, or that it may write in another form.
var serverOwned = map[mapi.PropertyTag]bool{
	mapi.PidTagMid: true, mapi.PidTagChangeNumber: true, mapi.PidTagSourceKey: true, mapi.PidTagParentSourceKey: true,
	mapi.PidTagChangeKey: true, mapi.PidTagPredecessorChangeList: true, mapi.PidTagMessageSize: true,
	mapi.PidTagLastModificationTime: true, mapi.PidTagHasAttachments: true, mapi.PidTagCreationTime: true,
	mapi.PidTagDisplayTo: true, mapi.PidTagDisplayCc: true, mapi.PidTagDisplayBcc: true, mapi.PidTagAccess: true,
	mapi.PidTagAccessLevel: true, mapi.PidTagMessageFlags: true, mapi.PidTagMessageStatus: true, mapi.PidTagRead: true,
	mapi.PidTagOriginalEntryId: true, mapi.PidTagEntryId: true, mapi.PidTagParentEntryId: true, mapi.PidTagRecordKey: true,
	mapi.PidTagObjectType: true, mapi.PidTagInConflict: true, mapi.PidTagAttachNumber: true, mapi.PidTagAttachSize: true,
	mapi.PidTagHasNamedProperties: true, mapi.PidTagAssociated: true, mapi.PidTagFolderId: true, mapi.PidTagParentFolderId: true,
	mapi.PidTagInternetArticleNumber: true, mapi.PidTagCreatorName: true, mapi.PidTagCreatorEntryId: true,
	mapi.PidTagLocalCommitTime: true, mapi.PidTagNativeBody: true,
	mapi.PidTagConversationId: true, mapi.PidTagRowid: true, mapi.PidTagInstID: true, mapi.PidTagLastModifierName: true, mapi.PidTagLastModifierEntryId: true,
}

func compareMessages(t *testing.T, name string, want, got *mapi.Message) {
	t.Helper()
	compareBags(t, name, want.Properties, got.Properties)
	if len(want.Recipients) != len(got.Recipients) || len(want.Attachments) != len(got.Attachments) {
		t.Errorf("%s: %d recipients, %d attachments; want %d, %d", name, len(got.Recipients), len(got.Attachments), len(want.Recipients), len(want.Attachments))
		return
	}
	for i := range want.Recipients {
		if want.Recipients[i].Type != got.Recipients[i].Type {
			t.Errorf("%s: recipient %d has type %d", name, i, got.Recipients[i].Type)
		}
		compareBags(t, fmt.Sprintf("%s recipient %d", name, i), recipientCore(want.Recipients[i].Properties), got.Recipients[i].Properties)
	}
	for i := range want.Attachments {
		x, y := want.Attachments[i], got.Attachments[i]
		here := fmt.Sprintf("%s attachment %d", name, i)
		compareBags(t, here, x.Properties, y.Properties)
		if (x.Embedded == nil) != (y.Embedded == nil) {
			t.Errorf("%s: embedded %v, want %v", here, y.Embedded != nil, x.Embedded != nil)
		} else if x.Embedded != nil {
			compareMessages(t, here, x.Embedded, y.Embedded)
		}
	}
}

// recipientCore keeps what makes a recipient; servers add the rest.
func recipientCore(bag mapi.PropertyBag) (out mapi.PropertyBag) {
	for _, tag := range []mapi.PropertyTag{mapi.PidTagDisplayName, mapi.PidTagEmailAddress, mapi.PidTagAddressType, mapi.PidTagSmtpAddress, mapi.PidTagRecipientType} {
		if p, ok := bag.Lookup(mapi.Property{Tag: tag}.Key()); ok && p.Value != "" {
			out = append(out, p)
		}
	}
	return out
}

func compareBags(t *testing.T, name string, want, got mapi.PropertyBag) {
	t.Helper()
	for _, p := range want {
		if p.Name.IsZero() && owned(p.Tag) || p.Tag.Named() && p.Name.IsZero() {
			continue
		}
		q, ok := got.Lookup(p.Key())
		if !ok {
			t.Errorf("%s: %v %v is missing", name, p.Tag, p.Name)
			continue
		}
		if !sameAny(p.Value, q.Value) {
			t.Errorf("%s: %v %v is %.80q, want %.80q", name, p.Tag, p.Name, fmt.Sprint(q.Value), fmt.Sprint(p.Value))
		}
	}
}

func owned(tag mapi.PropertyTag) bool {
	for own := range serverOwned {
		if own.ID() == tag.ID() {
			return true
		}
	}
	return false
}

func sameAny(a, b any) bool {
	x, err1 := mapi.ValueBytes(a)
	y, err2 := mapi.ValueBytes(b)
	if err1 != nil || err2 != nil {
		return false
	}
	if x != nil || y != nil {
		return string(x) == string(y)
	}
	if s, ok := a.(mapi.String8); ok {
		u, ok := b.(string)
		for i := range s {
			if s[i] >= 0x80 {
				return ok // in the server's reading of its code page
			}
		}
		return ok && string(s) == u
	}
	return reflect.DeepEqual(a, b)
}
