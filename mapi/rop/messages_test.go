package rop

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// The registry is the one list of messages: whatever is in it is put through all the
// tests of this file.

func allIDs() []ID { return slices.Sorted(maps.Keys(operations)) }

func TestRegistryIsConsistent(t *testing.T) {
	requests, responses := 0, 0
	for _, id := range allIDs() {
		if q := newRequest(id); q != nil {
			requests++
			if q.ROP() != id {
				t.Errorf("request of %s says it is %s", id, q.ROP())
			}
			if got, want := reflect.TypeOf(q).Elem().Name(), id.String()+"Request"; got != want {
				t.Errorf("%s has the request %s", id, got)
			}
		}
		if p := newResponse(id); p != nil {
			responses++
			if p.ROP() != id && id != IDGetMessageStatus {
				t.Errorf("response of %s says it is %s", id, p.ROP())
			}
		}
	}
	if requests != 128 || responses != 131 {
		t.Errorf("%d requests and %d responses", requests, responses)
	}
	if got := ID(0xEE).String(); got != "ROP 0xEE" {
		t.Errorf("unknown id is called %q", got)
	}
}

// filler sets the fields of a struct to random values.
type filler struct {
	*rand.Rand
	columns []mapi.PropertyTag
}

var testColumns = []mapi.PropertyTag{
	mapi.NewTag(0x674A, mapi.TypeInteger64),
	mapi.NewTag(0x0037, mapi.TypeString),
	mapi.NewTag(0x0FFF, mapi.TypeBinary),
	mapi.NewTag(0x3003, mapi.TypeUnspecified),
}

func (f filler) row(columns []mapi.PropertyTag) []mapi.Property {
	row := make([]mapi.Property, len(columns))
	for i, tag := range columns {
		if tag.Type() == mapi.TypeUnspecified {
			tag = tag.WithType(mapi.TypeInteger32)
		}
		row[i] = mapi.Property{Tag: tag, Value: f.value(tag.Type())}
		switch f.IntN(6) {
		case 0:
			row[i].Value = mapi.EcNotFound
		case 1:
			if columns[i].Type() != mapi.TypeUnspecified {
				row[i].Value = nil
			}
		}
	}
	return row
}

func (f filler) value(t mapi.PropertyType) any {
	switch t {
	case mapi.TypeInteger32:
		return int32(f.Uint32())
	case mapi.TypeInteger64:
		return int64(f.Uint64())
	case mapi.TypeString8:
		return mapi.String8(f.text())
	case mapi.TypeTime:
		return mapi.FileTime(f.Uint64())
	case mapi.TypeBinary:
		return f.bytes()
	}
	return f.text()
}

func (f filler) text() string { return string([]rune("übermailfs日本")[:1+f.IntN(11)]) }

func (f filler) bytes() []byte {
	p := make([]byte, 1+f.IntN(20))
	for i := range p {
		p[i] = byte(f.Uint32())
	}
	return p
}

// fill sets v, whose name is that of its field.
func (f filler) fill(v reflect.Value, name string) {
	switch v.Interface().(type) {
	case mapi.Property:
		types := []mapi.PropertyType{mapi.TypeInteger32, mapi.TypeString, mapi.TypeBinary, mapi.TypeTime}
		t := types[f.IntN(len(types))]
		v.Set(reflect.ValueOf(mapi.Property{Tag: mapi.NewTag(uint16(f.Uint32()), t), Value: f.value(t)}))
		return
	case mapi.PropertyName:
		n := mapi.LIDName(mapi.GUID(f.guid()), f.Uint32())
		if f.IntN(2) == 0 {
			n = mapi.StringName(n.Set, f.text())
		}
		v.Set(reflect.ValueOf(n))
		return
	case mapi.LongTermID:
		v.Set(reflect.ValueOf(mapi.LongTermID{GUID: mapi.GUID(f.guid()), Counter: f.counter()}))
		return
	case mapi.GlobCnt:
		v.Set(reflect.ValueOf(f.counter()))
		return
	case TypedString:
		s := TypedString{Kind: StringKind(f.IntN(5))}
		if s.Kind >= String8Bit {
			s.Text = f.text()
		}
		v.Set(reflect.ValueOf(s))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i), v.Type().Field(i).Name)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes(f.bytes())
			return
		}
		n := 1 + f.IntN(4)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i), name)
		}
	case reflect.Bool:
		v.SetBool(f.IntN(2) == 0)
	case reflect.String:
		v.SetString(f.text())
	case reflect.Int32, reflect.Int64:
		v.SetInt(int64(int32(f.Uint32())))
	default:
		v.SetUint(f.number(v.Type().Bits(), name))
	}
}

