// Command spec checks every citation of the form [MS-OXCFXICS] 3.3.5.6 in the
// module's Go files and documents against the lists of sections in sections.tsv,
// and prints how often each document is cited. A citation of a section that a
// listed document does not have is an error.
package main

import (
	"bufio"
	_ "embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

//go:embed sections.tsv
var sectionList string

var citation = regexp.MustCompile(`\[(MS-[A-Z]+)\]\s+(\d+(?:\.\d+)*)`)

func main() {
	bad, err := run(".", os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "spec:", err)
		os.Exit(1)
	}
	if bad > 0 {
		fmt.Fprintf(os.Stderr, "spec: %d citations name a section that does not exist\n", bad)
		os.Exit(1)
	}
}

// run prints the table for the tree at root and returns the number of wrong citations.
func run(root string, out *os.File) (int, error) {
	known := parseSections(sectionList)
	cited := map[string]map[string]int{}
	bad := 0
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); p != root && (strings.HasPrefix(n, ".") || n == "testdata" || n == "bin") {
				return fs.SkipDir
			}
			return nil
		}
		if ext := filepath.Ext(p); ext != ".go" && ext != ".md" {
			return nil
		}
		n, err := scanFile(p, known, cited, out)
		bad += n
		return err
	})
	if err == nil {
		printTable(out, known, cited)
	}
	return bad, err
}

func scanFile(path string, known map[string]map[string]string, cited map[string]map[string]int, out *os.File) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	bad := 0
	scan := bufio.NewScanner(f)
	scan.Buffer(nil, 1<<20)
	for line := 1; scan.Scan(); line++ {
		for _, m := range citation.FindAllStringSubmatch(scan.Text(), -1) {
			doc, section := m[1], m[2]
			if !exists(known[doc], section) {
				fmt.Fprintf(out, "%s:%d: [%s] has no section %s\n", path, line, doc, section)
				bad++
			}
			if cited[doc] == nil {
				cited[doc] = map[string]int{}
			}
			cited[doc][section]++
		}
	}
	return bad, scan.Err()
}

// exists accepts what the list has, and chapters 1 and 4 (introduction and examples),
// which carry few requirements and are listed in part only.
func exists(sections map[string]string, section string) bool {
	if sections == nil || strings.HasPrefix(section, "1.") || strings.HasPrefix(section, "4.") || section == "1" || section == "4" {
		return true
	}
	_, ok := sections[section]
	return ok
}

func parseSections(list string) map[string]map[string]string {
	out := map[string]map[string]string{}
	for line := range strings.Lines(list) {
		c := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(c) != 3 || strings.HasPrefix(c[0], "#") {
			continue
		}
		if out[c[0]] == nil {
			out[c[0]] = map[string]string{}
		}
		out[c[0]][c[1]] = c[2]
	}
	return out
}

func printTable(out *os.File, known map[string]map[string]string, cited map[string]map[string]int) {
	docs := make([]string, 0, len(cited))
	for d := range cited {
		docs = append(docs, d)
	}
	slices.Sort(docs)
	fmt.Fprintf(out, "%-16s %9s %16s\n", "document", "citations", "sections")
	for _, d := range docs {
		total := 0
		for _, n := range cited[d] {
			total += n
		}
		of := "not listed"
		if known[d] != nil {
			of = fmt.Sprintf("%d of %d", len(cited[d]), len(known[d]))
		}
		fmt.Fprintf(out, "%-16s %9d %16s\n", d, total, of)
	}
}
