package fxics

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"mailfs/mapi"
)

// Decoder reads the elements of a stream.
type Decoder struct {
	lex  *Lexer
	root Root
	opt  *Options

	tok  Token // the token ahead, if have
	have bool
	err  error

	started   bool // the first element of a root without markers has been read
	stated    bool // a state has been read
	folders   int  // open folders with a marker
	groupID   uint32
	groupSent bool       // MetaTagIncrSyncGroupId came since the last partial change
	queued    *ErrorInfo // to be returned next

	gathered  mapi.PropertyBag // of propList, as are the following
	seen      map[uint16]int
	seenNames map[mapi.PropertyName]int
}

// errInterrupted unwinds the parser to the element that supports recovery: an
// FXErrorInfo is the token ahead ([MS-OXCFXICS] 2.2.4.3.4). errAtBoundary is the same
// at a place where the message change could also have been complete.
var (
	errInterrupted = errors.New("fxics: interrupted by error information")
	errAtBoundary  = fmt.Errorf("%w at a boundary", errInterrupted)
)

// NewDecoder returns a Decoder of a stream with the given root. opt may be nil.
func NewDecoder(r io.Reader, root Root, opt *Options) *Decoder {
	return &Decoder{
		lex: NewLexer(r, opt), root: root, opt: opt,
		seen: make(map[uint16]int), seenNames: make(map[mapi.PropertyName]int),
	}
}

// Offset returns the number of bytes consumed so far, including one token that may
// have been read ahead.
func (d *Decoder) Offset() int64 { return d.lex.Offset() }

// Next returns the next element, io.EOF after a complete stream. After any other
// error it keeps returning that error.
func (d *Decoder) Next() (Element, error) {
	if d.err != nil {
		return nil, d.err
	}
	if d.queued != nil {
		el := d.queued
		d.queued = nil
		return el, nil
	}
	el, err := d.next()
	if errors.Is(err, errInterrupted) {
		el, err = d.interrupted(el, err == errAtBoundary)
	}
	if err != nil {
		d.err = err
		return nil, err
	}
	return el, nil
}

func (d *Decoder) next() (Element, error) {
	switch d.root {
	case RootContentsSync, RootHierarchySync, RootState:
		return d.nextSync()
	case RootMessageList, RootTopFolder, RootFolderContent:
		return d.nextInList()
	case RootMessageContent, RootAttachmentContent:
		return d.nextSingle()
	}
	return nil, fmt.Errorf("fxics: no root %d", d.root)
}

// peek returns the token ahead, which is valid until the one behind it is asked for.
// After an error it is an empty token.
func (d *Decoder) peek() (*Token, error) {
	if !d.have {
		var err error
		if d.tok, err = d.lex.Next(); err != nil {
			return &d.tok, err
		}
		d.have = true
	}
	return &d.tok, nil
}

// within is peek where an element has begun: the stream may not end here, and error
// information interrupts.
func (d *Decoder) within() (*Token, error) {
	tok, err := d.peek()
	switch {
	case err == io.EOF:
		return tok, d.corrupt("stream ends within an element: %w", io.ErrUnexpectedEOF)
	case err != nil:
		return tok, err
	case tok.Marker == FXErrorInfo:
		return tok, errInterrupted
	}
	return tok, nil
}

func (d *Decoder) skip() { d.have = false }

func (d *Decoder) corrupt(format string, args ...any) error {
	return &mapi.Protocol{Err: fmt.Errorf("fxics: offset %d: %w", d.lex.Offset(), fmt.Errorf(format, args...))}
}

// unexpected says that tok may not stand where it does.
func (d *Decoder) unexpected(tok *Token, where string) error {
	if tok.Marker != 0 {
		return d.corrupt("%s %s", tok.Marker, where)
	}
	return d.corrupt("property %s %s", tok.Property.Tag, where)
}

// expect consumes the marker m.
func (d *Decoder) expect(m Marker) error {
	tok, err := d.within()
	if err != nil {
		return err
	}
	if tok.Marker != m {
		return d.unexpected(tok, "where "+m.String()+" belongs")
	}
	d.skip()
	return nil
}

