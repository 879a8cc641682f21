package main

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

//go:embed sections.tsv
var sectionList string

// sections are the titles of sections, by document and number.
type sections map[string]map[string]string

// citations counts how often sections are cited, by document and number.
type citations map[string]map[string]int

var citation = regexp.MustCompile(`\[(MS-[A-Z]+)\]\s+(\d+(?:\.\d+)*)`)

// scanCitations reads every Go file and document below root. It returns the citations,
// and those of sections that a listed document does not have.
func scanCitations(root string, known sections) (citations, []string, error) {
	cited := citations{}
	var bad []string
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
		if ext := filepath.Ext(p); ext != ".go" && ext != ".md" || strings.HasSuffix(filepath.ToSlash(p), pageFile) {
			return nil
		}
		wrong, err := scanFile(p, known, cited)
		bad = append(bad, wrong...)
		return err
	})
	return cited, bad, err
}

func scanFile(path string, known sections, cited citations) (bad []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	scan := bufio.NewScanner(f)
	scan.Buffer(nil, 1<<20)
	for line := 1; scan.Scan(); line++ {
		for _, m := range citation.FindAllStringSubmatch(scan.Text(), -1) {
			doc, section := m[1], m[2]
			if !exists(known[doc], section) {
				bad = append(bad, fmt.Sprintf("%s:%d: [%s] has no section %s", path, line, doc, section))
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

func parseSections(list string) (sections, error) {
	rows, err := parseTable(list, 3)
	if err != nil {
		return nil, fmt.Errorf("sections.tsv: %w", err)
	}
	out := sections{}
	for _, c := range rows {
		if out[c[0]] == nil {
			out[c[0]] = map[string]string{}
		}
		out[c[0]][c[1]] = c[2]
	}
	return out, nil
}

// parseTable splits lines of exactly n columns; lines that begin with # are comments.
func parseTable(list string, n int) (rows [][]string, err error) {
	number := 0
	for line := range strings.Lines(list) {
		number++
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		c := strings.Split(line, "\t")
		if len(c) != n {
			return nil, fmt.Errorf("line %d has %d columns, not %d", number, len(c), n)
		}
		for i := range c {
			c[i] = strings.TrimSpace(c[i])
		}
		rows = append(rows, c)
	}
	return rows, nil
}

func printCitations(out io.Writer, known sections, cited citations) {
	fmt.Fprintf(out, "%-16s %9s %16s\n", "document", "citations", "sections")
	for _, d := range slices.Sorted(maps.Keys(cited)) {
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
