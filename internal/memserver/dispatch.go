package memserver

import (
	"mailfs/mapi"
	"mailfs/mapi/mapihttp"
	"mailfs/mapi/rop"
)

const (
	// minRopOut and maxRopOut limit MaxRopOut ([MS-OXCRPC] 3.1.4.2, pcbOut).
	minRopOut = 8
	maxRopOut = mapihttp.MaxRopOut

	// badStubData is RPC_X_BAD_STUB_DATA.
	badStubData mapi.ErrorCode = 0x000006F7

	// Room that must be left for another chained payload ([MS-OXCRPC] 3.1.4.2.1.2.2).
	chainRoom     = 0x2000
	chainRoomRows = 0x8000
)

// operation is one remote operation being executed.
type operation struct {
	ss   *session
	call rop.Call
	box  *Mailbox // of the input object; nil for Logon
	in   *object
	dst  *object // the second object of those that have two, nil when it is not there
	made any     // the new object, set by operations that make one
	keep *object // the new object when it is made already (Logon)
	room int     // bytes left in the answer's payload
	need int     // set by an operation that can't do with them: what it needs
	// made handles know their number only after the operation; those that need it
	// are told here.
	onHandle func(h uint32)
}

// handler executes an operation. A code other than success makes the failure response
// of the operation; a warning stands in the response itself.
type handler func(*operation) (rop.Response, mapi.ErrorCode)

// payloadOf returns the ROP buffer in an Execute body, for scripts; nil if there is none.
func payloadOf(kind mapihttp.RequestType, body []byte) []byte {
	if kind != mapihttp.Execute {
		return nil
	}
	q, err := mapihttp.DecodeExecuteRequest(body)
	if err != nil {
		return nil
	}
	bufs, err := mapihttp.SplitExtended(q.RopBuffer, mapihttp.MaxChained)
	if err != nil || len(bufs) != 1 {
		return nil // it is refused
	}
	return bufs[0].Payload
}

// executeBody answers an Execute request.
func (ss *session) executeBody(q mapihttp.ExecuteRequest, f Fault) mapihttp.ExecuteResponse {
	var p mapihttp.ExecuteResponse
	bufs, err := mapihttp.SplitExtended(q.RopBuffer, mapihttp.MaxChained)
	switch {
	case f.RPC != ecSuccess:
		p.ErrorCode = f.RPC
	case q.MaxRopOut < minRopOut:
		p.ErrorCode = ecRPCFailed
	case q.MaxRopOut > maxRopOut:
		p.ErrorCode = badStubData
	case err != nil || len(bufs) != 1:
		p.ErrorCode = ecRPCFormat // several are for servers that announced packing
	}
	if p.ErrorCode != ecSuccess {
		return p
	}
	var ext mapihttp.ExtFlags
	if ss.srv.cfg.Compression && q.Flags&mapihttp.NoCompression == 0 {
		ext |= mapihttp.ExtCompressed
	}
	if ss.srv.cfg.Obfuscation && q.Flags&mapihttp.NoXorMagic == 0 {
		ext |= mapihttp.ExtXorMagic
	}
	payloads, code := ss.execute(bufs[0].Payload, int(q.MaxRopOut), q.Flags&mapihttp.Chain != 0, f)
	if code != ecSuccess {
		p.ErrorCode = code
		return p
	}
	if p.RopBuffer, err = mapihttp.JoinExtended(payloads, ext); err != nil {
		p = mapihttp.ExecuteResponse{ErrorCode: ecRPCFailed}
	}
	return p
}

