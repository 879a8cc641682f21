package rop

import (
	"context"

	"mailfs/mapi"
)

// ShortID is the id of a folder or message that is valid within one log on.
type ShortID interface{ mapi.FID | mapi.MID }

// LongTermIDs returns the long forms of short ids, in their order.
func LongTermIDs[T ShortID](ctx context.Context, logon *Object, ids ...T) ([]mapi.LongTermID, error) {
	b := logon.session.NewBatch()
	results := make([]*Result, len(ids))
	for i, id := range ids {
		results[i] = b.Add(logon, &LongTermIDFromIDRequest{ObjectID: uint64(id)})
	}
	if err := runAny(ctx, b); err != nil {
		return nil, err
	}
	out := make([]mapi.LongTermID, len(ids))
	for i, r := range results {
		p, err := Get[*LongTermIDFromIDResponse](r)
		if err != nil {
			return nil, err
		}
		out[i] = p.LongTermID
	}
	return out, nil
}

// ShortIDs returns the short forms of long ids, in their order.
func ShortIDs[T ShortID](ctx context.Context, logon *Object, ids ...mapi.LongTermID) ([]T, error) {
	b := logon.session.NewBatch()
	results := make([]*Result, len(ids))
	for i, id := range ids {
		results[i] = b.Add(logon, &IDFromLongTermIDRequest{LongTermID: id})
	}
	if err := runAny(ctx, b); err != nil {
		return nil, err
	}
	out := make([]T, len(ids))
	for i, r := range results {
		p, err := Get[*IDFromLongTermIDResponse](r)
		if err != nil {
			return nil, err
		}
		out[i] = T(p.ObjectID)
	}
	return out, nil
}

// runAny runs a batch unless it is empty.
func runAny(ctx context.Context, b *Batch) error {
	if len(b.results) == 0 {
		return nil
	}
	return b.Do(ctx)
}
