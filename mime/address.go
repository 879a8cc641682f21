package mime

import (
	"strings"

	"mailfs/mapi"
)

// Address is a mailbox of a header field. Addr is empty when only a name is known.
type Address struct {
	Name string
	Addr string
}

// oneOff returns the entry id of an SMTP address that no address book has.
func oneOff(a Address) []byte { return mapi.NewOneOffEntryID(a.Name, "SMTP", a.Addr).Bytes() }

// searchKey returns PidTagSearchKey of an SMTP address ([MS-OXCDATA] 2.2.5, as a
// zero-terminated upper-case string).
func searchKey(addr string) []byte {
	return append([]byte("SMTP:"+strings.ToUpper(addr)), 0)
}

// entryAddress reads the address out of an entry id; typ is "SMTP" or "EX", "" when
// there is none.
func entryAddress(raw []byte) (a Address, typ string) {
	if len(raw) == 0 {
		return a, ""
	}
	id, err := mapi.ParseEntryID(raw)
	if err != nil {
		return a, ""
	}
	switch e := id.(type) {
	case *mapi.OneOffEntryID:
		a, typ = Address{e.DisplayName, e.Email}, strings.ToUpper(e.AddressType)
		if e.Bits&mapi.OneOffUnicode == 0 {
			a = Address{guessString(a.Name), guessString(a.Addr)}
		}
	case *mapi.AddressBookEntryID:
		a.Addr, typ = guessString(e.X500DN), "EX"
	}
	return Address{validUTF8(a.Name), validUTF8(a.Addr)}, typ
}

func guessString(s string) string {
	t, _ := guess([]byte(s))
	return t
}

// addressGroup is a set of properties that describes one mailbox ([MS-OXCMAIL] 2.1.3.1.1).
type addressGroup struct {
	name, typ, email, smtp, entryID, searchKey mapi.PropertyTag
}

var (
	senderGroup = addressGroup{mapi.PidTagSenderName, mapi.PidTagSenderAddressType, mapi.PidTagSenderEmailAddress,
		mapi.PidTagSenderSmtpAddress, mapi.PidTagSenderEntryId, mapi.PidTagSenderSearchKey}
	representingGroup = addressGroup{mapi.PidTagSentRepresentingName, mapi.PidTagSentRepresentingAddressType,
		mapi.PidTagSentRepresentingEmailAddress, mapi.PidTagSentRepresentingSmtpAddress,
		mapi.PidTagSentRepresentingEntryId, mapi.PidTagSentRepresentingSearchKey}
	receiptGroup = addressGroup{mapi.PidTagReadReceiptName, mapi.PidTagReadReceiptAddressType,
		mapi.PidTagReadReceiptEmailAddress, mapi.PidTagReadReceiptSmtpAddress,
		mapi.PidTagReadReceiptEntryId, mapi.PidTagReadReceiptSearchKey}
	recipientGroup = addressGroup{mapi.PidTagDisplayName, mapi.PidTagAddressType, mapi.PidTagEmailAddress,
		mapi.PidTagSmtpAddress, mapi.PidTagEntryId, mapi.PidTagSearchKey}
)

// read returns the mailbox that the group describes; ok is false when it holds nothing.
func (g addressGroup) read(p props, domain string) (a Address, ok bool) {
	a = Address{p.text(g.name), p.text(g.smtp)}
	typ := strings.ToUpper(p.text(g.typ))
	email := p.text(g.email)
	if a.Addr == "" && email != "" && (typ == "SMTP" || typ == "" && strings.Contains(email, "@")) {
		a.Addr = email
	}
	if a.Addr == "" {
		entry, kind := entryAddress(p.Bytes(g.entryID))
		if kind == "SMTP" {
			a.Addr = entry.Addr
		} else if kind == "EX" && email == "" {
			typ, email = kind, entry.Addr
		}
		if a.Name == "" {
			a.Name = entry.Name
		}
	}
	if a.Addr == "" && typ != "" && typ != "SMTP" && typ != typePrivateList && email != "" {
		a.Addr = imcea(typ, email, domain)
	}
	if a.Addr == "" && strings.Contains(a.Name, "@") && !strings.ContainsAny(a.Name, " <>") {
		a.Addr = a.Name
	}
	return a, a.Name != "" || a.Addr != ""
}

// write stores the mailbox in the group's properties.
func (g addressGroup) write(bag *mapi.PropertyBag, a Address) {
	if a.Name == "" {
		a.Name = a.Addr
	}
	bag.Set(g.name, a.Name)
	if a.Addr == "" {
		return
	}
	bag.Set(g.typ, "SMTP")
	bag.Set(g.email, a.Addr)
	bag.Set(g.smtp, a.Addr)
	bag.Set(g.entryID, oneOff(a))
	bag.Set(g.searchKey, searchKey(a.Addr))
}

// writeForeign stores a mailbox of another address type than SMTP.
func (g addressGroup) writeForeign(bag *mapi.PropertyBag, name, typ, email string) {
	bag.Set(g.name, name)
	bag.Set(g.typ, typ)
	bag.Set(g.email, email)
	bag.Delete(mapi.Key{ID: g.smtp.ID()})
	bag.Set(g.entryID, foreignEntryID(name, typ, email))
	bag.Set(g.searchKey, append([]byte(strings.ToUpper(typ+":"+email)), 0))
}

// replyTo reads PidTagReplyRecipientEntries.
func replyTo(p props, domain string) []Address {
	entries, err := mapi.ParseFlatEntryList(p.Bytes(mapi.PidTagReplyRecipientEntries))
	if err != nil {
		return nil
	}
	names := strings.Split(p.text(mapi.PidTagReplyRecipientNames), ";")
	var out []Address
	for i, id := range entries {
		a, kind := entryAddress(id)
		if kind != "SMTP" && a.Addr != "" {
			a.Addr = imcea(kind, a.Addr, domain)
		}
		if a.Name == "" && i < len(names) {
			a.Name = strings.TrimSpace(names[i])
		}
		if a.Addr != "" {
			out = append(out, a)
		}
	}
	return out
}

// setReplyTo stores the addresses of Reply-To.
func setReplyTo(bag *mapi.PropertyBag, list []Address, domain string) error {
	var entries [][]byte
	var names []string
	for _, a := range list {
		if a.Name == "" {
			a.Name = a.Addr
		}
		if typ, email, ok := unIMCEA(a.Addr, domain); ok {
			if a.Name == a.Addr {
				a.Name = email
			}
			entries = append(entries, foreignEntryID(a.Name, typ, email))
		} else {
			entries = append(entries, oneOff(a))
		}
		names = append(names, a.Name)
	}
	value, err := mapi.FlatEntryList(entries)
	if err != nil {
		return err
	}
	bag.Set(mapi.PidTagReplyRecipientEntries, value)
	bag.Set(mapi.PidTagReplyRecipientNames, strings.Join(names, ";"))
	return nil
}
