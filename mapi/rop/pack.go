package rop

import (
	"fmt"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// maxSlots bounds the handle table: slots are numbered by one byte.
const maxSlots = 255

// maxCalls bounds the operations of a buffer; the size ends it long before.
const maxCalls = MaxPayload

// packed is a buffer made of the first operations of a list.
type packed struct {
	results  []*Result // those that are in it, one for each call after the releases
	places   []int     // and their places in the list
	taken    int       // how far into the list it reaches
	releases []*Object // the queued releases at its start
	calls    []Call
	objects  []*Object // by slot
	slots    map[*Object]uint8
	handles  []Handle
	size     int // of the ROP list with RopSize
	room     int // what the answers are likely to take, without the handle table
}

// pack fills a buffer with queued releases and as many operations as fit, by the size
// of the requests and by the likely size of the answers, but at most limit of them.
// Operations that can't be sent at all get their error and are passed by.
func (s *Session) pack(rest []*Result, limit int) *packed {
	p := &packed{slots: map[*Object]uint8{}, size: 2}
	s.packReleases(p)
	for _, r := range rest {
		if len(p.results) == limit {
			break
		}
		if err := r.unusable(); err != nil {
			r.fail(err)
			p.taken++
			continue
		}
		fits, err := p.add(r, int(s.maxOut))
		if err == nil && !fits && len(p.results) == 0 && len(p.releases) == 0 {
			err = fmt.Errorf("rop: %s does not fit a buffer", r.request.ROP())
		}
		if err != nil {
			r.fail(err)
			p.taken++
			continue
		}
		if !fits {
			break
		}
		p.places = append(p.places, p.taken)
		p.taken++
	}
	return p
}

// sizeLimit is what a buffer may grow to. One with several requests leaves a server room to hand back
// those that it did not get to ([MS-OXCROPS] 2.2.15.1), beside the answers to the others.
func (p *packed) sizeLimit() int {
	if len(p.results) == 0 {
		return MaxPayload
	}
	return MaxPayload - 2<<10
}

// packReleases puts the first queued releases into the buffer.
func (s *Session) packReleases(p *packed) {
	const most = maxSlots / 2 // leave room for operations
	s.mu.Lock()
	n := min(len(s.releases), most)
	p.releases = s.releases[:n:n]
	s.releases = s.releases[n:]
	s.mu.Unlock()
	for _, o := range p.releases {
		c := Call{LogonID: o.logonID, In: p.place(o, o.handle), Request: &ReleaseRequest{}}
		p.calls = append(p.calls, c)
		p.size += 3
	}
}

// unusable returns why an operation can't be sent: an object that it needs does not
// exist.
func (r *Result) unusable() error {
	for _, o := range []*Object{r.in, r.dst} {
		if o == nil {
			continue
		}
		if _, err := o.state(); err != nil {
			return inputError(r.request.ROP(), err)
		}
	}
	if r.request.layout() == layoutSrcDst && r.dst == nil {
		return fmt.Errorf("rop: %s without a destination", r.request.ROP())
	}
	return nil
}

// inputError says that an operation failed because of an object that it needs.
func inputError(id ID, err error) error { return fmt.Errorf("%s: its object: %w", id, err) }

// place returns the slot of an object, a new one if it has none.
func (p *packed) place(o *Object, h Handle) uint8 {
	if i, ok := p.slots[o]; ok {
		return i
	}
	i := uint8(len(p.objects))
	p.slots[o] = i
	p.objects = append(p.objects, o)
	p.handles = append(p.handles, h)
	return i
}

// add puts an operation into the buffer if there is room for it, and for its answer in
// maxOut bytes. Only the size of the request counts for the first one.
func (p *packed) add(r *Result, maxOut int) (fits bool, err error) {
	slots := 0
	for _, o := range []*Object{r.in, r.dst, r.out} {
		if o == nil {
			continue
		}
		if _, placed := p.slots[o]; !placed {
			slots++
		}
	}
	if len(p.objects)+slots > maxSlots {
		return false, nil
	}
	n, err := callSize(r.request)
	if err != nil {
		return false, err
	}
	if p.size+n+4*(len(p.objects)+slots) > p.sizeLimit() {
		return false, nil
	}
	room, ok := hasRoom(r.request, p.room, min(roomLimit, maxOut)-4*(len(p.objects)+slots))
	if !ok && len(p.results) > 0 {
		return false, nil
	}
	c := Call{LogonID: r.logonID, Request: r.request}
	if r.in != nil {
		h, _ := r.in.state()
		c.In = p.place(r.in, h)
		c.Out = c.In // a response index names the input object
	}
	if r.dst != nil {
		h, _ := r.dst.state()
		c.Out = p.place(r.dst, h)
	}
	if r.out != nil {
		c.Out = p.place(r.out, NoHandle)
	}
	p.calls = append(p.calls, c)
	p.results = append(p.results, r)
	p.size += n
	p.room = room
	return true, nil
}

func callSize(q Request) (int, error) {
	var b wire.Builder
	AppendCall(&b, Call{Request: q})
	return b.Len(), b.Err()
}

// divisible reports whether a buffer that failed as a whole, because the answers did
// not fit, can be sent again in parts. QUIRK: gromox 3.10 fails like this.
func (p *packed) divisible() bool {
	for _, c := range p.calls[len(p.releases):] {
		if !repeatable(c.Request) {
			return false
		}
	}
	return len(p.results) > 1
}

// requests returns the buffer's content.
func (p *packed) requests() Requests { return Requests{Calls: p.calls, Handles: p.handles} }

// unsent puts the releases of a buffer back that did not reach the server.
func (s *Session) unsent(p *packed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.releases = append(p.releases, s.releases...)
}

// outOfRoom says that an answer does not fit the largest buffer.
func outOfRoom(id ID) error { return &Error{ROP: id, Code: mapi.EcBufferTooSmall} }
