package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// sources looks up names in the module's Go files.
type sources struct {
	root  string
	files map[string]map[string]bool   // top-level names of a file, by path
	tests map[string]map[string]string // path of the file of each test, by package
}

func newSources(root string) *sources {
	return &sources{root: root, files: map[string]map[string]bool{}, tests: map[string]map[string]string{}}
}

// symbol is a reference of the form mapi/rop/session.go:Session.Logon, or to a file alone.
type symbol struct{ file, name string }

func parseSymbol(s string) symbol {
	file, name, _ := strings.Cut(s, ":")
	return symbol{file, name}
}

// check returns what is wrong with a reference to code.
func (s *sources) check(y symbol) error {
	names, err := s.namesOf(y.file)
	if err != nil {
		return err
	}
	if y.name != "" && !names[y.name] {
		return fmt.Errorf("%s has no %s", y.file, y.name)
	}
	return nil
}

// namesOf returns the functions, methods (Type.Method), types, constants and variables
// that a file declares at its top level.
func (s *sources) namesOf(file string) (map[string]bool, error) {
	if names, ok := s.files[file]; ok {
		return names, nil
	}
	if filepath.Ext(file) != ".go" {
		_, err := os.Stat(filepath.Join(s.root, file))
		return nil, err
	}
	tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join(s.root, file), nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, d := range tree.Decls {
		addNames(names, d)
	}
	s.files[file] = names
	return names, nil
}

func addNames(names map[string]bool, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		names[receiver(d)+d.Name.Name] = true
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				names[spec.Name.Name] = true
			case *ast.ValueSpec:
				for _, n := range spec.Names {
					names[n.Name] = true
				}
			}
		}
	}
}

// receiver returns the type of a method with a dot behind it, "" for a function.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return ""
	}
	t := d.Recv.List[0].Type
	if p, ok := t.(*ast.StarExpr); ok {
		t = p.X
	}
	if g, ok := t.(*ast.IndexExpr); ok {
		t = g.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name + "."
	}
	return ""
}

// test is a reference of the form mapi/rop.TestRoundTrip.
type test struct{ dir, name string }

func parseTest(s string) test {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return test{name: s}
	}
	return test{s[:i], s[i+1:]}
}

// find returns the file of a test, below root.
func (s *sources) find(t test) (string, error) {
	if !strings.HasPrefix(t.name, "Test") && !strings.HasPrefix(t.name, "Fuzz") {
		return "", fmt.Errorf("%s is no test", t.name)
	}
	in, err := s.testsOf(t.dir)
	if err != nil {
		return "", err
	}
	file, ok := in[t.name]
	if !ok {
		return "", fmt.Errorf("%s has no %s", t.dir, t.name)
	}
	return file, nil
}

func (s *sources) testsOf(dir string) (map[string]string, error) {
	if in, ok := s.tests[dir]; ok {
		return in, nil
	}
	list, err := filepath.Glob(filepath.Join(s.root, dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	in := map[string]string{}
	for _, path := range list {
		rel, err := filepath.Rel(s.root, path)
		if err != nil {
			return nil, err
		}
		rel = filepath.ToSlash(rel)
		names, err := s.namesOf(rel)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for n := range names {
			in[n] = rel
		}
	}
	s.tests[dir] = in
	return in, nil
}

// mentions reports whether a file has the word in it, with no letter or digit around it.
func (s *sources) mentions(file, word string) (bool, error) {
	text, err := os.ReadFile(filepath.Join(s.root, file))
	if err != nil {
		return false, err
	}
	rest := string(text)
	for {
		i := strings.Index(rest, word)
		if i < 0 {
			return false, nil
		}
		end := i + len(word)
		if (i == 0 || !isWord(rest[i-1])) && (end == len(rest) || !isWord(rest[end])) {
			return true, nil
		}
		rest = rest[end:]
	}
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_'
}
