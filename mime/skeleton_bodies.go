package mime

import (
	"encoding/binary"

	"mailfs/mapi"
)

// bodySets tells which bodies of a message, and of the messages in it, depth first, are those that a file gave them, and
// whether it gave a Message-ID. Servers make the others up when somebody reads the message, and count for nothing: not
// everybody gets the same.
type bodySets []bodySet

type bodySet struct {
	bits     byte
	codepage uint16 // of the file's texts; a server that makes up HTML replaces PidTagInternetCodepage by that of it
}

const bodySetSize = 3 // bytes in a skeleton

const (
	bodyPlain = 1 << iota
	bodyRTF
	bodyHTML
	givenID
)

// nativeBit is the body that a message names as its original one, 0 if it names none.
func nativeBit(m *mapi.Message) byte {
	switch m.Properties.Int(mapi.PidTagNativeBody) {
	case nativePlain:
		return bodyPlain
	case nativeRTF:
		return bodyRTF
	case nativeHTML:
		return bodyHTML
	}
	return 0
}

// bodiesOf returns the bodies that messages have.
func bodiesOf(m *mapi.Message) (list bodySets) {
	eachMessage(m, 0, func(m *mapi.Message) {
		set := nativeBit(m)
		for tag, bit := range map[mapi.PropertyTag]byte{
			mapi.PidTagBody: bodyPlain, mapi.PidTagRtfCompressed: bodyRTF, mapi.PidTagHtml: bodyHTML,
			mapi.PidTagInternetMessageId: givenID,
		} {
			if m.Properties.Has(tag) {
				set |= bit
			}
		}
		list = append(list, bodySet{set, uint16(m.Properties.Int(mapi.PidTagInternetCodepage))})
	})
	return list
}

// bytes returns the sets as a skeleton has them.
func (s bodySets) bytes() []byte {
	out := make([]byte, 0, len(s)*bodySetSize)
	for _, one := range s {
		out = binary.LittleEndian.AppendUint16(append(out, one.bits), one.codepage)
	}
	return out
}

func bodySetsOf(p []byte) bodySets {
	s := make(bodySets, len(p)/bodySetSize)
	for i := range s {
		q := p[i*bodySetSize:]
		s[i] = bodySet{q[0], binary.LittleEndian.Uint16(q[1:])}
	}
	return s
}

// eachMessage goes through a message and those in it.
func eachMessage(m *mapi.Message, depth int, f func(*mapi.Message)) {
	f(m)
	for i := range m.Attachments {
		if e := m.Attachments[i].Embedded; e != nil && depth < maxDepth {
			eachMessage(e, depth+1, f)
		}
	}
}

// at returns the bodies of the i-th message.
func (s bodySets) at(i int) bodySet {
	if i < len(s) {
		return s[i]
	}
	return bodySet{}
}

// hold reports whether the messages are as many as they were and none has become one of another kind.
func (s bodySets) hold(m *mapi.Message) bool {
	i, same := 0, true
	eachMessage(m, 0, func(m *mapi.Message) {
		same = same && i < len(s) && nativeBit(m)&^s.at(i).bits == 0
		i++
	})
	return same && i == len(s)
}
