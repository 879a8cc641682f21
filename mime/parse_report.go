package mime

import (
	"strings"

	"mailfs/mapi"
)

// Message classes of reports are "REPORT", the class of the message that they are
// about, and what happened ([MS-OXCMAIL] 2.2.3.5.1 and 2.2.3.5.2).
const (
	classReport       = "REPORT"
	classNote         = "IPM.Note"
	suffixNonDelivery = ".NDR"
	suffixDelivery    = ".DR"
	suffixDelayed     = ".Delayed.DR"
	suffixRelayed     = ".Relayed.DR"
	suffixExpanded    = ".Expanded.DR"
	suffixRead        = ".IPNRN"
	suffixNotRead     = ".IPNNRN"
)

// actions are the values of Action (RFC 3464 2.3.3), the one that tells most first.
var actions = []struct{ name, suffix string }{
	{"failed", suffixNonDelivery}, {"delayed", suffixDelayed}, {"expanded", suffixExpanded}, {"relayed", suffixRelayed}, {"delivered", suffixDelivery},
}

// reportClass tells reports from notes, and sets what their machine-readable part
// says. It returns "" for a message that is no report.
func reportClass(m *mapi.Message, e *entity) string {
	if e.ctype != "multipart/report" {
		return ""
	}
	for _, c := range e.children {
		text := dataBytes(c.data)
		switch c.ctype {
		case "message/delivery-status", "message/global-delivery-status":
			return deliveryClass(m, text)
		case "message/disposition-notification", "message/global-disposition-notification":
			return dispositionClass(m, text)
		}
	}
	return ""
}

// fieldGroups cuts the fields of a status into those of the report and of each
// recipient (RFC 3464 2.1).
func fieldGroups(text []byte) []header {
	var out []header
	for block := range strings.SplitSeq(string(lf(text)), "\n\n") {
		if h := header(splitFields([]byte(strings.TrimLeft(block, "\n") + "\n"))); len(h) > 0 {
			out = append(out, h)
		}
	}
	return out
}

// typed returns the value of a field that has its type before a semicolon (RFC 3464 2.1.2).
func (h header) typed(key string) string {
	v := h.text(key)
	if _, rest, ok := strings.Cut(v, ";"); ok {
		v = rest
	}
	return strings.TrimSpace(v)
}

func deliveryClass(m *mapi.Message, text []byte) string {
	groups := fieldGroups(text)
	found := map[string]bool{}
	for _, h := range groups {
		if v := h.typed("reporting-mta"); v != "" {
			m.Properties.Set(mapi.PidTagReportingMessageTransferAgent, v)
		}
		if action, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(stripComment(h.text("action")))), " "); action != "" {
			found[action] = true
		}
		if v := h.typed("diagnostic-code"); v != "" && !m.Properties.Has(pidTagSupplementary) {
			m.Properties.Set(pidTagSupplementary, v)
		}
		if t, ok := parseDate(first(h.get("arrival-date"))); ok {
			m.Properties.Set(mapi.PidTagOriginalSubmitTime, mapi.NewFileTime(t))
		}
	}
	for _, a := range actions {
		if found[a.name] {
			return classReport + "." + classNote + a.suffix
		}
	}
	return ""
}

// dispositionClass: only "displayed" says that somebody has read the message (RFC 8098 3.2.6).
func dispositionClass(m *mapi.Message, text []byte) string {
	read := false
	for _, h := range fieldGroups(text) {
		if v := h.text("original-message-id"); v != "" {
			m.Properties.Set(pidTagOriginalMsgID, v)
		}
		kind := h.typed("disposition")
		kind, _, _ = strings.Cut(kind, "/")
		read = read || strings.EqualFold(strings.TrimSpace(kind), "displayed")
	}
	if read {
		return classReport + "." + classNote + suffixRead
	}
	return classReport + "." + classNote + suffixNotRead
}