// structural reports whether tag is a meta-property of the grammar, which ends a
// property list ([MS-OXCFXICS] 2.2.4.1.5, 2.2.4.2).
func structural(tag mapi.PropertyTag) bool {
	switch tag {
	case mapi.MetaTagEcWarning, mapi.MetaTagNewFXFolder, mapi.MetaTagFXDelProp,
		mapi.MetaTagIncrSyncGroupId, mapi.MetaTagIncrementalSyncMessagePartial:
		return true
	}
	return false
}

// propList consumes the properties up to a marker, a structural meta-property or the
// end of the stream. A property that comes twice keeps its first place and last value.
func (d *Decoder) propList() (mapi.PropertyBag, error) {
	d.forget()
	err := d.gather()
	var out mapi.PropertyBag
	if len(d.gathered) > 0 {
		out = slices.Clone(d.gathered)
	}
	clear(d.gathered) // the values belong to out now
	d.gathered = d.gathered[:0]
	return out, err
}

// gather appends a property list to d.gathered.
func (d *Decoder) gather() error {
	for {
		tok, err := d.peek()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case tok.Marker == FXErrorInfo:
			return errInterrupted
		case tok.Marker != 0 || structural(tok.Property.Tag):
			return nil
		}
		d.skip()
		at, dup := d.remember(&tok.Property, len(d.gathered))
		if dup {
			d.gathered[at] = tok.Property
			continue
		}
		d.gathered = append(d.gathered, tok.Property)
	}
}

// wholeList is propList for elements that are used as far as they came: error
// information behind their properties is about what follows.
func (d *Decoder) wholeList() (mapi.PropertyBag, error) {
	props, err := d.propList()
	if err == errInterrupted {
		err = nil
	}
	return props, err
}

// forget empties the memory of properties. Clearing takes time in the size that a
// map once had, so that a long list must not burden all short ones behind it.
func (d *Decoder) forget() {
	const small = 512
	if len(d.seen) > small {
		d.seen = make(map[uint16]int)
	}
	if len(d.seenNames) > small {
		d.seenNames = make(map[mapi.PropertyName]int)
	}
	clear(d.seen)
	clear(d.seenNames)
}

// remember notes where p stands and tells where it stood before.
func (d *Decoder) remember(p *mapi.Property, at int) (int, bool) {
	if p.Name.IsZero() {
		old, dup := d.seen[p.Tag.ID()]
		if !dup {
			d.seen[p.Tag.ID()] = at
		}
		return old, dup
	}
	old, dup := d.seenNames[p.Name]
	if !dup {
		d.seenNames[p.Name] = at
	}
	return old, dup
}

// interrupted consumes an errorInfo element, before which el had been read in part.
//
// A change has no mark of its end. If it could have been complete, and the error is
// said to be about another object, then the change counts as complete, and the error
// is the next element.
func (d *Decoder) interrupted(el Element, boundary bool) (Element, error) {
	d.skip()
	props, err := d.propList()
	if err != nil && !errors.Is(err, errInterrupted) {
		return nil, err
	}
	info := new(ErrorInfo)
	if err := info.parse(props.Bytes(tagStructure)); err != nil {
		return nil, d.corrupt("%w", err)
	}
	if boundary && concernsAnother(info, el) {
		d.queued = info
		return el, nil
	}
	info.Interrupted = el
	return info, nil
}

// concernsAnother reports whether info names an object of the kind of el and that is
// not el.
func concernsAnother(info *ErrorInfo, el Element) bool {
	switch x := el.(type) {
	case *MessageChange:
		mid, ok := x.MID()
		return isAnother(info.Message, x.SourceKey(), mid.Counter(), ok)
	case *FolderChange:
		fid, ok := x.FID()
		return isAnother(info.Folder, x.SourceKey, fid.Counter(), ok)
	}
	return false
}

// isAnother compares id with a source key, or with the counter of a short id where
// the key is a foreign one.
func isAnother(id mapi.LongTermID, key mapi.SourceKey, short mapi.GlobCnt, hasShort bool) bool {
	if id == (mapi.LongTermID{}) {
		return false
	}
	if own, ok := key.LongTermID(); ok {
		return own != id
	}
	return hasShort && short != id.Counter
}

// end checks that nothing is left.
func (d *Decoder) end() error {
	tok, err := d.peek()
	if err != nil {
		return err
	}
	return d.unexpected(tok, "after the end of the stream")
}
