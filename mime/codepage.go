package mime

import (
	"strings"
	"unicode/utf8"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// Code pages with a meaning of their own here ([MS-UCODEREF] 2.2.1).
const (
	cpUTF8    = 65001
	cpUTF7    = 65000
	cpUTF16   = 1200
	cpUTF16BE = 1201
	cpASCII   = 20127
	cpWestern = 1252
)

// codepages lists the code pages of mail with the charset name that is written for
// them and further names under which they are read.
var codepages = []struct {
	cp    int
	names string
}{
	{cpUTF8, "utf-8 utf8 unicode-1-1-utf-8"},
	{cpASCII, "us-ascii ascii ansi_x3.4-1968 iso646-us 646"},
	{28591, "iso-8859-1 latin1 iso8859-1 iso_8859-1 l1"},
	{28592, "iso-8859-2 latin2 iso8859-2"},
	{28593, "iso-8859-3 latin3 iso8859-3"},
	{28594, "iso-8859-4 latin4 iso8859-4"},
	{28595, "iso-8859-5 iso8859-5 cyrillic"},
	{28596, "iso-8859-6 iso8859-6 arabic"},
	{28597, "iso-8859-7 iso8859-7 greek"},
	{28598, "iso-8859-8 iso8859-8 hebrew"},
	{38598, "iso-8859-8-i"},
	{28599, "iso-8859-9 iso8859-9 latin5"},
	{28603, "iso-8859-13 iso8859-13"},
	{28605, "iso-8859-15 iso8859-15 latin9 latin-9"},
	{1250, "windows-1250 cp1250"},
	{1251, "windows-1251 cp1251"},
	{cpWestern, "windows-1252 cp1252"},
	{1253, "windows-1253 cp1253"},
	{1254, "windows-1254 cp1254"},
	{1255, "windows-1255 cp1255"},
	{1256, "windows-1256 cp1256"},
	{1257, "windows-1257 cp1257"},
	{1258, "windows-1258 cp1258"},
	{874, "windows-874 tis-620"},
	{437, "ibm437 cp437"},
	{850, "ibm850 cp850"},
	{852, "ibm852 cp852"},
	{866, "ibm866 cp866"},
	{20866, "koi8-r"},
	{21866, "koi8-u koi8-ru"},
	{10000, "macintosh"},
	{932, "shift_jis shift-jis sjis x-sjis cp932 windows-31j"},
	{50220, "iso-2022-jp csiso2022jp"},
	{50221, "iso-2022-jp"},
	{50222, "iso-2022-jp"},
	{51932, "euc-jp x-euc-jp"},
	{20932, "euc-jp"},
	{936, "gb2312 gbk cp936 x-gbk eucgb2312_cn"},
	{52936, "hz-gb-2312"},
	{54936, "gb18030"},
	{949, "ks_c_5601-1987 cp949 uhc"},
	{51949, "euc-kr"},
	{950, "big5 cp950 big5-hkscs big5_tw"},
	{cpUTF7, "utf-7 unicode-1-1-utf-7 csunicode11utf7"},
	{cpUTF16, "utf-16le utf-16 unicode"},
	{cpUTF16BE, "utf-16be unicodefffe"},
	{28600, "iso-8859-10 latin6"},
	{28604, "iso-8859-14 latin8"},
	{28606, "iso-8859-16 latin10"},
	{855, "ibm855 cp855"},
	{858, "ibm00858 cp858"},
	{860, "ibm860 cp860"},
	{862, "ibm862 cp862"},
	{863, "ibm863 cp863"},
	{865, "ibm865 cp865"},
	{10007, "x-mac-cyrillic mac-cyrillic"},
}

// charsetOf returns the charset name of a code page, "" for an unknown one.
func charsetOf(cp int) string {
	for _, c := range codepages {
		if c.cp == cp {
			name, _, _ := strings.Cut(c.names, " ")
			return name
		}
	}
	return ""
}

// codepageOf returns the code page of a charset name, 0 for an unknown one.
func codepageOf(name string) int {
	name = strings.ToLower(strings.Trim(name, " \t\"'"))
	for _, c := range codepages {
		for n := range strings.FieldsSeq(c.names) {
			if n == name {
				return c.cp
			}
		}
	}
	return 0
}

// props reads the text properties of one object, decoding 8-bit strings by its
// code page ([MS-OXCMSG] 2.2.1.4, PidTagMessageCodepage).
type props struct {
	mapi.PropertyBag
	charset string
}

func propsOf(bag mapi.PropertyBag, outer string) props {
	p := props{bag, outer}
	for _, tag := range []mapi.PropertyTag{mapi.PidTagMessageCodepage, mapi.PidTagInternetCodepage} {
		if c := charsetOf(int(bag.Int(tag))); c != "" {
			p.charset = c
			break
		}
	}
	if p.charset == "" {
		p.charset = charsetOf(cpWestern)
	}
	return p
}

// text returns a string property as valid UTF-8.
func (p props) text(tag mapi.PropertyTag) string { return p.string(mapi.Key{ID: tag.ID()}) }

func (p props) named(name mapi.PropertyName) string { return p.string(mapi.Key{Name: name}) }

// string decodes a property by the code page that its type names, if it names one.
func (p props) string(k mapi.Key) string {
	v, ok := p.Lookup(k)
	if !ok {
		return ""
	}
	if cp, ok := v.Tag.Type().CodePage(); ok {
		if c := charsetOf(int(cp)); c != "" {
			p.charset = c
		}
	}
	return p.valid(v.Value)
}

func (p props) valid(v any) string {
	switch s := v.(type) {
	case string:
		return validUTF8(s)
	case mapi.String8:
		t, _ := decode(p.charset, []byte(s))
		return t
	}
	return ""
}

// validUTF8 replaces what a mapi string may hold beyond UTF-8: lone surrogates.
func validUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(wire.DecodeUTF16(wire.AppendUTF16(nil, s)), "\uFFFD")
}