func (f filler) guid() (g [16]byte) {
	for i := range g {
		g[i] = byte(f.Uint32())
	}
	return g
}

func (f filler) counter() mapi.GlobCnt { return mapi.GlobCnt(f.Uint64()) & mapi.MaxGlobCnt }

// number returns a random number, often one on which other fields depend.
func (f filler) number(bits int, name string) uint64 {
	n := f.Uint64() >> (64 - bits)
	special := map[string][]uint64{
		"ByteCount": {0xBABE}, "BufferSize": {0xBABE}, "TagCount": {0xFFFF}, "DataOffset": {0},
		"LogonFlags":        {LogonPrivate, 0},
		"TableEvent":        {TableEventChanged, TableEventRowAdded, TableEventRowDeleted, TableEventRowModified},
		"NotificationTypes": {NotifyExtended, NotifyNewMail},
	}
	if name == "Flags" && bits == 16 {
		return uint64(1<<(1+f.IntN(10))) | uint64(f.IntN(16))<<12
	}
	if s := special[name]; len(s) > 0 && f.IntN(3) > 0 {
		return s[f.IntN(len(s))]
	}
	return n
}

// request returns a random request in a call.
func (f filler) request(id ID) Call {
	q := newRequest(id)
	f.fill(reflect.ValueOf(q).Elem(), "")
	if g, ok := q.(*GetPropertiesSpecificRequest); ok {
		g.PropertyTags = f.columns
	}
	return Call{LogonID: uint8(f.Uint32()), In: uint8(f.IntN(4)), Out: uint8(f.IntN(4)), Request: q}
}

// response returns a random response to call.
func (f filler) response(call Call, code mapi.ErrorCode) Response {
	p := newResponse(call.Request.ROP())
	f.fill(reflect.ValueOf(p).Elem(), "")
	p.(statused).setResult(code)
	columns, n := f.columns, 1
	v := reflect.ValueOf(p).Elem()
	if p.ROP() == IDGetReceiveFolderTable {
		columns = receiveFolderColumns
	}
	if count := v.FieldByName("RowCount"); count.IsValid() && v.FieldByName("RowData").IsValid() {
		n = f.IntN(4)
		count.SetUint(uint64(n))
	}
	if data := v.FieldByName("RowData"); data.IsValid() {
		rows := make([][]mapi.Property, n)
		for i := range rows {
			rows[i] = f.row(columns)
		}
		raw, err := encodeRows(columns, rows)
		if err != nil {
			panic(err)
		}
		data.SetBytes(raw)
	}
	if q, ok := p.(*QueryNamedPropertiesResponse); ok {
		q.PropertyIDs = make([]uint16, len(q.PropertyNames))
		for i := range q.PropertyIDs {
			q.PropertyIDs[i] = uint16(f.Uint32())
		}
	}
	return p
}

// trip is one message in both forms.
type trip struct {
	name   string
	value  any // the struct
	encode func() ([]byte, error)
	decode func(payload []byte) (any, error)
}

// trips makes one random trip for every message.
func (f filler) trips() []trip {
	var out []trip
	for _, id := range allIDs() {
		if newRequest(id) == nil {
			out = append(out, f.bareTrip(id))
			continue
		}
		public := func(logonID uint8) bool { return logonID%2 == 0 }
		call := f.request(id)
		sent := Requests{Calls: []Call{call}, Handles: []Handle{10, 11, 12, 13}, Public: public}
		out = append(out, trip{
			name:   id.String() + " request",
			value:  call.Request,
			encode: func() ([]byte, error) { return EncodeRequests(sent) },
			decode: func(payload []byte) (any, error) {
				got, err := DecodeRequests(payload, public)
				if err != nil {
					return nil, err
				}
				if len(got.Calls) != 1 || !slices.Equal(got.Handles, sent.Handles) {
					return nil, fmt.Errorf("%d calls, handles %v", len(got.Calls), got.Handles)
				}
				return got.Calls[0].Request, nil
			},
		})
		if !call.Answered() {
			continue
		}
		codes := []mapi.ErrorCode{0, 0, mapi.EcNotFound, mapi.EcNullDestinationObject, mapi.EcServerBusy, mapi.EcWrongServer, mapi.EcErrorsReturned}
		answer := call.Answer(f.response(call, codes[f.IntN(len(codes))]))
		out = append(out, trip{
			name:   id.String() + " response",
			value:  answer.Response,
			encode: func() ([]byte, error) { return EncodeResponses([]Answer{answer}, sent.Handles) },
			decode: func(payload []byte) (any, error) {
				columns := Columns{}
				for _, h := range sent.Handles {
					columns[h] = f.columns
				}
				return oneResponse(DecodeResponses(payload, sent, columns))
			},
		})
	}
	return out
}

