package syncer

import (
	"context"
	"strings"
	"sync"
	"time"

	"mailfs/mapi"
	"mailfs/mime"
)

const (
	// askWithin bounds what mail waits for the address book.
	askWithin = 10 * time.Second
	// askAgain is when a name is asked for again that the address book did not know, and the address book itself
	// after it failed.
	askAgain = time.Hour
	// mostNames bounds what is remembered.
	mostNames = 20_000
)

// addresses is what the address book has told about distinguished names.
type addresses struct {
	mu    sync.Mutex
	known map[string]string    // mail address by folded name
	not   map[string]time.Time // when names were asked for that are not known
	down  time.Time            // when the address book failed last; zero when it did not
}

func foldDN(dn string) string { return strings.ToLower(dn) }

// addAddresses gives messages the mail addresses of people that they name by distinguished name alone. Without an
// address book, or while it fails, they stay as they came: mail does not wait for it.
func (s *Syncer) addAddresses(ctx context.Context, messages ...*mapi.Message) (changed []bool) {
	changed = make([]bool, len(messages))
	if s.cfg.SMTP == nil {
		return changed
	}
	names := make([][]string, len(messages))
	var ask []string
	for i, m := range messages {
		names[i] = mime.Unresolved(m)
		ask = append(ask, s.addresses.missing(names[i], s.cfg.Now())...)
	}
	if len(ask) > 0 {
		c, cancel := context.WithTimeout(ctx, askWithin)
		found, err := s.cfg.SMTP(c, ask)
		cancel()
		if err != nil && ctx.Err() == nil {
			s.cfg.Logf("address book: %v", err)
		}
		s.addresses.learn(ask, found, err, s.cfg.Now())
	}
	for i, m := range messages {
		if smtp := s.addresses.of(names[i]); len(smtp) > 0 {
			changed[i] = mime.Resolve(m, smtp)
		}
	}
	return changed
}

// missing returns the names that are to be asked for, each once.
func (a *addresses) missing(names []string, now time.Time) (ask []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.down.IsZero() && now.Before(a.down.Add(askAgain)) {
		return nil
	}
	for _, dn := range names {
		f := foldDN(dn)
		if _, ok := a.known[f]; ok {
			continue
		}
		if t, ok := a.not[f]; ok && now.Before(t.Add(askAgain)) {
			continue
		}
		ask = append(ask, dn)
	}
	return ask
}

// learn notes what was found of what was asked for.
func (a *addresses) learn(asked []string, found map[string]string, err error, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.down = now
		return
	}
	a.down = time.Time{}
	if a.known == nil || len(a.known)+len(a.not)+len(asked) > mostNames {
		a.known, a.not = map[string]string{}, map[string]time.Time{}
	}
	for _, dn := range asked {
		if addr := found[dn]; addr != "" {
			a.known[foldDN(dn)] = addr
			delete(a.not, foldDN(dn))
			continue
		}
		a.not[foldDN(dn)] = now
	}
}

// of returns the mail addresses that are known of some names.
func (a *addresses) of(names []string) map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := map[string]string{}
	for _, dn := range names {
		if addr, ok := a.known[foldDN(dn)]; ok {
			out[dn] = addr
		}
	}
	return out
}
