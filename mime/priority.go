package mime

import (
	"strings"

	"mailfs/mapi"
)

// importanceOf reads one of the fields that tell importance ([MS-OXCMAIL] 2.2.3.2.5).
// ok is false for a value without meaning.
func importanceOf(key, value string) (level int32, ok bool) {
	v := strings.ToLower(strings.TrimSpace(value))
	switch key {
	case "importance", "x-msmail-priority":
		switch v {
		case "low":
			return 0, true
		case "normal":
			return 1, true
		case "high":
			return 2, true
		}
	case "priority":
		switch v {
		case "non-urgent":
			return 0, true
		case "normal":
			return 1, true
		case "urgent":
			return 2, true
		}
	case "x-priority":
		if v == "" {
			return 0, false
		}
		switch v[0] {
		case '4', '5':
			return 0, true
		case '3':
			return 1, true
		case '1', '2':
			return 2, true
		}
	}
	return 0, false
}

// importanceKeys lists the fields, the one that wins first.
var importanceKeys = []string{"importance", "priority", "x-priority", "x-msmail-priority"}

func (c *conversion) importance() int32 {
	if !c.p.Has(mapi.PidTagImportance) {
		return 1
	}
	return int32(c.p.Int(mapi.PidTagImportance))
}

// writeImportance leaves the field out when it is normal or another field tells it.
func writeImportance(c *conversion) string {
	for _, f := range c.transport {
		for _, key := range importanceKeys[1:] {
			if f.key == key && sameImportance(c, f) {
				return ""
			}
		}
	}
	switch c.importance() {
	case 0:
		return "Importance: low\n"
	case 2:
		return "Importance: high\n"
	}
	return ""
}

func sameImportance(c *conversion, f field) bool {
	level, ok := importanceOf(f.key, f.value())
	return ok && level == c.importance()
}

// sensitivities are the values of PidTagSensitivity ([MS-OXCMSG] 2.2.1.13) from 1 on.
var sensitivities = []string{"Personal", "Private", "Company-Confidential"}

func sensitivityOf(value string) int32 {
	for i, s := range sensitivities {
		if strings.EqualFold(strings.TrimSpace(value), s) {
			return int32(i + 1)
		}
	}
	return 0
}

func writeSensitivity(c *conversion) string {
	if n := c.p.Int(mapi.PidTagSensitivity); n >= 1 && int(n) <= len(sensitivities) {
		return "Sensitivity: " + sensitivities[n-1] + "\n"
	}
	return ""
}

func sameSensitivity(c *conversion, f field) bool {
	return int64(sensitivityOf(f.value())) == c.p.Int(mapi.PidTagSensitivity)
}

// writeReadReceipt writes Disposition-Notification-To ([MS-OXCMAIL] 2.1.3.1.6).
func writeReadReceipt(c *conversion) string {
	if !c.p.Bool(mapi.PidTagReadReceiptRequested) {
		return ""
	}
	a, ok := receiptGroup.read(c.p, c.opt.domain())
	if !ok || a.Addr == "" {
		a, ok = c.from()
	}
	if !ok {
		return ""
	}
	return addressField("Disposition-Notification-To", []Address{a})
}

// writeDeliveryReceipt writes Return-Receipt-To ([MS-OXCMAIL] 2.1.3.1.5).
func writeDeliveryReceipt(c *conversion) string {
	if !c.p.Bool(mapi.PidTagOriginatorDeliveryReportRequested) {
		return ""
	}
	for _, g := range []addressGroup{receiptGroup, senderGroup, representingGroup} {
		if a, ok := g.read(c.p, c.opt.domain()); ok && a.Addr != "" {
			return addressField("Return-Receipt-To", []Address{a})
		}
	}
	return ""
}

// parseKeywords splits categories at commas and semicolons outside of quotes. Encoded words are decoded first: mailers
// that rewrite a header encode a comma together with the word before it.
func parseKeywords(s string) []string {
	s = decodeWords(s)
	var out []string
	var b strings.Builder
	add := func() {
		if w := strings.TrimSpace(b.String()); w != "" {
			out = append(out, w)
		}
		b.Reset()
	}
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"' && strings.TrimSpace(b.String()) == "":
			v, n := quotedString(s[i:])
			b.WriteString(v)
			i += n - 1
		case s[i] == ',', s[i] == ';':
			add()
		default:
			b.WriteByte(s[i])
		}
	}
	add()
	return out
}

// keyword returns the tokens of one category. What separates or quotes stays so when it has to be encoded.
func keyword(s string) []string {
	if t := phrase(s); !strings.HasPrefix(t[0], "=?") || !strings.ContainsAny(s, `,;"\`) {
		return t
	}
	return phrase(quoted(s))
}
