package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"html"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"mailfs/replica"
	"mailfs/syncer"
)

// announcer tells the user's desktop of versions that lost a conflict, once of each, by way of the session bus
// (the Desktop Notifications Specification). Without a bus nothing is told, and it is made up for at a later mount
// that has one.
type announcer struct {
	rep   *replica.Replica
	pairs func() ([]syncer.Pair, error)
	logf  func(format string, args ...any)
}

// settingTold is the number of the last loser that was told of. Numbers of items go up and are never given twice.
const settingTold = "mailfs.told"

const (
	announcePause = 2 * time.Second // conflicts seldom come alone
	announceLimit = 10 * time.Second
	announceNames = 3
)

// run announces what there is, and what comes until ctx ends.
func (a *announcer) run(ctx context.Context) {
	if _, err := busAddress(); err != nil {
		return
	}
	events, cancel := a.rep.Subscribe()
	defer cancel()
	due := time.After(0)
	for {
		select {
		case <-ctx.Done():
			return
		case batch, ok := <-events:
			if !ok {
				return
			}
			for _, e := range batch {
				if e.Kind == replica.EventAdded && due == nil {
					due = time.After(announcePause)
				}
			}
		case <-due:
			due = nil
			if err := a.tell(ctx); err != nil && ctx.Err() == nil {
				a.logf("desktop notification: %v", err)
			}
		}
	}
}

// tell announces the losers that nobody has been told of. Those of other machines were announced there.
func (a *announcer) tell(ctx context.Context) error {
	told, err := a.told()
	if err != nil {
		return err
	}
	pairs, err := a.pairs()
	if err != nil {
		return err
	}
	var names []string
	last := told
	for _, p := range pairs {
		if p.Loser <= told {
			continue
		}
		last = max(last, p.Loser)
		if p.LoserSide != syncer.SideUnknown {
			names = append(names, path.Base(firstOf(p.WinnerPath, p.LoserPath)))
		}
	}
	if last == told {
		return nil
	}
	if len(names) > 0 {
		if err := notify(ctx, conflictSummary(len(names)), conflictBody(names)); err != nil {
			return err
		}
	}
	return a.rep.Update(func(u *replica.Update) error {
		return u.SetSetting(settingTold, binary.BigEndian.AppendUint64(nil, uint64(last)))
	})
}

func (a *announcer) told() (last replica.Num, err error) {
	err = a.rep.View(func(v *replica.View) error {
		b, err := v.Setting(settingTold)
		if len(b) == 8 {
			last = replica.Num(binary.BigEndian.Uint64(b))
		}
		return err
	})
	return last, err
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func conflictSummary(n int) string {
	if n == 1 {
		return "A message was changed in two places"
	}
	return fmt.Sprintf("%d messages were changed in two places", n)
}

// conflictBody names the messages. It is markup to some desktops, so that names are escaped.
func conflictBody(names []string) string {
	list := names[:min(len(names), announceNames)]
	text := strings.Join(list, "\n")
	if more := len(names) - len(list); more > 0 {
		text += fmt.Sprintf("\nand %d more", more)
	}
	return html.EscapeString(text + "\nBoth versions are kept: mailfs conflicts list shows them.")
}

var errNoBus = errors.New("no session bus")

// busAddress returns where the session bus listens. None is started for this.
func busAddress() (string, error) {
	if a := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); a != "" && a != "autolaunch:" && a != "disabled:" {
		return a, nil
	}
	socket := filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "bus")
	if fi, err := os.Stat(socket); err != nil || fi.Mode()&os.ModeSocket == 0 {
		return "", errNoBus
	}
	return "unix:path=" + socket, nil
}

const notifications = "org.freedesktop.Notifications"

// notify shows a notification.
func notify(ctx context.Context, summary, body string) error {
	address, err := busAddress()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, announceLimit)
	defer cancel()
	conn, err := dbus.Connect(address, dbus.WithContext(ctx))
	if err != nil {
		return err
	}
	defer conn.Close()
	const normal, standard, replaces = byte(1), int32(-1), uint32(0)
	hints := map[string]dbus.Variant{"urgency": dbus.MakeVariant(normal), "category": dbus.MakeVariant("email")}
	return conn.Object(notifications, "/org/freedesktop/Notifications").CallWithContext(ctx, notifications+".Notify", 0,
		"mailfs", replaces, "mail-message", summary, body, []string{}, hints, standard).Err
}
