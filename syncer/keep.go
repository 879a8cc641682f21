package syncer

import (
	"fmt"
	"strconv"
	"time"

	"mailfs/mapi"
	"mailfs/replica"
)

// KeepPolicy tells which bodies are kept here. The zero value keeps all.
type KeepPolicy struct {
	Headers bool          // none: headers only
	Age     time.Duration // those that were delivered within this time; 0 for all
}

// ParseKeep reads "all", "headers", or an age such as "90d", "8w", "12m" or "2y".
func ParseKeep(text string) (KeepPolicy, error) {
	switch text {
	case "", "all":
		return KeepPolicy{}, nil
	case "headers":
		return KeepPolicy{Headers: true}, nil
	}
	days := map[byte]int{'d': 1, 'w': 7, 'm': 30, 'y': 365}[text[len(text)-1]]
	n, err := strconv.Atoi(text[:len(text)-1])
	if days == 0 || err != nil || n < 1 || n > 36500 {
		return KeepPolicy{}, fmt.Errorf("keep policy %q: want all, headers, or an age such as 12m", text)
	}
	return KeepPolicy{Age: time.Duration(n*days) * 24 * time.Hour}, nil
}

// wants reports whether a message delivered at t belongs to the policy.
func (k KeepPolicy) wants(t mapi.FileTime, now time.Time) bool {
	switch {
	case k.Headers:
		return false
	case k.Age == 0 || !believable(t):
		return true
	}
	return now.Sub(t.Time()) <= k.Age
}

// keepOf returns the policy of a folder: its own, or the account's.
func (s *Syncer) keepOf(f *replica.FolderInfo) KeepPolicy {
	if f == nil || f.Keep == "" {
		return s.cfg.Keep
	}
	k, err := ParseKeep(f.Keep)
	if err != nil {
		return s.cfg.Keep
	}
	return k
}
