package mapi

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailfs/mapi/wire"
)

// Each vector is a RopModifyRecipients request ([MS-OXCROPS] 2.2.6.5.1) with one row.
func TestVectorRecipients(t *testing.T) {
	for _, v := range vectors(t, "recipients") {
		t.Run(v.ID, func(t *testing.T) {
			p := v.bytes(t)
			r := wire.NewReader(p)
			r.Take(3) // RopId, LogonId, handle index
			var columns []PropertyTag
			for range r.Uint16() {
				columns = append(columns, ReadTag(r))
			}
			r.Take(2 + 4 + 1) // number of rows, RowId, RecipientType
			raw := r.Take(int(r.Uint16()))
			if r.Err() != nil {
				t.Fatal(r.Err())
			}
			want := v.Decoded["RecipientRows"].([]any)[0].(map[string]any)["RecipientRow"].(map[string]any)
			rr := wire.NewReader(raw)
			row := ReadRecipientRow(rr, columns)
			// The example of [MS-OXCMSG] is printed with the size of another row.
			if err := rr.Err(); err != nil {
				t.Fatal(err)
			}
			same(t, map[string]any{"dn": row.X500DN, "name": row.DisplayName, "simple": row.SimpleName, "prefix": row.PrefixUsed, "display": row.DisplayType, "columns": len(row.Values)},
				map[string]any{"dn": want["X500DN"], "name": want["DisplayName"], "simple": want["SimpleDisplayName"], "prefix": want["AddressPrefixUsed"], "display": want["DisplayType"], "columns": want["RecipientColumnCount"]})
			values, _ := want["Values"].([]any)
			for i, p := range row.Values {
				if d := cmp.Diff(values[i], jsonTree(t, valueTree(p))); d != "" {
					t.Errorf("value %d (-want +got):\n%s", i, d)
				}
			}
			var b wire.Builder
			row.Append(&b, columns)
			if again, err := b.Finish(); err != nil || !bytes.Equal(again, raw[:len(again)]) || len(again) != rr.Offset() {
				t.Errorf("written again: %x, %v", again, err)
			}
			checkRowProperties(t, row)
		})
	}
}

func checkRowProperties(t *testing.T, row RecipientRow) {
	t.Helper()
	prefix := string(bytes.Repeat([]byte{'/'}, 200))
	props := row.Properties(prefix)
	if got := props.String(PidTagEmailAddress); got != prefix[:row.PrefixUsed]+row.X500DN {
		t.Errorf("address %q", got)
	}
	if props.String(PidTagAddressType) != "EX" || props.String(PidTagDisplayName) != row.DisplayName ||
		props.String(PidTagTransmittableDisplayName) != row.DisplayName || !props.Bool(PidTagSendRichInfo) {
		t.Errorf("properties %v", props)
	}
}

func TestRecipientRows(t *testing.T) {
	for name, props := range map[string]PropertyBag{
		"smtp": {
			{Tag: PidTagAddressType, Value: "SMTP"}, {Tag: PidTagEmailAddress, Value: "zoë@example.test"},
			{Tag: PidTagDisplayName, Value: "Zoë"}, {Tag: PidTagTransmittableDisplayName, Value: "Zoë Ö."},
			{Tag: PidTagSendRichInfo, Value: false}, {Tag: PidTagResponsibility, Value: true},
			{Tag: PidTagObjectType, Value: int32(6)},
		},
		"exchange": {
			{Tag: PidTagAddressType, Value: "EX"}, {Tag: PidTagEmailAddress, Value: "/o=Org/cn=user"},
			{Tag: PidTagDisplayType, Value: int32(0)}, {Tag: PidTagDisplayName, Value: "User"},
			{Tag: PidTagAddressBookDisplayNamePrintable, Value: "user"}, {Tag: PidTagTransmittableDisplayName, Value: "User"},
			{Tag: PidTagSendRichInfo, Value: true}, {Tag: PidTagResponsibility, Value: false},
		},
		"fax":    {{Tag: PidTagAddressType, Value: "FAX"}, {Tag: PidTagEmailAddress, Value: "+49"}, {Tag: PidTagSendRichInfo, Value: true}, {Tag: PidTagResponsibility, Value: false}},
		"other":  {{Tag: PidTagAddressType, Value: "X400"}, {Tag: PidTagEmailAddress, Value: "c=de"}, {Tag: PidTagSendRichInfo, Value: true}, {Tag: PidTagResponsibility, Value: false}},
		"nobody": {{Tag: PidTagSendRichInfo, Value: true}, {Tag: PidTagResponsibility, Value: false}},
		"list": {
			{Tag: PidTagAddressType, Value: "MAPIPDL"}, {Tag: PidTagEntryId, Value: []byte{1, 2}}, {Tag: PidTagSearchKey, Value: []byte{3}},
			{Tag: PidTagDisplayName, Value: "Friends"}, {Tag: PidTagTransmittableDisplayName, Value: "Friends"},
			{Tag: PidTagSendRichInfo, Value: true}, {Tag: PidTagResponsibility, Value: false},
		},
	} {
		t.Run(name, func(t *testing.T) {
			columns := RecipientColumns([]Recipient{{Properties: props}})
			row := NewRecipientRow(props, columns)
			roundTrip(t, row, func(b *wire.Builder, row RecipientRow) { row.Append(b, columns) },
				func(r *wire.Reader) RecipientRow { return ReadRecipientRow(r, columns) })
			got := row.Properties("/o=Other")
			for _, p := range props {
				if q, ok := got.Lookup(p.Key()); !ok || !cmp.Equal(q, p) {
					t.Errorf("%v became %v", p, q)
				}
			}
			if len(got) != len(props) {
				t.Errorf("%d properties became %d: %v", len(props), len(got), got)
			}
		})
	}
}

func TestRecipientRow8Bit(t *testing.T) {
	row := RecipientRow{Flags: RecipientSMTP | RecipientHasEmail | RecipientHasName, Email: "a@b", DisplayName: "\xe4", Values: []Property{}}
	roundTrip(t, row, func(b *wire.Builder, row RecipientRow) { row.Append(b, nil) },
		func(r *wire.Reader) RecipientRow { return ReadRecipientRow(r, nil) })
	p, ok := row.Properties("").Lookup(Key{ID: PidTagDisplayName.ID()})
	if !ok || p.Value != String8("\xe4") || p.Tag.Type() != TypeString8 {
		t.Errorf("name %v", p)
	}
}

func TestRecipientRowTooManyColumns(t *testing.T) {
	r := wire.NewReader([]byte{0, 2, 1, 0, 0})
	if ReadRecipientRow(r, nil); r.Err() == nil {
		t.Error("a column that was not announced is accepted")
	}
	var b wire.Builder
	if (RecipientRow{Values: make([]Property, 1)}).Append(&b, nil); b.Err() == nil {
		t.Error("a column that was not announced is written")
	}
}

func TestRecipientType(t *testing.T) {
	for v, want := range map[uint32]RecipientType{0x01: RecipientTo, 0x12: RecipientCc, 0x83: RecipientBcc, 0x80000001: RecipientTo, 0x10000002: RecipientCc} {
		if got, flags := ParseRecipientType(v); got != want || uint32(got)|flags != v {
			t.Errorf("0x%X is %d with flags 0x%X", v, got, flags)
		}
	}
	r := NewRecipient(PropertyBag{{Tag: PidTagRowid, Value: int32(4)}, {Tag: PidTagRecipientType, Value: int32(0x12)}})
	if r.RowID != 4 || r.Type != RecipientCc || len(r.Properties) != 2 {
		t.Errorf("recipient %v", r)
	}
}
