package mapihttp

import (
	"errors"
	"fmt"

	"mailfs/mapi/wire"
)

// AuxType is the Type of an AUX_HEADER ([MS-OXCRPC] 2.2.2.2).
type AuxType uint8

// The auxiliary blocks that this project knows by name.
const (
	AuxClientControl        AuxType = 0x0A
	AuxExorgInfo            AuxType = 0x17
	AuxServerCapabilities   AuxType = 0x46
	AuxEndpointCapabilities AuxType = 0x48
)

// ServerCapabilities are the flags of AUX_SERVER_CAPABILITIES ([MS-OXCRPC] 2.2.2.2.19).
type ServerCapabilities uint32

// The capabilities.
const (
	PackedFastTransferUpload ServerCapabilities = 0x00000001
	PackedWriteStreamUpload  ServerCapabilities = 0x00000002
	UltraLargePackedDownload ServerCapabilities = 0x00000008
)

// AuxBlock is one block of an auxiliary buffer.
type AuxBlock struct {
	Version uint8
	Type    AuxType
	Data    []byte // what follows the header
}

const auxHeaderSize = 4

// EncodeAux puts blocks into an auxiliary buffer: one extended buffer with the given
// flags and ExtLast. No blocks make an empty buffer.
func EncodeAux(blocks []AuxBlock, flags ExtFlags) ([]byte, error) {
	if len(blocks) == 0 {
		return nil, nil
	}
	var b wire.Builder
	for _, k := range blocks {
		size := len(k.Data) + auxHeaderSize
		if size > 0xFFFF {
			return nil, fmt.Errorf("auxiliary block of %d bytes", size)
		}
		b.Uint16(uint16(size))
		b.Uint8(k.Version)
		b.Uint8(uint8(k.Type))
		b.Raw(k.Data)
	}
	return JoinExtended([][]byte{b.Bytes()}, flags)
}

// DecodeAux takes an auxiliary buffer apart. Blocks of types that are not known here
// are returned like the others.
func DecodeAux(aux []byte) ([]AuxBlock, error) {
	buffers, err := SplitExtended(aux, 1)
	if err != nil || len(buffers) == 0 {
		return nil, err
	}
	var out []AuxBlock
	for r := wire.NewReader(buffers[0].Payload); r.Len() > 0; {
		size := int(r.Uint16())
		k := AuxBlock{Version: r.Uint8(), Type: AuxType(r.Uint8())}
		if r.Err() == nil && size < auxHeaderSize {
			r.Fail(errors.New("auxiliary block shorter than its header"))
		}
		k.Data = r.Take(size - auxHeaderSize)
		if r.Err() != nil {
			return nil, r.Err()
		}
		out = append(out, k)
	}
	return out, nil
}

// serverCapabilities returns the flags of the AUX_SERVER_CAPABILITIES block, 0 when
// there is none.
func serverCapabilities(blocks []AuxBlock) ServerCapabilities {
	for _, k := range blocks {
		if k.Type == AuxServerCapabilities && len(k.Data) >= 4 {
			return ServerCapabilities(wire.NewReader(k.Data).Uint32())
		}
	}
	return 0
}
