package rop

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// vector is an example from outside: of the specifications, or a request of a
// client. form tells what the bytes are: one or more requests (req), one response
// (resp), or a whole input (in) or output (out) buffer.
type vector struct {
	ID     string           `json:"id"`
	Source string           `json:"source"`
	Form   string           `json:"form"`
	Hex    string           `json:"hex"`
	ROPs   []map[string]any `json:"rops"` // what others read from the bytes
}

func vectors(t testing.TB) []vector {
	t.Helper()
	f, err := os.Open("testdata/vectors.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []vector
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v vector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	if err := lines.Err(); err != nil || len(out) != 84 {
		t.Fatalf("%d vectors, %v", len(out), err)
	}
	return out
}

// payload returns the bytes as a buffer.
func (v vector) payload() ([]byte, error) {
	raw, err := hex.DecodeString(v.Hex)
	if err != nil || v.Form == "in" || v.Form == "out" {
		return raw, err
	}
	n := len(raw) + 2
	return append([]byte{byte(n), byte(n >> 8)}, raw...), nil
}

// rowColumns are the columns of the only vector with rows ([MS-OXORULE] 4.2.2).
var rowColumns = []mapi.PropertyTag{
	mapi.NewTag(0x6674, mapi.TypeInteger64), // PidTagRuleId
	mapi.NewTag(0x6676, mapi.TypeInteger32), // PidTagRuleSequence
	mapi.NewTag(0x6677, mapi.TypeInteger32), // PidTagRuleState
	mapi.NewTag(0x6678, mapi.TypeTime),
	mapi.NewTag(0x6682, mapi.TypeString), // PidTagRuleName
}

// asked makes up the requests that the responses of a vector answer.
func (v vector) asked(t *testing.T) Requests {
	q := Requests{Handles: make([]Handle, 16)}
	for _, rop := range v.ROPs {
		if r := newRequest(ID(number(t, rop["RopId"]))); r != nil {
			q.Calls = append(q.Calls, Call{Request: r})
		}
	}
	return q
}

func TestVectors(t *testing.T) {
	compared := 0
	for _, v := range vectors(t) {
		t.Run(v.ID, func(t *testing.T) {
			payload, err := v.payload()
			if err != nil {
				t.Fatal(err)
			}
			if v.Form == "req" || v.Form == "in" {
				compared += v.checkRequests(t, payload)
			} else {
				compared += v.checkResponses(t, payload)
			}
		})
	}
	t.Logf("%d values compared", compared)
	if compared < 500 {
		t.Errorf("only %d values were compared", compared)
	}
}

func (v vector) checkRequests(t *testing.T, payload []byte) (compared int) {
	q, err := DecodeRequests(payload, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := EncodeRequests(q)
	if err != nil || !bytes.Equal(got, payload) {
		t.Fatalf("encodes as\n%x, not\n%x (%v)", got, payload, err)
	}
	if len(q.Calls) != len(v.ROPs) {
		t.Fatalf("%d requests, want %d", len(q.Calls), len(v.ROPs))
	}
	for i, c := range q.Calls {
		head := map[string]any{"RopId": c.Request.ROP(), "LogonId": c.LogonID}
		switch c.Request.layout() {
		case layoutIn:
			head["InputHandleIndex"] = c.In
		case layoutInOut:
			head["InputHandleIndex"], head["OutputHandleIndex"] = c.In, c.Out
		case layoutOut:
			head["OutputHandleIndex"] = c.Out
		case layoutSrcDst:
			head["SourceHandleIndex"], head["DestHandleIndex"] = c.In, c.Out
		case layoutRspIn:
			head["ResponseHandleIndex"], head["InputHandleIndex"] = c.Out, c.In
		}
		compared += compareFields(t, v.ROPs[i], head, c.Request)
	}
	return compared
}

func (v vector) checkResponses(t *testing.T, payload []byte) (compared int) {
	p, err := DecodeResponses(payload, v.asked(t), Columns{0: rowColumns})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Answers) != len(v.ROPs) {
		t.Fatalf("%d responses, want %d", len(p.Answers), len(v.ROPs))
	}
	var plain []Answer
	for i, a := range p.Answers {
		plain = append(plain, a.Answer)
		head := map[string]any{"RopId": a.Response.ROP()}
		if a.Call >= 0 {
			head["ReturnValue"] = a.Response.Result()
			for _, name := range []string{"OutputHandleIndex", "SourceHandleIndex", "ResponseHandleIndex"} {
				head[name] = a.Index
			}
			head["InputHandleIndex"] = a.Index
			if _, ok := v.ROPs[i]["ResponseHandleIndex"]; ok {
				head["InputHandleIndex"] = a.In
			}
		}
		compared += compareFields(t, v.ROPs[i], head, a.Response)
	}
	got, err := EncodeResponses(plain, p.Handles)
	if err != nil || !bytes.Equal(got, payload) {
		t.Fatalf("encodes as\n%x, not\n%x (%v)", got, payload, err)
	}
	return compared
}

// compareFields checks the header and the fields of a struct against what somebody
// else read.
func compareFields(t *testing.T, want, head map[string]any, got any) (compared int) {
	t.Helper()
	s := reflect.ValueOf(got).Elem()
	for name, w := range want {
		g, ok := head[name]
		if !ok {
			f := s.FieldByNameFunc(func(field string) bool {
				return strings.EqualFold(field, strings.TrimSuffix(name, "_ms"))
			})
			if !f.IsValid() {
				continue
			}
			g = f.Interface()
		}
		if _, isID := w.(map[string]any); isID && reflect.TypeOf(g).Kind() == reflect.Uint64 {
			g = mapi.FID(reflect.ValueOf(g).Uint())
		}
		ws, gs := plainValue(w), plainValue(g)
		if ws == "" && gs != "" {
			continue
		}
		if ws != gs {
			t.Errorf("%s is %s, want %s", name, gs, ws)
		}
		compared++
	}
	return compared
}

// plainValue brings both sides to one notation; "" for values too complex for it.
func plainValue(v any) string {
	switch x := v.(type) {
	case mapi.FID:
		return idText(uint64(x.ReplID()), uint64(x.Counter()))
	case mapi.MID:
		return idText(uint64(x.ReplID()), uint64(x.Counter()))
	case []byte:
		return plainValue(hex.EncodeToString(x))
	case bool:
		if x {
			return "1"
		}
		return "0"
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case string:
		if n, err := strconv.ParseUint(x, 0, 64); err == nil {
			return strconv.FormatUint(n, 10)
		}
		return strconv.Quote(x)
	case map[string]any:
		r, ok := x["replid"].(float64)
		g, err := strconv.ParseUint(fmt.Sprint(x["globcnt"]), 0, 64)
		if ok && err == nil {
			return idText(uint64(r), g)
		}
		return ""
	}
	rv := reflect.ValueOf(v)
	switch {
	case rv.CanUint():
		return strconv.FormatUint(rv.Uint(), 10)
	case rv.CanInt():
		return strconv.FormatInt(rv.Int(), 10)
	}
	return ""
}

func idText(replID, counter uint64) string { return fmt.Sprintf("id %d-%x", replID, counter) }

func number(t *testing.T, v any) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(plainValue(v), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestBackoffVector looks into the parts of the two examples that compareFields
// leaves out ([MS-OXCROPS] 4.6, 4.7).
func TestBackoffVector(t *testing.T) {
	p := Backoff{}
	raw, err := hex.DecodeString("00" + "00000000" + "01" + "02" + "34120000" + "0000")
	if err != nil {
		t.Fatal(err)
	}
	r := wire.NewReader(raw)
	p.code(&coder{r: r})
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if want := (BackoffRop{ROP: IDOpenFolder, Duration: 0x1234}); len(p.BackoffRops) != 1 || p.BackoffRops[0] != want {
		t.Errorf("got %+v", p)
	}
}
