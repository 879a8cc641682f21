package mime

import "mailfs/mapi"

// bodySets tells which bodies of a message, and of the messages in it, depth first, are those that a file gave them.
// Servers make the others up when somebody reads the message, and count for nothing: not everybody gets the same.
type bodySets []byte

const (
	bodyPlain = 1 << iota
	bodyRTF
	bodyHTML
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
		} {
			if m.Properties.Has(tag) {
				set |= bit
			}
		}
		list = append(list, set)
	})
	return list
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
func (s bodySets) at(i int) byte {
	if i < len(s) {
		return s[i]
	}
	return 0
}

// hold reports whether the messages are as many as they were and none has become one of another kind.
func (s bodySets) hold(m *mapi.Message) bool {
	i, same := 0, true
	eachMessage(m, 0, func(m *mapi.Message) {
		same = same && i < len(s) && nativeBit(m)&^s.at(i) == 0
		i++
	})
	return same && i == len(s)
}
