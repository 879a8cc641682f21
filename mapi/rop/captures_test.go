package rop

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"mailfs/mapi/mapihttp"
)

var update = flag.Bool("update", false, "rebuild testdata/exchanges.jsonl.gz from MAILFS_CAPTURES")

// exchange is one Execute with a gromox 3.10 server: payloads without body,
// RPC_HEADER_EXT and compression.
type exchange struct {
	Session string   `json:"session"` // handles mean the same within one
	Name    string   `json:"name"`
	Req     []byte   `json:"req"`
	Resp    [][]byte `json:"resp"`
}

const corpusFile = "testdata/exchanges.jsonl.gz"

func corpus(t testing.TB) []exchange {
	t.Helper()
	f, err := os.Open(corpusFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []exchange
	for d := json.NewDecoder(z); d.More(); {
		var e exchange
		if err := d.Decode(&e); err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	if len(out) < 50 {
		t.Fatalf("only %d exchanges", len(out))
	}
	return out
}

// errNotROPs says that a recorded body holds no ROPs to look at.
var errNotROPs = errors.New("no ROPs")

// readCapture reads NNN-execute.req and NNN-execute.resp.
func readCapture(reqFile string) (e exchange, err error) {
	dir, name := filepath.Split(reqFile)
	var meta struct{ Session string }
	raw, err := os.ReadFile(dir + name[:3] + ".meta.json")
	if err == nil {
		err = json.Unmarshal(raw, &meta)
	}
	if err != nil {
		return e, err
	}
	e.Session = filepath.Base(dir) + "/" + meta.Session
	e.Name = strings.TrimSuffix(name, ".req")
	req, err := os.ReadFile(reqFile)
	if err != nil {
		return e, err
	}
	q, err := mapihttp.DecodeExecuteRequest(req)
	if err != nil {
		return e, errNotROPs // a scenario sends broken bodies on purpose
	}
	in, err := mapihttp.SplitExtended(q.RopBuffer, 1)
	if err != nil {
		return e, err
	}
	if len(in) == 0 {
		return e, errNotROPs
	}
	e.Req = in[0].Payload
	resp, err := os.ReadFile(strings.TrimSuffix(reqFile, ".req") + ".resp")
	if err != nil {
		return e, err
	}
	s, err := mapihttp.ReadStream(bytes.NewReader(resp), 1<<22, nil)
	if err != nil {
		return e, errNotROPs
	}
	p, err := mapihttp.DecodeExecuteResponse(s.Body)
	if err != nil || p.StatusCode != 0 || p.ErrorCode != 0 {
		return e, errNotROPs
	}
	outBufs, err := mapihttp.SplitExtended(p.RopBuffer, mapihttp.MaxChained)
	for _, b := range outBufs {
		e.Resp = append(e.Resp, b.Payload)
	}
	return e, err
}

// again decodes an exchange and encodes it again, and fails unless the bytes agree.
func (e exchange) again(columns Columns) (calls []Call, answers []MatchedAnswer, err error) {
	sent, err := DecodeRequests(e.Req, nil)
	if err != nil {
		return nil, nil, err
	}
	if got, err := EncodeRequests(sent); err != nil || !bytes.Equal(got, e.Req) {
		return nil, nil, fmt.Errorf("request encodes as\n%x, not\n%x (%v)", got, e.Req, err)
	}
	calls = sent.Calls
	for i, payload := range e.Resp {
		p, err := DecodeResponses(payload, sent, columns)
		if err != nil {
			return calls, answers, fmt.Errorf("payload %d: %w", i, err)
		}
		plain := make([]Answer, len(p.Answers))
		for j, a := range p.Answers {
			plain[j] = a.Answer
			if a.Call >= 0 && a.Index != sent.Calls[a.Call].responseSlot() {
				return calls, answers, fmt.Errorf("%s answered for slot %d", a.Response.ROP(), a.Index)
			}
		}
		if got, err := EncodeResponses(plain, p.Handles); err != nil || !bytes.Equal(got, payload) {
			return calls, answers, fmt.Errorf("payload %d encodes as\n%x, not\n%x (%v)", i, got, payload, err)
		}
		answers = append(answers, p.Answers...)
		if n := len(sent.Calls); n > 0 {
			sent = Requests{Calls: sent.Calls[n-1:], Handles: p.Handles}
		}
	}
	return calls, answers, nil
}

func TestRecordedExchanges(t *testing.T) {
	sessions := map[string]Columns{}
	seen := map[string]bool{}
	for _, e := range corpus(t) {
		if sessions[e.Session] == nil {
			sessions[e.Session] = Columns{}
		}
		_, answers, err := e.again(sessions[e.Session])
		if err != nil {
			t.Errorf("%s %s: %v", e.Session, e.Name, err)
		}
		for _, a := range answers {
			seen[a.Response.ROP().String()] = true
		}
	}
	if len(seen) < 50 {
		t.Errorf("only %d operations are covered: %v", len(seen), seen)
	}
}

// TestCaptures goes over a whole folder of recorded traffic, if there is one.
func TestCaptures(t *testing.T) {
	dir := os.Getenv("MAILFS_CAPTURES")
	if dir == "" {
		t.Skip("MAILFS_CAPTURES is not set")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*-execute.req"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no captures in %s (%v)", dir, err)
	}
	sort.Strings(files)
	sessions := map[string]Columns{}
	counts := map[string]int{}
	var kept []exchange
	skipped := 0
	for _, f := range files {
		e, err := readCapture(f)
		if errors.Is(err, errNotROPs) {
			skipped++
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		if sessions[e.Session] == nil {
			sessions[e.Session] = Columns{}
		}
		_, answers, err := e.again(sessions[e.Session])
		if err != nil {
			t.Errorf("%s: %v", f, err)
		}
		if worthKeeping(e, answers, counts) {
			kept = append(kept, e)
		}
	}
	t.Logf("%d exchanges, %d without ROPs", len(files), skipped)
	if *update {
		writeCorpus(t, kept)
	}
}

// worthKeeping picks for the corpus the first few exchanges that show an operation
// with a return value, and everything about tables, whose columns are needed later.
func worthKeeping(e exchange, answers []MatchedAnswer, counts map[string]int) bool {
	size := len(e.Req)
	for _, p := range e.Resp {
		size += len(p)
	}
	keep := false
	for _, a := range answers {
		key := fmt.Sprintf("%s/%x", a.Response.ROP(), uint32(a.Response.Result()))
		if n, ok := a.Response.(*Notify); ok {
			key = fmt.Sprintf("Notify/%x/%x", n.Flags, n.TableEvent)
		}
		limit := 12
		if size > 8<<10 {
			limit = 2
		}
		if a.Response.ROP() == IDSetColumns || counts[key] < limit {
			keep = true
		}
		if size <= 8<<10 || counts[key] < limit {
			counts[key]++
		}
	}
	return keep
}

func writeCorpus(t *testing.T, kept []exchange) {
	t.Helper()
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range kept {
		line, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := z.Write(append(line, '\n')); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("testdata", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(corpusFile, out.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	t.Logf("kept %d exchanges in %d bytes", len(kept), out.Len())
}
