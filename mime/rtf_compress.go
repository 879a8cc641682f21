package mime

import (
	"mailfs/mapi/wire"
)

const (
	rtfMinMatch = 3  // a reference takes two bytes: shorter ones gain nothing
	rtfMaxMatch = 17 // four bits of length, from 2 on
	rtfProbes   = 32 // candidates that are compared per position
)

// CompressRTF returns the form of RTF that PidTagRtfCompressed holds
// ([MS-OXRTFCP] 2.2.3.1). Its length is that of the input and an eighth at worst.
func CompressRTF(rtf []byte) []byte {
	contents := packRTF(rtf)
	var b wire.Builder
	b.Uint32(uint32(len(contents)) + rtfHeader - 4)
	b.Uint32(uint32(len(rtf)))
	b.Uint32(rtfCompressed)
	b.Uint32(rtfChecksum(contents))
	b.Raw(contents)
	return b.Bytes()
}

// rtfPacker writes tokens in runs of eight behind their control byte.
type rtfPacker struct {
	out     []byte
	control int // index of the current control byte
	tokens  int
}

func (p *rtfPacker) start(reference bool) {
	if p.tokens%8 == 0 {
		p.control = len(p.out)
		p.out = append(p.out, 0)
	}
	if reference {
		p.out[p.control] |= 1 << (p.tokens % 8)
	}
	p.tokens++
}

func (p *rtfPacker) literal(c byte) {
	p.start(false)
	p.out = append(p.out, c)
}

// reference writes a big-endian pair of dictionary offset and length
// ([MS-OXRTFCP] 2.1.3.1.5).
func (p *rtfPacker) reference(offset, length int) {
	p.start(true)
	v := uint16(offset%rtfDictionary)<<4 | uint16(length-2)
	p.out = append(p.out, byte(v>>8), byte(v))
}

// packRTF finds repetitions within the dictionary, which starts with the preset text.
func packRTF(rtf []byte) []byte {
	data := append([]byte(rtfPreset), rtf...)
	last := map[[rtfMinMatch]byte]int{} // where three bytes occurred last
	before := make([]int, len(data))    // where they occurred before that, -1 for nowhere
	note := func(i int) {
		if i+rtfMinMatch > len(data) {
			return
		}
		key := [rtfMinMatch]byte(data[i:])
		before[i] = -1
		if at, ok := last[key]; ok {
			before[i] = at
		}
		last[key] = i
	}
	for i := range len(rtfPreset) {
		note(i)
	}
	var p rtfPacker
	for i := len(rtfPreset); i < len(data); {
		at, n := longestMatch(data, i, last, before)
		if n < rtfMinMatch {
			p.literal(data[i])
			n = 1
		} else {
			p.reference(at, n)
		}
		for range n {
			note(i)
			i++
		}
	}
	p.reference(len(data), 2) // an offset at the write position ends the data
	return p.out
}

// longestMatch looks for the text at i in the dictionary as it is then.
func longestMatch(data []byte, i int, last map[[rtfMinMatch]byte]int, before []int) (at, n int) {
	if i+rtfMinMatch > len(data) {
		return 0, 0
	}
	limit := min(rtfMaxMatch, len(data)-i)
	j, ok := last[[rtfMinMatch]byte(data[i:])]
	for probe := 0; ok && probe < rtfProbes && j >= 0 && i-j < rtfDictionary-rtfMaxMatch; probe++ {
		l := 0
		for l < limit && data[j+l] == data[i+l] {
			l++
		}
		if l > n {
			at, n = j, l
		}
		j = before[j]
	}
	return at, n
}
