package fs

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"testing"
)

// execCommandContext is execCommand that ends with ctx.
func execCommandContext(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = execCommand(name).Env
	return cmd
}

// execCommand makes a command with the plainest environment.
func execCommand(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "HOME=/nonexistent", "TERM=dumb"}
	return cmd
}

// command runs a program to its end.
func command(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	out, err := execCommand(name, args...).CombinedOutput()
	return string(out), err
}

// linesOf starts a program that is ended with the test, and returns its output.
func linesOf(t *testing.T, cmd *exec.Cmd) *bufio.Scanner {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return bufio.NewScanner(out)
}
