package mime

import (
	"maps"
	"slices"
	"strings"

	"mailfs/mapi"
)

// What a part's header says beyond the properties of attachments is kept in named
// properties of the attachment, as further fields of a message are
// ([MS-OXCMAIL] 2.1.3.2).

const maxPartFields = 30

// describedFields are the fields of a part that properties stand for.
const describedFields = " content-type content-transfer-encoding content-disposition content-id content-location content-base content-length mime-version "

// keepFields stores the fields and parameters of a part that have no property.
func (e *entity) keepFields(bag *mapi.PropertyBag) {
	set := func(name, value string) {
		bag.SetNamed(mapi.StringName(mapi.PSInternetHeaders, name), mapi.TypeString, value)
	}
	if s := furtherParams(e.params, "name", "charset", "boundary"); s != "" {
		set("Content-Type", e.ctype+s)
	}
	s := furtherParams(e.dispParams, "filename")
	_, has := e.h.get("content-disposition")
	switch {
	case !has && (e.isText || len(e.h) > 0):
		set("Content-Disposition", noDisposition)
	case e.disposition == "inline" || s != "":
		set("Content-Disposition", e.disposition+s)
	}
	kept := map[string]bool{}
	for _, f := range e.h {
		if strings.Contains(describedFields, " "+f.key+" ") || e.top && !describesBody(f.key) || kept[f.key] || len(kept) >= maxPartFields {
			continue
		}
		kept[f.key] = true
		if v := decodeWords(f.value()); v != "" {
			set(f.name, v)
		}
	}
}

// furtherParams writes all parameters but the named ones, in the order of their names,
// each with a semicolon before it.
func furtherParams(params map[string]string, but ...string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if slices.Contains(but, name) || name == "" || strings.Trim(name, tokenChars) != "" {
			continue
		}
		for _, t := range param(name, params[name]) {
			b.WriteString(t)
		}
	}
	return b.String()
}

// keptType returns the parameters of the content type that the part came with, as long
// as that is still its type.
func keptType(bag props, ctype string) []string {
	t, params := parseValue(bag.named(mapi.StringName(mapi.PSInternetHeaders, "Content-Type")))
	if t != ctype {
		return nil
	}
	return paramTokens(params, "name", "charset", "boundary")
}

// noDisposition is kept for a part that came without the field.
const noDisposition = "none"

// keptDisposition returns the disposition that a part came with, "" if that is not
// known, and its parameters.
func keptDisposition(bag props) (string, []string) {
	d, params := parseValue(bag.named(mapi.StringName(mapi.PSInternetHeaders, "Content-Disposition")))
	if d != "inline" && d != noDisposition {
		d = ""
	}
	return d, paramTokens(params, "filename")
}

func paramTokens(params map[string]string, but ...string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if !slices.Contains(but, name) && name != "" && len(name) < 60 && strings.Trim(name, tokenChars) == "" {
			out = append(out, param(name, params[name])...)
		}
	}
	return out
}

// keptFields writes the further fields of a part.
func keptFields(c *conversion, bag mapi.PropertyBag) []string {
	var out []string
	for _, h := range internetHeadersOf(props{bag, c.p.charset}) {
		if !strings.Contains(describedFields, " "+strings.ToLower(h.name)+" ") {
			out = append(out, unstructured(h.name, h.value))
		}
	}
	return out
}