// execute carries out a ROP buffer and returns the payloads of the answer: one, and
// more where a response is chained. Requests of one session wait for each other.
func (ss *session) execute(payload []byte, maxOut int, chain bool, f Fault) ([][]byte, mapi.ErrorCode) {
	ss.turn.Lock()
	defer ss.turn.Unlock()
	in, err := rop.DecodeRequests(payload, nil)
	if err != nil {
		return nil, ecRPCFormat // [MS-OXCROPS] 3.2.5.1
	}
	calls, handles := in.Calls, in.Handles
	if f.Busy > 0 {
		return ss.backOff(calls, handles, f)
	}
	b := &batch{ss: ss, handles: handles, refuse: f.Refuse, limit: min(maxOut-mapihttp.ExtHeaderSize, mapihttp.MaxPayload)}
	if code := b.run(calls); code != ecSuccess {
		return nil, code
	}
	b.notify()
	first, err := b.encode()
	if err != nil {
		return nil, ecRPCFailed
	}
	payloads := [][]byte{first}
	if chain && len(calls) > 0 && !b.handedBack {
		payloads = ss.chain(payloads, b, calls[len(calls)-1], maxOut)
	}
	return payloads, ecSuccess
}

// batch is the answer to one ROP buffer in the making.
type batch struct {
	ss      *session
	handles []rop.Handle
	answers []rop.Answer
	size    int // of the answers, encoded
	limit   int // bytes that a payload may have

	refuse     map[uint8]mapi.ErrorCode // operations that a script does not allow
	handedBack bool                     // requests are left that the client has to send again
}

// run executes calls until one has no room for its answer.
func (b *batch) run(calls []rop.Call) mapi.ErrorCode {
	// Handing requests back takes room as well: as much as the requests that are left.
	left := 0
	sizes := make([]int, len(calls))
	for i, c := range calls {
		raw, err := rop.EncodeRequests(rop.Requests{Calls: []rop.Call{c}})
		if err != nil {
			return ecRPCFailed
		}
		sizes[i] = len(raw) - sizeField
		left += sizes[i]
	}
	for i, c := range calls {
		b.ss.srv.stats.rop(uint8(c.Request.ROP()))
		if c.Request.ROP() == rop.IDRelease {
			b.release(c)
			left -= sizes[i]
			continue
		}
		// What is certainly too little for any answer is not worth executing.
		room := b.room()
		if len(calls) > 1 {
			room -= left + backHeader
		}
		left -= sizes[i]
		if room < leastAnswer {
			return b.tooSmall(calls[i:], 0)
		}
		if q, ok := c.Request.(*rop.ReadStreamRequest); ok && q.MaximumByteCount > 0x80000000 {
			return ecRPCFormat // [MS-OXCROPS] 2.2.9.2.1
		}
		a, need := b.call(c, room)
		if need == 0 {
			need = answerSize(a)
		}
		if need > room {
			return b.tooSmall(calls[i:], need)
		}
		n := need
		b.answers = append(b.answers, a)
		b.size += n
	}
	return ecSuccess
}

const (
	// leastAnswer is room for a failure in its largest form.
	leastAnswer = 32
	// backHeader is what a RopBufferTooSmall has before the requests ([MS-OXCROPS] 2.2.15.1).
	backHeader = 3
	// sizeField is RopSize.
	sizeField = 2
)

// room returns how many bytes the next answer may have.
func (b *batch) room() int { return b.limit - sizeField - 4*len(b.handles) - b.size }

// answerSize returns the number of bytes of an answer.
func answerSize(a rop.Answer) int {
	if g, ok := a.Response.(*rop.FastTransferSourceGetBufferResponse); ok && g.ReturnValue == ecSuccess {
		return getBufferOverhead + len(g.TransferBuffer) // the large ones are not worth encoding twice
	}
	n, err := rop.AnswerSize(a)
	if err != nil {
		return mapihttp.MaxPayload + 1
	}
	return n
}

// tooSmall ends the answer: the remaining requests are handed back
// ([MS-OXCROPS] 2.2.15.1).
func (b *batch) tooSmall(rest []rop.Call, need int) mapi.ErrorCode {
	raw, err := rop.EncodeRequests(rop.Requests{Calls: rest})
	if err != nil {
		return ecRPCFailed
	}
	raw = raw[sizeField:]
	r := &rop.BufferTooSmall{SizeNeeded: uint16(min(b.limit+need+len(raw), mapihttp.MaxPayload)), RequestBuffers: raw}
	b.answers = append(b.answers, rop.Answer{Response: r})
	b.handedBack = true
	return ecSuccess
}

