package vcard

import (
	"bytes"
	"encoding/base64"
	"strings"

	"mailfs/mapi"
	"mailfs/mime/contentline"
)

// contact writes a person.
func (r *renderer) contact() {
	c := r.out
	c.AddRaw("VERSION", "3.0")
	var parts []string
	for _, tag := range []mapi.PropertyTag{mapi.PidTagSurname, mapi.PidTagGivenName, mapi.PidTagMiddleName, mapi.PidTagDisplayNamePrefix, mapi.PidTagGeneration} {
		parts = append(parts, contentline.Escape(oneLine(r.text(tag))))
	}
	c.AddRaw("N", strings.Join(parts, ";"))
	full := oneLine(r.text(mapi.PidTagDisplayName))
	for _, s := range []string{r.text(mapi.PidTagSubject), r.named(mapi.PidLidFileUnder), r.text(mapi.PidTagCompanyName), r.named(mapi.PidLidEmail1EmailAddress), "Contact"} {
		if full == "" {
			full = oneLine(s)
		}
	}
	c.Add("FN", full)
	org := contentline.Escape(oneLine(r.text(mapi.PidTagCompanyName)))
	if d := oneLine(r.text(mapi.PidTagDepartmentName)); d != "" {
		org += ";" + contentline.Escape(d)
	}
	c.AddRaw("ORG", org)
	for _, f := range plain {
		v := r.text(f.tag)
		if f.tag == 0 {
			v = r.named(f.name)
		}
		c.Add(f.line, v)
	}
	r.fileUnder()
	r.phones()
	r.emails()
	r.addresses()
	if v := r.text(mapi.PidTagBusinessHomePage); v != "" {
		c.Lines = append(c.Lines, contentline.Line{Name: "URL", Value: contentline.Escape(v)}.With("TYPE", "WORK"))
	}
	if v := r.text(mapi.PidTagPersonalHomePage); v != "" {
		c.Lines = append(c.Lines, contentline.Line{Name: "URL", Value: contentline.Escape(v)}.With("TYPE", "HOME"))
	}
	r.day("BDAY", mapi.PidTagBirthday, mapi.PidLidBirthdayLocal)
	r.day("X-ANNIVERSARY", mapi.PidTagWeddingAnniversary, mapi.PidLidWeddingAnniversaryLocal)
	switch r.bag.Int(mapi.PidTagGender) {
	case 1:
		c.AddRaw("GENDER", "F")
	case 2:
		c.AddRaw("GENDER", "M")
	}
	if certs, _ := r.bag.Get(mapi.PidTagUserX509Certificate).([][]byte); len(certs) > 0 {
		for _, cert := range certs {
			c.Lines = append(c.Lines, contentline.Line{Name: "KEY", Value: base64.StdEncoding.EncodeToString(cert)}.With("ENCODING", "B").With("TYPE", "X509"))
		}
	}
	r.photo()
	r.common()
}

// fileUnder writes the name for sorting where it is not the usual one.
func (r *renderer) fileUnder() {
	v := oneLine(r.named(mapi.PidLidFileUnder))
	last, given := oneLine(r.text(mapi.PidTagSurname)), oneLine(r.text(mapi.PidTagGivenName)+" "+r.text(mapi.PidTagMiddleName))
	if v == "" || v == last+", "+given || v == oneLine(r.text(mapi.PidTagDisplayName)) {
		return
	}
	r.out.Add("SORT-STRING", v)
}

func (r *renderer) phones() {
	for _, ph := range phones {
		if v := oneLine(r.text(ph.tag)); v != "" {
			r.out.Lines = append(r.out.Lines, contentline.Line{Name: "TEL", Value: contentline.Escape(v)}.With("TYPE", ph.types...))
		}
	}
}

func (r *renderer) emails() {
	for _, e := range emails {
		addr, typ := oneLine(r.named(e.addr)), strings.ToUpper(r.named(e.typ))
		if typ != "" && typ != "SMTP" && !strings.Contains(addr, "@") {
			// Of an address of the organization the entry's original name may tell it.
			addr = oneLine(r.named(e.original))
		}
		if strings.Contains(addr, "@") {
			r.out.Lines = append(r.out.Lines, contentline.Line{Name: "EMAIL", Value: contentline.Escape(addr)}.With("TYPE", "INTERNET"))
		}
	}
}

// day writes a date; the local form is the day that people mean.
func (r *renderer) day(line string, tag mapi.PropertyTag, local mapi.PropertyName) {
	v, ok := r.bag.GetNamed(local).(mapi.FileTime)
	if !ok {
		v = r.bag.Time(tag)
	}
	if t := v.Time(); v != 0 && t.Year() > 1601 && t.Year() < 4500 {
		r.out.AddRaw(line, t.Format("2006-01-02"))
	}
}

const maxPhoto = 4 << 20

func (r *renderer) photo() {
	for _, a := range r.it.Message.Attachments {
		v := a.Properties.Get(mapi.PidTagAttachDataBinary)
		if !a.Properties.Bool(mapi.PidTagAttachmentContactPhoto) || mapi.ValueSize(v) > maxPhoto {
			continue
		}
		data, err := mapi.ValueBytes(v)
		if err != nil || len(data) == 0 {
			continue
		}
		kind := "JPEG"
		switch {
		case bytes.HasPrefix(data, []byte("\x89PNG")):
			kind = "PNG"
		case bytes.HasPrefix(data, []byte("GIF8")):
			kind = "GIF"
		}
		r.out.Lines = append(r.out.Lines, contentline.Line{Name: "PHOTO", Value: base64.StdEncoding.EncodeToString(data)}.With("ENCODING", "B").With("TYPE", kind))
		return
	}
}
