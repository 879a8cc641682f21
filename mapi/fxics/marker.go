package fxics

import "fmt"

// Marker delimits the elements of a stream; it has no value
// ([MS-OXCFXICS] 2.2.4.1.4).
type Marker uint32

// The markers.
const (
	StartTopFld            Marker = 0x40090003
	StartSubFld            Marker = 0x400A0003
	EndFolder              Marker = 0x400B0003
	StartMessage           Marker = 0x400C0003
	EndMessage             Marker = 0x400D0003
	StartFAIMsg            Marker = 0x40100003
	StartEmbed             Marker = 0x40010003
	EndEmbed               Marker = 0x40020003
	StartRecip             Marker = 0x40030003
	EndToRecip             Marker = 0x40040003
	NewAttach              Marker = 0x40000003
	EndAttach              Marker = 0x400E0003
	IncrSyncChg            Marker = 0x40120003
	IncrSyncChgPartial     Marker = 0x407D0003
	IncrSyncDel            Marker = 0x40130003
	IncrSyncEnd            Marker = 0x40140003
	IncrSyncMessage        Marker = 0x40150003
	IncrSyncRead           Marker = 0x402F0003
	IncrSyncStateBegin     Marker = 0x403A0003
	IncrSyncStateEnd       Marker = 0x403B0003
	IncrSyncProgressMode   Marker = 0x4074000B
	IncrSyncProgressPerMsg Marker = 0x4075000B
	IncrSyncGroupInfo      Marker = 0x407B0102
	FXErrorInfo            Marker = 0x40180003
)

// name returns the name of the marker, "" for a number that is none.
func (m Marker) name() string {
	switch m {
	case StartTopFld:
		return "StartTopFld"
	case StartSubFld:
		return "StartSubFld"
	case EndFolder:
		return "EndFolder"
	case StartMessage:
		return "StartMessage"
	case EndMessage:
		return "EndMessage"
	case StartFAIMsg:
		return "StartFAIMsg"
	case StartEmbed:
		return "StartEmbed"
	case EndEmbed:
		return "EndEmbed"
	case StartRecip:
		return "StartRecip"
	case EndToRecip:
		return "EndToRecip"
	case NewAttach:
		return "NewAttach"
	case EndAttach:
		return "EndAttach"
	case IncrSyncChg:
		return "IncrSyncChg"
	case IncrSyncChgPartial:
		return "IncrSyncChgPartial"
	case IncrSyncDel:
		return "IncrSyncDel"
	case IncrSyncEnd:
		return "IncrSyncEnd"
	case IncrSyncMessage:
		return "IncrSyncMessage"
	case IncrSyncRead:
		return "IncrSyncRead"
	case IncrSyncStateBegin:
		return "IncrSyncStateBegin"
	case IncrSyncStateEnd:
		return "IncrSyncStateEnd"
	case IncrSyncProgressMode:
		return "IncrSyncProgressMode"
	case IncrSyncProgressPerMsg:
		return "IncrSyncProgressPerMsg"
	case IncrSyncGroupInfo:
		return "IncrSyncGroupInfo"
	case FXErrorInfo:
		return "FXErrorInfo"
	}
	return ""
}

// IsMarker reports whether v, read where a marker or a property tag may stand, is a
// marker.
func IsMarker(v uint32) bool { return Marker(v).name() != "" }

func (m Marker) String() string {
	if n := m.name(); n != "" {
		return n
	}
	return fmt.Sprintf("marker 0x%08X", uint32(m))
}
