package memserver

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"mailfs/mapi/mapihttp"
)

// PipeFunc is asked about each request that comes down a pipe. It calls deliver to let the server act on the request:
// not at all, once, or several times, as an eager network does. The answer to the last delivery goes back to the
// client, unless an error is returned: then the connection breaks.
type PipeFunc func(kind mapihttp.RequestType, deliver func()) error

var errNoAnswer = errors.New("memserver: the request went nowhere")

// Pipe carries HTTP requests to the server within the calling goroutine, without a network. around may be nil.
func (s *Server) Pipe(around PipeFunc) http.RoundTripper { return &pipe{s.Handler(), around} }

type pipe struct {
	h      http.Handler
	around PipeFunc
}

// RoundTrip implements http.RoundTripper.
func (p *pipe) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if cerr := req.Body.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	var resp *http.Response
	var broken error
	deliver := func() { resp, broken = p.deliver(req, body) }
	if p.around == nil {
		deliver()
	} else if err := p.around(mapihttp.RequestType(req.Header.Get(mapihttp.HeaderRequestType)), deliver); err != nil {
		return nil, err
	}
	if broken == nil && resp == nil {
		broken = errNoAnswer
	}
	return resp, broken
}

// deliver lets the handler answer. A handler that breaks the connection is an error.
func (p *pipe) deliver(req *http.Request, body []byte) (resp *http.Response, err error) {
	defer func() {
		if r := recover(); r == http.ErrAbortHandler {
			resp, err = nil, io.ErrUnexpectedEOF
		} else if r != nil {
			panic(r)
		}
	}()
	own := req.Clone(req.Context())
	own.Body, own.RequestURI = io.NopCloser(bytes.NewReader(body)), req.URL.RequestURI()
	w := &pipeWriter{header: http.Header{}}
	p.h.ServeHTTP(w, own)
	w.WriteHeader(http.StatusOK)
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: req,
	}, nil
}

// pipeWriter holds an answer in memory.
type pipeWriter struct {
	header, sent http.Header
	status       int
	body         bytes.Buffer
}

func (w *pipeWriter) Header() http.Header { return w.header }

func (w *pipeWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.sent = status, w.header.Clone()
	}
}

func (w *pipeWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}
