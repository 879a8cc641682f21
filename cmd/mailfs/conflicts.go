package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mailfs/replica"
	"mailfs/syncer"
)

// conflictList is what a mount answers about the pairs that conflict resolution left.
type conflictList struct {
	Mountpoint string        `json:"mountpoint"`
	Pairs      []syncer.Pair `json:"pairs"`
}

func newConflicts(std streams) *cobra.Command {
	var mount string
	cmd := &cobra.Command{
		Use:   "conflicts",
		Short: "Look at versions that lost to another one, and decide",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usagef("say what to do: mailfs conflicts list, show, diff or keep")
		},
	}
	cmd.PersistentFlags().StringVar(&mount, "mount", "", "the `MOUNTPOINT`, where several are mounted")
	cmd.AddCommand(
		&cobra.Command{
			Use:   "list",
			Short: "List the pairs",
			Args:  cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				list, err := conflictsOf(cmd.Context(), mount)
				if err == nil {
					list.print(std.out)
				}
				return err
			},
		},
		&cobra.Command{
			Use:   "show NUMBER",
			Short: "Print the version that lost",
			Args:  cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				list, p, err := onePair(cmd.Context(), mount, args[0])
				if err != nil {
					return err
				}
				f, err := os.Open(list.path(p.LoserPath))
				if err != nil {
					return err
				}
				defer f.Close()
				_, err = io.Copy(std.out, f)
				return err
			},
		},
		&cobra.Command{
			Use:   "diff NUMBER",
			Short: "Compare the version in place with the one that lost",
			Args:  cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				list, p, err := onePair(cmd.Context(), mount, args[0])
				if err != nil {
					return err
				}
				return list.diff(cmd.Context(), std, p)
			},
		},
		&cobra.Command{
			Use:   "keep mine|theirs|in-place|lost|both NUMBER",
			Short: "Decide for one version, by who wrote it or by what list says of it; the other goes to Deleted Items",
			Args:  cobra.ExactArgs(2),
			RunE: func(cmd *cobra.Command, args []string) error {
				list, p, err := onePair(cmd.Context(), mount, args[1])
				if err != nil {
					return err
				}
				return list.keep(cmd.Context(), std, p, args[0])
			},
		},
	)
	return cmd
}

// conflictsOf asks a mount for its pairs.
func conflictsOf(ctx context.Context, mountpoint string) (list conflictList, err error) {
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	reports, err := collect(ctx, mountpoint)
	switch {
	case err != nil:
		return list, err
	case len(reports) == 0:
		return list, errors.New("nothing is mounted")
	case len(reports) > 1:
		return list, usagef("%d mailboxes are mounted: say which with --mount", len(reports))
	}
	socket, err := socketPath(reports[0].Mountpoint)
	if err != nil {
		return list, err
	}
	err = control(ctx, socket, http.MethodGet, "/conflicts", &list)
	list.Mountpoint = reports[0].Mountpoint
	return list, err
}

// onePair returns the pair that a number of the list names.
func onePair(ctx context.Context, mountpoint, number string) (list conflictList, p syncer.Pair, err error) {
	if list, err = conflictsOf(ctx, mountpoint); err != nil {
		return list, p, err
	}
	for _, p := range list.Pairs {
		if strconv.FormatUint(uint64(p.Loser), 10) == number {
			return list, p, nil
		}
	}
	return list, p, fmt.Errorf("there is no conflict %q: mailfs conflicts list shows their numbers", number)
}

func (l conflictList) path(rel string) string {
	return filepath.Join(l.Mountpoint, filepath.FromSlash(rel))
}