func (b *batch) encode() ([]byte, error) { return rop.EncodeResponses(b.answers, b.handles) }

// release drops a handle; there is no answer ([MS-OXCROPS] 3.2.5.3).
func (b *batch) release(c rop.Call) {
	if int(c.In) >= len(b.handles) {
		return
	}
	h := uint32(b.handles[c.In])
	o, ok := b.ss.handles[h]
	if !ok || o.logon != c.LogonID {
		return
	}
	o.release(b.ss, h)
	delete(b.ss.handles, h)
	b.ss.released[h] = true
	b.handles[c.In] = rop.NoHandle
}

// call executes one operation. need is not 0 where it wants more room than there is.
func (b *batch) call(c rop.Call, room int) (a rop.Answer, need int) {
	op := &operation{ss: b.ss, call: c, room: room}
	if code := b.inputs(op); code != ecSuccess {
		return b.fail(c, code), 0
	}
	if c.Creates() && int(c.Out) >= len(b.handles) {
		return b.fail(c, ecNullObject), 0
	}
	if code, no := b.refuse[uint8(c.Request.ROP())]; no {
		return b.fail(c, code), 0
	}
	resp, code := op.perform()
	if code != ecSuccess {
		return b.fail(c, code), op.need
	}
	if c.Creates() && resp.Result() == ecSuccess {
		if code := b.store(op); code != ecSuccess {
			return b.fail(c, code), 0
		}
	}
	return c.Answer(resp), 0
}

// inputs finds the objects that an operation works on.
func (b *batch) inputs(op *operation) mapi.ErrorCode {
	c := op.call
	if c.Request.ROP() == rop.IDLogon {
		return ecSuccess
	}
	o, code := b.ss.resolve(b.handles, c.In, c.LogonID)
	if code != ecSuccess {
		return code
	}
	op.in, op.box = o, o.box
	if hasDestination(c.Request.ROP()) {
		if op.dst, code = b.ss.resolve(b.handles, c.Out, c.LogonID); code != ecSuccess {
			return ecNullDestination
		}
	}
	return ecSuccess
}

func hasDestination(id rop.ID) bool {
	switch id {
	case rop.IDMoveCopyMessages, rop.IDMoveFolder, rop.IDCopyFolder, rop.IDCopyTo, rop.IDCopyProperties, rop.IDCopyToStream:
		return true
	}
	return false
}

// fail is the failure answer, and leaves the output slot empty.
func (b *batch) fail(c rop.Call, code mapi.ErrorCode) rop.Answer {
	if c.Creates() && int(c.Out) < len(b.handles) {
		b.handles[c.Out] = rop.NoHandle
	}
	return c.Fail(code)
}

// store puts the new object of an operation into its slot.
func (b *batch) store(op *operation) mapi.ErrorCode {
	o := op.keep
	if o == nil {
		o = &object{logon: op.call.LogonID, box: op.box, v: op.made}
	}
	h, ok := b.ss.add(o)
	if !ok {
		return ecMemory
	}
	b.handles[op.call.Out] = rop.Handle(h)
	if op.onHandle != nil {
		op.onHandle(h)
	}
	return ecSuccess
}

// perform finds the handler of the operation and runs it with the mailbox locked.
func (op *operation) perform() (rop.Response, mapi.ErrorCode) {
	h, ok := handlerOf(op.call.Request)
	if !ok {
		return nil, ecNotImplemented
	}
	if op.box != nil {
		op.box.mu.Lock()
		defer op.box.mu.Unlock()
	}
	return h(op)
}

// families are the groups of operations, each in a file of its own.
var families = []func(rop.Request) handler{
	logonHandler, folderHandler, tableHandler, messageHandler, attachmentHandler, propertyHandler, streamHandler,
	syncHandler, importHandler, copyHandler, notificationHandler, transportHandler,
}

