package memserver

import (
	"bytes"

	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/mapi/wire"
)

// streamObject is an open stream on a property. It works on a copy, which goes back
// to the property when it is committed or released.
type streamObject struct {
	holder   *holder
	tag      mapi.PropertyTag
	name     mapi.PropertyName
	data     []byte
	shared   bool // data still is the property's own and must not be written
	pos      int64
	writable bool
	dirty    bool
}

// Bounds of a stream in bytes: of all of it, and of what one request may add in zeros.
const (
	maxStream = 1 << 30
	maxGap    = 1 << 26
)

func streamHandler(q rop.Request) handler {
	switch q := q.(type) {
	case *rop.OpenStreamRequest:
		return onHolder(func(op *operation, h *holder) (rop.Response, mapi.ErrorCode) { return op.openStream(q, h) })
	case *rop.ReadStreamRequest:
		return onStream(func(op *operation, s *streamObject) (rop.Response, mapi.ErrorCode) { return op.readStream(q, s) })
	case *rop.WriteStreamRequest:
		return onStream(func(_ *operation, s *streamObject) (rop.Response, mapi.ErrorCode) {
			code := s.write(q.Data)
			return &rop.WriteStreamResponse{WrittenSize: uint16(len(q.Data))}, code
		})
	case *rop.WriteStreamExtendedRequest:
		return onStream(func(_ *operation, s *streamObject) (rop.Response, mapi.ErrorCode) {
			code := s.write(q.Data)
			return &rop.WriteStreamExtendedResponse{WrittenSize: uint32(len(q.Data))}, code
		})
	case *rop.WriteAndCommitStreamRequest:
		return onStream(func(_ *operation, s *streamObject) (rop.Response, mapi.ErrorCode) {
			code := s.write(q.Data)
			if code == ecSuccess {
				code = s.commit()
			}
			return &rop.WriteAndCommitStreamResponse{WrittenSize: uint16(len(q.Data))}, code
		})
	case *rop.CommitStreamRequest:
		return onStream(func(_ *operation, s *streamObject) (rop.Response, mapi.ErrorCode) {
			return &rop.CommitStreamResponse{}, s.commit()
		})
	case *rop.GetStreamSizeRequest:
		return onStream(func(_ *operation, s *streamObject) (rop.Response, mapi.ErrorCode) {
			return &rop.GetStreamSizeResponse{StreamSize: uint32(len(s.data))}, ecSuccess
		})
	case *rop.SetStreamSizeRequest:
		return onStream(func(_ *operation, s *streamObject) (rop.Response, mapi.ErrorCode) {
			return &rop.SetStreamSizeResponse{}, s.resize(q.StreamSize)
		})
	case *rop.SeekStreamRequest:
		return onStream(func(_ *operation, s *streamObject) (rop.Response, mapi.ErrorCode) { return s.seek(q) })
	case *rop.CloneStreamRequest:
		return onStream(func(op *operation, s *streamObject) (rop.Response, mapi.ErrorCode) {
			c := *s
			c.data, c.shared = bytes.Clone(s.data), false
			op.made = &c
			return &rop.CloneStreamResponse{}, ecSuccess
		})
	case *rop.CopyToStreamRequest:
		return onStream(func(op *operation, s *streamObject) (rop.Response, mapi.ErrorCode) { return op.copyToStream(q, s) })
	case *rop.LockRegionStreamRequest:
		return onStream(func(*operation, *streamObject) (rop.Response, mapi.ErrorCode) {
			return &rop.LockRegionStreamResponse{}, ecSuccess
		})
	case *rop.UnlockRegionStreamRequest:
		return onStream(func(*operation, *streamObject) (rop.Response, mapi.ErrorCode) {
			return &rop.UnlockRegionStreamResponse{}, ecSuccess
		})
	}
	return nil
}

// onStream wraps operations on a stream. A code of failure overrides the response.
func onStream(h func(*operation, *streamObject) (rop.Response, mapi.ErrorCode)) handler {
	return func(op *operation) (rop.Response, mapi.ErrorCode) {
		s, ok := op.in.v.(*streamObject)
		if !ok {
			return nil, ecNotSupported
		}
		resp, code := h(op, s)
		if code != ecSuccess {
			return nil, code
		}
		return resp, ecSuccess
	}
}

// openStream follows [MS-OXCPRPT] 3.2.5.12.
func (op *operation) openStream(q *rop.OpenStreamRequest, h *holder) (rop.Response, mapi.ErrorCode) {
	switch q.PropertyTag.Type() {
	case mapi.TypeBinary, mapi.TypeObject, mapi.TypeString, mapi.TypeString8:
	default:
		return nil, ecNotSupported
	}
	if q.OpenModeFlags > rop.OpenBestAccess {
		return nil, ecInvalidParam
	}
	write := q.OpenModeFlags != rop.OpenRead
	if write && (!h.writable || h.readOnly(q.PropertyTag.ID()) != ecSuccess) {
		if q.OpenModeFlags != rop.OpenBestAccess {
			return nil, ecAccessDenied
		}
		write = false
	}
	p, code := h.get(q.PropertyTag)
	s := &streamObject{holder: h, tag: q.PropertyTag, name: p.Name, writable: write}
	switch {
	case code == ecSuccess && q.OpenModeFlags != rop.OpenCreate:
		data, ok := streamBytes(p.Value)
		if !ok {
			return nil, ecError
		}
		s.data, s.shared = data, true
	case q.OpenModeFlags == rop.OpenCreate:
		s.dirty = true
	case code != ecSuccess:
		return nil, code
	}
	op.made = s
	return &rop.OpenStreamResponse{StreamSize: uint32(len(s.data))}, ecSuccess
}

