// Package powercut leaves of a replica's directory what a machine finds that comes up again after its power went: the
// logs of the database end where they were last known to be on disk, or somewhere in what was being written. It knows
// the names of badger's files, and nothing else of them. For tests only.
package powercut

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// Ends tells how far the logs of a database are written, by the names of the files. Behind its end a log has room, of zeros.
type Ends map[string]int64

// IsLog reports whether a file of the database grows by what is appended to it: the logs of the tables in memory, and
// those of the values.
func IsLog(name string) bool { return isMem(name) || filepath.Ext(name) == ".vlog" }

func isMem(name string) bool { return filepath.Ext(name) == ".mem" }

func database(dir string) string { return filepath.Join(dir, "db") }

// EndsOf looks how far the logs of a replica are written now. While it is being written, the log of the values has to be
// looked at last: what points into it is before its end then.
func EndsOf(dir string) (Ends, error) {
	entries, err := os.ReadDir(database(dir))
	if err != nil {
		return nil, err
	}
	out := Ends{}
	for _, mem := range []bool{true, false} {
		for _, e := range entries {
			if !IsLog(e.Name()) || isMem(e.Name()) != mem {
				continue
			}
			end, err := endOf(filepath.Join(database(dir), e.Name()))
			if going(err) {
				continue // its table was stored meanwhile
			}
			if err != nil {
				return nil, err
			}
			out[e.Name()] = end
		}
	}
	return out, nil
}

// going reports whether a file goes while it is looked at: a log is made empty first, and removed then.
func going(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, io.EOF) }

// endOf returns where the zeros at the end of a file begin. Room that was never touched is a hole, so that little is read.
func endOf(path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	end, err := f.Seek(0, unix.SEEK_HOLE)
	if err != nil { // as for an empty file
		if end, err = f.Seek(0, io.SeekEnd); err != nil {
			return 0, err
		}
	}
	block := make([]byte, 4096)
	for end > 0 {
		from := max(0, end-int64(len(block)))
		p := block[:end-from]
		if _, err := f.ReadAt(p, from); err != nil {
			return 0, err
		}
		if p = bytes.TrimRight(p, "\x00"); len(p) > 0 {
			return from + int64(len(p)), nil
		}
		end = from
	}
	return 0, nil
}

// Torn returns ends that a loss of power may leave that comes while what is between two ends is written. The log of the
// values is on disk before anything of the tables' log that points into it: either the tables' log has nothing new, or
// the other one has all. n returns a number from 0 to below its argument.
func Torn(before, after Ends, n func(int64) int64) Ends {
	out, early := Ends{}, n(2) == 0
	short := false // the one of these logs that is being written has not all: a newer file of it has nothing
	for _, name := range after.names() {
		from, to := min(before[name], after[name]), after[name]
		if isMem(name) != early {
			if short {
				to = from
			} else if n(4) > 0 { // else all of it
				to = from + n(to-from+1)
			}
			short = short || to < after[name]
		} else if isMem(name) {
			to = from
		}
		out[name] = to
	}
	return out
}

func (e Ends) names() (out []string) {
	for name := range e {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Copy copies the replica of one directory, which may be in use, to another one, with its logs cut back to the ends.
func Copy(to, from string, ends Ends) error {
	const tries = 5
	for try := 1; ; try++ { // a file may go while the others are copied: then there are newer ones
		err := copyOnce(database(to), database(from), ends)
		if !going(err) || try == tries {
			return err
		}
		if err := os.RemoveAll(to); err != nil {
			return err
		}
	}
}

// copyOnce copies the logs first, then the list of the tables, and then the tables. What moves from a log to a table
// meanwhile is then in one of them or in both; a table that the list does not have yet is nothing to the database.
func copyOnce(to, from string, ends Ends) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	for _, turn := range []func(name string) bool{
		IsLog,
		func(name string) bool { return !IsLog(name) && filepath.Ext(name) != ".sst" },
		func(name string) bool { return filepath.Ext(name) == ".sst" },
	} {
		entries, err := os.ReadDir(from)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if name := e.Name(); turn(name) {
				if err := copyFile(filepath.Join(to, name), filepath.Join(from, name), ends[name], IsLog(name)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// copyFile copies a file, of a log what is before its end, and the room behind it.
func copyFile(to, from string, end int64, isLog bool) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	if !isLog {
		_, err := io.Copy(out, in)
		return err
	}
	fi, err := in.Stat()
	if err != nil {
		return err
	}
	if n, err := io.CopyN(out, in, end); err != nil {
		return fmt.Errorf("%s has %d bytes of %d: %w", from, n, end, err)
	}
	if end == 0 {
		return nil // made and never written
	}
	return out.Truncate(fi.Size())
}
