package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mailfs/internal/memserver"
	"mailfs/internal/sample"
	"mailfs/mapi"
	"mailfs/mime"
)

func newServe(std streams) *cobra.Command {
	var (
		listen  string
		users   []string
		imports []string
		small   bool
	)
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the in-tree server alone; its mailboxes live in memory",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			srv := memserver.New(memserver.Config{})
			defer srv.Close()
			boxes, err := addUsers(srv, users)
			if err != nil {
				return err
			}
			if small {
				if err := fillSample(boxes[0], time.Now()); err != nil {
					return err
				}
			}
			for _, path := range imports {
				n, err := fillFrom(boxes[0], path)
				if err != nil {
					return err
				}
				fmt.Fprintf(std.err, "imported %d messages from %s\n", n, path)
			}
			return serve(cmd.Context(), srv, listen, func(base string) {
				fmt.Fprintln(std.out, base)
			})
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "`ADDRESS` to listen on")
	cmd.Flags().StringArrayVar(&users, "user", nil, "`NAME:PASSWORD` of a mailbox; may be repeated")
	cmd.Flags().StringArrayVar(&imports, "import", nil, "Maildir, mbox or tree of .eml files for the first mailbox; may be repeated: `PATH`")
	cmd.Flags().BoolVar(&small, "sample", false, "put the sample mail of the demo into the first mailbox")
	return cmd
}

// serve answers on addr until ctx ends. ready gets the base URL.
func serve(ctx context.Context, srv *memserver.Server, addr string, ready func(base string)) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	hs := &http.Server{Handler: srv.Handler(), ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- hs.Serve(l) }()
	ready("http://" + l.Addr().String())
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		srv.Close() // ends the waits that clients have open
		hs.Close()
		<-done
		return nil
	}
}

func addUsers(srv *memserver.Server, users []string) ([]*memserver.Mailbox, error) {
	if len(users) == 0 {
		return nil, usageError{errors.New("give at least one --user NAME:PASSWORD")}
	}
	var boxes []*memserver.Mailbox
	for _, u := range users {
		name, password, ok := strings.Cut(u, ":")
		if !ok || name == "" || password == "" {
			return nil, usageError{errors.New("--user wants NAME:PASSWORD")}
		}
		box, err := srv.AddMailbox(memserver.MailboxConfig{Address: name, Password: password})
		if err != nil {
			return nil, usageError{err}
		}
		boxes = append(boxes, box)
	}
	return boxes, nil
}

// aliases maps names that other mail stores use to those of a mailbox.
var aliases = map[string]string{"inbox": "Inbox", "sent": "Sent Items", "drafts": "Drafts", "trash": "Deleted Items", "junk": "Junk Email"}

// folderFor finds or makes the folder of an import path. What lies at the root goes to the Inbox.
func folderFor(box *memserver.Mailbox, path []string) mapi.FID {
	if len(path) == 0 {
		return box.Folder(memserver.FolderInbox)
	}
	if name, ok := aliases[strings.ToLower(path[0])]; ok {
		path = append([]string{name}, path[1:]...)
	}
	if id, ok := box.FindFolder(path...); ok {
		return id
	}
	return box.CreateFolder(path...)
}

// deliver parses one RFC 5322 message and puts it into a folder.
func deliver(box *memserver.Mailbox, folder mapi.FID, data []byte, read, flag bool) (mapi.MID, error) {
	msg, err := mime.Parse(bytes.NewReader(data), mime.Options{})
	var odd *mime.UnsupportedError
	if err != nil && !errors.As(err, &odd) {
		return 0, err
	}
	if flag {
		msg.Properties.Set(mapi.PidTagFlagStatus, int32(2))
	}
	id, err := box.Deliver(folder, msg)
	if err == nil && read {
		err = box.MarkRead(id, true)
	}
	return id, err
}

func fillFrom(box *memserver.Mailbox, path string) (int, error) {
	n := 0
	err := importPath(path, func(m imported) error {
		n++
		_, err := deliver(box, folderFor(box, m.folder), m.data, m.read, m.flag)
		return err
	})
	return n, err
}

func fillSample(box *memserver.Mailbox, now time.Time) error {
	for _, path := range sample.Folders() {
		folderFor(box, path)
	}
	for i, m := range sample.Mailbox(1, now) {
		if _, err := deliver(box, folderFor(box, m.Folder), m.Data, m.Read, m.Flag); err != nil {
			return fmt.Errorf("sample message %d: %w", i, err)
		}
	}
	return nil
}

// newSample writes messages for measurements; it is no user's command and stays hidden.
func newSample(std streams) *cobra.Command {
	var count, size int
	cmd := &cobra.Command{
		Use:    "sample DIR",
		Short:  "Write a Maildir of made-up messages",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			for i, m := range sample.Large(1, count, size, time.Now()) {
				dir := filepath.Join(args[0], "."+strings.Join(m.Folder, "."))
				for _, sub := range []string{"cur", "new", "tmp"} {
					if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
						return err
					}
					if err := os.MkdirAll(filepath.Join(args[0], sub), 0o700); err != nil {
						return err
					}
				}
				flags := ""
				if m.Read {
					flags = "S"
				}
				if err := os.WriteFile(filepath.Join(dir, "cur", fmt.Sprintf("1700000000.%d.sample:2,%s", i, flags)), m.Data, 0o600); err != nil {
					return err
				}
			}
			fmt.Fprintf(std.err, "%d messages written to %s\n", count, args[0])
			return nil
		},
	}
	cmd.Flags().IntVar(&count, "count", 10000, "number of messages")
	cmd.Flags().IntVar(&size, "size", 20000, "bytes of each")
	return cmd
}
