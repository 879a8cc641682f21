package fxics

import (
	"errors"
	"fmt"
	"io"

	"mailfs/mapi"
)

// stage tells how far a synchronization stream has come.
type stage uint8

const (
	stageStart stage = iota
	stageChanges
	stageDeletions
	stageReadStates
	stageState
)

// Encoder writes the elements of a stream.
type Encoder struct {
	w       *Writer
	root    Root
	stage   stage
	started bool // the one element of a root that has just one, or the top folder
	folders int  // open folders with a marker
	closed  bool

	groupID   uint32 // the last MetaTagIncrSyncGroupId written, if groupSent
	groupSent bool
}

// NewEncoder returns an Encoder of a stream with the given root. Each call of Encode
// has written its bytes to w when it returns.
func NewEncoder(w io.Writer, root Root) *Encoder { return &Encoder{w: NewWriter(w), root: root} }

// Encode writes e. It fails for an element that the root does not have or that may
// not stand here, and for a value that does not have the Go type of its tag. Errors
// of writing stick.
//
// Properties whose value is a mapi.ErrorCode while the tag has another type are left
// out, and so are those with the tag of a marker or of a meta-property that the
// grammar gives a place of its own ([MS-OXCFXICS] 2.2.4.3.20).
func (e *Encoder) Encode(el Element) error {
	if e.closed {
		return errors.New("fxics: encoder is closed")
	}
	if e.w.err != nil {
		return e.w.err
	}
	if err := e.admit(el); err != nil {
		return err
	}
	e.write(el)
	return e.w.flush()
}

// Close writes the end of the stream. It fails when the stream is not complete: a
// synchronization without its state, a folder without its end.
func (e *Encoder) Close() error {
	if e.closed {
		return nil
	}
	if e.w.err != nil {
		return e.w.err
	}
	incomplete := false
	switch e.root {
	case RootContentsSync, RootHierarchySync, RootState:
		incomplete = e.stage != stageState
	case RootMessageList:
	default:
		incomplete = !e.started || e.folders > 0
	}
	if incomplete {
		return errors.New("fxics: stream is not complete")
	}
	e.closed = true
	if e.root == RootContentsSync || e.root == RootHierarchySync {
		return e.w.Marker(IncrSyncEnd)
	}
	return nil
}

// admit checks that el may stand here and notes that it does.
func (e *Encoder) admit(el Element) error {
	ok := false
	switch e.root {
	case RootContentsSync, RootHierarchySync, RootState:
		ok = e.admitSync(el)
	case RootMessageList, RootTopFolder, RootFolderContent:
		ok = e.admitInList(el)
	case RootMessageContent, RootAttachmentContent:
		_, isMessage := el.(*MessageContent)
		_, isAttachment := el.(*AttachmentContent)
		_, isError := el.(*ErrorInfo)
		ok = !e.started && (isMessage && e.root == RootMessageContent || isAttachment && e.root == RootAttachmentContent || isError)
		e.started = e.started || ok
	}
	if !ok {
		return fmt.Errorf("fxics: a %T may not stand here", el)
	}
	return nil
}

func (e *Encoder) admitSync(el Element) bool {
	next := stageChanges
	contents, hierarchy := e.root == RootContentsSync, e.root == RootHierarchySync
	ok := false
	switch el.(type) {
	case *ProgressTotal:
		ok = contents && e.stage == stageStart
	case *MessageChange, *ProgressMessage, *PropertyGroupInfo:
		ok = contents
	case *FolderChange:
		ok = hierarchy
	case *ErrorInfo, *DNPrefix, *Warning:
		next, ok = e.stage, true
	case *Deletions:
		next, ok = stageDeletions, contents || hierarchy
	case *ReadStateChanges:
		next, ok = stageReadStates, contents
	case *State:
		next, ok = stageState, true
	}
	once := next > stageChanges && next == e.stage // these come once at most
	if _, repeats := el.(*ErrorInfo); repeats {
		once = e.stage == stageState
	}
	if !ok || e.stage > next || once {
		return false
	}
	e.stage = next
	return true
}

