package mime

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"mailfs/mapi"
	"mailfs/mime/tnef"
)

// The properties of a winmail.dat are those of the message that it tells ([MS-OXTNEF] 2.1.3.4), and Parse sets them. Where
// a stream names people and ids, and the header of its message is too short for a skeleton that has them as well, these
// properties pack it. An edit of one that is made use of ends the exact bytes, as an edit of what a file shows does.

// heldTags are the properties that pack streams, in the order in which they are made use of: servers and programs have no
// reason to change them, least the first ones. PidTagDisplayName is that of the attachments. A skeleton names them by their
// places: the list is a part of the form, and may only grow.
var heldTags = [...]mapi.PropertyTag{
	mapi.PidTagTnefCorrelationKey, mapi.PidTagReceivedByEntryId, mapi.PidTagReceivedByEmailAddress, mapi.PidTagReceivedByName,
	mapi.PidTagReportTag, mapi.PidTagConversationIndex, mapi.PidTagDisplayName, mapi.PidTagReceivedBySearchKey, mapi.PidTagInReplyToId,
	mapi.PidTagOriginalSubject, mapi.PidTagOriginalAuthorEntryId, mapi.PidTagOriginalDisplayTo, mapi.PidTagOriginalDisplayCc,
}

const (
	maxHeld    = 8 << 10  // bytes of a property that packs a stream
	maxRepack  = 64 << 10 // bytes that are packed in several ways
	worthUsing = 4        // bytes that a property must save
)

// heldSet has a bit for each of heldTags.
type heldSet uint64

// values returns the values of the properties of a set, one behind the other.
func (set heldSet) values(m *mapi.Message) ([]byte, error) {
	var out []byte
	p := propsOf(m.Properties, "")
	for i, tag := range heldTags {
		bags := []mapi.PropertyBag{m.Properties}
		if tag == mapi.PidTagDisplayName {
			bags = nil
			for _, a := range m.Attachments {
				bags = append(bags, a.Properties)
			}
		}
		for _, bag := range bags {
			if set&(1<<i) == 0 || len(out) > maxHeld {
				continue
			}
			v, err := heldValueOf(props{bag, p.charset}, tag)
			if err != nil {
				return nil, err
			}
			out = append(out, v[:min(len(v), maxHeld)]...)
		}
	}
	return out, nil
}

func heldValueOf(p props, tag mapi.PropertyTag) ([]byte, error) {
	if tag.Type() != mapi.TypeBinary {
		return []byte(p.text(tag)), nil
	}
	v := p.Get(tag)
	if mapi.ValueSize(v) > maxHeld {
		return nil, nil
	}
	return mapi.ValueBytes(v)
}

// with returns the digest of a message with the values of a set, and all that packs its skeleton.
func (set heldSet) with(m *mapi.Message, sum, texts []byte, hasStreams bool) (newSum, known []byte, err error) {
	if set == 0 {
		return sum, knownTexts(texts, hasStreams), nil
	}
	values, err := set.values(m)
	if err != nil {
		return nil, nil, err
	}
	h := sha256.New()
	h.Write(sum)
	h.Write(values)
	return h.Sum(nil)[:digestSize], slices.Concat(tnef.Dictionary(), texts, values), nil
}

// heldSetBefore reads which properties are made use of, and gives the rest its end back.
func heldSetBefore(p []byte) (set heldSet, rest []byte, err error) {
	v, n := binary.Uvarint(p)
	if n <= 0 || v == 0 || v>>len(heldTags) != 0 {
		return 0, nil, fmt.Errorf("%w: it is packed with other properties", errSkeleton)
	}
	return heldSet(v), slices.Concat(p[n:], packedEnd), nil
}

// packedEnd is what Go's compressor ends with, an empty block that is not packed (RFC 1951 3.2.4).
var packedEnd = []byte{0, 0, 0xFF, 0xFF}

// within packs a skeleton, and anew with more and more properties of the message as long as it takes more than the bytes
// of the header, 64, and 2 % of the file.
func (w *skeletonWriter) within(m *mapi.Message, size int64) ([]byte, error) {
	best, err := w.pack(m, 0)
	if err != nil || !w.hasStreams || len(w.raw) > maxRepack {
		return best, err
	}
	header := strings.TrimRight(string(lfOf(propsOf(m.Properties, "").text(mapi.PidTagTransportMessageHeaders))), "\n")
	limit := len(header) + 64 + int(size/50)
	used := heldSet(0)
	for i := range heldTags {
		if len(best) <= limit {
			break
		}
		if values, err := heldSet(1 << i).values(m); err != nil || len(values) < worthUsing {
			continue
		}
		one, err := w.pack(m, used|1<<i)
		if err != nil {
			return nil, err
		}
		if len(one)+worthUsing <= len(best) {
			best, used = one, used|1<<i
		}
	}
	return best, nil
}
