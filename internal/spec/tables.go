package main

import (
	_ "embed"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

//go:embed states.tsv
var stateList string

//go:embed requirements.tsv
var requirementList string

// state tells how far something is.
type state string

// The states.
const (
	done          state = "done"
	partly        state = "partly"
	notApplicable state = "n/a"
	missing       state = "missing"
)

var allStates = []state{done, partly, notApplicable, missing}

// sectionState is a row of states.tsv. It speaks for the section and for those below it
// that have no row of their own.
type sectionState struct {
	doc, section string
	state        state
	code         []symbol
	tests        []test
	remark       string
}

// requirement is a row of requirements.tsv: a MUST that binds a client, by the number that
// the public interoperability test suites give it.
type requirement struct {
	doc, id, section string
	state            state
	says             string // what is asked for, in our words
	tests            []test
	remark           string
}

// The documents whose every section has a state, and the number of requirements that each
// of those with requirements has.
var (
	stateDocs = []string{"MS-OXCSYNC", "MS-OXCFXICS", "MS-OXCROPS", "MS-OXCMAPIHTTP", "MS-OXCNOTIF"}

	requirementDocs   = []string{"MS-OXCFXICS", "MS-OXCMAPIHTTP"}
	requirementCounts = map[string]int{"MS-OXCFXICS": 292, "MS-OXCMAPIHTTP": 54}
)

func parseStates(list string) (out []sectionState, err error) {
	rows, err := parseTable(list, 6)
	if err != nil {
		return nil, fmt.Errorf("states.tsv: %w", err)
	}
	for _, c := range rows {
		r := sectionState{doc: c[0], section: c[1], state: state(c[2]), tests: parseTests(c[4]), remark: c[5]}
		for _, s := range strings.Fields(c[3]) {
			r.code = append(r.code, parseSymbol(s))
		}
		out = append(out, r)
	}
	return out, nil
}

func parseTests(list string) (out []test) {
	for _, s := range strings.Fields(list) {
		out = append(out, parseTest(s))
	}
	return out
}

func parseRequirements(list string) (out []requirement, err error) {
	rows, err := parseTable(list, 7)
	if err != nil {
		return nil, fmt.Errorf("requirements.tsv: %w", err)
	}
	for _, c := range rows {
		out = append(out, requirement{doc: c[0], id: c[1], section: c[2], state: state(c[3]), says: c[4], tests: parseTests(c[5]), remark: c[6]})
	}
	return out, nil
}

// check returns the mistakes of the tables.
func (p *page) check() (bad []string) {
	say := func(format string, args ...any) { bad = append(bad, fmt.Sprintf(format, args...)) }
	seen := map[string]bool{}
	for _, r := range p.states {
		at := r.doc + " " + r.section
		if seen[at] {
			say("states.tsv: %s comes twice", at)
		}
		seen[at] = true
		if !slices.Contains(stateDocs, r.doc) || !exists(p.known[r.doc], r.section) {
			say("states.tsv: there is no section %s", at)
		}
		for _, err := range p.checkRow(r.state, r.code, r.tests, r.remark) {
			say("states.tsv: %s: %v", at, err)
		}
		if r.state == done && len(r.code) == 0 {
			say("states.tsv: %s is done and names no code", at)
		}
	}
	for _, doc := range stateDocs {
		for _, s := range p.uncovered(doc) {
			say("states.tsv: no row speaks for %s %s", doc, s)
		}
	}
	return append(bad, p.checkRequirements()...)
}

func (p *page) checkRequirements() (bad []string) {
	say := func(format string, args ...any) { bad = append(bad, fmt.Sprintf("requirements.tsv: "+format, args...)) }
	seen := map[string]bool{}
	counts := map[string]int{}
	for _, r := range p.requirements {
		at := r.doc + " " + r.id
		if seen[at] {
			say("%s comes twice", at)
		}
		seen[at] = true
		counts[r.doc]++
		if !exists(p.known[r.doc], r.section) {
			say("%s: there is no section %s", at, r.section)
		}
		if r.says == "" {
			say("%s says nothing", at)
		}
		for _, err := range p.checkRow(r.state, nil, r.tests, r.remark) {
			say("%s: %v", at, err)
		}
		for _, t := range r.tests {
			if err := p.checkMention(t, r.id); err != nil {
				say("%s: %v", at, err)
			}
		}
	}
	for _, doc := range requirementDocs {
		if counts[doc] != requirementCounts[doc] {
			say("%d rows of %s, not %d", counts[doc], doc, requirementCounts[doc])
		}
	}
	return bad
}

// checkMention makes sure that a test written for requirements knows the ones it is said to
// check: such tests are in files named conformance_..._test.go.
func (p *page) checkMention(t test, id string) error {
	file, err := p.src.find(t)
	if err != nil || !strings.HasPrefix(path.Base(file), "conformance") {
		return nil // a test that is not there is told elsewhere
	}
	ok, err := p.src.mentions(file, id)
	if err == nil && !ok {
		err = fmt.Errorf("%s does not mention it", file)
	}
	return err
}

// checkRow checks what both tables have.
func (p *page) checkRow(s state, code []symbol, tests []test, remark string) (errs []error) {
	add := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	if !slices.Contains(allStates, s) {
		add(fmt.Errorf("unknown state %q", s))
	}
	for _, y := range code {
		add(p.src.check(y))
	}
	for _, t := range tests {
		_, err := p.src.find(t)
		add(err)
	}
	if s == done && len(tests) == 0 {
		add(fmt.Errorf("done, and no test is named"))
	}
	if s != done && remark == "" {
		add(fmt.Errorf("%s without a reason", s))
	}
	return errs
}

// uncovered returns the sections of chapters 2 and 3 for which neither a row nor the rows
// of everything below them speak.
func (p *page) uncovered(doc string) (out []string) {
	for section := range p.known[doc] {
		if !inBody(section) || p.stateOf(doc, section) != nil || p.isHeading(doc, section) {
			continue
		}
		out = append(out, section)
	}
	slices.SortFunc(out, compareSections)
	return out
}

// isHeading reports whether a section has others below it, which speak for themselves.
func (p *page) isHeading(doc, section string) bool {
	for other := range p.known[doc] {
		if strings.HasPrefix(other, section+".") {
			return true
		}
	}
	return false
}

// inBody reports whether a section is of a chapter with rules: messages or details.
func inBody(section string) bool {
	return strings.HasPrefix(section, "2.") || strings.HasPrefix(section, "3.")
}

// stateOf returns the row that speaks for a section: its own, or that of the closest
// section above it.
func (p *page) stateOf(doc, section string) *sectionState {
	for at := section; ; {
		for i := range p.states {
			if r := &p.states[i]; r.doc == doc && r.section == at {
				return r
			}
		}
		i := strings.LastIndexByte(at, '.')
		if i < 0 {
			return nil
		}
		at = at[:i]
	}
}

// compareSections orders by number, not by letter.
func compareSections(a, b string) int {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		m, _ := strconv.Atoi(x[i])
		n, _ := strconv.Atoi(y[i])
		if m != n {
			return m - n
		}
	}
	return len(x) - len(y)
}
