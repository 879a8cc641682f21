package fs

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"testing"
)

// A folder changes while it is read: nothing is listed twice, and what is there from the first to the last call is
// listed.
func TestReaddirWhileTheFolderChanges(t *testing.T) {
	const files = 1500 // some batches of each kind of buffer in between
	m := start(t, childConfig{Empty: true})
	rng := rand.New(rand.NewPCG(3, 5))
	for _, dir := range []string{"Inbox", "Inbox/.local"} {
		if err := os.MkdirAll(m.path(dir), 0o700); err != nil {
			t.Fatal(err)
		}
		m.do("fill", dir, "", files)
		throughout := map[string]bool{}
		for i := range files {
			throughout[fillName(i)] = true
		}
		d, err := os.Open(m.path(dir))
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		seen := map[string]int{}
		for round := 0; ; round++ {
			names, err := d.Readdirnames(20)
			for _, name := range names {
				seen[name]++
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for range 4 {
				victim := fillName(rng.IntN(files))
				if !throughout[victim] {
					continue
				}
				delete(throughout, victim)
				err := os.Remove(m.path(dir + "/" + victim))
				if rng.IntN(2) == 0 {
					err = os.WriteFile(m.path(dir+"/"+victim), nil, 0o600)
				} else if rng.IntN(2) == 0 {
					err = errors.Join(err, os.WriteFile(m.path(fmt.Sprintf("%s/%05dx", dir, rng.IntN(files))), nil, 0o600))
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if dir == "Inbox" {
				m.do("deliver", fmt.Sprintf("Inbox/%05d new %d.eml", rng.IntN(files), round), note("new", "mail"), 0)
			}
		}
		for name := range throughout {
			if seen[name] != 1 {
				t.Errorf("%s/%s was there throughout, and listed %d times", dir, name, seen[name])
			}
		}
	}
}

// A directory of 100,000 entries is listed whole, without much memory for it.
func TestLargeDirectory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long: not with -short")
	}
	const entries = 100_000
	m := start(t, childConfig{Empty: true, Replica: fastDir(t)})
	m.do("fill", "Inbox", "", entries)
	before := m.do("memory", "", "", 0).N
	list := listing(t, m.path("Inbox"))
	if len(list) != entries || list[0] != fillName(0) || list[entries-1] != fillName(entries-1) {
		t.Fatalf("%d entries", len(list))
	}
	if grown := m.do("memory", "", "", 0).N - before; grown > 64<<20 {
		t.Errorf("the listing took %d MiB", grown>>20)
	}
}
