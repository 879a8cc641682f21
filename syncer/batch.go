package syncer

import (
	"context"
	"errors"

	"mailfs/mapi"
	"mailfs/mapi/rop"
)

// object is a server object, in this room as in rop.
type object = rop.Object

// batch gathers requests on one link. It can be run several times: what was added
// since the last run is sent then, and objects stay.
type batch struct {
	l     *link
	sess  *rop.Session
	b     *rop.Batch
	bytes int // roughly, of what waits
}

func (l *link) batch() *batch { return &batch{l: l, sess: l.sess, b: l.sess.NewBatch()} }

// answer is the outcome of one request, once the batch was run.
type answer struct{ r *rop.Result }

// open adds a request that makes an object, from nothing for a log on.
func (b *batch) open(in *object, q rop.Request) (*object, *answer) {
	b.bytes += guessBytes(q)
	var r *rop.Result
	if log, ok := q.(*rop.LogonRequest); ok {
		r = b.b.AddLogon(log)
	} else {
		r = b.b.Add(in, q)
	}
	return r.Object(), &answer{r}
}

// do adds a request.
func (b *batch) do(in *object, q rop.Request) *answer {
	b.bytes += guessBytes(q)
	return &answer{b.b.Add(in, q)}
}

// doTo adds a request on in that names a second object.
func (b *batch) doTo(in, to *object, q rop.Request) *answer {
	b.bytes += guessBytes(q)
	return &answer{b.b.AddTo(in, to, q)}
}

// release adds the release of an object.
func (b *batch) release(o *object) { b.b.Release(o) }

// run sends what was added, once the server may be spoken to. Its error is one of the
// connection; what the server says to single requests is in their answers.
func (b *batch) run(ctx context.Context) error {
	if err := b.l.s.awaitQuiet(ctx); err != nil {
		return err
	}
	err := b.l.s.heed(b.b.Do(ctx))
	b.b, b.bytes = b.sess.NewBatch(), 0
	return err
}

func (a *answer) resp() rop.Response { return a.r.Response() }

// err returns the server's refusal, or why the request was not answered.
func (a *answer) err() error { return a.r.Err() }

// code returns the server's refusal, 0 for success and for other errors.
func (a *answer) code() mapi.ErrorCode {
	code, _ := refusal(a.r.Err())
	return code
}

// refusal returns the code that an error has from the server, and false where that says nothing about what was asked: a server
// that is too busy, or a session that is lost.
func refusal(err error) (code mapi.ErrorCode, ok bool) {
	if err == nil || ofConnection(err) {
		return 0, false
	}
	return code, errors.As(err, &code)
}

// row returns the properties that a RopGetPropertiesSpecific brought, without those
// that are not there.
func (a *answer) row(columns []mapi.PropertyTag) (mapi.PropertyBag, error) {
	resp, err := rop.Get[*rop.GetPropertiesSpecificResponse](a.r)
	if err != nil {
		return nil, err
	}
	row, err := resp.Row(columns)
	if err != nil {
		return nil, err
	}
	return mapi.RowBag(row), nil
}

// guessBytes is the size of a request, where it can be large.
func guessBytes(q rop.Request) int {
	n := 32
	switch q := q.(type) {
	case *rop.WriteStreamRequest:
		n += len(q.Data)
	case *rop.SetPropertiesRequest:
		for _, p := range q.PropertyValues {
			n += valueBytes(p.Value)
		}
	case *rop.ModifyRecipientsRequest:
		for _, r := range q.RecipientRows {
			n += len(r.RecipientRow) + 8
		}
	}
	return n
}
