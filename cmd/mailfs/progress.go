package main

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"mailfs/syncer"
)

// progress shows what a synchronization does: bars on a terminal, nothing elsewhere.
type progress struct {
	mu   sync.Mutex
	pool *mpb.Progress
	bars map[syncer.Phase]*bar
}

// bar is the line of one phase, with what stands behind it: read by the goroutine that draws.
type bar struct {
	*mpb.Bar
	extent atomic.Pointer[string]
}

func newProgress(w io.Writer, quiet bool) *progress {
	p := &progress{bars: map[syncer.Phase]*bar{}}
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
	line := p.bars[st.Phase]
	if line == nil {
		line = &bar{}
		p.bars[st.Phase] = line
	}
	text := extent(fig.DoneBytes, fig.TotalBytes, st.Left)
	line.extent.Store(&text)
	if line.Bar == nil {
		line.Bar = p.pool.AddBar(int64(fig.Total),
			mpb.PrependDecorators(decor.Name(string(st.Phase), decor.WCSyncSpaceR), decor.CountersNoUnit("%d of %d", decor.WCSyncSpace)),
			mpb.AppendDecorators(decor.Percentage(decor.WCSyncSpace),
				decor.OnComplete(decor.Any(func(decor.Statistics) string { return *line.extent.Load() }), "  done")))
	}
	line.SetTotal(int64(fig.Total), false)
	line.SetCurrent(int64(fig.Done))
}

// extent tells of bytes and of the time that is left, where they are known: ", 3.0 MB of 12 MB, about 2m left".
func extent(done, total int64, left time.Duration) string {
	text := ""
	if total > 0 {
		text = fmt.Sprintf(", %s of %s", decimal(done), decimal(total))
	}
	if left > 0 {
		text += ", about " + roughly(left) + " left"
	}
	return text
}

// decimal writes a number of bytes with a unit.
func decimal(n int64) string {
	v, unit := float64(n), "B"
	for _, u := range []string{"kB", "MB", "GB", "TB"} {
		if v < 999.5 {
			break
		}
		v, unit = v/1000, u
	}
	if unit != "B" && v < 9.95 {
		return fmt.Sprintf("%.1f %s", v, unit)
	}
	return fmt.Sprintf("%.0f %s", v, unit)
}

// roughly writes a time with as much of it as a guess deserves.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Round(time.Second).Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Round(time.Minute).Minutes()))
	}
	return fmt.Sprintf("%dh %02dm", int(d.Hours()), int(d.Minutes())%60)
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
