package rop

import "mailfs/mapi"

// SpoolerLockMessageRequest locks a message that a spooler handles
// ([MS-OXCROPS] 2.2.7.5).
type SpoolerLockMessageRequest struct {
	MessageID mapi.MID
	LockState uint8
}

// ROP returns IDSpoolerLockMessage.
func (*SpoolerLockMessageRequest) ROP() ID { return IDSpoolerLockMessage }

func (*SpoolerLockMessageRequest) layout() layout { return layoutIn }

func (q *SpoolerLockMessageRequest) code(c *coder) {
	u64(c, &q.MessageID)
	u8(c, &q.LockState)
}

// SpoolerLockMessageResponse answers SpoolerLockMessageRequest ([MS-OXCROPS] 2.2.7.5.2).
type SpoolerLockMessageResponse struct {
	Status
}

// ROP returns IDSpoolerLockMessage.
func (*SpoolerLockMessageResponse) ROP() ID { return IDSpoolerLockMessage }

func (*SpoolerLockMessageResponse) code(*coder) {}
