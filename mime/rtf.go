package mime

import (
	"errors"
	"fmt"
	"hash/crc32"

	"mailfs/mapi/wire"
)

// Parts of compressed RTF ([MS-OXRTFCP] 2.1.3.1.1).
const (
	rtfCompressed   = 0x75465A4C // LZFu
	rtfUncompressed = 0x414C454D // MELA
	rtfHeader       = 16
	rtfDictionary   = 4096
	rtfPreset       = "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)

var errRTF = errors.New("mime: malformed compressed RTF")

// DecompressRTF returns the RTF text of PidTagRtfCompressed ([MS-OXRTFCP] 2.2.2). A
// wrong checksum is an error, as is anything that does not follow the format.
func DecompressRTF(p []byte) ([]byte, error) {
	r := wire.NewReader(p)
	compSize, rawSize, kind, crc := r.Uint32(), r.Uint32(), r.Uint32(), r.Uint32()
	if r.Err() != nil {
		return nil, fmt.Errorf("%w: %d bytes", errRTF, len(p))
	}
	n := int64(compSize) - (rtfHeader - 4)
	if n < 0 || n > int64(r.Len()) {
		return nil, fmt.Errorf("%w: size %d with %d bytes present", errRTF, compSize, len(p))
	}
	contents := r.Take(int(n))
	switch kind {
	case rtfUncompressed:
		return contents[:min(uint64(rawSize), uint64(len(contents)))], nil
	case rtfCompressed:
		if rtfChecksum(contents) != crc {
			return nil, fmt.Errorf("%w: checksum", errRTF)
		}
		return unpackRTF(contents)
	}
	return nil, fmt.Errorf("%w: type %08x", errRTF, kind)
}

// rtfChecksum is CRC-32 without the inversions that the usual one has
// ([MS-OXRTFCP] 2.1.3.2).
func rtfChecksum(p []byte) uint32 {
	return ^crc32.Update(^uint32(0), crc32.IEEETable, p)
}

// unpackRTF decodes runs of a control byte and eight tokens ([MS-OXRTFCP] 2.1.3.1.5).
func unpackRTF(p []byte) ([]byte, error) {
	var dict [rtfDictionary]byte
	at := copy(dict[:], rtfPreset)
	out := make([]byte, 0, len(p)*3)
	put := func(c byte) {
		out = append(out, c)
		dict[at] = c
		at = (at + 1) % rtfDictionary
	}
	r := wire.NewReader(p)
	for {
		control := r.Uint8()
		for bit := range 8 {
			if r.Err() != nil {
				return nil, fmt.Errorf("%w: it has no end", errRTF)
			}
			if control>>bit&1 == 0 {
				if c := r.Uint8(); r.Err() == nil {
					put(c)
				}
				continue
			}
			ref := uint16(r.Uint8())<<8 | uint16(r.Uint8()) // big-endian
			from, length := int(ref>>4), int(ref&0xF)+2
			if from == at && r.Err() == nil {
				return out, nil
			}
			for i := range length {
				put(dict[(from+i)%rtfDictionary])
			}
		}
	}
}
