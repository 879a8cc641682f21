package mapi

import (
	"encoding/binary"
	"errors"
	"time"

	"mailfs/mapi/wire"
)

// ConversationIndex is PidTagConversationIndex, the Thread-Index of mail ([MS-OXOMSG] 2.2.1.3): when a conversation
// began, what tells it from others, and one level for each answer.
type ConversationIndex struct {
	Start  FileTime // in steps of 2^16: the low bits are not kept
	GUID   GUID
	Levels []ResponseLevel
}

// ResponseLevel tells of one answer in a conversation ([MS-OXOMSG] 2.2.1.3).
type ResponseLevel struct {
	Coarse bool   // TimeDelta counts steps of 2^23 instead of 2^18
	Delta  uint32 // 31 bits
	Random uint8  // 4 bits, against two answers at the same time
	Level  uint8  // 4 bits, reserved
}

const (
	conversationHeader = 22
	responseLevelSize  = 5
)

var errConversationIndex = errors.New("mapi: not a conversation index")

// ParseConversationIndex decodes a conversation index. What is longer than a whole number of levels is an error.
func ParseConversationIndex(p []byte) (c ConversationIndex, err error) {
	if len(p) < conversationHeader || (len(p)-conversationHeader)%responseLevelSize != 0 {
		return c, errConversationIndex
	}
	r := wire.NewReader(p)
	c.Start = FileTime(r.Uint48BE() << 16)
	c.GUID = r.GUID()
	for r.Len() > 0 {
		q := r.Take(responseLevelSize)
		v := binary.BigEndian.Uint32(q)
		c.Levels = append(c.Levels, ResponseLevel{Coarse: v>>31 != 0, Delta: v &^ (1 << 31), Random: q[4] >> 4, Level: q[4] & 0xF})
	}
	return c, r.Close()
}

// Bytes encodes a conversation index.
func (c ConversationIndex) Bytes() []byte {
	var b wire.Builder
	b.Uint48BE(uint64(c.Start) >> 16)
	b.GUID(c.GUID)
	for _, l := range c.Levels {
		v := l.Delta &^ (1 << 31)
		if l.Coarse {
			v |= 1 << 31
		}
		b.Raw(append(binary.BigEndian.AppendUint32(nil, v), l.Random<<4|l.Level&0xF))
	}
	return b.Bytes()
}

// Time returns when an answer was written, as exactly as the index tells.
func (c ConversationIndex) Time(l ResponseLevel) time.Time {
	shift := 18
	if l.Coarse {
		shift = 23
	}
	return (c.Start + FileTime(uint64(l.Delta)<<shift)).Time()
}
