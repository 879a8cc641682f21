package rop

import (
	"errors"

	"mailfs/mapi"
)

// LogonRequest logs on to a store ([MS-OXCROPS] 2.2.3.1.1, [MS-OXCSTOR] 2.2.1.1.1).
type LogonRequest struct {
	LogonFlags uint8  // Logon…
	OpenFlags  uint32 // Open…
	StoreState uint32
	Essdn      string // legacy distinguished name of the mailbox, "" for public folders
}

// ROP returns IDLogon.
func (*LogonRequest) ROP() ID { return IDLogon }

func (*LogonRequest) layout() layout { return layoutOut }

func (q *LogonRequest) code(c *coder) {
	u8(c, &q.LogonFlags)
	u32(c, &q.OpenFlags)
	u32(c, &q.StoreState)
	var raw []byte
	if q.Essdn != "" {
		raw = append([]byte(q.Essdn), 0)
	}
	bytes16(c, &raw)
	if c.reading() {
		q.Essdn = sizedCString(c, raw)
	}
}

// LogonResponse answers LogonRequest ([MS-OXCROPS] 2.2.3.1.2 for private mailboxes,
// 2.2.3.1.3 for public folders, 2.2.3.1.4 for a redirect). Which fields are present
// follows from LogonFlags and ReturnValue.
type LogonResponse struct {
	Status
	LogonFlags uint8        // present in a redirect, too
	FolderIDs  [13]mapi.FID // FolderRoot… index it in a private mailbox

	ResponseFlags uint8     // LogonResponse…; private only
	MailboxGUID   mapi.GUID // private only
	ReplID        mapi.ReplID
	ReplGUID      mapi.GUID
	PerUserGUID   mapi.GUID // public only
	LogonTime     LogonTime // private only
	GwartTime     uint64    // private only
	StoreState    uint32    // private only

	// ServerName is the legacy distinguished name of the right server in a redirect,
	// which has the ReturnValue 0x00000478 (WrongServer).
	ServerName string
}

// LogonTime is the time of the log on by the server's clock ([MS-OXCROPS]
// 2.2.3.1.2.1).
type LogonTime struct {
	Seconds, Minutes, Hour, DayOfWeek, Day, Month uint8
	Year                                          uint16
}

// ROP returns IDLogon.
func (*LogonResponse) ROP() ID { return IDLogon }

func (p *LogonResponse) code(c *coder) {
	u8(c, &p.LogonFlags)
	for i := range p.FolderIDs {
		u64(c, &p.FolderIDs[i])
	}
	if p.LogonFlags&LogonPrivate == 0 {
		u16(c, &p.ReplID)
		guid(c, &p.ReplGUID)
		guid(c, &p.PerUserGUID)
		return
	}
	u8(c, &p.ResponseFlags)
	guid(c, &p.MailboxGUID)
	u16(c, &p.ReplID)
	guid(c, &p.ReplGUID)
	p.LogonTime.code(c)
	u64(c, &p.GwartTime)
	u32(c, &p.StoreState)
}

func (t *LogonTime) code(c *coder) {
	u8(c, &t.Seconds)
	u8(c, &t.Minutes)
	u8(c, &t.Hour)
	u8(c, &t.DayOfWeek)
	u8(c, &t.Day)
	u8(c, &t.Month)
	u16(c, &t.Year)
}

func (p *LogonResponse) codeFailure(c *coder) {
	if p.ReturnValue != mapi.EcWrongServer {
		return
	}
	u8(c, &p.LogonFlags)
	if !c.reading() {
		c.b.Counted8(func() { cstring(c, &p.ServerName) })
		return
	}
	p.ServerName = sizedCString(c, c.take(int(c.r.Uint8())))
}

var errUnterminated = errors.New("rop: a sized string does not end with its only zero")

// sizedCString returns the string in raw, whose size counts the terminating zero.
func sizedCString(c *coder, raw []byte) string {
	if len(raw) == 0 {
		return ""
	}
	for i, ch := range raw {
		if (ch == 0) != (i == len(raw)-1) {
			c.fail(errUnterminated)
			return ""
		}
	}
	return string(raw[:len(raw)-1])
}
