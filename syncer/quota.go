package syncer

import (
	"strconv"

	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/replica"
)

// quotaTags are the properties of the log on that tell how much the mailbox may hold and holds.
var quotaTags = []mapi.PropertyTag{mapi.PidTagProhibitSendQuota, mapi.PidTagMessageSizeExtended}

// askQuota adds the request for them. It travels with the hints, and costs no round trip.
func (l *link) askQuota(b *batch) *answer {
	return b.do(l.store, &rop.GetPropertiesSpecificRequest{WantUnicode: 1, PropertyTags: quotaTags})
}

// noteQuota stores the figures for statfs, which never asks the network. A server that has no quota, or does not tell, leaves none.
func (s *Syncer) noteQuota(a *answer) error {
	row, err := a.row(quotaTags)
	if err != nil {
		return nil // the figures that are here are better than none
	}
	limit, used := uint64(0), uint64(max(row.Int(mapi.PidTagMessageSizeExtended), 0))
	// kilobytes; unset and -1 stand for no limit ([MS-OXCSTOR] 2.2.2.1.1.4)
	if kb := row.Int(mapi.PidTagProhibitSendQuota); kb > 0 {
		limit = uint64(kb) << 10
	}
	figures := map[string]uint64{replica.SettingQuotaLimit: limit, replica.SettingQuotaUsed: used}
	same := true
	err = s.rep.View(func(v *replica.View) error {
		same = true
		for key, n := range figures {
			is, err := v.Setting(key)
			if err != nil {
				return err
			}
			same = same && string(is) == figure(n)
		}
		return nil
	})
	if err != nil || same {
		return err
	}
	return s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		for key, n := range figures {
			var value []byte
			if n > 0 {
				value = []byte(figure(n))
			}
			if err := u.SetSetting(key, value); err != nil {
				return err
			}
		}
		return nil
	})
}

// figure is the form of a figure in a setting: decimal, "" for 0.
func figure(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}
