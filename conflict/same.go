package conflict

import (
	"bytes"
	"io"
	"reflect"
	"strings"

	"mailfs/mapi"
)

// contentTags are the properties that make up what a reader of a message sees,
// besides recipients and attachments. A change of others (flags, categories, read
// state) does not make a message an edited one.
var contentTags = []mapi.PropertyTag{
	mapi.PidTagMessageClass, mapi.PidTagSubject, mapi.PidTagBody, mapi.PidTagHtml, mapi.PidTagRtfCompressed,
	mapi.PidTagSentRepresentingName, mapi.PidTagSentRepresentingEmailAddress, mapi.PidTagClientSubmitTime,
	mapi.PidTagInternetMessageId,
}

// SameContent reports whether two versions show the same to a reader.
func SameContent(a, b *mapi.Message) bool {
	for _, tag := range contentTags {
		if !SameValue(a.Properties.Get(tag), b.Properties.Get(tag)) {
			return false
		}
	}
	return sameRecipients(a, b) && sameAttachments(a, b)
}

func sameRecipients(a, b *mapi.Message) bool {
	if len(a.Recipients) != len(b.Recipients) {
		return false
	}
	for i := range a.Recipients {
		x, y := a.Recipients[i], b.Recipients[i]
		if x.Type != y.Type || x.Properties.String(mapi.PidTagEmailAddress) != y.Properties.String(mapi.PidTagEmailAddress) {
			return false
		}
	}
	return true
}

func sameAttachments(a, b *mapi.Message) bool {
	if len(a.Attachments) != len(b.Attachments) {
		return false
	}
	for i := range a.Attachments {
		if !sameAttachment(&a.Attachments[i], &b.Attachments[i]) {
			return false
		}
	}
	return true
}

// sameBody compares bodies as a reader sees them: how lines end, and how many empty ones stand at the end, is not
// told from a program that wrote the same again.
func sameBody(a, b *mapi.Message) bool {
	for _, tag := range []mapi.PropertyTag{mapi.PidTagBody, mapi.PidTagHtml, mapi.PidTagRtfCompressed} {
		x, y := a.Properties.Get(tag), b.Properties.Get(tag)
		s, isText := x.(string)
		t, isToo := y.(string)
		if isText && isToo {
			if plainLines(s) != plainLines(t) {
				return false
			}
			continue
		}
		if !SameValue(x, y) {
			return false
		}
	}
	return true
}

func plainLines(s string) string {
	return strings.TrimRight(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
}

func sameAttachment(a, b *mapi.Attachment) bool {
	if (a.Embedded == nil) != (b.Embedded == nil) {
		return false
	}
	if a.Embedded != nil {
		return SameContent(a.Embedded, b.Embedded)
	}
	return a.Properties.String(mapi.PidTagAttachLongFilename) == b.Properties.String(mapi.PidTagAttachLongFilename) &&
		SameValue(a.Properties.Get(mapi.PidTagAttachDataBinary), b.Properties.Get(mapi.PidTagAttachDataBinary))
}

// SameValue compares two property values; Blobs by their bytes.
func SameValue(a, b any) bool {
	x, y := asReader(a), asReader(b)
	if x == nil || y == nil {
		return reflect.DeepEqual(a, b)
	}
	return mapi.ValueSize(a) == mapi.ValueSize(b) && sameBytes(x, y)
}

func asReader(v any) io.Reader {
	switch d := v.(type) {
	case []byte:
		return bytes.NewReader(d)
	case mapi.Blob:
		return io.NewSectionReader(d, 0, d.Size())
	}
	return nil
}

func sameBytes(x, y io.Reader) bool {
	p, q := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, err := io.ReadFull(x, p)
		m, err2 := io.ReadFull(y, q)
		if !bytes.Equal(p[:n], q[:m]) {
			return false
		}
		if err != nil || err2 != nil {
			return ended(err) && ended(err2)
		}
	}
}

func ended(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }
