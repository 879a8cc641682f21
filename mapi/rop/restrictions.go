package rop

import (
	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// EncodeRestriction returns RestrictionData, empty for nil.
func EncodeRestriction(r mapi.Restriction) ([]byte, error) {
	if r == nil {
		return nil, nil
	}
	var b wire.Builder
	mapi.AppendRestriction(&b, r)
	return b.Finish()
}

// DecodeRestriction decodes RestrictionData, nil when it is empty.
func DecodeRestriction(data []byte) (mapi.Restriction, error) {
	if len(data) == 0 {
		return nil, nil
	}
	r := wire.NewReader(data)
	out := mapi.ReadRestriction(r)
	return out, r.Close()
}