func (e *Encoder) admitInList(el Element) bool {
	inFolder := e.folders > 0 || e.root == RootFolderContent && e.started
	ended := e.root == RootTopFolder && e.started && e.folders == 0
	switch v := el.(type) {
	case *MessageContent, *Warning:
		return inFolder || e.root == RootMessageList
	case *DNPrefix:
		return !ended && (e.root != RootFolderContent || e.started)
	case *ErrorInfo:
		return !ended
	case *ClearSubobjects, *NewFXFolder:
		return inFolder
	case *FolderStart:
		ok := false
		switch v.Kind {
		case FolderRoot:
			ok = e.root == RootFolderContent && !e.started
		case FolderTop:
			ok = e.root == RootTopFolder && !e.started
		case FolderSub:
			ok = inFolder
		}
		if ok && v.Kind != FolderRoot {
			e.folders++
		}
		e.started = e.started || ok
		return ok
	case *FolderEnd:
		if e.folders == 0 {
			return false
		}
		e.folders--
		return true
	}
	return false
}

// write writes el; errors stick in the Writer.
func (e *Encoder) write(el Element) {
	switch v := el.(type) {
	case *FolderChange:
		e.folderChange(v)
	case *MessageChange:
		e.messageChange(v)
	case *PropertyGroupInfo:
		p, err := v.bytes()
		e.fail(err)
		e.w.Marker(IncrSyncGroupInfo)
		e.set(tagStructure, p)
	case *Deletions:
		e.w.Marker(IncrSyncDel)
		e.replSets(v.sets(), v.Wire)
	case *ReadStateChanges:
		e.w.Marker(IncrSyncRead)
		e.replSets(v.sets(), v.Wire)
	case *State:
		e.state(v)
	case *ProgressTotal:
		e.w.Marker(IncrSyncProgressMode)
		e.set(tagStructure, v.bytes())
	case *ProgressMessage:
		e.w.Marker(IncrSyncProgressPerMsg)
		e.set(tagNumber, v.Size)
		e.set(tagFlag, v.FAI)
	case *ErrorInfo:
		e.w.Marker(FXErrorInfo)
		e.set(tagStructure, v.bytes())
	case *DNPrefix:
		e.set(mapi.MetaTagDnPrefix, v.Prefix)
	case *Warning:
		e.set(mapi.MetaTagEcWarning, int32(v.Code))
	case *MessageContent:
		e.message(v)
	case *AttachmentContent:
		e.attachmentContent(&v.Attachment, v.Attachment.Properties, v.Parts)
	case *FolderStart:
		switch v.Kind {
		case FolderTop:
			e.w.Marker(StartTopFld)
		case FolderSub:
			e.w.Marker(StartSubFld)
		}
		e.bag(v.Properties)
	case *FolderEnd:
		e.w.Marker(EndFolder)
	case *ClearSubobjects:
		e.set(mapi.MetaTagFXDelProp, int32(v.Tag))
	case *NewFXFolder:
		e.set(mapi.MetaTagNewFXFolder, v.Data)
	}
}

func (e *Encoder) fail(err error) {
	if e.w.err == nil && err != nil {
		e.w.err = err
	}
}

func (e *Encoder) set(tag mapi.PropertyTag, v any) {
	e.w.Property(mapi.Property{Tag: tag, Value: v})
}

// bag writes properties. Errors are left out, and what a reader would take for a
// part of the grammar.
func (e *Encoder) bag(props mapi.PropertyBag) {
	for _, p := range props {
		_, isErr := p.Value.(mapi.ErrorCode)
		if isErr && p.Tag.Type() != mapi.TypeErrorCode || IsMarker(uint32(p.Tag)) || structural(p.Tag) {
			continue
		}
		e.w.Property(p)
	}
}
