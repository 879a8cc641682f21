package mapi

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailfs/mapi/wire"
)

// vector is a published example with its decoding, whose form depends on the file.
type vector struct {
	ID, What, Hex, Extent string
	Decoded               map[string]any
}

func (v vector) bytes(t testing.TB) []byte {
	t.Helper()
	p, err := hex.DecodeString(v.Hex)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func vectors(t testing.TB, name string) []vector {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []vector }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) == 0 {
		t.Fatal("no vectors in " + name)
	}
	return file.Vectors
}

// same compares decoded fields, in their printed form, with those of a vector.
func same(t *testing.T, got, want map[string]any) {
	t.Helper()
	text := func(m map[string]any) map[string]string {
		out := make(map[string]string)
		for k, v := range m {
			out[k] = strings.ToLower(fmt.Sprint(v))
		}
		return out
	}
	if d := cmp.Diff(text(want), text(got)); d != "" {
		t.Errorf("decoded (-want +got):\n%s", d)
	}
}

func brace(g GUID) string { return "{" + g.String() + "}" }

func counterHex(c GlobCnt) string { return fmt.Sprintf("%012x", uint64(c)) }

func TestVectorIDs(t *testing.T) {
	for _, v := range vectors(t, "ids") {
		t.Run(v.ID, func(t *testing.T) {
			p := v.bytes(t)
			raw := wire.NewReader(p).Uint64()
			id := MID(raw)
			same(t, map[string]any{"replid": id.ReplID(), "globcnt_msb_first": counterHex(id.Counter())},
				map[string]any{"replid": v.Decoded["replid"], "globcnt_msb_first": v.Decoded["globcnt_msb_first"]})
			if le, ok := v.Decoded["as_little_endian_uint64"]; ok {
				same(t, map[string]any{"n": fmt.Sprintf("0x%016x", raw)}, map[string]any{"n": le})
			}
			for _, again := range []uint64{
				uint64(NewMID(id.ReplID(), id.Counter())),
				uint64(NewFID(FID(raw).ReplID(), FID(raw).Counter())),
				uint64(NewCN(CN(raw).ReplID(), CN(raw).Counter())),
			} {
				if again != raw {
					t.Errorf("packed again: %x", again)
				}
			}
		})
	}
}

func TestVectorXIDs(t *testing.T) {
	for _, v := range vectors(t, "xid_pcl") {
		t.Run(v.ID, func(t *testing.T) {
			p := v.bytes(t)
			list, isPCL := v.Decoded["sized_xids"].([]any)
			if !isPCL {
				list, isPCL = v.Decoded["entries"].([]any)
			}
			if !isPCL {
				x, err := ParseXID(p)
				if err != nil {
					t.Fatal(err)
				}
				compareXID(t, x, v.Decoded)
				if got := x.ChangeKey(); string(got) != string(p) {
					t.Errorf("written again: %s", got)
				}
				return
			}
			pcl, err := ParsePCL(p)
			if err != nil {
				t.Fatal(err)
			}
			if len(pcl) != len(list) {
				t.Fatalf("%d entries, want %d", len(pcl), len(list))
			}
			for i, x := range pcl {
				compareXID(t, x, list[i].(map[string]any))
			}
			if !bytes.Equal(pcl.Bytes(), p) {
				t.Errorf("written again: %x", pcl.Bytes())
			}
			for n := 1; n < len(p); n++ {
				if cut, err := ParsePCL(p[:n]); err == nil && len(cut.Bytes()) != n {
					t.Errorf("accepted %d of %d bytes", n, len(p))
				}
			}
		})
	}
}

func compareXID(t *testing.T, x XID, want map[string]any) {
	t.Helper()
	fields := map[string]any{"namespace_guid": brace(x.Namespace), "local_id": hex.EncodeToString([]byte(x.LocalID))}
	for k := range want {
		if _, ok := fields[k]; !ok {
			fields[k] = want[k] // notes of the collection, or sizes that the length tells
		}
	}
	same(t, fields, want)
}

