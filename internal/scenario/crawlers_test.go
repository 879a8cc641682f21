//go:build programs

package scenario_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What goes through whole trees: it must find what can be found, and download nothing.

const wanted = "From: Wendelin Ångström <wendelin@example.test>\nTo: Alice <alice@example.test>\nSubject: Panorama of the Zugspitze\n" +
	"Date: Fri, 20 Nov 2026 08:15:00 +0000\nMessage-ID: <wanted@example.test>\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n" +
	"The heliotrope is in bloom.\n"

// library is a mailbox with a message to find, and mounts of it with and without the bodies.
type library struct {
	*world
	full, headers *client
}

func newLibrary(t *testing.T) *library {
	w := newWorld(t, 60)
	w.deliver([]string{"Archive", "Alpen"}, []byte(wanted))
	l := &library{world: w, full: w.client("full"), headers: w.client("headers")}
	l.full.start()
	l.full.complete(61)
	l.headers.start("--keep", "headers")
	until(t, programLimit, "the headers to be here", func() bool {
		s := l.headers.status()
		return s.Counts.Messages == l.full.status().Counts.Messages && s.Phase == "idle"
	})
	l.untouched(t, "the mount")
	w.srv.ResetStats()
	return l
}

// untouched checks that nothing was downloaded to the mount that has headers only.
func (l *library) untouched(t *testing.T, by string) {
	t.Helper()
	if n := l.headers.status().Counts.Full; n != 0 {
		t.Errorf("%s downloaded %d messages", by, n)
	}
}

// silent checks that nobody asked the server for a message.
func (l *library) silent(t *testing.T) {
	t.Helper()
	if s := l.srv.Stats(); s.MessagesSent != 0 || s.StreamBytes != 0 {
		t.Errorf("the server sent %d messages, %d bytes of streams", s.MessagesSent, s.StreamBytes)
	}
}

func (l *library) stop() {
	l.headers.stop()
	l.full.stop()
}

// contrib is where the project keeps what other programs need to know of a mount.
func contrib(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../contrib")
	must(t, err)
	return dir
}

// crawls are what ordinary programs do with a whole tree. $M is the mount, $T a directory elsewhere.
var crawls = []struct{ name, script string }{
	{"ls", `ls -lR "$M" > "$T/out"; grep -q Zugspitze "$T/out"; ls -laiR --color=always "$M" > "$T/out"; ls -lRZ "$M" > "$T/out"`},
	{"find", `find "$M" -name '*.eml' -newermt 2000-01-01 -size -100k -printf '%p %s %b %T@\n' > "$T/out"; grep -q Zugspitze "$T/out"`},
	{"du", `du -s "$M" > /dev/null; du -a --apparent-size "$M" | grep -q Zugspitze; df "$M" | grep -q mailfs:`},
	{"stat", `find "$M" -exec stat {} + > /dev/null`},
	{"getfattr", `getfattr -R -d "$M" 2> "$T/err" > "$T/out"; grep -q 'email.subject="Panorama of the Zugspitze"' "$T/out"`},
	{"rsync", `mkdir "$T/copy"; rsync -anX --out-format=%n "$M/" "$T/copy/" > "$T/out"; grep -q Zugspitze "$T/out"`},
	{"tar", `tar -c --xattrs -f /dev/null -C "$M" .`}, // GNU tar reads nothing for /dev/null: it measures
	{"git", `cd "$M/Archive/Alpen"; git status > /dev/null 2>&1 || true`},
	{"gio-list", `gio list -l -a '*' "$M/Archive/Alpen" > "$T/out"; grep -q Zugspitze "$T/out"; gio tree -h "$M" | grep -q Zugspitze`},
	{"gio-info", `gio info -a 'standard::*,thumbnail::*,preview::*,metadata::*,xattr::*' "$M/Archive/Alpen"/*.eml > "$T/out"; grep -q 'content-type: message/rfc822' "$T/out"`},
	{"gio-mime", `for f in "$M"/Inbox/*.eml; do gio info -a standard::content-type,standard::icon "$f" | grep -q rfc822; done`},
	{"xdg-mime", `XDG_CURRENT_DESKTOP=GNOME xdg-mime query filetype "$M/Archive/Alpen"/*.eml > "$T/out"; grep -q rfc822 "$T/out"; xdg-mime query filetype "$M/Archive/Alpen"/*.eml || true`},
	{"file", `file -- "$M"/Inbox/*.eml "$M/Archive/Alpen"/*.eml > "$T/out"; grep -q 'no read permission' "$T/out"`},
	{"updatedb", `"$CONTRIB/updatedb/update-mail-db" "$M" "$T/db"; locate -d "$T/db" Zugspitze | grep -q Alpen`},
	{"updatedb-pruned", `cp /etc/updatedb.conf "$T/conf"; for i in 1 2; do "$CONTRIB/updatedb/prune-mailfs" "$T/conf"; done
. "$T/conf"; test "$(echo "$PRUNEFS" | grep -o fuse.mailfs | wc -l)" = 1
for fs in '' "$PRUNEFS"; do
	updatedb -l 0 -U "$(dirname "$M")" -o "$T/db" --prunepaths '' --prune-bind-mounts no --prunefs "$fs"
	found=no; locate -d "$T/db" Zugspitze | grep -q Alpen && found=yes
	case $found-$fs in yes- | no-?*) ;; *) exit 1 ;; esac
done`},
	{"thumbnailer", `if gdk-pixbuf-thumbnailer "$M/Archive/Alpen"/*.eml "$T/x.png" 2> "$T/err"; then exit 1; fi; grep -q 'No data available' "$T/err"`},
}

