package ical

import (
	"strings"

	"mailfs/mime/oxocal"
)

// The rules after which most of the world changes its clocks, in local time.
var (
	europe    = [2]oxocal.SystemTime{{Month: 10, Day: 5, Hour: 3}, {Month: 3, Day: 5, Hour: 2}}
	britain   = [2]oxocal.SystemTime{{Month: 10, Day: 5, Hour: 2}, {Month: 3, Day: 5, Hour: 1}}
	eastern   = [2]oxocal.SystemTime{{Month: 10, Day: 5, Hour: 4}, {Month: 3, Day: 5, Hour: 3}}
	america   = [2]oxocal.SystemTime{{Month: 11, Day: 1, Hour: 2}, {Month: 3, Day: 2, Hour: 2}}
	australia = [2]oxocal.SystemTime{{Month: 4, Day: 1, Hour: 3}, {Month: 10, Day: 1, Hour: 2}}
	zealand   = [2]oxocal.SystemTime{{Month: 4, Day: 1, Hour: 3}, {Month: 9, Day: 5, Hour: 2}}
	fixed     = [2]oxocal.SystemTime{}
)

// knownZones are zones that files name without describing them, as of 2026: minutes
// ahead of UTC, and the rule for changes.
var knownZones = []struct {
	names  string
	offset int32
	change [2]oxocal.SystemTime
}{
	{"Europe/Berlin Europe/Paris Europe/Madrid Europe/Rome Europe/Vienna Europe/Zurich Europe/Amsterdam Europe/Brussels Europe/Copenhagen Europe/Stockholm Europe/Oslo Europe/Prague Europe/Warsaw Europe/Budapest|W. Europe Standard Time|Central Europe Standard Time|Romance Standard Time|Central European Standard Time|CET", 60, europe},
	{"Europe/London Europe/Dublin Europe/Lisbon|GMT Standard Time", 0, britain},
	{"Europe/Athens Europe/Helsinki Europe/Kiev Europe/Kyiv Europe/Bucharest Europe/Sofia Europe/Vilnius Europe/Riga Europe/Tallinn|FLE Standard Time|GTB Standard Time|EET", 120, eastern},
	{"Europe/Istanbul Europe/Moscow|Turkey Standard Time|Russian Standard Time", 180, fixed},
	{"America/New_York America/Toronto America/Detroit US/Eastern|Eastern Standard Time|EST5EDT", -300, america},
	{"America/Chicago US/Central America/Winnipeg|Central Standard Time|CST6CDT", -360, america},
	{"America/Denver US/Mountain America/Edmonton|Mountain Standard Time|MST7MDT", -420, america},
	{"America/Los_Angeles US/Pacific America/Vancouver|Pacific Standard Time|PST8PDT", -480, america},
	{"America/Phoenix|US Mountain Standard Time", -420, fixed},
	{"America/Sao_Paulo America/Argentina/Buenos_Aires|E. South America Standard Time|Argentina Standard Time", -180, fixed},
	{"Asia/Tokyo Asia/Seoul|Tokyo Standard Time|Korea Standard Time", 540, fixed},
	{"Asia/Shanghai Asia/Hong_Kong Asia/Singapore Asia/Taipei Australia/Perth|China Standard Time|Singapore Standard Time|Taipei Standard Time", 480, fixed},
	{"Asia/Kolkata Asia/Calcutta|India Standard Time", 330, fixed},
	{"Asia/Dubai|Arabian Standard Time", 240, fixed},
	{"Australia/Sydney Australia/Melbourne|AUS Eastern Standard Time", 600, australia},
	{"Australia/Brisbane|E. Australia Standard Time", 600, fixed},
	{"Pacific/Auckland|New Zealand Standard Time", 720, zealand},
	{"Africa/Johannesburg Africa/Cairo|South Africa Standard Time", 120, fixed},
	{"UTC Etc/UTC GMT Etc/GMT|Coordinated Universal Time|Greenwich Standard Time", 0, fixed},
}

// knownZone finds a rule by the name of the zone.
func knownZone(id string) (oxocal.Rule, bool) {
	id = strings.TrimPrefix(strings.TrimSpace(id), "/")
	for _, k := range knownZones {
		iana, windows, _ := strings.Cut(k.names, "|")
		for _, name := range append(strings.Fields(iana), strings.Split(windows, "|")...) {
			// Some programs put their own prefix before the name.
			if strings.EqualFold(id, name) || strings.Contains(name, "/") && strings.HasSuffix(id, "/"+name) {
				rule := oxocal.Rule{Bias: -k.offset, ToStandard: k.change[0], ToSaving: k.change[1]}
				if rule.HasSaving() {
					rule.Saving = -60
				}
				return rule, true
			}
		}
	}
	return oxocal.Rule{}, false
}
