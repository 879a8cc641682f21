package replica

import "sync"

// eventList gathers what a transaction does. Events of one item are coalesced where
// nothing is lost by it: whoever is told that an item appeared, or has new content,
// looks at all of it.
type eventList struct {
	list  []Event
	last  map[Num]int // index of the item's last event that can take up others
	queue map[EventKind]bool
}

func (l *eventList) add(e Event) {
	if l.last == nil {
		l.last = make(map[Num]int)
		l.queue = make(map[EventKind]bool)
	}
	switch e.Kind {
	case EventContent, EventAttr:
		if i, ok := l.last[e.Item]; ok {
			prev := &l.list[i]
			if prev.Kind == EventAdded || prev.Kind == EventContent || prev.Kind == e.Kind {
				prev.Remote = prev.Remote || e.Remote
				prev.Gen, prev.Raised = max(prev.Gen, e.Gen), prev.Raised || e.Raised
				prev.Completed = prev.Completed && (e.Completed || e.Kind == EventAttr)
				return
			}
			if prev.Kind == EventAttr {
				prev.Kind = EventContent
				prev.Gen, prev.Raised, prev.Completed = e.Gen, e.Raised, e.Completed
				return
			}
		}
	case EventJournal, EventQueue:
		if l.queue[e.Kind] {
			return
		}
		l.queue[e.Kind] = true
		l.list = append(l.list, e)
		return
	}
	l.last[e.Item] = len(l.list)
	l.list = append(l.list, e)
}

func (u *Update) event(kind EventKind, r *record) {
	if r.hidden() || !r.listed() && kind != EventAttr && kind != EventContent {
		return
	}
	u.events.add(Event{Kind: kind, Item: r.Num, NodeKind: r.Kind, Parent: r.Parent, Name: r.Name, Remote: u.remote, Gen: r.Gen})
}

// placed tells of a node whose place was that of old (nil: none) and is that of r (nil: none).
func (u *Update) placed(old, r *record) {
	was, is := old != nil && old.listed(), r != nil && r.listed()
	switch {
	case was && is && (old.Parent != r.Parent || old.Name != r.Name):
		u.events.add(Event{Kind: EventMoved, Item: r.Num, NodeKind: r.Kind, Parent: r.Parent, Name: r.Name,
			OldParent: old.Parent, OldName: old.Name, Remote: u.remote})
	case was && !is:
		u.event(EventRemoved, old)
	case is && !was:
		u.event(EventAdded, r)
	}
}

// subscribers are the queues of those who listen.
type subscribers struct {
	mu     sync.Mutex
	closed bool
	set    map[*subscriber]struct{}
}

// subscriber holds commits that its reader has not taken yet. mu guards queue and done.
type subscriber struct {
	take  func([]Event) // of Listen, else nil
	mu    sync.Mutex
	queue [][]Event
	wake  chan struct{} // has room for one
	quit  chan struct{}
	done  bool
}

// Subscribe delivers the events of every later commit, in order, one slice per
// commit. The channel is unbounded for the committer: a slow reader never blocks it.
// cancel closes it, and so does Close; what was not read by then is lost.
func (r *Replica) Subscribe() (events <-chan []Event, cancel func()) {
	s := &subscriber{wake: make(chan struct{}, 1), quit: make(chan struct{})}
	out := make(chan []Event)
	r.subs.add(s)
	go s.pump(out)
	return out, func() { r.subs.remove(s) }
}

// Listen calls f with the events of every later commit before that commit returns. f is called by one goroutine at a
// time, must not block, and must not call the replica. cancel ends it.
func (r *Replica) Listen(f func(list []Event)) (cancel func()) {
	s := &subscriber{take: f, quit: make(chan struct{})}
	r.subs.add(s)
	return func() { r.subs.remove(s) }
}

func (s *subscribers) add(sub *subscriber) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		sub.stop()
		return
	}
	if s.set == nil {
		s.set = make(map[*subscriber]struct{})
	}
	s.set[sub] = struct{}{}
}

func (s *subscribers) remove(sub *subscriber) {
	s.mu.Lock()
	delete(s.set, sub)
	s.mu.Unlock()
	sub.stop()
}

func (s *subscriber) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.done {
		s.done = true
		close(s.quit)
	}
}

func (s *subscriber) push(list []Event) {
	s.mu.Lock()
	s.queue = append(s.queue, list)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *subscriber) pop() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return nil
	}
	list := s.queue[0]
	s.queue = s.queue[1:]
	return list
}

func (s *subscriber) pump(out chan<- []Event) {
	defer close(out)
	for {
		list := s.pop()
		if list == nil {
			select {
			case <-s.wake:
				continue
			case <-s.quit:
				return
			}
		}
		select {
		case out <- list:
		case <-s.quit:
			return
		}
	}
}

func (s *subscribers) publish(list []Event) {
	if len(list) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for sub := range s.set {
		own := append([]Event(nil), list...)
		if sub.take != nil {
			sub.take(own)
			continue
		}
		sub.push(own)
	}
}

func (s *subscribers) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for sub := range s.set {
		sub.stop()
	}
	clear(s.set)
}