func handlerOf(q rop.Request) (handler, bool) {
	for _, f := range families {
		if h := f(q); h != nil {
			return h, true
		}
	}
	return nil, false
}

// notify adds the events that wait, as far as there is room. They come after all
// ordinary answers ([MS-OXCNOTIF] 3.1.5.1).
func (b *batch) notify() {
	for {
		events := b.ss.events.take(1)
		if len(events) == 0 {
			return
		}
		a := rop.Answer{Response: b.ss.notification(events[0])}
		n := answerSize(a)
		if n > b.room() {
			b.ss.events.putBack(events)
			return
		}
		b.answers = append(b.answers, a)
		b.size += n
	}
}

// backOff tells the client to come back later ([MS-OXCROPS] 2.2.15.2); a lone
// FastTransferSourceGetBuffer is told in its own way.
func (ss *session) backOff(calls []rop.Call, handles []rop.Handle, f Fault) ([][]byte, mapi.ErrorCode) {
	ms := uint32(f.Busy.Milliseconds())
	var a rop.Answer
	if len(calls) == 1 && calls[0].Request.ROP() == rop.IDFastTransferSourceGetBuffer {
		r := &rop.FastTransferSourceGetBufferResponse{BackoffTime: ms}
		r.ReturnValue = ecServerBusy
		a = calls[0].Answer(r)
	} else {
		var logon uint8
		if len(calls) > 0 {
			logon = calls[0].LogonID
		}
		a = rop.Answer{LogonID: logon, Response: &rop.Backoff{LogonID: logon, Duration: ms}}
	}
	p, err := rop.EncodeResponses([]rop.Answer{a}, handles)
	if err != nil {
		return nil, ecServerBusy
	}
	return [][]byte{p}, ecSuccess
}

// chain goes on with the last operation as if the client had asked again, each
// answer in a payload of its own ([MS-OXCRPC] 3.1.4.2.1.2.2).
func (ss *session) chain(payloads [][]byte, b *batch, last rop.Call, maxOut int) [][]byte {
	for len(payloads) < mapihttp.MaxChained {
		left := maxOut
		for _, p := range payloads {
			left -= len(p) + mapihttp.ExtHeaderSize
		}
		need := chainRoom
		if last.Request.ROP() == rop.IDQueryRows {
			need = chainRoomRows
		}
		if len(b.answers) == 0 || left < need || !moreToCome(&last, b) {
			return payloads
		}
		next := &batch{ss: ss, handles: b.handles, limit: min(left-mapihttp.ExtHeaderSize, mapihttp.MaxPayload)}
		if next.run([]rop.Call{last}) != ecSuccess {
			return payloads
		}
		p, err := next.encode()
		if err != nil {
			return payloads
		}
		payloads = append(payloads, p)
		b = next
	}
	return payloads
}

// moreToCome looks at the newest answer to a chainable operation, and takes what it
// brought off the amount that is still asked for.
func moreToCome(last *rop.Call, b *batch) bool {
	var resp rop.Response
	for _, a := range b.answers {
		if a.Response.ROP() == last.Request.ROP() {
			resp = a.Response
		}
	}
	switch r := resp.(type) {
	case *rop.FastTransferSourceGetBufferResponse:
		q, ok := last.Request.(*rop.FastTransferSourceGetBufferRequest)
		return ok && q.BufferSize == rop.BufferSizeMarker && r.ReturnValue == ecSuccess && r.TransferStatus == rop.TransferPartial
	case *rop.ReadStreamResponse:
		o, code := b.ss.resolve(b.handles, last.In, last.LogonID)
		if code != ecSuccess {
			return false
		}
		s, ok := o.v.(*streamObject)
		return ok && s.pos < int64(len(s.data)) && moreStream(last, r)
	case *rop.QueryRowsResponse:
		return moreRows(last, r)
	}
	return false
}
