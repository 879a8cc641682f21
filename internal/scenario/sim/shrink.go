package sim

import "slices"

// Shrink drops steps and events of a failing history for as long as fails says that it still fails, and returns what
// is left. fails is called at most budget times.
func Shrink(h *History, budget int, fails func(*History) bool) *History {
	try := func(steps []*Step) bool {
		if budget <= 0 {
			return false
		}
		budget--
		next := *h
		next.Steps = steps
		if !fails(&next) {
			return false
		}
		h = &next
		return true
	}
	for size := len(h.Steps) / 2; size > 0; {
		before := len(h.Steps)
		for at := len(h.Steps) - size; at >= 0; at -= size {
			at = min(at, len(h.Steps)-size)
			if at < 0 {
				break
			}
			try(slices.Concat(h.Steps[:at], h.Steps[at+size:]))
		}
		if size > 1 || len(h.Steps) == before {
			size /= 2
		}
	}
	for i := 0; i < len(h.Steps); i++ {
		for e := len(h.Steps[i].Events) - 1; e >= 0; e-- {
			s := *h.Steps[i]
			s.Events = slices.Delete(slices.Clone(s.Events), e, e+1)
			steps := slices.Clone(h.Steps)
			steps[i] = &s
			try(steps)
		}
	}
	return h
}
