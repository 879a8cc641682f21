package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mailfs/mapi"
	"mailfs/replica"
)

// maxRounds bounds how long everything takes to come to rest.
const maxRounds = 8

// settle lets programs close their files, and brings everything to rest.
func (w *world) settle() {
	w.step = 1 << 30
	w.note("== rest")
	for _, c := range w.clients {
		c.watch.set(0)
		for len(c.held) > 0 {
			c.call(nil, func() { c.closeHeld(&Step{}) })
		}
	}
	before := ""
	for round := range maxRounds {
		w.clock.advance(2 * window)
		quiet := true
		for _, c := range w.clients {
			quiet = w.rest(c, round == maxRounds-1) && quiet
		}
		now := w.state()
		if quiet && now == before {
			return
		}
		before = now
	}
	w.problem("no rest after %d rounds", maxRounds)
}

// rest brings one client in step, and reports whether it has nothing more to say.
func (w *world) rest(c *client, insist bool) bool {
	c.direct.Deliver()
	w.clock.ring()
	if err := c.flush(); err != nil {
		w.note("%s: flush: %v", c.name, err)
		if insist {
			w.problem("%s: flush: %v", c.name, err)
		}
	}
	if err := c.pass(nil); err != nil {
		w.problem("%s: pass: %v", c.name, err)
	}
	c.direct.Deliver()
	w.clock.ring()
	st := c.eng.Status()
	return st.Queued == 0 && c.direct.Unsettled() == 0
}

// state is the server's state in short.
func (w *world) state() string {
	var b strings.Builder
	for _, f := range w.box.Snapshot().Folders {
		fmt.Fprintf(&b, "%v %d\n", f.Path, len(f.Messages))
		for _, m := range f.Messages {
			fmt.Fprintf(&b, "%s %s %v\n", m.SourceKey, m.ChangeKey, m.Read)
		}
	}
	return b.String()
}

// found is a message of the server, and what it says.
type found struct {
	folder mapi.SourceKey
	path   string
	doc    string
	body   string
	look   string // read state, flag, categories
}

// check looks at everything in the end.
func (w *world) check() {
	all := map[mapi.SourceKey]found{}
	dirs := map[mapi.SourceKey]string{}
	present := map[string]bool{}
	links := map[string]int{}
	copies := map[string][]string{}
	for _, f := range w.box.Snapshot().Folders {
		key := mapi.LongTermID{GUID: w.box.Replica(), Counter: f.ID.Counter()}.SourceKey()
		at := strings.Join(f.Path, "/")
		dirs[key] = at
		for _, m := range f.Messages {
			if m.Associated {
				continue
			}
			one := found{folder: key, path: at, doc: docOf(m.Content.Properties.String(mapi.PidTagSubject)),
				body: bodyOf(m.Content), look: lookOf(m.Read, m.Content.Properties)}
			all[m.SourceKey] = one
			if len(m.Content.Recipients) == 0 || one.doc == "" {
				w.problem("MAIMED: %s (%v) in %s has %d recipients", one.doc, tokensIn(one.body), at, len(m.Content.Recipients))
			}
			for _, t := range tokensIn(one.body) {
				present[t] = true
			}
			if insideOf(m.Content) != "" {
				w.problem("UNSETTLED: %s (%v) in %s has versions in it", one.doc, tokensIn(one.body), at)
			}
			if t := last(one.body); t != "" {
				links[t] = max(links[t], linksOf(m.Content))
				if copies[t] = append(copies[t], at); w.tooMany(one.doc, copies[t]) {
					w.problem("TWICE: %s is in %s", t, strings.Join(copies[t], " and in "))
				}
			}
		}
	}
	for _, s := range w.ledger.lost(present) {
		w.problem("LOST: %s, saved by %s in step %d", s.token, s.by, s.step)
	}
	w.checkBack(copies, links)
	for _, c := range w.clients {
		w.compare(c, all, dirs)
		w.compareFilesSoon(c, all)
	}
}

// compareFilesSoon checks what programs see, behind a mount as soon as the kernel has heard of everything.
func (w *world) compareFilesSoon(c *client, all map[mapi.SourceKey]found) {
	const patience = 200
	for try := 1; w.mounts != "" && try < patience; try++ {
		was := len(w.problems)
		if w.compareFiles(c, all); len(w.problems) == was {
			return
		}
		w.problems = w.problems[:was]
		time.Sleep(20 * time.Millisecond)
	}
	w.compareFiles(c, all)
}

