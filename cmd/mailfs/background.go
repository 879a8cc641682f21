package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A background mount is this program again, in a session of its own. It gets its account through
// its standard input (a password must not be on a command line or in the environment), and says
// through its standard output how the start went.

const backgroundEnv = "MAILFS_BACKGROUND"

// backgroundJob is what the child reads.
type backgroundJob struct {
	Account  account       `json:"account"`
	Dir      string        `json:"dir"`
	Password string        `json:"password"`
	Idle     time.Duration `json:"idle"`
}

func startBackground(ctx context.Context, std streams, acct account, dir, password string, idle time.Duration) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	logFile, err := openLog(acct)
	if err != nil {
		return err
	}
	defer logFile.Close()
	job, err := json.Marshal(backgroundJob{acct, dir, password, idle})
	if err != nil {
		return err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), backgroundEnv+"=1")
	cmd.Stdin = strings.NewReader(string(job))
	cmd.Stderr = logFile
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	type start struct {
		filled bool
		err    error
	}
	answer := make(chan start, 1)
	go func() {
		filled, err := readStart(bufio.NewReader(out))
		answer <- start{filled, err}
	}()
	filled := false
	select {
	case a := <-answer:
		filled, err = a.filled, a.err
		if err != nil {
			cmd.Wait() //nolint:errcheck // the child has told its reason
			return err
		}
	case <-ctx.Done():
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		cmd.Wait()         //nolint:errcheck // as above
		return ctx.Err()
	}
	fmt.Fprintf(std.out, "%s is mounted at %s\n", acct.User, dir)
	if !filled {
		fmt.Fprintln(std.out, "its mail is still coming in; `mailfs status` tells how far")
	}
	return cmd.Process.Release()
}

// What the child says when the mount answers: whether its mail shows.
const (
	startFilled  = "ok\n"
	startFilling = "filling\n"
)

// readStart returns without an error once the child says that the mount answers.
func readStart(r *bufio.Reader) (filled bool, err error) {
	line, err := r.ReadString('\n')
	switch {
	case err != nil:
		return false, errors.New("the background process ended before the mount was there; its log says more")
	case line == startFilled, line == startFilling:
		return line == startFilled, nil
	}
	return false, decodeFailure([]byte(line))
}

// openLog returns the log file of an account's background mounts, a new one when it has grown large.
func openLog(acct account) (*os.File, error) {
	const limit = 4 << 20
	dir := filepath.Join(home("XDG_STATE_HOME", ".local/state"), "mailfs")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, safeName(acct.User)+".log")
	if info, err := os.Stat(path); err == nil && info.Size() > limit {
		if err := os.Rename(path, path+".old"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// runBackground is the child.
func runBackground(ctx context.Context, std streams) int {
	var job backgroundJob
	err := json.NewDecoder(std.in).Decode(&job)
	var m *mounted
	if err == nil {
		m, err = openMount(ctx, std, job.Account, job.Dir, job.Password, job.Idle)
	}
	if err != nil {
		json.NewEncoder(std.out).Encode(newFailure(err)) //nolint:errcheck // nobody else to tell
		return exitStatus(err)
	}
	err = m.runReady(ctx, func(filled bool) {
		fmt.Fprint(std.out, map[bool]string{true: startFilled, false: startFilling}[filled])
		if f, ok := std.out.(*os.File); ok {
			f.Close()
		}
	})
	if err != nil {
		m.logger.Print(err)
	}
	return exitStatus(err)
}
