package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// imported is one message found on disk.
type imported struct {
	folder []string // path below the root of what was imported; empty for the root itself
	data   []byte
	read   bool
	flag   bool
}

// maxImport bounds one message of an mbox, so that a file that is none can't fill the memory.
const maxImport = 512 << 20

// importPath calls f for every message of a Maildir (Maildir++ subfolders included), an
// mbox file, or a tree of .eml files; which of them path is shows by itself.
func importPath(path string, f func(imported) error) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	switch {
	case !info.IsDir():
		return importMbox(path, f)
	case isMaildir(path):
		return importMaildir(path, f)
	}
	return importTree(path, f)
}

func isMaildir(path string) bool {
	for _, sub := range []string{"cur", "new"} {
		if info, err := os.Stat(filepath.Join(path, sub)); err != nil || !info.IsDir() {
			return false
		}
	}
	return true
}

// importMaildir reads the directory itself and its Maildir++ subfolders (".A.B").
func importMaildir(root string, f func(imported) error) error {
	if err := importMaildirFolder(root, nil, f); err != nil {
		return err
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	for _, e := range entries {
		dir := filepath.Join(root, e.Name())
		if !e.IsDir() || !strings.HasPrefix(e.Name(), ".") || !isMaildir(dir) {
			continue
		}
		if err := importMaildirFolder(dir, strings.Split(e.Name()[1:], "."), f); err != nil {
			return err
		}
	}
	return nil
}

func importMaildirFolder(dir string, folder []string, f func(imported) error) error {
	for _, sub := range []string{"new", "cur"} {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") {
				continue
			}
			data, err := os.ReadFile(filepath.Join(dir, sub, e.Name()))
			if err != nil {
				return err
			}
			_, flags, _ := strings.Cut(e.Name(), ":2,")
			m := imported{folder: folder, data: data, read: strings.Contains(flags, "S"), flag: strings.Contains(flags, "F")}
			if err := f(m); err != nil {
				return fmt.Errorf("%s: %w", filepath.Join(dir, sub, e.Name()), err)
			}
		}
	}
	return nil
}

func importTree(root string, f func(imported) error) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.EqualFold(filepath.Ext(path), ".eml") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		var folder []string
		if rel != "." {
			folder = strings.Split(filepath.ToSlash(rel), "/")
		}
		if err := f(imported{folder: folder, data: data}); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	})
}

// importMbox reads the mboxrd format, which also reads the other variants tolerably: a
// line "From " after an empty line starts a message, ">From " loses one ">".
func importMbox(path string, f func(imported) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	in := bufio.NewReaderSize(file, 1<<16)
	first, err := in.Peek(5)
	if err != nil || string(first) != "From " {
		return usagef("%s is neither a Maildir, nor a folder, nor an mbox file", path)
	}
	var (
		msg   bytes.Buffer
		blank = true // an mbox starts as if after an empty line
		open  bool
	)
	emit := func() error {
		if !open {
			return nil
		}
		data := bytes.TrimSuffix(bytes.Clone(msg.Bytes()), []byte("\n"))
		status := mboxStatus(data)
		msg.Reset()
		return f(imported{data: data, read: strings.Contains(status, "R"), flag: strings.Contains(status, "F")})
	}
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return err
		}
		switch {
		case len(line) == 0:
		case blank && bytes.HasPrefix(line, []byte("From ")):
			if e := emit(); e != nil {
				return fmt.Errorf("%s, before line %d: %w", path, n, e)
			}
			open, blank = true, false
		default:
			blank = len(bytes.TrimRight(line, "\r\n")) == 0
			if quoted := bytes.TrimLeft(line, ">"); len(quoted) < len(line) && bytes.HasPrefix(quoted, []byte("From ")) {
				line = line[1:]
			}
			msg.Write(line)
			if msg.Len() > maxImport {
				return fmt.Errorf("%s: the message before line %d is larger than %d MiB", path, n, maxImport>>20)
			}
		}
		if err == io.EOF {
			return emit()
		}
	}
}

// mboxStatus returns the flags of the Status and X-Status fields.
func mboxStatus(data []byte) string {
	var flags string
	for line := range bytes.Lines(data) {
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" {
			break
		}
		name, value, _ := strings.Cut(text, ":")
		if strings.EqualFold(name, "Status") || strings.EqualFold(name, "X-Status") {
			flags += value
		}
	}
	return flags
}