const conflicts = "Sync Issues/Conflicts"

// tooMany reports whether a version is in more places than can be explained. Each client that meets it in a conflict
// may store it among the conflicts, and one that can't know whether a version went up before somebody moved the message
// brings it back.
func (w *world) tooMany(doc string, places []string) bool {
	losers := 0
	for _, at := range places {
		if at == conflicts {
			losers++
		}
	}
	others := len(places) - losers
	moved := slices.ContainsFunc(w.touched, func(a act) bool {
		return w.message(a.doc) == w.message(doc) && slices.Contains([]Kind{OtherMove, OtherDiscard, OtherDelete, Move, MoveOver, Unlink}, a.kind)
	})
	if w.restored { // each that had it may have brought it back
		return others > 2*len(w.clients) || losers > len(w.clients)*len(w.clients)
	}
	if moved {
		return others > 2 || losers > len(w.clients)
	}
	return others > 1 || losers > len(w.clients) || others == 1 && losers > 0
}

func lookOf(read bool, p mapi.PropertyBag) string {
	return fmt.Sprintf("read %v flag %d", read, p.Int(mapi.PidTagFlagStatus))
}

// checkBack looks for what was deleted by somebody who had seen it, and by nobody else touched, and is there again. A machine
// that found another version of it links the two, which counts as a touch.
func (w *world) checkBack(copies map[string][]string, links map[string]int) {
	for _, t := range w.ledger.order {
		r := w.ledger.saves[t].removed
		if r == nil || !r.complete || w.restored && links[t] > r.links {
			continue
		}
		left := slices.DeleteFunc(slices.Clone(copies[t]), r.spares)
		if len(left) >= max(r.copies, 1) && !w.touchedBesides(r) {
			w.problem("BACK: %s is in %s; %s deleted it in step %d", t, strings.Join(left, " and in "), r.by, r.step)
		}
	}
}

// touchedBesides reports whether anybody acted on a letter whose act the deletion can't have been about: what others
// did, and what the same user did later.
func (w *world) touchedBesides(r *removal) bool {
	for _, a := range w.touched {
		if w.message(a.doc) == w.message(r.doc) && (a.by != r.by || a.step > r.step) {
			return true
		}
	}
	return false
}

// compare checks a replica against the server.
func (w *world) compare(c *client, all map[mapi.SourceKey]found, dirs map[mapi.SourceKey]string) {
	if bad, err := c.rep.Check(); err != nil || len(bad) > 0 {
		w.problem("%s: replica: %v %v", c.name, bad, err)
	}
	if n := c.direct.Stale(); n > 0 {
		w.problem("%s: the kernel would have shown old pages %d times", c.name, n)
	}
	if st := c.eng.Status(); st.Queued != 0 || st.Refused != 0 {
		w.problem("%s: %d changes queued, %d refused", c.name, st.Queued, st.Refused)
	}
	seen := map[mapi.SourceKey]bool{}
	err := c.rep.View(func(v *replica.View) error { return w.compareDir(c, v, replica.RootNum, "", all, dirs, seen) })
	if err != nil {
		w.problem("%s: %v", c.name, err)
	}
	for _, key := range sorted(all) {
		if !seen[key] && !w.keptPlace(c, key) {
			w.problem("%s: %s (%s) in %s is not here", c.name, all[key].doc, tokensIn(all[key].body), all[key].path)
		}
	}
	for _, key := range sorted(dirs) {
		if !seen[key] {
			w.problem("%s: folder %s is not here", c.name, dirs[key])
		}
	}
}

// keptPlace reports whether an empty file keeps the place of a message.
func (w *world) keptPlace(c *client, key mapi.SourceKey) bool {
	_, files := c.walk()
	return slices.ContainsFunc(files, func(p string) bool {
		own, err := c.direct.Getxattr(p, "user.mailfs.source-key")
		size, err2 := c.direct.Size(p)
		return err == nil && err2 == nil && own == key.String() && size == 0
	})
}