func TestVectorEntryIDs(t *testing.T) {
	for _, v := range vectors(t, "entryid") {
		t.Run(v.ID, func(t *testing.T) {
			p, want := v.bytes(t), v.Decoded
			if inner, ok := want["entryid"].(map[string]any); ok { // behind a count of bytes
				r := wire.NewReader(p)
				p, want = ReadValue(r, TypeBinary).([]byte), inner
				if err := r.Close(); err != nil {
					t.Fatal(err)
				}
			}
			checkEntryID(t, p, want)
		})
	}
}

// checkEntryID decodes p, compares it with a vector's decoding and writes it again.
func checkEntryID(t *testing.T, p []byte, want map[string]any) {
	t.Helper()
	id, err := ParseEntryID(p)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(id.Bytes(), p) {
		t.Errorf("written again: %x", id.Bytes())
	}
	got := entryFields(id)
	got["provider_uid"] = brace(GUID(p[4:20]))
	got["provider_uid_bytes"] = hex.EncodeToString(p[4:20])
	got["flags"] = hex.EncodeToString(p[:4])
	if _, unknown := id.(UnknownEntryID); unknown || want["kind"] == "other" {
		return // of another provider; only the bytes are kept
	}
	clean := make(map[string]any)
	for k, w := range want {
		clean[k] = w
	}
	delete(clean, "note")
	if s, ok := clean["x500dn"].(string); ok { // the collection printed 8-bit text as Latin-1
		var latin []byte
		for _, r := range s {
			latin = append(latin, byte(r))
		}
		clean["x500dn"] = string(latin)
	}
	if _, isStore := id.(*StoreEntryID); isStore && clean["wrapped_type"] == "0x00000006" {
		// The collection reads no DN in public stores; here it is what starts with a slash.
		dn, _ := got["mailbox_dn"].(string)
		if rest, _ := got["trailing"].(string); dn != "" {
			got["trailing"] = hex.EncodeToString(append([]byte(dn), 0)) + rest
			delete(got, "mailbox_dn")
		}
	}
	same(t, got, clean)
}

func entryFields(id EntryID) map[string]any {
	m := make(map[string]any)
	trailing := func(p []byte) {
		if len(p) > 0 {
			m["trailing"] = hex.EncodeToString(p)
		}
	}
	switch e := id.(type) {
	case *FolderEntryID:
		m["kind"], m["folder_type"] = "folder", fmt.Sprintf("0x%04x", uint16(e.Type))
		m["database_guid"], m["global_counter"], m["pad"] = brace(e.Folder.GUID), counterHex(e.Folder.Counter), "0000"
	case *MessageEntryID:
		m["kind"], m["message_type"] = "message", fmt.Sprintf("0x%04x", uint16(e.Type))
		m["folder_database_guid"], m["folder_global_counter"], m["pad1"] = brace(e.Folder.GUID), counterHex(e.Folder.Counter), "0000"
		m["message_database_guid"], m["message_global_counter"], m["pad2"] = brace(e.Message.GUID), counterHex(e.Message.Counter), "0000"
	case *AddressBookEntryID:
		names := map[AddressBookType]string{AddressBookUser: "mail user", AddressBookList: "distribution list", AddressBookContainer: "container"}
		m["kind"], m["version"], m["type"], m["x500dn"] = "address book", e.Version, names[e.Type], e.X500DN
		trailing(e.Extra)
	case *OneOffEntryID:
		m["kind"], m["version"], m["flags16"] = "one-off", e.Version, fmt.Sprintf("0x%04x", e.Bits)
		m["unicode"], m["no_rich_info"], m["dont_lookup"] = e.Bits&OneOffUnicode != 0, e.Bits&OneOffNoRichInfo != 0, e.Bits&OneOffNoLookup != 0
		m["display_name"], m["address_type"], m["email"] = e.DisplayName, e.AddressType, e.Email
	case *StoreEntryID:
		m["kind"], m["version"], m["flag"], m["dll_name"] = "message store", e.Version, e.Flag, e.DLL
		m["wrapped_flags"], m["wrapped_provider_uid"] = hex.EncodeToString(e.WrappedFlags[:]), brace(e.WrappedProvider)
		m["wrapped_type"], m["server_shortname"] = fmt.Sprintf("0x%08x", e.WrappedType), e.Server
		if e.MailboxDN != "" {
			m["mailbox_dn"] = e.MailboxDN
		}
		trailing(e.Extra)
	}
	return m
}

