package nspi

import (
	"encoding/hex"
	"reflect"
	"testing"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// body is one body with its codec.
type body struct {
	name   string
	value  encoder
	decode func([]byte) (encoder, error)
}

func answerOf[T any, P interface {
	*T
	Decode([]byte) error
}](p []byte) (T, error) {
	var v T
	err := P(&v).Decode(p)
	return v, err
}

func asEncoder[T encoder](f func([]byte) (T, error)) func([]byte) (encoder, error) {
	return func(p []byte) (encoder, error) { return f(p) }
}

var bodies = []body{
	{"bind", BindRequest{Flags: 0x20, State: start()}, asEncoder(DecodeBindRequest)},
	{"bind without state", BindRequest{}, asEncoder(DecodeBindRequest)},
	{"bound", BindResponse{ServerGUID: mapi.MustGUID("00062008-0000-0000-C000-000000000046")}, asEncoder(answerOf[BindResponse])},
	{"not bound", BindResponse{Result: Result{StatusCode: 5}}, asEncoder(answerOf[BindResponse])},
	{"unbind", UnbindRequest{}, asEncoder(DecodeUnbindRequest)},
	{"unbound", UnbindResponse{Result{ErrorCode: UnbindSuccess}}, asEncoder(answerOf[UnbindResponse])},
	{"names", DNToMIdRequest{Names: []string{"/o=a/cn=b", ""}}, asEncoder(DecodeDNToMIdRequest)},
	{"no names", DNToMIdRequest{}, asEncoder(DecodeDNToMIdRequest)},
	{"ids", DNToMIdResponse{MinimalIDs: []MinimalID{0, 16, 0x8000002B}}, asEncoder(answerOf[DNToMIdResponse])},
	{"no ids", DNToMIdResponse{Result: Result{ErrorCode: GeneralFailure}}, asEncoder(answerOf[DNToMIdResponse])},
	{"rows wanted", QueryRowsRequest{State: start(), Explicit: []MinimalID{17}, RowCount: 3,
		Columns: []mapi.PropertyTag{mapi.PidTagSmtpAddress}}, asEncoder(DecodeQueryRowsRequest)},
	{"rows wanted from a position", QueryRowsRequest{Flags: 2, State: start(), Explicit: []MinimalID{}, RowCount: 1}, asEncoder(DecodeQueryRowsRequest)},
	{"no rows", QueryRowsResponse{Result: Result{ErrorCode: GeneralFailure}}, asEncoder(answerOf[QueryRowsResponse])},
	{"rows", QueryRowsResponse{State: start(), Columns: columnsOfTest, Rows: []mapi.PropertyBag{
		{
			{Tag: mapi.PidTagSmtpAddress, Value: "ünï@example.test"},
			{Tag: 0x3001001E, Value: mapi.String8("8-bit")},
			{Tag: 0x0FFF0102, Value: []byte{1, 2, 3}},
			{Tag: 0x39000003, Value: int32(6)},
			{Tag: 0x800F101F, Value: []string{"SMTP:a@example.test", ""}},
			{Tag: 0x80101102, Value: [][]byte{{1}, {}}},
			{Tag: 0x80111003, Value: []int32{1, -1}},
			{Tag: 0x3003001F, Value: "of no type asked for"},
		},
		{
			{Tag: 0x39FE000A, Value: mapi.EcNotFound},
			{Tag: 0x39000003, Value: int32(6)},
			{Tag: 0x3003000A, Value: mapi.EcNotFound},
		},
		nil,
	}}, asEncoder(answerOf[QueryRowsResponse])},
}

var columnsOfTest = []mapi.PropertyTag{
	mapi.PidTagSmtpAddress, 0x3001001E, 0x0FFF0102, 0x39000003, 0x800F101F, 0x80101102, 0x80111003, 0x30030000,
}

func TestBodies(t *testing.T) {
	for _, c := range bodies {
		p, err := c.value.Encode()
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		got, err := c.decode(p)
		if err != nil || !reflect.DeepEqual(got, c.value) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", c.name, err, got, c.value)
		}
		for n := range p {
			if _, err := c.decode(p[:n]); err == nil {
				t.Errorf("%s: %d of %d bytes are taken for a whole body", c.name, n, len(p))
			}
		}
	}
}

