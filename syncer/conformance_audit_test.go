package syncer_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/idset"
	"mailfs/mapi/rop"
	"mailfs/syncer"
)

// audit looks at every remote operation of a client, on whatever session, and holds the
// rules against it.
type audit struct {
	mu       sync.Mutex
	applied  map[string]int // how often a rule had something to say, by its numbers
	problems []string
	steps    int

	reserved idset.IDSet // ids from RopGetLocalReplicaIds
	known    idset.IDSet // ids of what was downloaded or sent
	servers  map[mapi.GUID]bool
	changes  []mapi.XID // foreign identifiers, in order of first use
	imported map[mapi.SourceKey]bool
	orphans  map[mapi.SourceKey]bool // parents that the server did not know

	finals map[scope]fxics.ICSState // what the last download of each scope ended with
	firsts map[scope]bool           // scopes whose first download has begun
	open   []*watched
}

// scope is a synchronization scope ([MS-OXCFXICS] 3.3.5.5).
type scope struct {
	contents bool
	folder   mapi.FID
}

// watched is an object on the server.
type watched struct {
	kind     kind
	by       rop.Request
	on       *watched
	made     int // step
	contents bool
	released bool

	// of synchronization contexts
	state    map[mapi.PropertyTag][]byte // what was uploaded
	tag      mapi.PropertyTag            // under upload
	used     bool                        // by anything but the upload of the state
	data     []byte
	status   uint16
	buffers  int
	populate bool // of a message: properties were set
}

type kind string

const (
	logon      kind = "log on"
	folder     kind = "folder"
	message    kind = "message"
	attachment kind = "attachment"
	copied     kind = "download of copies"
	download   kind = "synchronization download"
	stateOnly  kind = "download of a state"
	collector  kind = "synchronization upload"
	otherKind  kind = "something else"
)

func kindOf(q rop.Request) kind {
	switch q.(type) {
	case *rop.LogonRequest:
		return logon
	case *rop.OpenFolderRequest, *rop.CreateFolderRequest:
		return folder
	case *rop.OpenMessageRequest, *rop.CreateMessageRequest, *rop.OpenEmbeddedMessageRequest, *rop.SynchronizationImportMessageChangeRequest:
		return message
	case *rop.OpenAttachmentRequest, *rop.CreateAttachmentRequest:
		return attachment
	case *rop.FastTransferSourceCopyMessagesRequest, *rop.FastTransferSourceCopyToRequest, *rop.FastTransferSourceCopyFolderRequest,
		*rop.FastTransferSourceCopyPropertiesRequest:
		return copied
	case *rop.SynchronizationConfigureRequest:
		return download
	case *rop.SynchronizationGetTransferStateRequest:
		return stateOnly
	case *rop.SynchronizationOpenCollectorRequest:
		return collector
	}
	return otherKind
}

// step is one operation that the server has answered, or a release.
type step struct {
	*audit
	call    rop.Call
	on      *watched // nil if it could not be opened
	resp    rop.Response
	further []rop.Response // chained to it
}

func (s *step) failed() bool { return s.resp != nil && s.resp.Result() != 0 }

// rule is what one or several requirements demand of an operation.
type rule struct {
	ids, what string
	check     func(s *step) string // "" or what is wrong; skip
}

// skip says that a rule has nothing to say about an operation.
const skip = "\x00"

// about makes a rule for one kind of request, to an object that is there.
func about[Q rop.Request](ids, what string, check func(s *step, q Q) string) rule {
	return rule{ids, what, func(s *step) string {
		if q, ok := s.call.Request.(Q); ok && s.on != nil {
			return check(s, q)
		}
		return skip
	}}
}

// worksOn makes a rule about the object that a kind of request is sent to.
func worksOn[Q rop.Request](ids string, kinds ...kind) rule {
	return rule{ids, fmt.Sprintf("is sent to %v", kinds), func(s *step) string {
		_, ok := s.call.Request.(Q)
		switch {
		case !ok || s.on == nil && s.failed():
			return skip
		case s.on == nil:
			return "sent to an object that nobody opened"
		}
		return verdict(slices.Contains(kinds, s.on.kind), "sent to a %s", s.on.kind)
	}}
}

