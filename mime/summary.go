package mime

import (
	"strings"
	"time"

	"mailfs/mapi"
)

// Flag is the follow-up state of a message ([MS-OXOFLAG] 2.2.1.1, PidTagFlagStatus).
type Flag string

// The follow-up states, named as the extended attribute has them.
const (
	FlagNone     Flag = "none"
	FlagFlagged  Flag = "flagged"
	FlagComplete Flag = "complete"
)

// Summary is what listings and extended attributes need to know of a message. It can
// be made from the properties of a header-only item.
type Summary struct {
	Subject        string
	From           string // "Name <address>", or whichever of both is known
	Sender         string
	Date           time.Time // submission, else delivery, else creation; zero if unknown
	MessageID      string
	Class          string
	Read           bool
	Flag           Flag
	Importance     int // 0 low, 1 normal, 2 high
	Categories     []string
	HasAttachments bool
	Size           int64 // PidTagMessageSize: an estimate of the rendered size, at least 1
}

// Summarize reads a Summary from a message's properties.
func Summarize(bag mapi.PropertyBag) Summary {
	c := &conversion{m: &mapi.Message{Properties: bag}, p: propsOf(bag, "")}
	s := Summary{
		Subject:        c.subject(),
		MessageID:      c.p.text(mapi.PidTagInternetMessageId),
		Class:          c.p.text(mapi.PidTagMessageClass),
		Read:           bag.Bool(mapi.PidTagRead) || bag.Int(mapi.PidTagMessageFlags)&flagRead != 0,
		Flag:           FlagNone,
		Importance:     int(c.importance()),
		Categories:     c.keywords(),
		HasAttachments: bag.Bool(mapi.PidTagHasAttachments) || bag.Int(mapi.PidTagMessageFlags)&flagHasAttach != 0,
		Size:           max(sizeOf(bag), 1),
	}
	if a, ok := c.from(); ok {
		s.From = a.String()
	}
	if a, ok := senderGroup.read(c.p, c.opt.domain()); ok {
		s.Sender = a.String()
	}
	switch bag.Int(mapi.PidTagFlagStatus) {
	case 1:
		s.Flag = FlagComplete
	case 2:
		s.Flag = FlagFlagged
	}
	for _, tag := range []mapi.PropertyTag{mapi.PidTagClientSubmitTime, mapi.PidTagMessageDeliveryTime, mapi.PidTagCreationTime} {
		if t := bag.Time(tag).Time(); bag.Has(tag) && believable(t) {
			s.Date = t
			break
		}
	}
	return s
}

const (
	flagRead      = 0x1  // mfRead, [MS-OXCMSG] 2.2.1.6
	flagHasAttach = 0x10 // mfHasAttach
)

// sizeOf reads PidTagMessageSize, which is unsigned, or its wide form; both have one id.
func sizeOf(bag mapi.PropertyBag) int64 {
	switch v := bag.Get(mapi.PidTagMessageSizeExtended).(type) {
	case int32:
		return int64(uint32(v))
	case int64:
		return v
	}
	return 0
}

// String returns the address for people to read.
func (a Address) String() string {
	switch {
	case a.Name == "" || strings.EqualFold(a.Name, a.Addr):
		return a.Addr
	case a.Addr == "":
		return a.Name
	}
	return a.Name + " <" + a.Addr + ">"
}