func (f filler) bareTrip(id ID) trip {
	p := newResponse(id)
	f.fill(reflect.ValueOf(p).Elem(), "")
	return trip{
		name:   id.String(),
		value:  p,
		encode: func() ([]byte, error) { return EncodeResponses([]Answer{{Response: p}}, nil) },
		decode: func(payload []byte) (any, error) { return oneResponse(DecodeResponses(payload, Requests{}, nil)) },
	}
}

func oneResponse(got Responses, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	if len(got.Answers) != 1 {
		return nil, fmt.Errorf("%d answers", len(got.Answers))
	}
	return got.Answers[0].Response, nil
}

const trials = 40

func eachTrial(t *testing.T, check func(t *testing.T, one trip)) {
	for seed := range uint64(trials) {
		f := filler{rand.New(rand.NewPCG(seed, 7)), testColumns}
		for _, one := range f.trips() {
			check(t, one)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	}
}

// TestRoundTrip checks that decoding what was encoded gives something that encodes to
// the same bytes and decodes to itself. Fields that are absent on the wire are lost.
func TestRoundTrip(t *testing.T) {
	eachTrial(t, func(t *testing.T, one trip) {
		raw, err := one.encode()
		if err != nil {
			t.Fatalf("%s: %v (%+v)", one.name, err, one.value)
		}
		first, err := one.decode(raw)
		if err != nil {
			t.Fatalf("%s: %v (%+v: %x)", one.name, err, one.value, raw)
		}
		lost := ""
		if !reflect.DeepEqual(one.value, first) {
			lost = cmp.Diff(one.value, first, cmpopts.EquateEmpty())
		}
		overwrite(one.value, first)
		again, err := one.encode()
		if err != nil || !bytes.Equal(again, raw) {
			t.Fatalf("%s encodes as\n%x, then as\n%x (%v)", one.name, raw, again, err)
		}
		if p, ok := first.(Response); ok && p.Result() != 0 {
			lost = "" // failures have few fields
		}
		if lost != "" && !dependent(one.value) {
			t.Errorf("%s loses fields:\n%s", one.name, lost)
		}
		second, err := one.decode(again)
		if err != nil {
			t.Fatalf("%s: %v", one.name, err)
		}
		if !reflect.DeepEqual(first, second) {
			t.Errorf("%s changes:\n%s", one.name, cmp.Diff(first, second))
		}
	})
}

// overwrite makes *dst equal to *src.
func overwrite(dst, src any) { reflect.ValueOf(dst).Elem().Set(reflect.ValueOf(src).Elem()) }

// dependent reports whether the struct has fields that are not always present.
func dependent(v any) bool {
	switch v.(type) {
	case *Notify, *LogonResponse, *SetMessageReadFlagResponse, *FindRowResponse, *OpenFolderResponse,
		*CreateFolderResponse, *PublicFolderIsGhostedResponse, *CreateMessageResponse, *TransportSendResponse,
		*FastTransferSourceGetBufferResponse, *FastTransferSourceGetBufferRequest, *ReadStreamRequest,
		*RegisterNotificationRequest, *SetMessageReadFlagRequest, *WritePerUserInformationRequest,
		*QueryNamedPropertiesRequest:
		return true
	}
	// The null destination forms.
	return reflect.ValueOf(v).Elem().FieldByName("DestHandleIndex").IsValid()
}

// TestEveryFieldTravels checks that no field is left out of the description of its
// struct: a change of any of them changes the bytes, in some trial.
func TestEveryFieldTravels(t *testing.T) {
	travels := map[string]bool{}
	eachTrial(t, func(t *testing.T, one trip) {
		v := reflect.ValueOf(one.value).Elem()
		before, err := one.encode()
		if err != nil {
			t.Fatal(err)
		}
		for i := range v.NumField() {
			name := v.Type().Name() + "." + v.Type().Field(i).Name
			if travels[name] {
				continue
			}
			old := reflect.New(v.Field(i).Type()).Elem()
			old.Set(v.Field(i))
			v.Field(i).SetZero()
			after, err := one.encode()
			travels[name] = err != nil || !bytes.Equal(before, after)
			v.Field(i).Set(old)
		}
	})
	for _, name := range slices.Sorted(maps.Keys(travels)) {
		if !travels[name] {
			t.Errorf("%s never reaches the wire", name)
		}
	}
	if len(travels) < 400 {
		t.Errorf("only %d fields", len(travels))
	}
}

// TestPrefixesAreRefused cuts every message at every byte.
func TestPrefixesAreRefused(t *testing.T) {
	f := filler{rand.New(rand.NewPCG(1, 2)), testColumns}
	for _, one := range f.trips() {
		if _, ok := one.value.(*BufferTooSmall); ok {
			continue // takes what there is
		}
		raw, err := one.encode()
		if err != nil {
			t.Fatal(err)
		}
		size := int(raw[0]) | int(raw[1])<<8
		for n := 3; n < size; n++ {
			if p, ok := one.value.(Response); ok && p.Result() != 0 && briefFailure(p.ROP()) && n == 8 {
				continue // a form of its own
			}
			cut := append([]byte{byte(n), byte(n >> 8)}, raw[2:n]...)
			if got, err := one.decode(cut); err == nil {
				t.Errorf("%s: %d of %d bytes are accepted as %+v", one.name, n, size, got)
				break
			}
		}
	}
}

func TestBuffersAreStrict(t *testing.T) {
	good, err := EncodeRequests(Requests{Calls: []Call{{Request: &ReleaseRequest{}}}, Handles: []Handle{5}})
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string][]byte{
		"empty":                 {},
		"half a size":           {2},
		"size below itself":     {1, 0},
		"size beyond the end":   {9, 0, 1, 0, 0},
		"odd handle table":      append(bytes.Clone(good), 1, 2, 3),
		"unknown operation":     {5, 0, 0xEE, 0, 0},
		"response only":         {5, 0, 0x2A, 0, 0},
		"bytes after a request": {6, 0, 1, 0, 0, 1},
	}
	for name, payload := range cases {
		if _, err := DecodeRequests(payload, nil); err == nil {
			t.Errorf("%s: accepted as a request", name)
		}
		if name == "response only" {
			continue
		}
		if _, err := DecodeResponses(payload, Requests{}, nil); err == nil {
			t.Errorf("%s: accepted as a response", name)
		}
	}
}

