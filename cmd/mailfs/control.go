package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"mailfs/mapi"
	"mailfs/replica"
	"mailfs/syncer"
)

// A mounted mailfs listens on a socket in its user's runtime directory. The other
// commands find it by the mount point and speak JSON over HTTP with it.

// report is what `mailfs status --json` prints.
type report struct {
	Mountpoint string         `json:"mountpoint"`
	User       string         `json:"user"`
	Server     string         `json:"server"`
	PID        int            `json:"pid"`
	ReadOnly   bool           `json:"readOnly"`
	Connection string         `json:"connection"`
	Phase      string         `json:"phase"`
	Done       int64          `json:"done"`
	Total      int64          `json:"total"`
	DoneBytes  int64          `json:"doneBytes,omitempty"`
	TotalBytes int64          `json:"totalBytes,omitempty"`
	Left       float64        `json:"secondsLeft,omitempty"` // about
	Queued     int            `json:"queued"`
	Refused    int            `json:"refused"`
	SetAside   int            `json:"setAside"`
	Missed     int            `json:"missed,omitempty"` // changes that the server did not notify of
	LastError  string         `json:"lastError,omitempty"`
	LastPass   *time.Time     `json:"lastPass,omitempty"`
	Counts     map[string]int `json:"counts"`
}

// controller is what a mount lets the other commands do.
type controller interface {
	Report() (report, error)
	Flush(ctx context.Context) error
	Kick()
	Unmount() error
	Conflicts() ([]syncer.Pair, error)
	Settle(num replica.Num) error
}

// runtimeDir returns the directory of the control sockets, and makes it.
func runtimeDir() (string, error) {
	base := os.Getenv("XDG_RUNTIME_DIR")
	dir := filepath.Join(base, "mailfs")
	if base == "" {
		dir = filepath.Join(os.TempDir(), fmt.Sprintf("mailfs-%d", os.Getuid()))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	// In a shared directory somebody else could have been here first.
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s must be a directory of your own with mode 0700", dir)
	}
	return dir, nil
}

// socketPath returns the control socket of a mount point. The name is a hash, since
// a socket's path may have about 100 bytes only.
func socketPath(mountpoint string) (string, error) {
	dir, err := runtimeDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(mountpoint))
	return filepath.Join(dir, hex.EncodeToString(sum[:8])+".sock"), nil
}

// lastAnswers bounds how long a mount that ends waits for the answers to what it was asked.
const lastAnswers = 2 * time.Second

// serveControl answers on the mount's socket until the returned function is called.
func serveControl(mountpoint string, c controller) (stop func(), err error) {
	path, err := socketPath(mountpoint)
	if err != nil {
		return nil, err
	}
	// A socket that nobody answers on is left over from a process that was killed.
	if conn, err := net.Dial("unix", path); err == nil {
		conn.Close()
		return nil, fmt.Errorf("another mailfs controls %s", mountpoint)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	srv := &http.Server{Handler: controlHandler(c), ReadHeaderTimeout: 5 * time.Second}
	go srv.Serve(l) //nolint:errcheck // always ErrServerClosed, by stop
	return func() {
		// The request that unmounted is one of those under way, and wants its answer.
		ctx, cancel := context.WithTimeout(context.Background(), lastAnswers)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			srv.Close()
		}
	}, nil
}

func controlHandler(c controller) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		rep, err := c.Report()
		answer(w, rep, err)
	})
	mux.HandleFunc("POST /flush", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, c.Flush(r.Context()))
	})
	mux.HandleFunc("POST /kick", func(w http.ResponseWriter, r *http.Request) {
		c.Kick()
		answer(w, struct{}{}, nil)
	})
	mux.HandleFunc("GET /conflicts", func(w http.ResponseWriter, r *http.Request) {
		pairs, err := c.Conflicts()
		answer(w, conflictList{Pairs: pairs}, err)
	})
	mux.HandleFunc("POST /conflicts/{num}/settle", func(w http.ResponseWriter, r *http.Request) {
		num, err := strconv.ParseUint(r.PathValue("num"), 10, 64)
		if err == nil {
			err = c.Settle(replica.Num(num))
		}
		answer(w, struct{}{}, err)
	})
	mux.HandleFunc("POST /unmount", func(w http.ResponseWriter, r *http.Request) {
		rep, err := c.Report()
		if err == nil {
			err = c.Unmount()
		}
		answer(w, rep, err)
	})
	return mux
}

// failure carries an error over the socket without losing its exit status.
type failure struct {
	Error  string `json:"error"`
	Status int    `json:"status"`
	Hint   string `json:"hint,omitempty"`
}

func newFailure(err error) failure { return failure{err.Error(), exitStatus(err), hint(err)} }

// hintedError is the error of another process, with the hint that it would have given.
type hintedError struct {
	error
	hint string
}

func answer(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		v = newFailure(err)
	}
	json.NewEncoder(w).Encode(v) //nolint:errcheck // the other side went away
}

// errNoMount says that no mailfs answers for a mount point.
var errNoMount = errors.New("no mailfs is mounted there")

// errNoAnswer says that a mailfs is there, and can't be spoken to.
var errNoAnswer = errors.New("it does not answer")

// control calls the mailfs that has a mount point, and decodes its answer into out.
func control(ctx context.Context, socket, method, path string, out any) error {
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
		DisableKeepAlives: true,
	}}
	req, err := http.NewRequestWithContext(ctx, method, "http://mailfs"+path, bytes.NewReader(nil))
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return errNoMount
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return decodeFailure(body)
	}
	return json.Unmarshal(body, out)
}

func decodeFailure(body []byte) error {
	var f failure
	if err := json.Unmarshal(body, &f); err != nil || f.Error == "" {
		return errors.New("the mounted mailfs gave no understandable answer")
	}
	text := errors.New(f.Error)
	switch f.Status {
	case exitRefused:
		return &mapi.Refused{Err: errors.New(strings.TrimPrefix(f.Error, "sign-in refused: "))}
	case exitUnreachable:
		return &mapi.Unreachable{Err: errors.New(strings.TrimPrefix(f.Error, "server not reachable: "))}
	case exitUsage:
		return usageError{text}
	}
	return hintedError{text, f.Hint}
}

// mountSockets returns the sockets of every mount of this user, or of one mount point.
func mountSockets(mountpoint string) ([]string, error) {
	if mountpoint != "" {
		path, err := socketPath(mountpoint)
		return []string{path}, err
	}
	dir, err := runtimeDir()
	if err != nil {
		return nil, err
	}
	return filepath.Glob(filepath.Join(dir, "*.sock"))
}
