package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"mailfs/replica"
)

func newSync(std streams) *cobra.Command {
	var acct account
	var quiet bool
	cmd := &cobra.Command{
		Use:   "sync [ACCOUNT]",
		Short: "Make one synchronization pass without a mount: upload, then download",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := acct.resolve(first(args), cmd.Flags()); err != nil {
				return err
			}
			password, err := readPassword(cmd.Context(), &acct)
			if err != nil {
				return err
			}
			return syncOnce(cmd.Context(), std, acct, password, quiet)
		},
	}
	acct.addFlags(cmd.Flags())
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "print nothing but errors")
	return cmd
}

func syncOnce(ctx context.Context, std streams, acct account, password string, quiet bool) (err error) {
	logger := log.New(std.err, "mailfs: ", 0)
	srv, err := newServer(acct, password)
	if err != nil {
		return err
	}
	rep, err := openReplica(acct, logger)
	if err != nil {
		return err
	}
	defer func() {
		if e := rep.Close(); err == nil {
			err = e
		}
	}()
	bars := newProgress(std.err, quiet)
	s, err := newSyncer(acct, rep, srv, logger, bars.show)
	if err != nil {
		return err
	}
	start := time.Now()
	if err = s.Retry(0); err == nil {
		err = s.Pass(ctx)
	}
	bars.done()
	if e := s.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	var c replica.Counts
	if err := rep.View(func(v *replica.View) (err error) { c, err = v.Counts(); return err }); err != nil {
		return err
	}
	if !quiet {
		st := s.Status()
		fmt.Fprintf(std.out, "%d messages in %d folders, %d complete here, %d changes queued; %.1f s\n", c.Messages, c.Folders, c.Full, st.Queued, time.Since(start).Seconds())
		if st.Refused > 0 {
			fmt.Fprintf(std.out, "%d changes are refused by the server; 'mailfs status' and user.mailfs.error tell which\n", st.Refused)
		}
	}
	return nil
}

// isTerminal reports whether w shows bars and cursor movement properly.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func newCheck(std streams) *cobra.Command {
	var acct account
	cmd := &cobra.Command{
		Use:   "check [ACCOUNT]",
		Short: "Verify the replica's invariants",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := acct.resolve(first(args), cmd.Flags()); err != nil {
				return err
			}
			if _, err := os.Stat(acct.Replica); err != nil {
				return usagef("there is no replica: %w", err)
			}
			rep, err := openReplica(acct, log.New(std.err, "mailfs: ", 0))
			if err != nil {
				return err
			}
			defer rep.Close()
			wrong, err := rep.Check()
			if err != nil {
				return err
			}
			for _, w := range wrong {
				fmt.Fprintln(std.out, w)
			}
			if len(wrong) > 0 {
				return fmt.Errorf("the replica %s breaks %d rules", acct.Replica, len(wrong))
			}
			fmt.Fprintf(std.out, "%s is consistent\n", acct.Replica)
			return nil
		},
	}
	acct.addFlags(cmd.Flags())
	return cmd
}