func verdict(ok bool, format string, args ...any) string {
	if ok {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

func newAudit() *audit {
	return &audit{applied: map[string]int{}, servers: map[mapi.GUID]bool{}, imported: map[mapi.SourceKey]bool{}, orphans: map[mapi.SourceKey]bool{},
		finals: map[scope]fxics.ICSState{}, firsts: map[scope]bool{}}
}

// listen makes every later session of a world pass by the audit.
func (a *audit) listen(w *world) {
	dial := w.dial
	w.dial = func(ctx context.Context) (rop.Transport, syncer.ServerInfo, error) {
		tr, info, err := dial(ctx)
		if err != nil {
			return nil, info, err
		}
		return &audited{Transport: tr, a: a, objects: map[rop.Handle]*watched{}, columns: rop.Columns{}}, info, nil
	}
}

// report fails the test for every problem, and for every rule that had nothing to say.
func (a *audit) report(t *testing.T) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.problems {
		t.Error(p)
	}
	for _, r := range rules {
		if a.applied[r.ids+r.what] == 0 {
			t.Errorf("%s: %s: nothing happened that this is about", r.ids, r.what)
		}
	}
}

// audited is a session that is watched.
type audited struct {
	rop.Transport
	a       *audit
	objects map[rop.Handle]*watched
	columns rop.Columns
}

func (x *audited) Execute(ctx context.Context, payload []byte, maxOut uint32) ([][]byte, error) {
	q, err := rop.DecodeRequests(payload, nil)
	if err != nil {
		return nil, err
	}
	out, err := x.Transport.Execute(ctx, payload, maxOut)
	if err != nil {
		return out, err
	}
	x.a.mu.Lock()
	defer x.a.mu.Unlock()
	return out, x.look(q, out)
}

// look takes the answers to a buffer and walks its operations in order.
func (x *audited) look(q rop.Requests, payloads [][]byte) error {
	first, err := rop.DecodeResponses(payloads[0], q, x.columns)
	if err != nil {
		return err
	}
	answers := make([]rop.Response, len(q.Calls))
	last := -1
	for _, a := range first.Answers {
		if a.Call >= 0 {
			answers[a.Call], last = a.Response, a.Call
		}
	}
	var further []rop.Response
	for _, p := range payloads[1:] {
		more, err := rop.DecodeResponses(p, rop.Requests{Calls: q.Calls[last : last+1], Handles: q.Handles}, x.columns)
		if err != nil {
			return err
		}
		for _, a := range more.Answers {
			further = append(further, a.Response)
		}
	}
	slots := map[uint8]*watched{}
	find := func(slot uint8) *watched {
		if o, ok := slots[slot]; ok {
			return o
		}
		if int(slot) < len(q.Handles) {
			return x.objects[q.Handles[slot]]
		}
		return nil
	}
	for i, call := range q.Calls {
		if answers[i] == nil && call.Answered() {
			break // not executed: it comes again
		}
		s := &step{audit: x.a, call: call, on: find(call.In), resp: answers[i]}
		if call.Request.ROP() == rop.IDLogon {
			s.on = nil
		}
		if i == last {
			s.further = further
		}
		made := x.a.take(s)
		if call.Creates() {
			slots[call.Out] = made
			if made != nil && int(call.Out) < len(first.Handles) {
				x.objects[first.Handles[call.Out]] = made
			}
		}
	}
	return nil
}

// take applies the rules to an operation, then notes what it did. It returns the object
// that it made.
func (a *audit) take(s *step) *watched {
	a.steps++
	for _, r := range rules {
		switch problem := r.check(s); problem {
		case skip:
			continue
		case "":
		default:
			a.problem("%s: %s: %s: %s", r.ids, s.call.Request.ROP(), r.what, problem)
		}
		a.applied[r.ids+r.what]++
	}
	a.note(s)
	if !s.call.Creates() || s.failed() {
		return nil
	}
	made := &watched{kind: kindOf(s.call.Request), by: s.call.Request, on: s.on, made: a.steps, state: map[mapi.PropertyTag][]byte{}}
	switch q := s.call.Request.(type) {
	case *rop.SynchronizationConfigureRequest:
		made.contents = q.SynchronizationType == rop.SyncContents
	case *rop.SynchronizationOpenCollectorRequest:
		made.contents = q.IsContentsCollector
	}
	a.open = append(a.open, made)
	return made
}

func (a *audit) problem(format string, args ...any) {
	const most = 20
	if len(a.problems) < most {
		a.problems = append(a.problems, fmt.Sprintf(format, args...))
	}
}

// note keeps what later operations are judged by.
func (a *audit) note(s *step) {
	on := s.on
	if on == nil {
		on = &watched{state: map[mapi.PropertyTag][]byte{}}
	}
	switch q := s.call.Request.(type) {
	case *rop.ReleaseRequest:
		on.released = true
	case *rop.SynchronizationUploadStateStreamBeginRequest:
		on.tag = q.StateProperty
		on.state[q.StateProperty] = []byte{}
	case *rop.SynchronizationUploadStateStreamContinueRequest:
		on.state[on.tag] = append(on.state[on.tag], q.StreamData...)
	case *rop.SynchronizationUploadStateStreamEndRequest:
		on.tag = 0
	case *rop.FastTransferSourceGetBufferRequest:
		a.noteBuffers(s, on)
	case *rop.SetPropertiesRequest:
		on.populate = true
	case *rop.GetLocalReplicaIDsRequest:
		if r, ok := s.resp.(*rop.GetLocalReplicaIDsResponse); ok && !s.failed() {
			a.servers[r.ReplGUID] = true
			a.reserved.AddRange(r.ReplGUID, idset.Range{Low: r.GlobalCount, High: r.GlobalCount + mapi.GlobCnt(q.IDCount) - 1})
		}
	case *rop.LongTermIDFromIDRequest:
		if r, ok := s.resp.(*rop.LongTermIDFromIDResponse); ok && !s.failed() {
			a.servers[r.LongTermID.GUID] = true
		}
	case *rop.SynchronizationImportMessageChangeRequest:
		a.noteImport(s, sourceKeyOf(q.PropertyValues), changeKeyOf(q.PropertyValues))
	case *rop.SynchronizationImportHierarchyChangeRequest:
		if s.resp.Result() == mapi.EcNoParentFolder {
			a.orphans[mapi.SourceKey(mapi.PropertyBag(q.HierarchyValues).Bytes(mapi.PidTagParentSourceKey))] = true
		}
		a.noteImport(s, sourceKeyOf(q.HierarchyValues), changeKeyOf(q.HierarchyValues))
	case *rop.SynchronizationImportMessageMoveRequest:
		a.noteImport(s, mapi.SourceKey(q.DestinationMessageID), mapi.ChangeKey(q.ChangeNumber))
	}
	if !isStateUpload(s.call.Request) {
		on.used = true
		if on.kind == collector {
			a.firsts[scopeOf(on)] = true // what was sent is part of its state now
		}
	}
}

// noteImport keeps what went up. What was refused may come again under the same id.
func (a *audit) noteImport(s *step, key mapi.SourceKey, change mapi.ChangeKey) {
	if s.failed() {
		return
	}
	a.imported[key] = true
	a.noteSeen(key)
	if x, err := change.XID(); err == nil && !slices.Contains(a.changes, x) {
		a.changes = append(a.changes, x)
	}
}

// noteBuffers keeps what a download brought, and reads it when it is complete.
func (a *audit) noteBuffers(s *step, on *watched) {
	for _, r := range append([]rop.Response{s.resp}, s.further...) {
		p, ok := r.(*rop.FastTransferSourceGetBufferResponse)
		if !ok || p.ReturnValue != 0 {
			continue
		}
		on.data = append(on.data, p.TransferBuffer...)
		on.status = p.TransferStatus
		on.buffers++
	}
	if on.status != rop.TransferDone {
		return
	}
	switch {
	case on.kind == download && on.contents:
		a.read(on, fxics.RootContentsSync)
	case on.kind == download:
		a.read(on, fxics.RootHierarchySync)
	case on.kind == copied:
		a.readCopies(on)
	}
}

func (a *audit) read(on *watched, root fxics.Root) {
	dec := fxics.NewDecoder(bytes.NewReader(on.data), root, nil)
	for {
		el, err := dec.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			a.problem("what was downloaded can't be read: %v", err)
			return
		}
		switch e := el.(type) {
		case *fxics.MessageChange:
			a.noteSeen(e.SourceKey())
		case *fxics.FolderChange:
			a.noteSeen(e.Folder.SourceKey)
		case *fxics.State:
			a.finals[scopeOf(on)] = e.ICSState
		}
	}
}

