package main

import (
	"io"
	"sync"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"mailfs/syncer"
)

// progress shows what a synchronization does: bars on a terminal, nothing elsewhere.
type progress struct {
	mu   sync.Mutex
	pool *mpb.Progress
	bars map[syncer.Phase]*mpb.Bar
}

func newProgress(w io.Writer, quiet bool) *progress {
	p := &progress{bars: map[syncer.Phase]*mpb.Bar{}}
	if !quiet && isTerminal(w) {
		p.pool = mpb.New(mpb.WithOutput(w), mpb.WithWidth(40))
	}
	return p
}

// show takes the engine's status; it is its OnStatus.
func (p *progress) show(st syncer.Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fig, ok := progressOf(st)
	if p.pool == nil || !ok || fig.Total == 0 {
		return
	}
	bar := p.bars[st.Phase]
	if bar == nil {
		bar = p.pool.AddBar(int64(fig.Total),
			mpb.PrependDecorators(decor.Name(string(st.Phase), decor.WCSyncSpaceR), decor.CountersNoUnit("%d of %d", decor.WCSyncSpace)),
			mpb.AppendDecorators(decor.Percentage(decor.WCSyncSpace), decor.OnComplete(decor.AverageETA(decor.ET_STYLE_GO, decor.WCSyncSpace), "done")))
		p.bars[st.Phase] = bar
	}
	bar.SetTotal(int64(fig.Total), false)
	bar.SetCurrent(int64(fig.Done))
}

// done completes every bar, so that the cursor stands below them.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pool == nil {
		return
	}
	for _, b := range p.bars {
		b.SetTotal(-1, true)
	}
	p.pool.Wait()
}
