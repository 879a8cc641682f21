package mapi

import "time"

// FileTime counts 100 ns intervals since 1601-01-01 UTC ([MS-OXCDATA] 2.11.1, PtypTime).
type FileTime uint64

const unixEpoch FileTime = 116444736000000000 // 1970-01-01 in FileTime

// NewFileTime rounds t down to 100 ns. Times before 1601 become 0.
func NewFileTime(t time.Time) FileTime {
	secs := t.Unix() + int64(unixEpoch/10_000_000)
	if secs < 0 {
		return 0
	}
	return FileTime(secs)*10_000_000 + FileTime(t.Nanosecond()/100)
}

// Time returns the moment in UTC.
func (f FileTime) Time() time.Time {
	return time.Unix(int64(f/10_000_000)-int64(unixEpoch/10_000_000), int64(f%10_000_000)*100).UTC()
}
