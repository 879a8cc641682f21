package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"mailfs/internal/memserver"
	"mailfs/internal/sample"
)

const demoPassword = "demo"

func newDemo(std streams) *cobra.Command {
	var script bool
	cmd := &cobra.Command{
		Use:   "demo [DIR]",
		Short: "Serve a sample mailbox, mount it at DIR (default ~/mailfs-demo), and say what to try",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := newDemoWorld(std, first(args))
			if err != nil {
				return err
			}
			defer d.cleanup()
			return d.run(cmd.Context(), script)
		},
	}
	cmd.Flags().BoolVar(&script, "script", false, "run the tour itself and check each step")
	return cmd
}

// demoWorld is the server, the mount and the files of one demo.
type demoWorld struct {
	std     streams
	box     *memserver.Mailbox
	srv     *memserver.Server
	self    string // this program
	tmp     string
	dir     string // mount point
	madeDir bool
	url     string
}

func newDemoWorld(std streams, dir string) (*demoWorld, error) {
	d := &demoWorld{std: std, dir: dir}
	if dir == "" {
		d.dir = filepath.Join(home("MAILFS_DEMO_HOME", ""), "mailfs-demo")
	}
	if err := os.Mkdir(d.dir, 0o700); err == nil {
		d.madeDir = true
	}
	abs, err := checkMountpoint(d.dir)
	if err != nil {
		return nil, err
	}
	d.dir = abs
	if d.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if d.tmp, err = os.MkdirTemp("", "mailfs-demo-"); err != nil {
		return nil, err
	}
	d.srv = memserver.New(memserver.Config{})
	d.box, err = d.srv.AddMailbox(memserver.MailboxConfig{Address: sample.Owner, Password: demoPassword, DisplayName: "Alice Example"})
	return d, errors.Join(err, os.WriteFile(filepath.Join(d.tmp, "password"), []byte(demoPassword+"\n"), 0o600))
}

func (d *demoWorld) cleanup() {
	d.srv.Close()
	os.RemoveAll(d.tmp)
	if d.madeDir {
		os.Remove(d.dir) // fails on purpose when something is still there
	}
}

func (d *demoWorld) run(ctx context.Context, script bool) error {
	if err := fillSample(d.box, time.Now()); err != nil {
		return err
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ready := make(chan string, 1)
	ended := make(chan error, 1)
	go func() { ended <- serve(serving, d.srv, "127.0.0.1:0", func(url string) { ready <- url }) }()
	select {
	case d.url = <-ready:
	case err := <-ended:
		return err
	}
	if err := d.mailfs(ctx, d.mountArgs()...); err != nil {
		return fmt.Errorf("the sample mailbox can't be mounted: %w", err)
	}
	// The mount has to go in any case, also when the user pressed Ctrl-C.
	unmount := func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		return d.mailfs(ctx, "umount", d.dir)
	}
	if err := d.firstPass(ctx); err != nil {
		return errors.Join(err, unmount(), stopServing(stop, ended))
	}
	if script {
		err := newTour(d).run(ctx)
		return errors.Join(err, unmount(), stopServing(stop, ended))
	}
	d.invite()
	<-ctx.Done()
	fmt.Fprintln(d.std.out)
	return errors.Join(unmount(), stopServing(stop, ended))
}

// firstPass waits until everything was downloaded once. The mount answers before that, but a tour
// through a mailbox that fills up under one's eyes is confusing.
func (d *demoWorld) firstPass(ctx context.Context) error {
	return until(ctx, "the first synchronization", func() (bool, error) {
		reports, err := collect(ctx, d.dir)
		return err == nil && len(reports) == 1 && reports[0].LastPass != nil, err
	})
}

func stopServing(stop func(), ended <-chan error) error {
	stop()
	return <-ended
}

func (d *demoWorld) mountArgs() []string {
	return []string{"mount", "--background", "--server", d.url, "--user", sample.Owner, "--password-file", filepath.Join(d.tmp, "password"),
		"--replica", filepath.Join(d.tmp, "replica"), d.dir}
}

// mailfs runs this program again: the mount must live in a process of its own, since a
// process that works on its own mount can wait for itself.
func (d *demoWorld) mailfs(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, d.self, args...)
	cmd.Stdout, cmd.Stderr = d.std.out, d.std.err
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+d.tmp) // the log goes with the rest
	return cmd.Run()
}

func (d *demoWorld) invite() {
	fmt.Fprintf(d.std.out, `
A sample mailbox is served at %s and mounted at %s.
In another terminal, try:

  cd %s
  ls
  ls -l Inbox
  grep -rl Lisbon .
  cp "$(grep -rl "ten o'clock" Inbox | head -n 1)" Drafts/copy.eml
  sed -i "s/ten o'clock/noon/" Drafts/copy.eml
  mkdir Inbox/New
  mv Drafts/copy.eml Inbox/New/
  grep -H noon Inbox/New/copy.eml
  rm Inbox/New/copy.eml
  ls "Deleted Items"
  %s status

Press Ctrl-C to unmount and end. Nothing of this is kept.
`, d.url, d.dir, d.dir, d.self)
}
