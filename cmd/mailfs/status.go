package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"mailfs/internal/names"
)

const controlTimeout = 10 * time.Second

func newStatus(std streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status [MOUNTPOINT]",
		Short: "Tell how the mounts are doing",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			reports, err := collect(cmd.Context(), first(args))
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(std.out)
				enc.SetIndent("", "  ")
				return enc.Encode(reports)
			}
			for i, r := range reports {
				if i > 0 {
					fmt.Fprintln(std.out)
				}
				r.print(std.out)
			}
			if len(reports) == 0 {
				fmt.Fprintln(std.out, "nothing is mounted")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// collect asks one mount, or all of this user's.
func collect(ctx context.Context, mountpoint string) ([]report, error) {
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	abs, err := absMountpoint(mountpoint)
	if err != nil {
		return nil, err
	}
	sockets, err := mountSockets(abs)
	if err != nil {
		return nil, err
	}
	reports := []report{}
	for _, s := range sockets {
		var r report
		err := control(ctx, s, "GET", "/status", &r)
		switch {
		case errors.Is(err, errNoMount) && mountpoint == "":
			continue // left over from a process that was killed
		case errors.Is(err, errNoMount):
			return nil, noMount(abs)
		case err != nil:
			return nil, err
		}
		reports = append(reports, r)
	}
	slices.SortFunc(reports, func(a, b report) int { return strings.Compare(a.Mountpoint, b.Mountpoint) })
	return reports, nil
}

// absMountpoint returns the form of a mount point under which its socket is found. It
// does not look at the mount itself, which might not answer.
func absMountpoint(dir string) (string, error) {
	if dir == "" {
		return "", nil
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	// Only the parent is resolved: the mount point itself is never a link.
	if parent, err := filepath.EvalSymlinks(filepath.Dir(abs)); err == nil {
		return filepath.Join(parent, filepath.Base(abs)), nil
	}
	return abs, nil
}

func (r report) print(w io.Writer) {
	fmt.Fprintf(w, "%s  %s on %s\n", r.Mountpoint, r.User, r.Server)
	fmt.Fprintf(w, "  connection  %s\n", r.Connection)
	phase := r.Phase
	if r.Total > 0 {
		phase = fmt.Sprintf("%s, %d of %d%s", phase, r.Done, r.Total, extent(r.DoneBytes, r.TotalBytes, time.Duration(r.Left*float64(time.Second))))
	}
	fmt.Fprintf(w, "  phase       %s\n", phase)
	fmt.Fprintf(w, "  mail        %d messages in %d folders, %d complete here\n", r.Counts["messages"], r.Counts["folders"], r.Counts["full"])
	queue := "empty"
	if r.Queued > 0 {
		queue = fmt.Sprintf("%d waiting to go up", r.Queued)
	}
	if r.Refused > 0 {
		queue += fmt.Sprintf(", %d refused by the server", r.Refused)
	}
	fmt.Fprintf(w, "  queue       %s\n", queue)
	if n := r.Counts["conflicts"]; n > 0 {
		fmt.Fprintf(w, "  conflicts   %d, see %s\n", n, filepath.Join(r.Mountpoint, "conflicts"))
	}
	if r.SetAside > 0 {
		fmt.Fprintf(w, "  set aside   %d that the server could not deliver, see %s\n", r.SetAside, filepath.Join(r.Mountpoint, names.Control, "failures"))
	}
	if r.Missed > 0 {
		fmt.Fprintf(w, "  missed      %d changes that the server did not notify of; they came with a later pass\n", r.Missed)
	}
	if r.LastPass != nil {
		fmt.Fprintf(w, "  last pass   %s\n", r.LastPass.Local().Format(time.DateTime))
	}
	if r.LastError != "" {
		fmt.Fprintf(w, "  last error  %s\n", r.LastError)
	}
}

func first(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return ""
}

func newFlush(std streams) *cobra.Command {
	var wait bool
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "flush [MOUNTPOINT]",
		Short: "Send every local change now; with --wait, return when the server has acknowledged them",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			abs, err := absMountpoint(first(args))
			if err != nil {
				return err
			}
			sockets, err := mountSockets(abs)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			path := "/flush"
			if !wait {
				path = "/kick"
			}
			return flushAll(ctx, std, sockets, path, abs)
		},
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "return once every change is acknowledged")
	cmd.Flags().DurationVar(&timeout, "timeout", 10*time.Minute, "give up after this `TIME`")
	return cmd
}

func flushAll(ctx context.Context, std streams, sockets []string, path, mountpoint string) error {
	reached := 0
	for _, s := range sockets {
		var none struct{}
		err := control(ctx, s, "POST", path, &none)
		switch {
		case errors.Is(err, errNoMount) && mountpoint == "":
			continue
		case errors.Is(err, errNoMount):
			return noMount(mountpoint)
		case errors.Is(err, context.DeadlineExceeded):
			return errors.New("not every change is acknowledged yet; the rest stays queued")
		case err != nil:
			return err
		}
		reached++
	}
	if reached == 0 {
		return errors.New("nothing is mounted")
	}
	return nil
}

func newUmount(std streams) *cobra.Command {
	return &cobra.Command{
		Use:   "umount MOUNTPOINT",
		Short: "Unmount; changes that are still queued go up at the next mount",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			abs, err := absMountpoint(args[0])
			if err != nil {
				return err
			}
			socket, err := socketPath(abs)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), time.Minute)
			defer cancel()
			var rep report
			err = control(ctx, socket, "POST", "/unmount", &rep)
			if errors.Is(err, errNoMount) {
				if mountedByUs(abs) && !isDead(abs) {
					return noMount(abs)
				}
				if err := unmountDead(ctx, abs); err != nil {
					return err
				}
				fmt.Fprintf(std.out, "%s is unmounted; its process had died\n", abs)
				return nil
			}
			if err != nil {
				return err
			}
			if err := waitGone(ctx, socket, rep.PID); err != nil {
				return err
			}
			fmt.Fprintf(std.out, "%s is unmounted%s\n", abs, leftBehind(rep.Queued))
			return nil
		},
	}
}

// noMount is the error for a mount point that no mailfs answers for.
func noMount(dir string) error {
	if mountedByUs(dir) && !isDead(dir) {
		return fmt.Errorf("%s is mounted, but by another user or with another XDG_RUNTIME_DIR: %w here", dir, errNoAnswer)
	}
	return fmt.Errorf("%s: %w", dir, errNoMount)
}

// isDead reports whether the process of a mount has died.
func isDead(dir string) bool {
	_, err := os.ReadDir(dir)
	return errors.Is(err, syscall.ENOTCONN)
}

// leftBehind tells what an unmounted mailbox still has to send.
func leftBehind(queued int) string {
	switch queued {
	case 0:
		return ""
	case 1:
		return "; 1 change is queued and goes up at the next mount"
	}
	return fmt.Sprintf("; %d changes are queued and go up at the next mount", queued)
}

// waitGone returns when the mount's process has closed its replica and its socket, so that the
// next command finds both free.
func waitGone(ctx context.Context, socket string, pid int) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(socket); errors.Is(err, os.ErrNotExist) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("unmounted, but process %d has not ended yet", pid)
		case <-tick.C:
		}
	}
}
