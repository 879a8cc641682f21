package rop

import "mailfs/mapi"

// RegisterNotificationRequest subscribes to events ([MS-OXCROPS] 2.2.14.1,
// [MS-OXCNOTIF] 2.2.1.2.1.1).
type RegisterNotificationRequest struct {
	NotificationTypes uint16 // Notify…
	Reserved          uint8  // only with NotifyExtended
	WantWholeStore    bool
	FolderID          mapi.FID // only without WantWholeStore
	MessageID         mapi.MID // only without WantWholeStore
}

// ROP returns IDRegisterNotification.
func (*RegisterNotificationRequest) ROP() ID { return IDRegisterNotification }

func (*RegisterNotificationRequest) layout() layout { return layoutInOut }

func (q *RegisterNotificationRequest) code(c *coder) {
	u16(c, &q.NotificationTypes)
	if q.NotificationTypes&NotifyExtended != 0 {
		u8(c, &q.Reserved)
	}
	boolean(c, &q.WantWholeStore)
	if !q.WantWholeStore {
		u64(c, &q.FolderID)
		u64(c, &q.MessageID)
	}
}

// RegisterNotificationResponse answers RegisterNotificationRequest ([MS-OXCROPS]
// 2.2.14.1.2).
type RegisterNotificationResponse struct {
	Status
}

// ROP returns IDRegisterNotification.
func (*RegisterNotificationResponse) ROP() ID { return IDRegisterNotification }

func (*RegisterNotificationResponse) code(*coder) {}