func (a *audit) noteSeen(key mapi.SourceKey) {
	if id, ok := key.LongTermID(); ok {
		a.known.Add(id)
	}
}

// readCopies checks that everything that was asked for came: that it was in that folder
// (R480).
func (a *audit) readCopies(on *watched) {
	q, ok := on.by.(*rop.FastTransferSourceCopyMessagesRequest)
	if !ok {
		return
	}
	n := 0
	dec := fxics.NewDecoder(bytes.NewReader(on.data), fxics.RootMessageList, nil)
	for {
		el, err := dec.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			a.problem("copies can't be read: %v", err)
			return
		}
		if _, ok := el.(*fxics.MessageContent); ok {
			n++
		}
	}
	if n != len(q.MessageIDs) {
		a.problem("R480: %d messages were asked for in one folder, %d came", len(q.MessageIDs), n)
	}
}

func scopeOf(on *watched) scope {
	if on.on == nil {
		return scope{}
	}
	q, _ := on.on.by.(*rop.OpenFolderRequest)
	if q == nil {
		return scope{}
	}
	return scope{on.contents, q.FolderID}
}

func isStateUpload(q rop.Request) bool {
	switch q.(type) {
	case *rop.SynchronizationUploadStateStreamBeginRequest, *rop.SynchronizationUploadStateStreamContinueRequest,
		*rop.SynchronizationUploadStateStreamEndRequest:
		return true
	}
	return false
}

