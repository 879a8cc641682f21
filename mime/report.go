package mime

import (
	"strings"

	"mailfs/mapi"
)

// Properties of reports that the tag table does not name ([MS-OXPROPS] 2).
const (
	pidTagSupplementary  mapi.PropertyTag = 0x0C1B001F // PidTagSupplementaryInfo
	pidTagRemoteMTA      mapi.PropertyTag = 0x0C21001F // PidTagRemoteMessageTransferAgent
	pidTagOriginalMsgID  mapi.PropertyTag = 0x1046001F // PidTagOriginalMessageId
	reportingAgent                        = "dns; invalid"
	dispositionDisplayed                  = "manual-action/MDN-sent-manually; displayed"
	dispositionDeleted                    = "manual-action/MDN-sent-manually; deleted"
)

// report renders a delivery or read report as multipart/report (RFC 3462), with the
// machine-readable part made from what the properties still tell.
func (c *conversion) report() (part, bool, error) {
	class := c.p.text(mapi.PidTagMessageClass)
	if !isClass(class, classReport) {
		return part{}, false, nil
	}
	kind, status := "delivery-status", ""
	upper := strings.ToUpper(class)
	switch {
	case strings.HasSuffix(upper, suffixNonDelivery):
		status = c.deliveryStatus("failed", "5.0.0")
	case strings.HasSuffix(upper, strings.ToUpper(suffixDelayed)):
		status = c.deliveryStatus("delayed", "4.0.0")
	case strings.HasSuffix(upper, strings.ToUpper(suffixRelayed)):
		status = c.deliveryStatus("relayed", "2.0.0")
	case strings.HasSuffix(upper, strings.ToUpper(suffixExpanded)):
		status = c.deliveryStatus("expanded", "2.0.0")
	case strings.HasSuffix(upper, suffixDelivery):
		status = c.deliveryStatus("delivered", "2.0.0")
	case strings.HasSuffix(upper, suffixRead):
		kind, status = "disposition-notification", c.dispositionNotification(dispositionDisplayed)
	case strings.HasSuffix(upper, suffixNotRead):
		kind, status = "disposition-notification", c.dispositionNotification(dispositionDeleted)
	default:
		return part{}, false, nil
	}
	b, err := c.body()
	if err != nil {
		return part{}, false, err
	}
	main, err := c.bodyPart(b, nil)
	if err != nil {
		return part{}, false, err
	}
	parts := []part{main}
	if !c.hasAttached("message/" + kind) {
		cte, text := textBody(lfOf(status), false)
		parts = append(parts, part{ctype: []string{"message/" + kind}, cte: cte, body: literal(text)})
	}
	for i := range c.m.Attachments {
		p, _, err := c.attachment(i, body{})
		if err != nil {
			return part{}, false, err
		}
		parts = append(parts, p)
	}
	p, err := multipart("report", c.seed.child("report"), []string{" report-type=" + kind + ";"}, parts)
	return p, true, err
}

func (c *conversion) hasAttached(mimeTag string) bool {
	for i := range c.m.Attachments {
		if strings.EqualFold(c.m.Attachments[i].Properties.String(mapi.PidTagAttachMimeTag), mimeTag) {
			return true
		}
	}
	return false
}

// deliveryStatus makes the fields of RFC 3464: of the report, then of each recipient.
func (c *conversion) deliveryStatus(action, code string) string {
	mta := oneLine(c.p.text(mapi.PidTagReportingMessageTransferAgent))
	if mta == "" {
		mta = reportingAgent
	}
	if !strings.Contains(mta, ";") {
		mta = "dns; " + mta
	}
	var b strings.Builder
	b.WriteString("Reporting-MTA: " + mta + "\n")
	for _, r := range c.m.Recipients {
		p := props{r.Properties, c.p.charset}
		a, ok := recipientGroup.read(p, c.opt.domain())
		if !ok || a.Addr == "" {
			continue
		}
		b.WriteString("\nFinal-Recipient: rfc822; " + addrSpec(a.Addr) + "\nAction: " + action + "\nStatus: " + code + "\n")
		if s := p.text(pidTagRemoteMTA); s != "" {
			b.WriteString("Remote-MTA: dns; " + oneLine(s) + "\n")
		}
		if s := p.text(pidTagSupplementary); s != "" {
			b.WriteString("Diagnostic-Code: smtp; " + oneLine(s) + "\n")
		}
	}
	return b.String()
}

// dispositionNotification makes the fields of RFC 8098.
func (c *conversion) dispositionNotification(disposition string) string {
	var b strings.Builder
	if a, ok := c.from(); ok && a.Addr != "" {
		b.WriteString("Final-Recipient: rfc822; " + addrSpec(a.Addr) + "\n")
	}
	if id := strings.TrimSpace(oneLine(c.p.text(pidTagOriginalMsgID))); id != "" {
		b.WriteString("Original-Message-ID: " + id + "\n")
	}
	b.WriteString("Disposition: " + disposition + "\n")
	return b.String()
}
