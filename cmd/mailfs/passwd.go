package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/term"
)

// readPassword gets the password from a file, a command, or the terminal. It is never
// taken from the command line, where every user of the machine could read it.
func readPassword(ctx context.Context, a *account) (string, error) {
	switch {
	case a.PasswordFile != "" && a.PasswordCommand != "":
		return "", usagef("give either --password-file or --password-command")
	case a.PasswordFile != "":
		data, err := os.ReadFile(a.PasswordFile)
		if err != nil {
			return "", usagef("the password file can't be read: %w", err)
		}
		return firstLine(string(data), a.PasswordFile)
	case a.PasswordCommand != "":
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "/bin/sh", "-c", a.PasswordCommand)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("the password command failed: %w", err)
		}
		return firstLine(string(out), "the password command's output")
	case term.IsTerminal(int(os.Stdin.Fd())):
		fmt.Fprintf(os.Stderr, "Password of %s: ", a.User)
		p, err := term.ReadPassword(int(os.Stdin.Fd()))
		fmt.Fprintln(os.Stderr)
		return string(p), err
	}
	return "", usageError{errors.New("no password: give --password-file FILE or --password-command COMMAND")}
}

func firstLine(text, from string) (string, error) {
	line, _, _ := strings.Cut(text, "\n")
	line = strings.TrimSuffix(line, "\r")
	if line == "" {
		return "", usagef("%s holds no password in its first line", from)
	}
	return line, nil
}