func sorted[V any](m map[mapi.SourceKey]V) []mapi.SourceKey {
	var keys []mapi.SourceKey
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (w *world) compareDir(c *client, v *replica.View, dir replica.Num, at string, all map[mapi.SourceKey]found,
	dirs map[mapi.SourceKey]string, seen map[mapi.SourceKey]bool) error {
	for n, err := range v.Children(dir, "") {
		if err != nil {
			return err
		}
		switch {
		case n.Folder != nil:
			here := strings.TrimPrefix(at+"/"+n.Folder.DisplayName, "/")
			seen[n.Folder.SourceKey] = true
			if there, ok := dirs[n.Folder.SourceKey]; !ok {
				w.problem("%s: folder %s is not on the server", c.name, here)
			} else if there != here {
				w.problem("%s: folder %s is %s on the server", c.name, here, there)
			}
			if err := w.compareDir(c, v, n.Num, here, all, dirs, seen); err != nil {
				return err
			}
		case n.Message != nil && !n.Message.FAI:
			if err := w.compareMessage(c, v, n, at, all, seen); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) compareMessage(c *client, v *replica.View, n *replica.Node, at string, all map[mapi.SourceKey]found, seen map[mapi.SourceKey]bool) error {
	key := n.Message.SourceKey
	there, ok := all[key]
	seen[key] = true
	m, err := v.Message(n.Num)
	if errors.Is(err, replica.ErrNotLocal) && c.headers {
		m, err = &mapi.Message{}, nil
		m.Properties.Set(mapi.PidTagFlagStatus, n.Message.Flag)
	}
	if err != nil {
		return err
	}
	body := bodyOf(m)
	switch look := lookOf(n.Message.Read, m.Properties); {
	case !ok:
		w.problem("%s: %s/%s (%v) is not on the server", c.name, at, n.Name, tokensIn(body))
	case there.path != at:
		w.problem("%s: %s (%v) is in %s, on the server in %s", c.name, there.doc, tokensIn(body), at, there.path)
	case n.Message.State != replica.StateFull && !c.headers:
		w.problem("%s: %s in %s has no body here", c.name, there.doc, at)
	case n.Message.State == replica.StateFull && body != there.body:
		w.problem("%s: %s in %s says %q, on the server %q", c.name, there.doc, at, body, there.body)
	case look != there.look || n.Message.Flag != int32(m.Properties.Int(mapi.PidTagFlagStatus)):
		w.problem("%s: %s in %s (%v): %s (%d), on the server %s", c.name, there.doc, at, tokensIn(body), look, n.Message.Flag, there.look)
	}
	return nil
}

// compareFiles checks what programs see.
func (w *world) compareFiles(c *client, all map[mapi.SourceKey]found) {
	byKey := map[string]found{}
	for k, f := range all {
		byKey[k.String()] = f
	}
	shown := map[string][]string{}
	todo := []string{""}
	for len(todo) > 0 {
		dir := todo[0]
		todo = todo[1:]
		list, err := c.direct.ReadDir(dir)
		if err != nil {
			w.problem("%s: list %s: %v", c.name, dir, err)
			continue
		}
		for _, e := range list {
			p := strings.TrimPrefix(dir+"/"+e.Name, "/")
			if e.Dir {
				todo = append(todo, p)
			} else if p != "conflicts" {
				w.compareFile(c, p, byKey, shown)
			}
		}
	}
	for _, key := range sorted(all) {
		if n := len(shown[key.String()]); n > 1 || n == 0 && !w.keptPlace(c, key) {
			w.problem("%s: the files of %s (%v) are %q", c.name, all[key].doc, tokensIn(all[key].body), shown[key.String()])
		}
	}
}

// compareFile checks one file, and adds it to those that show messages.
func (w *world) compareFile(c *client, p string, byKey map[string]found, shown map[string][]string) {
	text, err := c.direct.ReadFile(p)
	if err != nil {
		w.problem("%s: read %s: %v", c.name, p, err)
		return
	}
	if len(text) == 0 {
		return // left by a crash; it may keep the place of a message
	}
	unfinished := false
	if s := w.ledger.saves[last(string(text))]; s != nil {
		unfinished = !s.done // written, and never closed: it stays here
	}
	key, err := c.direct.Getxattr(p, "user.mailfs.source-key")
	if err != nil {
		if strings.HasSuffix(p, ".eml") && !unfinished {
			w.problem("%s: %s is local for ever: %v", c.name, p, tokensIn(string(text)))
		}
		return
	}
	shown[key] = append(shown[key], p)
	if got, want := tokensIn(string(text)), tokensIn(byKey[key].body); !unfinished && !slices.Equal(got, want) {
		w.problem("%s: %s shows %v, on the server %v", c.name, p, got, want)
	}
	if size, err := c.direct.Size(p); err != nil || size != int64(len(text)) {
		w.problem("%s: %s has size %d (%v) and %d bytes", c.name, p, size, err, len(text))
	}
}
