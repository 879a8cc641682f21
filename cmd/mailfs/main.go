// Command mailfs mounts an Exchange-compatible mailbox as a directory.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	std := streams{os.Stdin, os.Stdout, os.Stderr}
	var code int
	switch {
	case os.Getenv(replayEnv) != "":
		stop()
		code = runReplays(std)
	case os.Getenv(backgroundEnv) != "":
		os.Unsetenv(backgroundEnv) // not for what this process starts
		code = runBackground(ctx, std)
	default:
		code = run(ctx, os.Args[1:], std)
	}
	stop()
	os.Exit(code)
}

// streams are what a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// run carries out one command line and returns its exit status.
func run(ctx context.Context, args []string, std streams) int {
	root := newRoot(std)
	root.SetArgs(args)
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintf(std.err, "mailfs: %s\n", strings.ReplaceAll(err.Error(), "\n", "\n  "))
		if h := hint(err); h != "" {
			fmt.Fprintf(std.err, "hint: %s\n", h)
		}
	}
	return exitStatus(err)
}

func newRoot(std streams) *cobra.Command {
	root := &cobra.Command{
		Use:           "mailfs",
		Short:         "Mount an Exchange mailbox as a directory",
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(std.err)
			return errors.Join(usageError{errors.New("no command given")}, cmd.Usage())
		},
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(newDemo(std), newServe(std), newMount(std), newUmount(std), newSync(std), newStatus(std), newFlush(std), newConflicts(std), newCheck(std), newSample(std))
	all := append(root.Commands(), root)
	for _, c := range root.Commands() {
		all = append(all, c.Commands()...)
	}
	for _, c := range all {
		wrong := c.Args
		c.Args = func(cmd *cobra.Command, list []string) error {
			err := wrong(cmd, list)
			switch {
			case err == nil:
				return nil
			case !cmd.HasParent():
				return usageError{err}
			}
			return usagef("wrong number of arguments: the usage is %s", strings.TrimSuffix(cmd.UseLine(), " [flags]"))
		}
	}
	return root
}
