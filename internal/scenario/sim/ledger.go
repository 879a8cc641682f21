package sim

import (
	"fmt"
	"regexp"
	"slices"
)

// ledger follows every body that anybody ever saved, by a token in it. A token may be gone in the end only when
// somebody who had seen it saved over it or deleted it.
type ledger struct {
	saves map[string]*save
	order []string
}

// save is one body that somebody saved.
type save struct {
	token, by string
	step      int
	done      bool     // close returned, and all was well
	fine      string   // why it may be gone
	heirs     []string // tokens of saves over it that were cut short: it may be gone if one of them is there
	removed   *removal
}

// removal is a deletion of a body by somebody who had seen it.
type removal struct {
	by       string
	step     int
	hard     bool
	doc      string
	complete bool
	copies   int // after somebody went back in time: how many messages of it there were, queued ones among them
	links    int // and how many versions in conflict the one that went was known to have
}

func newLedger() *ledger { return &ledger{saves: map[string]*save{}} }

var tokens = regexp.MustCompile(`tok-\d+-[a-z]+`)

// tokensIn returns the tokens in a body, in order.
func tokensIn(body string) []string { return tokens.FindAllString(body, -1) }

// last returns the token of the newest part of a body.
func last(body string) string {
	all := tokensIn(body)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// begin notes that somebody is about to save a new body over what he has seen. Tokens that the new body keeps are
// not over.
func (l *ledger) begin(step int, by, token, body, over string) {
	l.saves[token] = &save{token: token, by: by, step: step}
	l.order = append(l.order, token)
	for _, t := range l.lostBy(body, over) {
		l.saves[t].heirs = append(l.saves[t].heirs, token)
	}
}

// lostBy returns the tokens in over that are not in body.
func (l *ledger) lostBy(body, over string) (out []string) {
	kept := tokensIn(body)
	for _, t := range tokensIn(over) {
		if l.saves[t] != nil && !slices.Contains(kept, t) {
			out = append(out, t)
		}
	}
	return out
}

// saved notes that close returned without an error.
func (l *ledger) saved(token, body, over string) {
	s := l.saves[token]
	s.done = true
	for _, t := range l.lostBy(body, over) {
		if l.saves[t].fine == "" {
			l.saves[t].fine = "replaced by " + token
		}
	}
}

// removing notes that somebody who has seen a body is about to delete it; the result is to be marked complete.
func (l *ledger) removing(r *removal, body string) {
	for _, t := range tokensIn(body) {
		if s := l.saves[t]; s != nil {
			if s.fine == "" {
				s.fine = fmt.Sprintf("deleted by %s in step %d", r.by, r.step)
			}
			s.removed = r
		}
	}
}

// mayGo notes that what is in a body goes, but for copies of it that may have been made.
func (l *ledger) mayGo(r *removal, body string) {
	for _, t := range tokensIn(body) {
		if s := l.saves[t]; s != nil && s.fine == "" {
			s.fine = fmt.Sprintf("deleted by %s in step %d", r.by, r.step)
		}
	}
}

// lost returns the saves whose token is nowhere, though nobody who had seen it wrote over it or deleted it.
func (l *ledger) lost(present map[string]bool) (out []*save) {
	for _, t := range l.order {
		if s := l.saves[t]; s.done && !l.accounted(t, present, nil) {
			out = append(out, s)
		}
	}
	return out
}

func (l *ledger) accounted(token string, present map[string]bool, seen []string) bool {
	s := l.saves[token]
	if present[token] || s.fine != "" {
		return true
	}
	if slices.Contains(seen, token) {
		return false
	}
	for _, h := range s.heirs {
		if l.accounted(h, present, append(seen, token)) {
			return true
		}
	}
	return false
}
