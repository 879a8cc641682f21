package tnef

import (
	"fmt"
	"io"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// Values of PidTagAttachMethod ([MS-OXCMSG] 2.2.2.9).
const (
	methodByValue  = 1
	methodEmbedded = 5
	methodOLE      = 6
)

const maxAttachments = 10_000

// interfaceMessage precedes the stream of an embedded message ([MS-OXTNEF] 2.1.3.4.2).
var interfaceMessage = mapi.MustGUID("00020307-0000-0000-C000-000000000046")

// current returns the attachment that is being read.
func (d *decoder) current() (*mapi.Attachment, error) {
	if len(d.msg.Attachments) == 0 {
		return nil, fmt.Errorf("%w: an attribute of an attachment before the first one", ErrFormat)
	}
	return &d.msg.Attachments[len(d.msg.Attachments)-1], nil
}

// attachAttribute handles the attributes of attachments; attAttachRendData begins one.
func (d *decoder) attachAttribute(id uint32, p []byte) error {
	if id == attAttachRendData {
		return d.startAttachment(p)
	}
	a, err := d.current()
	if err != nil {
		return err
	}
	bag := &a.Properties
	older := func(tag mapi.PropertyTag, v any) {
		if v != nil && v != "" && !bag.Has(tag) {
			bag.Set(tag, v)
		}
	}
	switch id {
	case attAttachTitle:
		older(mapi.PidTagAttachFilename, d.text(p))
	case attAttachTransportName:
		older(mapi.PidTagAttachTransportName, d.text(p))
	case attAttachMetaFile:
		older(mapi.PidTagAttachRendering, p)
	case attAttachCreateDate:
		older(mapi.PidTagCreationTime, date(p))
	case attAttachModifyDate:
		older(mapi.PidTagLastModificationTime, date(p))
	case attAttachment:
		return d.attachProps(a, p)
	}
	return nil
}

// startAttachment reads attAttachRendData ([MS-OXTNEF] 2.1.3.3.15).
func (d *decoder) startAttachment(p []byte) error {
	if len(d.msg.Attachments) >= maxAttachments {
		return fmt.Errorf("%w: more than %d attachments", ErrFormat, maxAttachments)
	}
	r := wire.NewReader(p)
	kind, position := r.Uint16(), int32(r.Uint32())
	r.Take(4)
	flags := r.Uint32()
	if r.Err() != nil {
		return wrap("attachment", r.Err())
	}
	var bag mapi.PropertyBag
	method := int32(methodByValue)
	if kind == 2 {
		method = methodOLE
	}
	bag.Set(mapi.PidTagAttachMethod, method)
	bag.Set(mapi.PidTagRenderingPosition, position)
	const macBinary = 1
	if flags&macBinary != 0 {
		bag.Set(mapi.PidTagAttachEncoding, []byte{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x14, 0x03, 0x0B, 0x01})
	}
	d.msg.Attachments = append(d.msg.Attachments, mapi.Attachment{Properties: bag})
	return nil
}

// attachData stores the data of an attachment, which may be large.
func (d *decoder) attachData(data section) error {
	a, err := d.current()
	if err != nil {
		return err
	}
	v, err := d.store(data)
	if err == nil {
		a.Properties.Set(mapi.PidTagAttachDataBinary, v)
	}
	return err
}

func (d *decoder) store(data section) (any, error) {
	if d.opt.Store == nil {
		return data.bytes()
	}
	return d.opt.Store(io.NewSectionReader(data, 0, data.n))
}

// attachProps reads the properties of an attachment; an object may be an embedded
// message.
func (d *decoder) attachProps(a *mapi.Attachment, p []byte) error {
	props, err := d.properties(wire.NewReader(p))
	if err != nil {
		return err
	}
	for _, prop := range props {
		raw, isBytes := prop.Value.([]byte)
		if prop.Tag.ID() != mapi.PidTagAttachDataObject.ID() || !isBytes {
			a.Properties.Put(prop)
			continue
		}
		if prop.Tag.Type() == mapi.TypeObject && len(raw) >= 16 {
			id := mapi.GUID(raw[:16])
			raw = raw[16:]
			if id == interfaceMessage {
				if a.Embedded, err = decode(section{memory(raw), 0, int64(len(raw))}, d.opt, d.depth+1); err != nil {
					return err
				}
				continue
			}
		}
		v, err := d.store(section{memory(raw), 0, int64(len(raw))})
		if err != nil {
			return err
		}
		a.Properties.Put(mapi.Property{Tag: prop.Tag, Value: v})
	}
	if a.Embedded != nil {
		a.Properties.Set(mapi.PidTagAttachMethod, int32(methodEmbedded))
	}
	return nil
}

// section is a part of a Blob.
type section struct {
	src    mapi.Blob
	off, n int64
}

// Size returns the length of the section.
func (s section) Size() int64 { return s.n }

// ReadAt reads within the section.
func (s section) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= s.n {
		return 0, io.EOF
	}
	short := int64(len(p)) > s.n-off
	if short {
		p = p[:s.n-off]
	}
	n, err := s.src.ReadAt(p, s.off+off)
	if short && err == nil {
		err = io.EOF
	}
	return n, err
}

func (s section) bytes() ([]byte, error) { return mapi.ValueBytes(s) }

// checksum is the sum of all bytes ([MS-OXTNEF] 2.1.3.1).
func (s section) checksum() (sum uint16, err error) {
	var buf [16 << 10]byte
	for off := int64(0); off < s.n; {
		p := buf[:min(int64(len(buf)), s.n-off)]
		n, err := s.ReadAt(p, off)
		if n < len(p) {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		for _, c := range p {
			sum += uint16(c)
		}
		off += int64(n)
	}
	return sum, nil
}

// memory is a Blob in memory.
type memory []byte

// Size returns the number of bytes.
func (m memory) Size() int64 { return int64(len(m)) }

// ReadAt reads at an offset, as io.ReaderAt says.
func (m memory) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= int64(len(m)) {
		return 0, io.EOF
	}
	n := copy(p, m[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
