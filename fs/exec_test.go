package fs

import (
	"context"
	"os"
	"os/exec"
	"testing"
)

func execLookPath(name string) (string, error) { return exec.LookPath(name) }

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
