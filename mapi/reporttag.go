package mapi

import (
	"errors"

	"mailfs/mapi/wire"
)

// ReportTag is PidTagReportTag ([MS-OXOMSG] 2.2.2.22): what message a report is about.
type ReportTag struct {
	Version        uint32
	Store          []byte // entry ids, empty where they are not known
	Folder         []byte
	Message        []byte
	SearchFolder   []byte
	SearchKey      []byte
	AnsiText       string // without the zero at its end
	AnsiTerminated bool   // whether there was one
}

const reportCookie = "PCDFEB09\x00"

var errReportTag = errors.New("mapi: not a report tag")

// ParseReportTag decodes a report tag.
func ParseReportTag(p []byte) (t ReportTag, err error) {
	r := wire.NewReader(p)
	if string(r.Take(len(reportCookie))) != reportCookie {
		return t, errReportTag
	}
	t.Version = r.Uint32()
	for _, field := range []*[]byte{&t.Store, &t.Folder, &t.Message, &t.SearchFolder, &t.SearchKey} {
		*field = r.Bytes(r.Count(uint64(r.Uint32()), 1))
	}
	text := string(r.Take(r.Count(uint64(r.Uint32()), 1)))
	if n := len(text); n > 0 && text[n-1] == 0 {
		text, t.AnsiTerminated = text[:n-1], true
	}
	t.AnsiText = text
	return t, r.Close()
}

// Bytes encodes a report tag.
func (t ReportTag) Bytes() []byte {
	var b wire.Builder
	b.Raw([]byte(reportCookie))
	b.Uint32(t.Version)
	text := t.AnsiText
	if t.AnsiTerminated {
		text += "\x00"
	}
	for _, field := range [][]byte{t.Store, t.Folder, t.Message, t.SearchFolder, t.SearchKey, []byte(text)} {
		b.Uint32(uint32(len(field)))
		b.Raw(field)
	}
	return b.Bytes()
}
