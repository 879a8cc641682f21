// Command spec keeps the module honest about the specifications that it follows.
//
// It checks every citation of the form [MS-OXCFXICS] 3.3.5.6 in Go files and
// documents against sections.tsv; it checks that the code and the tests that the
// tables states.tsv and requirements.tsv name are there; and it writes
// docs/conformance.md from these tables. What is wrong is an error.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// pageFile is what is written, below the module's root.
const pageFile = "docs/conformance.md"

func main() {
	n, err := run(".", os.Stdout)
	if err == nil && n > 0 {
		err = fmt.Errorf("%d mistakes", n)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "spec:", err)
		os.Exit(1)
	}
}

// run checks the tree at root, writes its page, and returns the number of mistakes, which
// it lists on out. With mistakes in the tables no page is written.
func run(root string, out io.Writer) (int, error) {
	known, err := parseSections(sectionList)
	if err != nil {
		return 0, err
	}
	cited, bad, err := scanCitations(root, known)
	if err != nil {
		return 0, err
	}
	page, wrong, err := makePage(root, known)
	if err != nil {
		return 0, err
	}
	printCitations(out, known, cited)
	page.printCounts(out)
	bad = append(bad, wrong...)
	for _, b := range bad {
		fmt.Fprintln(out, b)
	}
	if len(wrong) == 0 {
		err = os.WriteFile(filepath.Join(root, pageFile), page.render(), 0o644)
	}
	return len(bad), err
}

// makePage reads the tables, and checks them against the sources at root.
func makePage(root string, known sections) (*page, []string, error) {
	p := &page{known: known}
	var err error
	if p.states, err = parseStates(stateList); err != nil {
		return nil, nil, err
	}
	if p.requirements, err = parseRequirements(requirementList); err != nil {
		return nil, nil, err
	}
	p.src = newSources(root)
	return p, p.check(), nil
}