// print lists the pairs. Their numbers stay the same when others are decided.
func (l conflictList) print(w io.Writer) {
	if len(l.Pairs) == 0 {
		fmt.Fprintln(w, "no conflicts")
	}
	for _, p := range l.Pairs {
		winner := "the other version was moved or removed"
		if p.Winner != 0 {
			winner = fmt.Sprintf("%s, of %s", p.WinnerPath, p.WinnerTime.Local().Format(time.DateTime))
		}
		whose := map[syncer.Side]string{syncer.SideMine: "mine", syncer.SideTheirs: "theirs", syncer.SideUnknown: "of another machine"}[p.LoserSide]
		fmt.Fprintf(w, "%d  in place  %s\n", p.Loser, winner)
		fmt.Fprintf(w, "%s  lost      %s, of %s (%s)\n", strings.Repeat(" ", len(strconv.FormatUint(uint64(p.Loser), 10))),
			p.LoserPath, p.LoserTime.Local().Format(time.DateTime), whose)
	}
}

// diff runs diff(1), which every system has that has a shell.
func (l conflictList) diff(ctx context.Context, std streams, p syncer.Pair) error {
	if p.Winner == 0 {
		return errors.New("the version that was in place was moved or removed; mailfs conflicts show prints the one that lost")
	}
	cmd := exec.CommandContext(ctx, "diff", "-u", "--label", p.WinnerPath, "--label", p.LoserPath, l.path(p.WinnerPath), l.path(p.LoserPath))
	cmd.Stdout, cmd.Stderr = std.out, std.err
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return nil // they differ
	}
	return err
}

// keep carries out a decision with the means of any program: the version that is not wanted is removed, which leaves it
// in Deleted Items.
func (l conflictList) keep(ctx context.Context, std streams, p syncer.Pair, which string) error {
	sides := map[string]string{"in-place": "in-place", "lost": "lost", "both": "both"}
	switch p.LoserSide {
	case syncer.SideMine:
		sides["mine"], sides["theirs"] = "lost", "in-place"
	case syncer.SideTheirs:
		sides["mine"], sides["theirs"] = "in-place", "lost"
	}
	var err error
	switch sides[which] {
	case "both":
		err = l.keepBoth(p)
	case "in-place":
		err = os.Remove(l.path(p.LoserPath))
	case "lost":
		err = l.replace(p)
	default:
		if which == string(syncer.SideMine) || which == string(syncer.SideTheirs) {
			return errors.New("another machine found this conflict, and it is not known here who wrote what: keep in-place, lost or both")
		}
		return usagef("keep what: mine, theirs, in-place, lost or both?")
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "kept: %s\n", which)
	if p.Winner == 0 {
		return nil
	}
	return l.settle(ctx, p.Winner)
}

// keepBoth makes the loser a message beside the other one.
func (l conflictList) keepBoth(p syncer.Pair) error {
	if p.Winner == 0 {
		return errors.New("the version that was in place was moved or removed: move the one that lost to where it is to be")
	}
	to := filepath.Join(filepath.Dir(l.path(p.WinnerPath)), filepath.Base(p.LoserPath))
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("%s is there already", to)
	}
	return os.Rename(l.path(p.LoserPath), to)
}

// replace puts the loser in place of the winner, of which it is the next version then. Only when that is on disk the
// loser's own message goes.
func (l conflictList) replace(p syncer.Pair) error {
	if p.Winner == 0 {
		return errors.New("the version that was in place was moved or removed: move the one that lost to where it is to be")
	}
	data, err := os.ReadFile(l.path(p.LoserPath))
	if err != nil {
		return err
	}
	if _, err := os.ReadFile(l.path(p.WinnerPath)); err != nil { // it is replaced knowingly
		return err
	}
	if err := os.WriteFile(l.path(p.WinnerPath), data, 0o600); err != nil {
		return err
	}
	return os.Remove(l.path(p.LoserPath))
}

// settle takes the mark off the message that stays.
func (l conflictList) settle(ctx context.Context, num replica.Num) error {
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	socket, err := socketPath(l.Mountpoint)
	if err != nil {
		return err
	}
	var none struct{}
	return control(ctx, socket, http.MethodPost, fmt.Sprintf("/conflicts/%d/settle", num), &none)
}