// TestProgramsCrawl lets programs list, measure and sniff at mail of which only the headers are here.
func TestProgramsCrawl(t *testing.T) {
	l := newLibrary(t)
	for _, crawl := range crawls {
		t.Run(crawl.name, func(t *testing.T) {
			work := t.TempDir()
			out, err := l.headers.program(work, []string{"M=" + l.headers.mount, "T=" + work, "HOME=" + work, "CONTRIB=" + contrib(t)}, "/bin/sh", "-ec", crawl.script)
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			l.untouched(t, crawl.name)
			l.silent(t)
		})
	}
	// What may download does: the counters above are no dead ones.
	if _, err := os.ReadFile(filepath.Join(l.headers.mount, "Archive/Alpen", oneMessage(t, filepath.Join(l.headers.mount, "Archive/Alpen")))); err != nil {
		t.Error(err)
	}
	if n := l.headers.status().Counts.Full; n != 1 || l.srv.Stats().StreamBytes == 0 {
		t.Errorf("%d messages are here after one was read", n)
	}
	l.stop()
}

// query is something to look for, and whether it can be found.
type query struct {
	text          string
	full, headers bool // found where bodies are, and where only headers are
}

func (q query) check(t *testing.T, answer string, full bool) {
	t.Helper()
	want := q.headers
	if full {
		want = q.full
	}
	if got := strings.Contains(answer, "Zugspitze"); got != want {
		t.Errorf("%s: found %t, want %t\n%s", q.text, got, want, answer)
	}
}

// TestProgramsRecoll indexes both mounts as docs/desktop-search.md tells.
func TestProgramsRecoll(t *testing.T) {
	l := newLibrary(t)
	for _, c := range []*client{l.full, l.headers} {
		work := t.TempDir()
		for _, name := range []string{"recoll.conf", "fields"} {
			data, err := os.ReadFile(filepath.Join(contrib(t), "recoll", name))
			must(t, err)
			must(t, os.WriteFile(filepath.Join(work, name), bytes.ReplaceAll(data, []byte("~/mail"), []byte(c.mount)), 0o600))
		}
		run := func(name string, args ...string) string {
			out, err := c.program(work, []string{"HOME=" + work, "RECOLL_CONFDIR=" + work}, name, args...)
			if err != nil {
				t.Fatalf("%s: %v\n%s", name, err, out)
			}
			return out
		}
		run("recollindex")
		for _, q := range []query{
			{"zugspitze", true, true},
			{"wendelin", true, true},
			{"heliotrope", true, false},
			{"subject:panorama", true, false},
			{"author:wendelin", true, false},
			{"filename:*zugspitze*", true, true},
			{"nosuchword", false, false},
		} {
			q.check(t, run("recollq", "-b", q.text), c == l.full)
		}
	}
	l.untouched(t, "Recoll")
	l.silent(t)
	l.stop()
}

// TestProgramsLocalSearch has GNOME's indexer look at both mounts as docs/desktop-search.md tells. It finds names.
func TestProgramsLocalSearch(t *testing.T) {
	l := newLibrary(t)
	for _, c := range []*client{l.full, l.headers} {
		work := t.TempDir()
		// What is below the directory for temporary files is never indexed, so that has to be somewhere else.
		env := []string{"M=" + c.mount, "HOME=" + work, "TMPDIR=" + work, "XDG_RUNTIME_DIR=" + work, "GSETTINGS_BACKEND=keyfile", "T=" + t.TempDir(), "CONTRIB=" + contrib(t)}
		out, err := c.program(work, env, "dbus-run-session", "--", "/bin/sh", "-ec", localSearch)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		answers := strings.Split(out, "QUERY ")
		for _, q := range []query{
			{"zugspitze", true, true}, {"wendelin", true, true}, {"ångström", true, true}, {"heliotrope", false, false},
		} {
			found := ""
			for _, a := range answers {
				if rest, ok := strings.CutPrefix(a, q.text+"\n"); ok {
					found = rest
				}
			}
			q.check(t, found, c == l.full)
		}
	}
	l.untouched(t, "LocalSearch")
	l.silent(t)
	l.stop()
}

var localSearch = `
gsettings set org.freedesktop.Tracker3.Miner.Files index-recursive-directories "['$T']"
for i in 1 2; do "$CONTRIB/localsearch/index-mail" "$M"; done
test "$(gsettings get org.freedesktop.Tracker3.Miner.Files index-recursive-directories)" = "['$T', '$M']"
gsettings set org.freedesktop.Tracker3.Miner.Files index-single-directories "[]"
/usr/libexec/tracker-miner-fs-3 --no-daemon --initial-sleep=0
` + fmt.Sprintf(`for q in %s; do echo "QUERY $q"; tracker3 search "$q"; done
tracker3 daemon --terminate
`, "zugspitze wendelin ångström heliotrope")