func TestVectorRestrictions(t *testing.T) {
	for _, v := range vectors(t, "restrictions") {
		t.Run(v.ID, func(t *testing.T) {
			format := FormatROP
			switch {
			case strings.Contains(v.What, "sub-restriction counts 32-bit"):
				format = FormatExtendedRule
			case strings.Contains(v.What, "PtypBinary counts 32-bit"):
				format = FormatRule
			}
			p := v.bytes(t)
			r := wire.NewReader(p)
			var b wire.Builder
			if _, stored := v.Decoded["named_property_information"]; stored {
				names := ReadRuleNames(r)
				compareRuleNames(t, names, v.Decoded["named_property_information"].(map[string]any))
				names.Append(&b)
			}
			res := ReadRestrictionFormat(r, format)
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(jsonTree(t, v.Decoded["restriction"]), jsonTree(t, restrictionTree(res))); d != "" {
				t.Errorf("decoded (-want +got):\n%s", d)
			}
			AppendRestrictionFormat(&b, res, format)
			if again, err := b.Finish(); err != nil || !bytes.Equal(again, p) {
				t.Errorf("written again: %x, %v", again, err)
			}
			for n := range len(p) {
				short := wire.NewReader(p[:n])
				if _, stored := v.Decoded["named_property_information"]; stored {
					ReadRuleNames(short)
				}
				if ReadRestrictionFormat(short, format); short.Err() == nil {
					t.Errorf("accepted %d of %d bytes", n, len(p))
				}
			}
		})
	}
}

func compareRuleNames(t *testing.T, got RuleNames, want map[string]any) {
	t.Helper()
	if int(want["count"].(float64)) != len(got.IDs) || len(got.Names) != len(got.IDs) {
		t.Fatalf("names %v", got)
	}
	list, _ := want["names"].([]any)
	for i, w := range list {
		m := w.(map[string]any)
		fields := map[string]any{"prop_id": fmt.Sprintf("0x%04x", got.IDs[i]), "kind": uint8(got.Names[i].Kind), "guid": brace(got.Names[i].Set)}
		if got.Names[i].Kind == NameKindString {
			fields["name"] = got.Names[i].Name
		} else {
			fields["lid"] = fmt.Sprintf("0x%08x", got.Names[i].LID)
		}
		same(t, fields, m)
	}
}

