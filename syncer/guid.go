package syncer

import (
	"crypto/rand"

	"mailfs/mapi"
)

// newGUID returns a random GUID (RFC 9562, version 4).
func newGUID() mapi.GUID {
	var g mapi.GUID
	_, _ = rand.Read(g[:]) // crypto/rand never fails
	g[7] = g[7]&0x0F | 0x40
	g[8] = g[8]&0x3F | 0x80
	return g
}
