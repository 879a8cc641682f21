package rop

// UpdateDeferredActionMessagesRequest tells which message a deferred action is for
// ([MS-OXCROPS] 2.2.11.3).
type UpdateDeferredActionMessagesRequest struct {
	ServerEntryID []byte
	ClientEntryID []byte
}

// ROP returns IDUpdateDeferredActionMessages.
func (*UpdateDeferredActionMessagesRequest) ROP() ID { return IDUpdateDeferredActionMessages }

func (*UpdateDeferredActionMessagesRequest) layout() layout { return layoutIn }

func (q *UpdateDeferredActionMessagesRequest) code(c *coder) {
	bytes16(c, &q.ServerEntryID)
	bytes16(c, &q.ClientEntryID)
}

// UpdateDeferredActionMessagesResponse answers UpdateDeferredActionMessagesRequest ([MS-OXCROPS] 2.2.11.3.2).
type UpdateDeferredActionMessagesResponse struct {
	Status
}

// ROP returns IDUpdateDeferredActionMessages.
func (*UpdateDeferredActionMessagesResponse) ROP() ID { return IDUpdateDeferredActionMessages }

func (*UpdateDeferredActionMessagesResponse) code(*coder) {}