// streamBytes returns the bytes of a value as a stream shows them: strings with their
// terminating zero.
func streamBytes(v any) ([]byte, bool) {
	switch d := v.(type) {
	case string:
		return append(wire.AppendUTF16(nil, d), 0, 0), true
	case mapi.String8:
		return append([]byte(d), 0), true
	}
	p, err := mapi.ValueBytes(v)
	return p, err == nil
}

// value is the reverse of streamBytes.
func (s *streamObject) value() any {
	data := bytes.Clone(s.data)
	switch s.tag.Type() {
	case mapi.TypeString:
		if n := len(data); n >= 2 && data[n-1] == 0 && data[n-2] == 0 {
			data = data[:n-2]
		}
		return wire.DecodeUTF16(data)
	case mapi.TypeString8:
		return mapi.String8(bytes.TrimSuffix(data, []byte{0}))
	}
	if data == nil {
		data = []byte{}
	}
	return data
}

func (s *streamObject) own() {
	if s.shared {
		s.data, s.shared = bytes.Clone(s.data), false
	}
}

func (s *streamObject) write(p []byte) mapi.ErrorCode {
	switch {
	case !s.writable:
		return ecStreamAccess
	case s.pos+int64(len(p)) > maxStream, s.pos-int64(len(s.data)) > maxGap:
		return ecStreamMedium
	}
	s.own()
	if end := int(s.pos) + len(p); end > len(s.data) {
		s.data = append(s.data, make([]byte, end-len(s.data))...)
	}
	copy(s.data[s.pos:], p)
	s.pos += int64(len(p))
	s.dirty = true
	return ecSuccess
}

func (s *streamObject) resize(n uint64) mapi.ErrorCode {
	switch {
	case !s.writable:
		return ecStreamAccess
	case n > maxStream, int64(n)-int64(len(s.data)) > maxGap:
		return ecStreamMedium
	}
	s.own()
	if int(n) <= len(s.data) {
		s.data = s.data[:n]
	} else {
		s.data = append(s.data, make([]byte, int(n)-len(s.data))...)
	}
	s.dirty = true
	return ecSuccess
}

// commit writes the stream back to its property.
func (s *streamObject) commit() mapi.ErrorCode {
	if !s.dirty {
		return ecSuccess
	}
	p := mapi.Property{Tag: s.tag, Name: s.name, Value: s.value()}
	splitSubject([]mapi.Property{p}, s.holder.bag)
	if code := s.holder.set(p); code != ecSuccess {
		return code
	}
	s.holder.changed()
	s.dirty = false
	return ecSuccess
}

func (s *streamObject) seek(q *rop.SeekStreamRequest) (rop.Response, mapi.ErrorCode) {
	pos := q.Offset
	switch q.Origin {
	case rop.SeekStart:
	case rop.SeekCurrent:
		pos += s.pos
	case rop.SeekEnd:
		pos += int64(len(s.data))
	default:
		return nil, ecStreamInvalidArg
	}
	if pos < 0 || pos > maxStream {
		return nil, ecStreamSeek
	}
	s.pos = pos
	return &rop.SeekStreamResponse{NewPosition: uint64(pos)}, ecSuccess
}

// read returns the next n bytes, fewer at the end.
func (s *streamObject) read(n int) []byte {
	if s.pos >= int64(len(s.data)) {
		return nil
	}
	p := s.data[s.pos:]
	p = p[:min(n, len(p))]
	s.pos += int64(len(p))
	return p
}

const readStreamOverhead = 8

func (op *operation) readStream(q *rop.ReadStreamRequest, s *streamObject) (rop.Response, mapi.ErrorCode) {
	n := int(q.ByteCount)
	if q.ByteCount == rop.BufferSizeMarker {
		n = int(min(q.MaximumByteCount, maxStream-1))
	}
	n = min(n, op.room-readStreamOverhead, 0xFFFF)
	return &rop.ReadStreamResponse{Data: s.read(n)}, ecSuccess
}

// moreStream takes what came off what is still asked for.
func moreStream(last *rop.Call, r *rop.ReadStreamResponse) bool {
	q, ok := last.Request.(*rop.ReadStreamRequest)
	if !ok || len(r.Data) == 0 || r.ReturnValue != ecSuccess {
		return false
	}
	left := int64(q.ByteCount)
	if q.ByteCount == rop.BufferSizeMarker {
		left = int64(q.MaximumByteCount)
	}
	if left -= int64(len(r.Data)); left <= 0 {
		return false
	}
	last.Request = &rop.ReadStreamRequest{ByteCount: rop.BufferSizeMarker, MaximumByteCount: uint32(left)}
	return true
}

func (op *operation) copyToStream(q *rop.CopyToStreamRequest, s *streamObject) (rop.Response, mapi.ErrorCode) {
	d, ok := op.dst.v.(*streamObject)
	if !ok {
		return nil, ecNotSupported
	}
	p := s.read(int(min(q.ByteCount, maxStream)))
	if code := d.write(p); code != ecSuccess {
		return nil, code
	}
	return &rop.CopyToStreamResponse{ReadByteCount: uint64(len(p)), WrittenByteCount: uint64(len(p))}, ecSuccess
}
