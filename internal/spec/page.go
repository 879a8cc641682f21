package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

//go:embed intro.md
var intro string

//go:embed outro.md
var outro string

// page is docs/conformance.md in the making.
type page struct {
	known        sections
	states       []sectionState
	requirements []requirement
	src          *sources
}

var docTitles = map[string]string{
	"MS-OXCSYNC":     "how a client keeps a mailbox in step",
	"MS-OXCFXICS":    "incremental change synchronization and FastTransfer",
	"MS-OXCROPS":     "remote operations",
	"MS-OXCMAPIHTTP": "transport",
	"MS-OXCNOTIF":    "notifications",
}

var stateNames = map[state]string{done: "done", partly: "partly", notApplicable: "not applicable", missing: "missing"}

func (p *page) render() []byte {
	var b bytes.Buffer
	b.WriteString(intro)
	p.renderCounts(&b)
	for _, doc := range stateDocs {
		fmt.Fprintf(&b, "\n## %s: %s\n\n", doc, docTitles[doc])
		b.WriteString("| section | state | code | test | remark |\n|---|---|---|---|---|\n")
		for _, r := range p.rowsOf(doc) {
			fmt.Fprintf(&b, "| %s %s | %s | %s | %s | %s |\n", r.section, cell(p.known[doc][r.section]), stateNames[r.state],
				p.links(r.code), p.testLinks(r.tests), cell(r.remark))
		}
	}
	for _, doc := range requirementDocs {
		p.renderRequirements(&b, doc)
	}
	b.WriteString("\n")
	b.WriteString(outro)
	return b.Bytes()
}

func (p *page) rowsOf(doc string) (out []sectionState) {
	for _, r := range p.states {
		if r.doc == doc {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b sectionState) int { return compareSections(a.section, b.section) })
	return out
}

// sectionCounts counts the sections of a document by the state that speaks for them.
func (p *page) sectionCounts(doc string) (counts map[state]int, total int) {
	counts = map[state]int{}
	for section := range p.known[doc] {
		if r := p.stateOf(doc, section); r != nil && inBody(section) {
			counts[r.state]++
			total++
		}
	}
	return counts, total
}

func (p *page) requirementCounts(doc string) (counts map[state]int, total int) {
	counts = map[state]int{}
	for _, r := range p.requirements {
		if r.doc == doc {
			counts[r.state]++
			total++
		}
	}
	return counts, total
}

func (p *page) renderCounts(b *bytes.Buffer) {
	b.WriteString("| | of | done | partly | not applicable | missing |\n|---|--:|--:|--:|--:|--:|\n")
	line := func(what string, counts map[state]int, total int) {
		fmt.Fprintf(b, "| %s | %d | %d | %d | %d | %d |\n", what, total, counts[done], counts[partly], counts[notApplicable], counts[missing])
	}
	for _, doc := range stateDocs {
		counts, total := p.sectionCounts(doc)
		line(doc+", sections", counts, total)
	}
	for _, doc := range requirementDocs {
		counts, total := p.requirementCounts(doc)
		line(doc+", requirements", counts, total)
	}
}

func (p *page) printCounts(out io.Writer) {
	fmt.Fprintf(out, "\n%-30s %5s %5s %6s %5s %7s\n", "", "of", "done", "partly", "n/a", "missing")
	line := func(what string, counts map[state]int, total int) {
		fmt.Fprintf(out, "%-30s %5d %5d %6d %5d %7d\n", what, total, counts[done], counts[partly], counts[notApplicable], counts[missing])
	}
	for _, doc := range stateDocs {
		counts, total := p.sectionCounts(doc)
		line(doc+", sections", counts, total)
	}
	for _, doc := range requirementDocs {
		counts, total := p.requirementCounts(doc)
		line(doc+", requirements", counts, total)
	}
}

// requirementGroup is the requirements of one section that have the same answer.
type requirementGroup struct {
	requirement
	ids  []string
	says []string
}

func (p *page) renderRequirements(b *bytes.Buffer, doc string) {
	fmt.Fprintf(b, "\n## %s: what binds a client\n\n", doc)
	b.WriteString("| section | requirements | what is asked for | state | test | remark |\n|---|---|---|---|---|---|\n")
	for _, g := range p.groups(doc) {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", g.section, strings.Join(g.ids, " "), cell(strings.Join(g.says, "; ")),
			stateNames[g.state], p.testLinks(g.tests), cell(g.remark))
	}
}

func (p *page) groups(doc string) (out []*requirementGroup) {
	at := map[string]*requirementGroup{}
	for _, r := range p.requirements {
		if r.doc != doc {
			continue
		}
		key := fmt.Sprintln(r.section, r.state, r.tests, r.remark)
		g := at[key]
		if g == nil {
			g = &requirementGroup{requirement: r}
			at[key] = g
			out = append(out, g)
		}
		g.ids = append(g.ids, r.id)
		if !slices.Contains(g.says, r.says) {
			g.says = append(g.says, r.says)
		}
	}
	slices.SortStableFunc(out, func(a, b *requirementGroup) int { return compareSections(a.section, b.section) })
	return out
}

// links shows code as links to its files.
func (p *page) links(code []symbol) string {
	out := make([]string, len(code))
	for i, y := range code {
		name := path.Base(path.Dir(y.file)) + "." + y.name
		if y.name == "" {
			name = y.file
		}
		out[i] = fmt.Sprintf("[%s](../%s)", name, y.file)
	}
	return strings.Join(out, " ")
}

func (p *page) testLinks(tests []test) string {
	out := make([]string, len(tests))
	for i, t := range tests {
		file, err := p.src.find(t)
		if err != nil {
			out[i] = t.name // told by check
			continue
		}
		out[i] = fmt.Sprintf("[%s](../%s)", t.name, file)
	}
	return strings.Join(out, " ")
}

// cell makes text fit for a cell of a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
