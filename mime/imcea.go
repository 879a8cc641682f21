package mime

import (
	"fmt"
	"slices"
	"strings"

	"mailfs/mapi"
)

const (
	typeExchange    = "EX"      // a distinguished name of the address book
	typePrivateList = "MAPIPDL" // a distribution list in somebody's contacts: a name, no address
	imceaPrefix     = "IMCEA"
)

// imcea encapsulates an address of another type than SMTP, such as a legacy
// distinguished name, in the form that Exchange gives addresses without an SMTP one
// ([MS-OXCMAIL] 2.1.3.1).
func imcea(typ, email, domain string) string {
	var b strings.Builder
	b.WriteString(imceaPrefix)
	for i := range len(typ) {
		if c := typ[i]; isLetter(c) || isDigit(c) {
			b.WriteByte(c)
		}
	}
	b.WriteByte('-')
	for i := range len(email) {
		switch c := email[i]; {
		case c == '/':
			b.WriteByte('_')
		case isDigit(c) || isLetter(c) || c == '=' || c == '-':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "+%02X", c)
		}
	}
	return b.String() + "@" + domain
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// unIMCEA takes apart what imcea made. Addresses of another domain are somebody
// else's encapsulation, with which mail can be answered, and stay as they are.
func unIMCEA(addr, domain string) (typ, email string, ok bool) {
	local, at, found := strings.Cut(addr, "@")
	if !found || !strings.EqualFold(at, domain) || len(local) < len(imceaPrefix) || !strings.EqualFold(local[:len(imceaPrefix)], imceaPrefix) {
		return "", "", false
	}
	typ, rest, found := strings.Cut(local[len(imceaPrefix):], "-")
	if !found || typ == "" || rest == "" {
		return "", "", false
	}
	var b strings.Builder
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '_':
			b.WriteByte('/')
		case c == '+' && i+2 < len(rest) && unhex(rest[i+1]) >= 0 && unhex(rest[i+2]) >= 0:
			b.WriteByte(byte(unhex(rest[i+1])<<4 | unhex(rest[i+2])))
			i += 2
		default:
			b.WriteByte(c)
		}
	}
	return strings.ToUpper(typ), validUTF8(b.String()), true
}

// foreignEntryID returns the entry id of an address of another type than SMTP.
func foreignEntryID(name, typ, email string) []byte {
	if typ == typeExchange {
		return mapi.NewAddressBookEntryID(email).Bytes()
	}
	return mapi.NewOneOffEntryID(name, typ, email).Bytes()
}

// messageGroups are the mailboxes that a message names besides its recipients.
var messageGroups = []addressGroup{senderGroup, representingGroup, receiptGroup}

// restoreForeign undoes imcea in all addresses of a message that was parsed.
func restoreForeign(m *mapi.Message, domain string) {
	restore := func(bag *mapi.PropertyBag, g addressGroup) {
		addr := bag.String(g.smtp)
		typ, email, ok := unIMCEA(addr, domain)
		if !ok {
			return
		}
		name := bag.String(g.name)
		if name == addr {
			name = email
		}
		g.writeForeign(bag, name, typ, email)
	}
	for _, g := range messageGroups {
		restore(&m.Properties, g)
	}
	for i := range m.Recipients {
		bag := &m.Recipients[i].Properties
		restore(bag, recipientGroup)
		if bag.Has(mapi.PidTagRecipientEntryId) {
			bag.Set(mapi.PidTagRecipientEntryId, bag.Bytes(mapi.PidTagEntryId))
		}
	}
}

// Unresolved returns the distinguished names of senders and recipients whose SMTP
// address the message does not tell, each once, in the order of the message. The
// address book knows them ([MS-OXNSPI] 3.1.4.1.13); Resolve stores
// what was found.
func Unresolved(m *mapi.Message) []string {
	var out []string
	look := func(bag mapi.PropertyBag, g addressGroup) {
		if dn := unresolved(propsOf(bag, ""), g); dn != "" && !slices.ContainsFunc(out, func(s string) bool { return strings.EqualFold(s, dn) }) {
			out = append(out, dn)
		}
	}
	for _, g := range messageGroups {
		look(m.Properties, g)
	}
	for _, r := range m.Recipients {
		look(r.Properties, recipientGroup)
	}
	return out
}

// unresolved returns the distinguished name of a group that has no SMTP address, ""
// for any other group.
func unresolved(p props, g addressGroup) string {
	if p.text(g.smtp) != "" {
		return ""
	}
	if strings.EqualFold(p.text(g.typ), typeExchange) && p.text(g.email) != "" {
		return p.text(g.email)
	}
	if p.text(g.email) == "" {
		if a, kind := entryAddress(p.Bytes(g.entryID)); kind == typeExchange {
			return a.Addr
		}
	}
	return ""
}

// Resolve stores SMTP addresses by distinguished name, as Unresolved gave it, and
// reports whether the message changed. A later look-up is a change of the item: what
// a message renders as depends on nothing else.
func Resolve(m *mapi.Message, smtp map[string]string) bool {
	changed := false
	store := func(bag *mapi.PropertyBag, g addressGroup) {
		dn := unresolved(propsOf(*bag, ""), g)
		for known, addr := range smtp {
			if dn != "" && addr != "" && strings.EqualFold(known, dn) {
				bag.Set(g.smtp, addr)
				changed = true
				return
			}
		}
	}
	for _, g := range messageGroups {
		store(&m.Properties, g)
	}
	for i := range m.Recipients {
		store(&m.Recipients[i].Properties, recipientGroup)
	}
	return changed
}