func sourceKeyOf(list []mapi.Property) mapi.SourceKey {
	return mapi.SourceKey(mapi.PropertyBag(list).Bytes(mapi.PidTagSourceKey))
}

func changeKeyOf(list []mapi.Property) mapi.ChangeKey {
	return mapi.ChangeKey(mapi.PropertyBag(list).Bytes(mapi.PidTagChangeKey))
}

// tagsOf lists the tags of properties in their order.
func tagsOf(list []mapi.Property) string {
	var out []string
	for _, p := range list {
		out = append(out, fmt.Sprintf("0x%08X", uint32(p.Tag)))
	}
	return strings.Join(out, " ")
}

// forgetful is a session with a server that knows no SynchronizationExtraFlags.
type forgetful struct{ rop.Transport }

func (f forgetful) Execute(ctx context.Context, payload []byte, maxOut uint32) ([][]byte, error) {
	q, err := rop.DecodeRequests(payload, nil)
	if err != nil {
		return nil, err
	}
	for _, c := range q.Calls {
		if r, ok := c.Request.(*rop.SynchronizationConfigureRequest); ok {
			r.SynchronizationExtraFlags = 0
		}
	}
	if payload, err = rop.EncodeRequests(q); err != nil {
		return nil, err
	}
	return f.Transport.Execute(ctx, payload, maxOut)
}
