package vcard

import (
	"slices"
	"strings"

	"mailfs/mapi"
	"mailfs/mime/contentline"
)

// place is one of the three addresses of a contact ([MS-OXOCNTC] 2.2.1.3). The parts
// are in the order of ADR: post office box, street, city, state, postal code, country.
type place struct {
	typ   string
	parts [6]field
	whole mapi.PropertyName
	id    int32 // PidLidPostalAddressId
}

// field is a property by tag or by name.
type field struct {
	tag  mapi.PropertyTag
	name mapi.PropertyName
}

var places = []place{
	{"HOME", [6]field{{tag: mapi.PidTagHomeAddressPostOfficeBox}, {tag: mapi.PidTagHomeAddressStreet}, {tag: mapi.PidTagHomeAddressCity},
		{tag: mapi.PidTagHomeAddressStateOrProvince}, {tag: mapi.PidTagHomeAddressPostalCode}, {tag: mapi.PidTagHomeAddressCountry}}, mapi.PidLidHomeAddress, 1},
	{"WORK", [6]field{{name: mapi.PidLidWorkAddressPostOfficeBox}, {name: mapi.PidLidWorkAddressStreet}, {name: mapi.PidLidWorkAddressCity},
		{name: mapi.PidLidWorkAddressState}, {name: mapi.PidLidWorkAddressPostalCode}, {name: mapi.PidLidWorkAddressCountry}}, mapi.PidLidWorkAddress, 2},
	{"", [6]field{{tag: mapi.PidTagOtherAddressPostOfficeBox}, {tag: mapi.PidTagOtherAddressStreet}, {tag: mapi.PidTagOtherAddressCity},
		{tag: mapi.PidTagOtherAddressStateOrProvince}, {tag: mapi.PidTagOtherAddressPostalCode}, {tag: mapi.PidTagOtherAddressCountry}}, mapi.PidLidOtherAddress, 3},
}

// adrOrder gives the place of each part in ADR; the second place, an extension of the
// address, becomes part of the street.
var adrOrder = [6]int{0, 2, 3, 4, 5, 6}

func (f field) set(bag *mapi.PropertyBag, v string) {
	if f.tag != 0 {
		bag.Set(f.tag, v)
		return
	}
	set(bag, f.name, v)
}

func (f field) get(bag mapi.PropertyBag) string {
	v := bag.Get(f.tag)
	if f.tag == 0 {
		v = bag.GetNamed(f.name)
	}
	s, _ := v.(string)
	return tidy(s)
}

// addresses reads one address of each type.
func (p *parser) addresses(bag *mapi.PropertyBag) {
	done := map[string]bool{}
	for _, l := range p.card.Lines {
		if l.Name != "ADR" {
			continue
		}
		t := types(l)
		pl := placeOf(t)
		if done[pl.typ] {
			continue
		}
		done[pl.typ] = true
		pl.read(bag, contentline.Split(l.Value, ';'))
		if slices.Contains(t, "PREF") {
			set(bag, mapi.PidLidPostalAddressId, pl.id)
		}
	}
}

// placeOf finds the address that some types mean.
func placeOf(types []string) place {
	for _, known := range places[:2] {
		if slices.Contains(types, known.typ) {
			return known
		}
	}
	return places[2]
}

func (pl place) read(bag *mapi.PropertyBag, parts []string) {
	part := func(i int) string {
		if i >= len(parts) {
			return ""
		}
		return strings.TrimSpace(contentline.Unescape(parts[i]))
	}
	var texts [6]string
	for i, at := range adrOrder {
		texts[i] = part(at)
	}
	if ext := part(1); ext != "" {
		texts[1] = strings.TrimSpace(ext + "\n" + texts[1])
	}
	for i, f := range pl.parts {
		if texts[i] != "" {
			f.set(bag, strings.ReplaceAll(texts[i], "\n", "\r\n"))
		}
	}
	set(bag, pl.whole, wholeAddress(texts))
}

// wholeAddress is the address as one writes it on a letter.
func wholeAddress(t [6]string) string {
	var lines []string
	for _, l := range []string{t[0], t[1], oneLine(strings.Join([]string{t[4], t[2], t[3]}, " ")), t[5]} {
		if l != "" {
			lines = append(lines, l)
		}
	}
	return strings.ReplaceAll(strings.Join(lines, "\n"), "\n", "\r\n")
}

// addresses writes the addresses that have any part.
func (r *renderer) addresses() {
	preferred, _ := r.bag.GetNamed(mapi.PidLidPostalAddressId).(int32)
	for _, pl := range places {
		var parts [7]string
		some := false
		for i, f := range pl.parts {
			v := f.get(r.bag)
			some = some || v != ""
			parts[adrOrder[i]] = contentline.Escape(v)
		}
		if !some {
			whole, _ := r.bag.GetNamed(pl.whole).(string)
			if whole = tidy(whole); whole == "" {
				continue
			}
			parts[2] = contentline.Escape(whole)
		}
		var t []string
		if pl.typ != "" {
			t = append(t, pl.typ)
		}
		if preferred == pl.id {
			t = append(t, "PREF")
		}
		r.out.Lines = append(r.out.Lines, contentline.Line{Name: "ADR", Value: strings.Join(parts[:], ";")}.With("TYPE", t...))
	}
}