// TestRecordedRequest reads what Outlook sends.
func TestRecordedRequest(t *testing.T) {
	p, err := hex.DecodeString("00000000ff000000000000000000000000000000000000000000000000e40400000904000009080000010000002b00008001000000ff0b0000000201ff0f1f0001300300fe0f030000391f00203a1f0003301f0002300b00403a1f00ff391f00fe390300713a00000000")
	if err != nil {
		t.Fatal(err)
	}
	q, err := DecodeQueryRowsRequest(p)
	if err != nil {
		t.Fatal(err)
	}
	want := QueryRowsRequest{
		State: &Stat{CodePage: 1252, TemplateLocale: 1033, SortLocale: 2057}, Explicit: []MinimalID{0x8000002B}, RowCount: 1,
		Columns: []mapi.PropertyTag{
			0x0FFF0102, 0x3001001F, 0x0FFE0003, 0x39000003, 0x3A20001F, 0x3003001F, 0x3002001F, 0x3A40000B, 0x39FF001F, 0x39FE001F, 0x3A710003,
		},
	}
	if !reflect.DeepEqual(q, want) {
		t.Errorf("%+v", q)
	}
	if again, err := q.Encode(); err != nil || !reflect.DeepEqual(again, p) {
		t.Errorf("%x, %v", again, err)
	}
}

// TestAbsentValue: a value may be there and say that there is none
// ([MS-OXCMAPIHTTP] 2.2.1.1).
func TestAbsentValue(t *testing.T) {
	r := wire.NewReader([]byte{rowPlain, 0x00})
	row := readRow(r, []mapi.PropertyTag{mapi.PidTagSmtpAddress})
	if err := r.Close(); err != nil || len(row) != 0 {
		t.Errorf("%v, %v", row, err)
	}
}

func FuzzBodies(f *testing.F) {
	for i, c := range bodies {
		p, err := c.value.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), p)
	}
	f.Fuzz(func(t *testing.T, kind uint8, p []byte) {
		c := bodies[int(kind)%len(bodies)]
		v, err := c.decode(p)
		if err != nil {
			return
		}
		again, err := v.Encode()
		if err != nil {
			t.Fatalf("%s: %+v does not encode: %v", c.name, v, err)
		}
		w, err := c.decode(again)
		if err != nil {
			t.Fatalf("%s: %x became %x: %v", c.name, p, again, err)
		}
		third, err := w.Encode()
		if err != nil || !reflect.DeepEqual(third, again) {
			t.Fatalf("%s: %x became %x, then %x: %v", c.name, p, again, third, err)
		}
	})
}

// TestReservedFields: R359 and R413 of [MS-OXCMAPIHTTP].
func TestReservedFields(t *testing.T) {
	clerk := &deskClerk{t: t, smtp: map[string]string{"/cn=a": "a@example.test"}}
	var seen []string
	clerk.watch = func(kind string, body []byte) {
		if kind != Unbind && kind != DNToMId {
			return
		}
		seen = append(seen, kind)
		if len(body) < 4 || body[0]|body[1]|body[2]|body[3] != 0 {
			t.Errorf("%s: %x", kind, body)
		}
	}
	b := New(clerk)
	if _, err := b.SMTP(t.Context(), []string{"/cn=a"}); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(t.Context()); err != nil || !reflect.DeepEqual(seen, []string{DNToMId, Unbind}) {
		t.Errorf("%v, %v", seen, err)
	}
}

// TestRecordedAnswers reads what a gromox 3.10 server answered to a Bind, to a look-up
// of one name that it knows and one that it does not, to a query for the one found,
// and to an Unbind.
func TestRecordedAnswers(t *testing.T) {
	read := func(text string, p interface {
		encoder
		Decode([]byte) error
	}) {
		t.Helper()
		raw, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Decode(raw); err != nil {
			t.Fatal(err)
		}
		if again, err := p.Encode(); err != nil || !reflect.DeepEqual(again, raw) {
			t.Errorf("%x, %v", again, err)
		}
	}
	var bound BindResponse
	read("000000000000000018398d7b8586a94b999a46e48c4ce74800000000", &bound)
	if bound.ServerGUID.IsZero() {
		t.Errorf("%+v", bound)
	}
	var found DNToMIdResponse
	read("0000000000000000ff02000000130000000000000000000000", &found)
	if !reflect.DeepEqual(found.MinimalIDs, []MinimalID{0x13, 0}) {
		t.Errorf("%+v", found)
	}
	var rows QueryRowsResponse
	read("0000000000000000ff000000000000000000000000000000000000000000000000e40400000904000009040000"+
		"ff010000001f00fe390100000000ff62006f00620040006500780061006d0070006c0065002e007400650073007400000000000000", &rows)
	if len(rows.Rows) != 1 || rows.Rows[0].String(mapi.PidTagSmtpAddress) != "bob@example.test" {
		t.Errorf("%+v", rows)
	}
	var end UnbindResponse
	read("000000000100000000000000", &end)
	if end.ErrorCode != UnbindSuccess {
		t.Errorf("%+v", end)
	}
}
