package mime

import (
	"strings"

	"mailfs/mapi"
)

const (
	objectMailUser  = 6 // [MS-OXOABK] 2.2.3.10, PidTagObjectType
	recipientSends  = 1 // recipSendable, [MS-OXOCAL] 2.2.4.10.1
	maxExtraHeaders = 500
)

// headerProperties sets the properties of the header fields ([MS-OXCMAIL] 2.2.3.1, 2.2.3.2).
func headerProperties(m *mapi.Message, h header, domain string) error {
	bag := &m.Properties
	setSubject(bag, h)
	setDates(bag, h)
	for _, f := range []struct {
		key string
		tag mapi.PropertyTag
	}{
		{"message-id", mapi.PidTagInternetMessageId},
		{"in-reply-to", mapi.PidTagInReplyToId},
		{"references", mapi.PidTagInternetReferences},
		{"list-help", mapi.PidTagListHelp},
		{"list-subscribe", mapi.PidTagListSubscribe},
		{"list-unsubscribe", mapi.PidTagListUnsubscribe},
	} {
		if v, ok := h.get(f.key); ok && v != "" {
			bag.Set(f.tag, decodeWords(v))
		}
	}
	if words := keywordsOf(h); len(words) > 0 {
		bag.SetNamed(keywordsName, mapi.TypeMultiString, words)
	}
	setPriority(bag, h)
	if v, ok := h.get("x-unsent"); ok && strings.TrimSpace(v) == "1" {
		bag.Set(mapi.PidTagMessageFlags, int32(flagUnsent))
	}
	setExtraHeaders(bag, h)
	setRecipients(m, h)
	if err := setSenders(bag, h, domain); err != nil {
		return err
	}
	restoreForeign(m, domain)
	return nil
}

func keywordsOf(h header) []string {
	var out []string
	for _, f := range h {
		if f.key == "keywords" {
			out = append(out, parseKeywords(f.value())...)
		}
	}
	return out
}

// setSubject splits the subject ([MS-OXCMSG] 2.2.1.9 and 2.2.1.10).
func setSubject(bag *mapi.PropertyBag, h header) {
	s := strings.TrimSpace(oneLine(h.text("subject")))
	prefix, normalized := SplitSubject(s)
	bag.Set(mapi.PidTagSubjectPrefix, prefix)
	bag.Set(mapi.PidTagNormalizedSubject, normalized)
	bag.Set(mapi.PidTagSubject, s)
	topic := h.text("thread-topic")
	if topic == "" {
		topic = normalized
	}
	bag.Set(mapi.PidTagConversationTopic, topic)
	if v, ok := h.get("thread-index"); ok {
		if index := looseBase64(v); len(index) >= 22 {
			bag.Set(mapi.PidTagConversationIndex, index)
		}
	}
}

// SplitSubject returns the prefix of a subject, such as "Re: ", and the rest. A prefix
// is up to three characters other than digits, a colon and a space
// ([MS-OXCMSG] 2.2.1.9).
func SplitSubject(s string) (prefix, normalized string) {
	i := strings.Index(s, ": ")
	if i <= 0 {
		return "", s
	}
	n := 0
	for _, c := range s[:i] {
		if n++; n > 3 || c >= '0' && c <= '9' || c == ' ' || c == ':' {
			return "", s
		}
	}
	return s[:i+2], s[i+2:]
}

func setDates(bag *mapi.PropertyBag, h header) {
	for _, f := range []struct {
		key string
		tag mapi.PropertyTag
	}{{"date", mapi.PidTagClientSubmitTime}, {"reply-by", mapi.PidTagReplyTime}, {"expires", mapi.PidTagExpiryTime}, {"expiry-date", mapi.PidTagExpiryTime}} {
		if v, ok := h.get(f.key); ok && !bag.Has(f.tag) {
			if t, ok := parseDate(v); ok {
				bag.Set(f.tag, mapi.NewFileTime(t))
			}
		}
	}
	if v, ok := h.get("received"); ok {
		if i := strings.LastIndexByte(v, ';'); i >= 0 {
			if t, ok := parseDate(v[i+1:]); ok {
				bag.Set(mapi.PidTagMessageDeliveryTime, mapi.NewFileTime(t))
			}
		}
	}
}

func setPriority(bag *mapi.PropertyBag, h header) {
	level := int32(1)
	for _, key := range importanceKeys {
		v, _ := h.get(key)
		if n, ok := importanceOf(key, v); ok {
			level = n
			break
		}
	}
	bag.Set(mapi.PidTagImportance, level)
	bag.Set(mapi.PidTagPriority, level-1)
	bag.Set(mapi.PidTagSensitivity, sensitivityOf(first(h.get("sensitivity"))))
	if v, ok := h.get("x-auto-response-suppress"); ok {
		bag.Set(mapi.PidTagAutoResponseSuppress, suppressed(v))
	}
}

