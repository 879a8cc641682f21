package vcard

import (
	"hash/crc32"
	"strings"

	"mailfs/mapi"
	"mailfs/mime/contentline"
)

const maxMembers = 5000

// list reads a group. Its members are one-off entry ids: those of contacts can only be
// made where the contacts are ([MS-OXOCNTC] 2.2.2.2).
func (p *parser) list(bag *mapi.PropertyBag) {
	bag.Set(mapi.PidTagMessageClass, classList)
	name := oneLine(p.card.Text("FN"))
	if name == "" {
		name = oneLine(p.card.Text("N"))
	}
	setName(bag, name)
	set(bag, mapi.PidLidFileUnder, name)
	set(bag, mapi.PidLidDistributionListName, name)
	var ids [][]byte
	for _, l := range p.card.Lines {
		if l.Name != "MEMBER" || len(ids) >= maxMembers {
			continue
		}
		addr, ok := mailto(l.Value)
		if !ok {
			continue
		}
		who := oneLine(l.Get("X-CN"))
		if who == "" {
			who = addr
		}
		ids = append(ids, mapi.NewOneOffEntryID(who, "SMTP", addr).Bytes())
	}
	set(bag, mapi.PidLidDistributionListMembers, ids)
	set(bag, mapi.PidLidDistributionListOneOffMembers, ids)
	set(bag, mapi.PidLidDistributionListChecksum, int32(memberChecksum(ids)))
}

func mailto(uri string) (string, bool) {
	uri = strings.TrimSpace(uri)
	if len(uri) < 7 || !strings.EqualFold(uri[:7], "mailto:") {
		return "", false
	}
	return uri[7:], uri[7:] != ""
}

// memberChecksum is CRC-32 without its inversions over all members
// ([MS-OXOCNTC] 2.2.2.2.3).
func memberChecksum(ids [][]byte) uint32 {
	sum := ^uint32(0)
	for _, id := range ids {
		sum = crc32.Update(sum, crc32.IEEETable, id)
	}
	return ^sum
}

// list writes a group.
func (r *renderer) list() {
	c := r.out
	c.AddRaw("VERSION", "4.0")
	c.AddRaw("KIND", "group")
	name := oneLine(r.named(mapi.PidLidDistributionListName))
	for _, s := range []string{r.text(mapi.PidTagDisplayName), r.text(mapi.PidTagSubject), "List"} {
		if name == "" {
			name = oneLine(s)
		}
	}
	c.Add("FN", name)
	for _, m := range r.members() {
		c.Lines = append(c.Lines, contentline.Line{Name: "MEMBER", Value: "mailto:" + m.addr}.With("X-CN", m.name))
	}
	r.common()
}

type member struct{ name, addr string }

// members reads the one-off entry ids, which hold the addresses; the others name
// objects elsewhere.
func (r *renderer) members() []member {
	ids, _ := r.bag.GetNamed(mapi.PidLidDistributionListOneOffMembers).([][]byte)
	if len(ids) == 0 {
		ids, _ = r.bag.GetNamed(mapi.PidLidDistributionListMembers).([][]byte)
	}
	var out []member
	for _, raw := range ids {
		id, err := mapi.ParseEntryID(raw)
		if err != nil {
			continue
		}
		o, ok := id.(*mapi.OneOffEntryID)
		if !ok {
			continue
		}
		addr := strings.Join(strings.Fields(strings.ToValidUTF8(o.Email, "")), "")
		if strings.EqualFold(o.AddressType, "SMTP") && addr != "" {
			name := oneLine(strings.ToValidUTF8(o.DisplayName, "\uFFFD"))
			if name == addr {
				name = ""
			}
			out = append(out, member{name, addr})
		}
	}
	return out
}