func TestEncodingRefuses(t *testing.T) {
	long := make([]byte, 0x10000)
	cases := map[string]Request{
		"zero in a string":       &GetReceiveFolderRequest{MessageClass: "IPM\x00Note"},
		"zero in a UTF-16 name":  &CreateFolderRequest{UseUnicodeStrings: true, DisplayName: "a\x00b"},
		"bytes beyond a length":  &WriteStreamRequest{Data: long},
		"elements beyond count":  &DeleteMessagesRequest{MessageIDs: make([]mapi.MID, 0x10000)},
		"value of another type":  &SetPropertiesRequest{PropertyValues: []mapi.Property{{Tag: mapi.NewTag(1, mapi.TypeString), Value: 3}}},
		"more than a list holds": &WriteStreamRequest{Data: long[:0xFFFE]},
	}
	for name, q := range cases {
		if _, err := EncodeRequests(Requests{Calls: []Call{{Request: q}}}); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
	uneven := &QueryNamedPropertiesResponse{PropertyIDs: []uint16{1}}
	if _, err := AnswerSize(Call{Request: &QueryNamedPropertiesRequest{}}.Answer(uneven)); err == nil {
		t.Error("lists of different lengths encoded")
	}
	many := &ReadRecipientsResponse{RecipientRows: make([]ReadRecipientRow, 256)}
	if _, err := AnswerSize(Call{Request: &ReadRecipientsRequest{}}.Answer(many)); err == nil {
		t.Error("256 recipients encoded")
	}
	var b wire.Builder
	typedString(&coder{b: &b}, &TypedString{Kind: 9})
	if b.Err() == nil {
		t.Error("typed string of an unknown kind encoded")
	}
}

// TestFailureForms checks the forms of failures against bytes written by hand
// ([MS-OXCROPS] 2.2.4.6.2, 2.2.4.6.3, 2.2.3.1.4, 2.2.12.4.2, 2.2.9.2.2).
func TestFailureForms(t *testing.T) {
	cases := []struct {
		call Call
		code mapi.ErrorCode
		fill func(Response)
		want []byte
	}{
		{Call{In: 1, Out: 2, Request: &OpenFolderRequest{}}, mapi.EcNotFound, nil,
			[]byte{0x02, 2, 0x0F, 0x01, 0x04, 0x80}},
		{Call{In: 1, Out: 2, Request: &MoveCopyMessagesRequest{}}, mapi.EcNotFound, nil,
			[]byte{0x33, 1, 0x0F, 0x01, 0x04, 0x80, 0}},
		{Call{In: 1, Out: 2, Request: &MoveCopyMessagesRequest{}}, mapi.EcNullDestinationObject,
			func(p Response) { p.(*MoveCopyMessagesResponse).DestHandleIndex = 2 },
			[]byte{0x33, 1, 0x03, 0x05, 0, 0, 2, 0, 0, 0, 0}},
		{Call{In: 1, Out: 2, Request: &CopyToRequest{}}, mapi.EcNullDestinationObject,
			func(p Response) { p.(*CopyToResponse).DestHandleIndex = 2 },
			[]byte{0x39, 1, 0x03, 0x05, 0, 0, 2, 0, 0, 0}},
		{Call{Out: 0, Request: &LogonRequest{}}, mapi.EcWrongServer,
			func(p Response) { p.(*LogonResponse).ServerName = "/o=x" },
			[]byte{0xFE, 0, 0x78, 0x04, 0, 0, 0, 5, '/', 'o', '=', 'x', 0}},
		{Call{In: 1, Request: &FastTransferSourceGetBufferRequest{}}, mapi.EcServerBusy,
			func(p Response) { p.(*FastTransferSourceGetBufferResponse).BackoffTime = 0x1234 },
			[]byte{0x4E, 1, 0x80, 0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x34, 0x12, 0, 0}},
		{Call{In: 1, Request: &ReadStreamRequest{}}, mapi.EcNullObject, nil,
			[]byte{0x2C, 1, 0xB9, 0x04, 0, 0, 0, 0}},
		{Call{In: 1, Out: 3, Request: &SaveChangesMessageRequest{}}, mapi.EcObjectChanged, nil,
			[]byte{0x0C, 3, 0x09, 0x01, 0x04, 0x80}},
		{Call{In: 1, Request: &GetMessageStatusRequest{}}, mapi.EcNotFound, nil,
			[]byte{0x20, 1, 0x0F, 0x01, 0x04, 0x80}},
	}
	for _, c := range cases {
		a := c.call.Fail(c.code)
		if c.fill != nil {
			c.fill(a.Response)
		}
		var b wire.Builder
		AppendAnswer(&b, a)
		if got, err := b.Finish(); err != nil || !bytes.Equal(got, c.want) {
			t.Errorf("%s: %x, want %x (%v)", c.call.Request.ROP(), got, c.want, err)
		}
	}
}

// TestBriefFailures reads failures as gromox 3.10 sends them.
func TestBriefFailures(t *testing.T) {
	sent := Requests{Handles: []Handle{1, 2}, Calls: []Call{
		{In: 0, Request: &ReadStreamRequest{}},
		{In: 1, Request: &SetReadFlagsRequest{}},
		{In: 1, Request: &LongTermIDFromIDRequest{}},
		{In: 0, Request: &WriteStreamRequest{}},
	}}
	failure := func(id ID, slot byte) []byte { return []byte{byte(id), slot, 0xB9, 0x04, 0, 0} }
	list := slices.Concat(failure(IDReadStream, 0), failure(IDSetReadFlags, 1), failure(IDLongTermIDFromID, 1), failure(IDWriteStream, 0))
	payload := append([]byte{byte(len(list) + 2), 0}, list...)
	p, err := DecodeResponses(payload, sent, nil)
	if err != nil || len(p.Answers) != 4 {
		t.Fatalf("%d answers, %v", len(p.Answers), err)
	}
	for i, a := range p.Answers {
		if a.Call != i || a.Response.Result() != mapi.EcNullObject {
			t.Errorf("%+v", a)
		}
	}
	if _, err := DecodeResponses(append(payload[:len(payload):len(payload)], 7), sent, nil); err == nil {
		t.Error("a byte left over")
	}
}

func TestMismatchedResponses(t *testing.T) {
	sent := Requests{Calls: []Call{{Request: &OpenFolderRequest{}}}, Handles: []Handle{1}}
	folder := sent.Calls[0].Answer(&OpenFolderResponse{})
	cases := map[string][]Answer{
		"another operation": {{Response: &CreateFolderResponse{}}},
		"one too many":      {folder, folder},
	}
	for name, answers := range cases {
		payload, err := EncodeResponses(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeResponses(payload, sent, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSetReadFlagOfPublicFolders(t *testing.T) {
	q := &SetMessageReadFlagRequest{ReadFlags: ReadFlagSuppressReceipt, ClientData: [24]byte{1, 2, 3}}
	private, err := EncodeRequests(Requests{Calls: []Call{{Request: q}}})
	if err != nil {
		t.Fatal(err)
	}
	public, err := EncodeRequests(Requests{Calls: []Call{{Request: q}}, Public: func(uint8) bool { return true }})
	if err != nil || len(public) != len(private)+24 {
		t.Fatalf("%d and %d bytes, %v", len(private), len(public), err)
	}
}
