package tnef

import (
	"errors"
	"fmt"
	"io"
	"time"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// ErrFormat says that a stream does not follow the format.
var ErrFormat = errors.New("tnef: malformed stream")

// Options hold what decoding depends on besides the stream.
type Options struct {
	// Text turns 8-bit text of a code page into UTF-8.
	Text func(codepage int, p []byte) string
	// Store, if set, receives the data of an attachment and returns what its property
	// shall hold; without it the data stays in memory.
	Store func(r io.Reader) (mapi.Blob, error)
}

const (
	signature = 0x223E9F78
	maxDepth  = 16 // of messages within messages

	levelMessage    = 1
	levelAttachment = 2
)

// Attributes ([MS-OXTNEF] 2.1.3.2), type and id together.
const (
	attOriginalMessageClass = 0x00070600
	attMessageClass         = 0x00078008
	attMessageID            = 0x00018009
	attSubject              = 0x00018004
	attBody                 = 0x0002800C
	attPriority             = 0x0004800D
	attDateSent             = 0x00038005
	attDateRecd             = 0x00038006
	attDateModified         = 0x00038020
	attDateStart            = 0x00030006
	attDateEnd              = 0x00030007
	attMsgProps             = 0x00069003
	attRecipTable           = 0x00069004
	attOemCodepage          = 0x00069007
	attAttachRendData       = 0x00069002
	attAttachment           = 0x00069005
	attAttachData           = 0x0006800F
	attAttachTitle          = 0x00018010
	attAttachMetaFile       = 0x00068011
	attAttachCreateDate     = 0x00038012
	attAttachModifyDate     = 0x00038013
	attAttachTransportName  = 0x00069001
)

const codepageDefault = 1252

// decoder is the state of reading one message.
type decoder struct {
	opt      Options
	codepage int
	depth    int
	msg      *mapi.Message
}

// Decode reads a stream. An error wraps ErrFormat, or is one of src or of
// Options.Store.
func Decode(src mapi.Blob, opt Options) (*mapi.Message, error) {
	return decode(src, opt, 0)
}

func decode(src mapi.Blob, opt Options, depth int) (*mapi.Message, error) {
	if depth >= maxDepth {
		return nil, fmt.Errorf("%w: messages are nested too deeply", ErrFormat)
	}
	d := &decoder{opt: opt, codepage: codepageDefault, depth: depth, msg: &mapi.Message{}}
	s := &stream{src: src}
	head, err := s.take(6)
	if err != nil {
		return nil, err
	}
	if wire.NewReader(head).Uint32() != signature {
		return nil, fmt.Errorf("%w: no signature", ErrFormat)
	}
	for n := 0; ; n++ {
		a, err := s.next()
		if err != nil {
			return nil, err
		}
		if a == nil {
			if n == 0 {
				return nil, fmt.Errorf("%w: no attribute", ErrFormat)
			}
			d.number()
			return d.msg, nil
		}
		if err := d.attribute(a); err != nil {
			return nil, err
		}
	}
}

// attribute is one unit of the stream ([MS-OXTNEF] 2.1.3.1).
type attribute struct {
	level uint8
	id    uint32
	data  section
}

// stream reads attributes one after the other.
type stream struct {
	src mapi.Blob
	off int64
}

func (s *stream) take(n int64) ([]byte, error) {
	if n > s.src.Size()-s.off {
		return nil, fmt.Errorf("%w: cut off at %d", ErrFormat, s.src.Size())
	}
	p := make([]byte, n)
	if m, err := s.src.ReadAt(p, s.off); m < len(p) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	s.off += n
	return p, nil
}

// next returns the next attribute, nil at the end or before bytes that are none.
func (s *stream) next() (*attribute, error) {
	if s.off == s.src.Size() {
		return nil, nil
	}
	const headSize = 9
	if s.src.Size()-s.off < headSize {
		return nil, nil
	}
	head, err := s.take(headSize)
	if err != nil {
		return nil, err
	}
	r := wire.NewReader(head)
	a := &attribute{level: r.Uint8(), id: r.Uint32()}
	if a.level != levelMessage && a.level != levelAttachment {
		s.off = s.src.Size()
		return nil, nil
	}
	n := int64(r.Uint32())
	if n > s.src.Size()-s.off-2 {
		return nil, fmt.Errorf("%w: attribute %08x of %d bytes, %d present", ErrFormat, a.id, n, s.src.Size()-s.off)
	}
	a.data = section{s.src, s.off, n}
	sum, err := a.data.checksum()
	if err != nil {
		return nil, err
	}
	s.off += n
	tail, err := s.take(2)
	if err != nil {
		return nil, err
	}
	if wire.NewReader(tail).Uint16() != sum {
		return nil, fmt.Errorf("%w: checksum of attribute %08x", ErrFormat, a.id)
	}
	return a, nil
}

func (d *decoder) attribute(a *attribute) error {
	if a.level == levelAttachment && a.id == attAttachData {
		return d.attachData(a.data)
	}
	p, err := a.data.bytes()
	if err != nil {
		return err
	}
	if a.level == levelAttachment {
		return d.attachAttribute(a.id, p)
	}
	return d.messageAttribute(a.id, p)
}

// messageAttribute handles the attributes of the message. A property of attMsgProps
// says more than the older attribute for the same thing.
func (d *decoder) messageAttribute(id uint32, p []byte) error {
	bag := &d.msg.Properties
	older := func(tag mapi.PropertyTag, v any) {
		if v != nil && !bag.Has(tag) {
			bag.Set(tag, v)
		}
	}
	switch id {
	case attOemCodepage:
		r := wire.NewReader(p)
		if cp := r.Uint32(); r.Err() == nil && cp > 0 && cp < 1<<16 {
			d.codepage = int(cp)
		}
	case attMessageClass:
		older(mapi.PidTagMessageClass, modernClass(d.text(p)))
	case attOriginalMessageClass:
		older(mapi.PidTagOriginalMessageClass, modernClass(d.text(p)))
	case attSubject:
		older(mapi.PidTagSubject, d.text(p))
	case attBody:
		older(mapi.PidTagBody, d.text(p))
	case attPriority:
		r := wire.NewReader(p)
		if v := r.Uint16(); r.Err() == nil && v >= 1 && v <= 3 { // 3 is low, [MS-OXTNEF] 2.1.3.3.11
			older(mapi.PidTagImportance, int32(3-v))
		}
	case attDateSent:
		older(mapi.PidTagClientSubmitTime, date(p))
	case attDateRecd:
		older(mapi.PidTagMessageDeliveryTime, date(p))
	case attDateStart:
		older(mapi.PidTagStartDate, date(p))
	case attDateEnd:
		older(mapi.PidTagEndDate, date(p))
	case attMsgProps:
		r := wire.NewReader(p)
		props, err := d.properties(r)
		for _, prop := range props {
			bag.Put(prop)
		}
		return err
	case attRecipTable:
		return d.recipients(p)
	}
	return nil
}

// recipients reads the recipient table ([MS-OXTNEF] 2.1.3.5.1).
func (d *decoder) recipients(p []byte) error {
	r := wire.NewReader(p)
	const smallest, most = 4, 5000
	count := r.Count(uint64(r.Uint32()), smallest)
	if count > most {
		return fmt.Errorf("%w: %d recipients", ErrFormat, count)
	}
	for range count {
		props, err := d.properties(r)
		if err != nil {
			return err
		}
		rec := mapi.NewRecipient(props)
		rec.RowID = uint32(len(d.msg.Recipients))
		d.msg.Recipients = append(d.msg.Recipients, rec)
	}
	return wrap("recipient table", r.Err())
}

// number numbers the attachments in their order.
func (d *decoder) number() {
	for i := range d.msg.Attachments {
		a := &d.msg.Attachments[i]
		a.Number = uint32(i)
		a.Properties.Set(mapi.PidTagAttachNumber, int32(i))
	}
}

// text decodes a zero-terminated 8-bit string.
func (d *decoder) text(p []byte) string {
	for i, c := range p {
		if c == 0 {
			p = p[:i]
			break
		}
	}
	return d.opt.Text(d.codepage, p)
}

// date reads a date of seven words ([MS-OXTNEF] 2.1.3.3.8), nil for none. It has no
// time zone and counts as UTC.
func date(p []byte) any {
	r := wire.NewReader(p)
	year, month, day, hour, minute, sec := r.Uint16(), r.Uint16(), r.Uint16(), r.Uint16(), r.Uint16(), r.Uint16()
	if r.Err() != nil || year < 1601 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || sec > 59 {
		return nil
	}
	return mapi.NewFileTime(time.Date(int(year), time.Month(month), int(day), int(hour), int(minute), int(sec), 0, time.UTC))
}

// modernClass gives the message class that an old one stands for ([MS-OXTNEF] 2.1.3.3.2).
func modernClass(s string) any {
	switch s {
	case "":
		return nil
	case "IPM.Microsoft Mail.Note":
		return "IPM.Note"
	case "IPM.Microsoft Mail.Read Receipt":
		return "REPORT.IPM.Note.IPNRN"
	case "IPM.Microsoft Mail.Non-Delivery":
		return "REPORT.IPM.Note.NDR"
	case "IPM.Microsoft Schedule.MtgReq":
		return "IPM.Schedule.Meeting.Request"
	case "IPM.Microsoft Schedule.MtgRespP":
		return "IPM.Schedule.Meeting.Resp.Pos"
	case "IPM.Microsoft Schedule.MtgRespN":
		return "IPM.Schedule.Meeting.Resp.Neg"
	case "IPM.Microsoft Schedule.MtgRespA":
		return "IPM.Schedule.Meeting.Resp.Tent"
	case "IPM.Microsoft Schedule.MtgCncl":
		return "IPM.Schedule.Meeting.Canceled"
	}
	return s
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %s: %w", ErrFormat, what, err)
}
