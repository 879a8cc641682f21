package syncer

import (
	"bytes"
	"io"
	"reflect"

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

// sameContent reports whether two versions show the same to a reader.
func sameContent(a, b *mapi.Message) bool {
	for _, tag := range contentTags {
		if !sameValue(a.Properties.Get(tag), b.Properties.Get(tag)) {
			return false
		}
	}
	if len(a.Recipients) != len(b.Recipients) || len(a.Attachments) != len(b.Attachments) {
		return false
	}
	for i := range a.Recipients {
		x, y := a.Recipients[i], b.Recipients[i]
		if x.Type != y.Type || x.Properties.String(mapi.PidTagEmailAddress) != y.Properties.String(mapi.PidTagEmailAddress) {
			return false
		}
	}
	for i := range a.Attachments {
		if !sameAttachment(&a.Attachments[i], &b.Attachments[i]) {
			return false
		}
	}
	return true
}

func sameAttachment(a, b *mapi.Attachment) bool {
	if (a.Embedded == nil) != (b.Embedded == nil) {
		return false
	}
	if a.Embedded != nil {
		return sameContent(a.Embedded, b.Embedded)
	}
	return a.Properties.String(mapi.PidTagAttachLongFilename) == b.Properties.String(mapi.PidTagAttachLongFilename) &&
		sameValue(a.Properties.Get(mapi.PidTagAttachDataBinary), b.Properties.Get(mapi.PidTagAttachDataBinary))
}

// sameValue compares two property values; Blobs by their bytes.
func sameValue(a, b any) bool {
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