// suppressed reads X-Auto-Response-Suppress ([MS-OXCMAIL] 2.2.3.2.14).
func suppressed(v string) int32 {
	bits := map[string]int32{"none": 0, "dr": 1, "ndr": 2, "rn": 4, "nrn": 8, "oof": 0x10, "autoreply": 0x20, "all": -1}
	n := int32(0)
	for w := range strings.SplitSeq(v, ",") {
		n |= bits[strings.ToLower(strings.TrimSpace(w))]
	}
	return n
}

// traceFields are those that tell a message's way. They stay in the header block and
// do not become properties.
const traceFields = " received return-path delivered-to dkim-signature authentication-results received-spf domainkey-signature x-received "

// setExtraHeaders keeps further fields as named properties ([MS-OXCMAIL] 2.2.3.2.29).
// Of several fields with one name the first counts.
func setExtraHeaders(bag *mapi.PropertyBag, h header) {
	seen := map[string]bool{}
	for _, f := range h {
		if seen[f.key] || len(seen) >= maxExtraHeaders || describesBody(f.key) ||
			strings.Contains(traceFields, " "+f.key+" ") || strings.HasPrefix(f.key, "arc-") || strings.HasPrefix(f.key, "resent-") {
			continue
		}
		if _, isOwned := ownedField(f.key); isOwned {
			continue
		}
		seen[f.key] = true
		if v := decodeWords(f.value()); v != "" {
			bag.SetNamed(mapi.StringName(mapi.PSInternetHeaders, f.name), mapi.TypeString, v)
		}
	}
}

// setSenders fills both groups: Sender acts for From ([MS-OXCMAIL] 2.2.3.2, From and Sender).
func setSenders(bag *mapi.PropertyBag, h header, domain string) error {
	list := func(key string) []Address {
		v, _ := h.get(key)
		return complete(parseAddresses(v))
	}
	from, sender := list("from"), list("sender")
	if len(from) == 0 {
		from = sender
	}
	if len(sender) == 0 {
		sender = from
	}
	if len(from) > 0 {
		representingGroup.write(bag, from[0])
		senderGroup.write(bag, sender[0])
	}
	if to := list("disposition-notification-to"); len(to) > 0 {
		bag.Set(mapi.PidTagReadReceiptRequested, true)
		bag.Set(mapi.PidTagNonReceiptNotificationRequested, true)
		receiptGroup.write(bag, to[0])
	}
	if to := list("return-receipt-to"); len(to) > 0 {
		bag.Set(mapi.PidTagOriginatorDeliveryReportRequested, true)
		if !bag.Has(mapi.PidTagReadReceiptName) {
			receiptGroup.write(bag, to[0])
		}
	}
	if to := list("reply-to"); len(to) > 0 {
		return setReplyTo(bag, to, domain)
	}
	return nil
}

// complete takes a bare word for a local address.
func complete(list []Address) []Address {
	for i, a := range list {
		if a.Addr == "" && !strings.Contains(a.Name, " ") {
			list[i].Addr = a.Name
		}
	}
	return list
}

func setRecipients(m *mapi.Message, h header) {
	for _, kind := range []struct {
		key string
		typ mapi.RecipientType
	}{{"to", mapi.RecipientTo}, {"cc", mapi.RecipientCc}, {"bcc", mapi.RecipientBcc}} {
		for _, f := range h {
			if f.key != kind.key {
				continue
			}
			for _, a := range complete(parseAddresses(f.value())) {
				m.Recipients = append(m.Recipients, newRecipient(uint32(len(m.Recipients)), kind.typ, a))
			}
		}
	}
}

// newRecipient makes a row of the recipient table ([MS-OXCMSG] 2.2.3.5).
func newRecipient(row uint32, typ mapi.RecipientType, a Address) mapi.Recipient {
	r := mapi.Recipient{RowID: row, Type: typ}
	bag := &r.Properties
	bag.Set(mapi.PidTagRowid, int32(row))
	bag.Set(mapi.PidTagRecipientType, int32(typ))
	recipientGroup.write(bag, a)
	bag.Set(mapi.PidTagObjectType, int32(objectMailUser))
	bag.Set(mapi.PidTagDisplayType, int32(0))
	name := bag.String(mapi.PidTagDisplayName)
	bag.Set(mapi.PidTagTransmittableDisplayName, name)
	bag.Set(mapi.PidTagRecipientDisplayName, name)
	bag.Set(mapi.PidTagRecipientFlags, int32(recipientSends))
	if id := bag.Bytes(mapi.PidTagEntryId); id != nil {
		bag.Set(mapi.PidTagRecipientEntryId, id)
	}
	return r
}
