package rop

import "mailfs/mapi"

// SynchronizationConfigureRequest starts a synchronization download
// ([MS-OXCROPS] 2.2.13.1).
type SynchronizationConfigureRequest struct {
	SynchronizationType       uint8              // SyncContents or SyncHierarchy
	SendOptions               uint8              // Send…
	SynchronizationFlags      uint16             // Sync…
	RestrictionData           []byte             // an encoded restriction, empty for none
	SynchronizationExtraFlags uint32             // SyncExtra…
	PropertyTags              []mapi.PropertyTag // left out, or the only ones with SyncOnlySpecifiedProperties
}

// ROP returns IDSynchronizationConfigure.
func (*SynchronizationConfigureRequest) ROP() ID { return IDSynchronizationConfigure }

func (*SynchronizationConfigureRequest) layout() layout { return layoutInOut }

func (q *SynchronizationConfigureRequest) code(c *coder) {
	u8(c, &q.SynchronizationType)
	u8(c, &q.SendOptions)
	u16(c, &q.SynchronizationFlags)
	bytes16(c, &q.RestrictionData)
	u32(c, &q.SynchronizationExtraFlags)
	tags(c, &q.PropertyTags)
}

// SynchronizationConfigureResponse answers SynchronizationConfigureRequest ([MS-OXCROPS] 2.2.13.1.2).
type SynchronizationConfigureResponse struct {
	Status
}

// ROP returns IDSynchronizationConfigure.
func (*SynchronizationConfigureResponse) ROP() ID { return IDSynchronizationConfigure }

func (*SynchronizationConfigureResponse) code(*coder) {}