// jsonTree brings v into the form that a parsed JSON file has.
func jsonTree(t *testing.T, v any) any {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func tagHex(t PropertyTag) string { return fmt.Sprintf("0x%08X", uint32(t)) }

func valueTree(p Property) map[string]any {
	v := p.Value
	switch x := v.(type) {
	case []byte:
		v = hex.EncodeToString(x)
	case FileTime:
		v = map[string]any{"filetime": fmt.Sprintf("0x%016X", uint64(x)), "utc": x.Time().Format("2006-01-02T15:04:05Z")}
	}
	return map[string]any{"tag": tagHex(p.Tag), "value": v}
}

// restrictionTree gives a restriction the form that the collection prints.
func restrictionTree(r Restriction) map[string]any {
	relops := []string{"LT", "LE", "GT", "GE", "EQ", "NE"}
	children := func(parts []Restriction) []any {
		out := make([]any, 0)
		for _, p := range parts {
			out = append(out, restrictionTree(p))
		}
		return out
	}
	switch x := r.(type) {
	case AndRestriction:
		return map[string]any{"type": "And", "children": children(x)}
	case OrRestriction:
		return map[string]any{"type": "Or", "children": children(x)}
	case NotRestriction:
		return map[string]any{"type": "Not", "child": restrictionTree(x.Restriction)}
	case ContentRestriction:
		return map[string]any{"type": "Content", "fuzzy_low": fmt.Sprintf("0x%04X", x.FuzzyLow),
			"fuzzy_high": fmt.Sprintf("0x%04X", x.FuzzyHigh), "tag": tagHex(x.Tag), "value": valueTree(x.Value)}
	case PropertyRestriction:
		return map[string]any{"type": "Property", "relop": relops[x.Op], "tag": tagHex(x.Tag), "value": valueTree(x.Value)}
	case BitmaskRestriction:
		return map[string]any{"type": "Bitmask", "relop": []string{"EQZ", "NEZ"}[x.Op], "tag": tagHex(x.Tag), "mask": fmt.Sprintf("0x%08X", x.Mask)}
	case ExistRestriction:
		return map[string]any{"type": "Exist", "tag": tagHex(x.Tag)}
	case SubObjectRestriction:
		return map[string]any{"type": "SubObject", "subobject": tagHex(x.Tag), "child": restrictionTree(x.Restriction)}
	case CommentRestriction:
		tagged := make([]any, 0)
		for _, p := range x.Values {
			tagged = append(tagged, valueTree(p))
		}
		m := map[string]any{"type": "Comment", "tagged": tagged, "restriction_present": x.Restriction != nil}
		if x.Restriction != nil {
			m["child"] = restrictionTree(x.Restriction)
		}
		return m
	}
	return map[string]any{"type": fmt.Sprintf("%T", r)}
}

func TestVectorBlobs(t *testing.T) {
	known := 0
	for _, v := range vectors(t, "outlook_blobs") {
		p := v.bytes(t)
		switch {
		case strings.Contains(v.ID, "ADDITIONALRENENTRYIDSEX"):
			t.Run(v.ID, func(t *testing.T) { checkPersistBlocks(t, p, v.Decoded["blocks"].([]any)) })
		case strings.Contains(v.ID, "FLATENTRYLIST"):
			t.Run(v.ID, func(t *testing.T) { checkFlatEntryList(t, p, v.Decoded["entries"].([]any)) })
		case strings.Contains(v.ID, "CONVERSATIONINDEX"):
			t.Run(v.ID, func(t *testing.T) { checkConversationIndex(t, p, v.Decoded) })
		case strings.Contains(v.ID, "REPORTTAG"):
			t.Run(v.ID, func(t *testing.T) { checkReportTag(t, p, v.Decoded) })
		default:
			continue // mime/oxocal reads the ids of appointments
		}
		known++
	}
	if known != 8 {
		t.Errorf("%d vectors, 8 are known", known)
	}
}

func checkPersistBlocks(t *testing.T, p []byte, want []any) {
	blocks, err := ParsePersistBlocks(p)
	if err != nil {
		t.Fatal(err)
	}
	if len(blocks) != len(want) {
		t.Fatalf("%d blocks, want %d", len(blocks), len(want))
	}
	for i, block := range blocks {
		w := want[i].(map[string]any)
		elements, _ := w["elements"].([]any)
		if id := fmt.Sprintf("0x%04X", uint16(block.ID)); id != strings.Fields(w["persist_id"].(string))[0] || len(elements) != len(block.Elements) {
			t.Fatalf("block %d: %s with %d elements, want %v", i, id, len(block.Elements), w)
		}
		for j, e := range block.Elements {
			w := elements[j].(map[string]any)
			if id := fmt.Sprintf("0x%04X", e.ID); id != strings.Fields(w["element_id"].(string))[0] {
				t.Errorf("element %s, want %v", id, w)
			}
			if data, ok := w["data"].(string); ok {
				if hex.EncodeToString(e.Data) != data || !bytes.Equal(e.Data, block.EntryID()) {
					t.Errorf("data %x", e.Data)
				}
				checkEntryID(t, e.Data, w["entryid"].(map[string]any))
			}
		}
	}
	if again, err := PersistBlocks(blocks); err != nil || !bytes.Equal(again, p) {
		t.Errorf("written again: %x, %v", again, err)
	}
}

func checkFlatEntryList(t *testing.T, p []byte, want []any) {
	ids, err := ParseFlatEntryList(p)
	if err != nil {
		t.Fatal(err)
	}
	if len(ids) != len(want) {
		t.Fatalf("%d entries, want %d", len(ids), len(want))
	}
	for i, id := range ids {
		checkEntryID(t, id, want[i].(map[string]any)["entryid"].(map[string]any))
		e, err := ParseEntryID(id)
		if c, ok := e.(*ContactEntryID); !ok || err != nil || len(c.Contact) != 70 {
			t.Errorf("entry %d is a %T, %v", i, e, err)
		}
	}
	again, err := FlatEntryList(ids)
	if err != nil || len(again) != len(p) {
		t.Errorf("written again: %x, %v", again, err)
	}
	// The padding of the example is not zero, so that only the entries compare.
	if back, err := ParseFlatEntryList(again); err != nil || !cmp.Equal(back, ids) {
		t.Errorf("read again: %x, %v", back, err)
	}
	for n := range len(p) {
		if _, err := ParseFlatEntryList(p[:n]); err == nil {
			t.Errorf("accepted %d of %d bytes", n, len(p))
		}
	}
}

func checkConversationIndex(t *testing.T, p []byte, want map[string]any) {
	t.Helper()
	c, err := ParseConversationIndex(p)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(c.Bytes(), p) {
		t.Errorf("written again: %x", c.Bytes())
	}
	const exact = "2006-01-02T15:04:05.000000Z"
	if got := c.Start.Time().Format(exact); got != want["header_time"] || !strings.EqualFold(brace(c.GUID), fmt.Sprint(want["guid"])) {
		t.Errorf("start %s of %s, want %v of %v", got, brace(c.GUID), want["header_time"], want["guid"])
	}
	levels := want["levels"].([]any)
	if len(levels) != len(c.Levels) {
		t.Fatalf("%d levels, want %d", len(c.Levels), len(levels))
	}
	for i, l := range c.Levels {
		w := levels[i].(map[string]any)
		if float64(l.Delta) != w["time_delta"] || float64(l.Random) != w["random"] || float64(l.Level) != w["level"] ||
			l.Coarse != (w["delta_code"] == 1.0) || c.Time(l).Format(exact) != w["time"] {
			t.Errorf("level %d is %+v at %s, want %v", i, l, c.Time(l).Format(exact), w)
		}
	}
	for n := range p {
		if cut, err := ParseConversationIndex(p[:n]); err == nil && len(cut.Bytes()) != n {
			t.Errorf("accepted %d of %d bytes", n, len(p))
		}
	}
}

func checkReportTag(t *testing.T, p []byte, want map[string]any) {
	t.Helper()
	tag, err := ParseReportTag(p)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(tag.Bytes(), p) {
		t.Errorf("written again: %x", tag.Bytes())
	}
	sizes := map[string][]byte{"StoreEntryIdSize": tag.Store, "FolderEntryIdSize": tag.Folder, "MessageEntryIdSize": tag.Message,
		"SearchFolderEntryIdSize": tag.SearchFolder, "MessageSearchKeySize": tag.SearchKey}
	for name, field := range sizes {
		if float64(len(field)) != want[name] {
			t.Errorf("%s is %d, want %v", name, len(field), want[name])
		}
	}
	if hex.EncodeToString(tag.SearchKey) != want["MessageSearchKey"] || tag.AnsiText != want["AnsiText"] {
		t.Errorf("%+v", tag)
	}
	if _, err := ParseEntryID(tag.SearchFolder); err != nil {
		t.Error(err)
	}
	for n := range p {
		if _, err := ParseReportTag(p[:n]); err == nil {
			t.Errorf("accepted %d of %d bytes", n, len(p))
		}
	}
}
