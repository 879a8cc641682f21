package sim

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"mailfs/mapi"
	"mailfs/replica"
)

// heldFile is a file that a program keeps open.
type heldFile struct {
	f     openFile
	path  string
	doc   string
	seen  string // what it read when it opened the file
	token string // what it wrote, "" if nothing
	body  string
	gone  bool // its name was removed
}

// play carries out a step of a client.
func (c *client) play(s *Step) {
	switch s.Kind {
	case Tick:
		c.w.clock.advance([]time.Duration{100 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, time.Minute, 3 * time.Hour}[s.A%6])
	case Deliver:
		c.direct.Deliver()
	case Pass:
		if c.depth > 0 {
			return
		}
		c.w.note("  pass: %v", c.pass(s.Events))
	case Remount:
		c.remount()
	case Crash:
		c.revive()
	case BackupDisk, RestoreDisk:
		c.backInTime(s)
	case BackupServer:
		c.w.backupServer()
	case RestoreServer:
		c.w.restoreServer()
	case Skew:
		c.watch.set([]time.Duration{0, -5 * time.Hour, 5 * time.Hour, -30 * time.Second, 26 * time.Hour}[s.A%5])
	default:
		c.call(s.Events, func() { c.act(s) })
	}
}

func (c *client) remount() {
	c.held = nil
	c.w.mustNot("unmount", c.direct.Close())
	c.w.mustNot("sign off", c.eng.Close())
	if c.w.dir != "" {
		c.w.mustNot("closing a replica", c.rep.Close())
		c.w.mustNot("opening a replica", c.openReplica())
	}
	c.w.mustNot("mount", c.start())
}

// act is something that a program of the user does.
func (c *client) act(s *Step) {
	switch s.Kind {
	case Create:
		c.create(s)
	case Edit, EditByRename, EditByBackup, Append:
		c.edit(s)
	case Hold:
		c.hold(s)
	case HeldWrite:
		c.writeHeld(s)
	case HeldClose:
		c.closeHeld(s)
	case Unlink:
		c.unlink(s)
	case Move, MoveOver, RenameFile:
		c.move(s)
	case Mkdir:
		dir := path.Join(c.pickDir(s.A), fmt.Sprintf("dir %d", s.B%12))
		if strings.Count(dir, "/") < 5 {
			c.try("mkdir "+dir, c.direct.Mkdir(dir))
		}
	case Rmdir:
		if dir := c.pickDir(s.A); dir != story {
			c.try("rmdir "+dir, c.direct.Rmdir(dir))
		}
	case RenameDir, MoveDir:
		c.moveDir(s)
	case Flag:
		if f := c.pickFile(s.A, s.C); f != "" {
			c.touchFile(f, s.Kind)
			value := []string{"none", "flagged", "complete"}[s.B%3]
			c.try("flag "+f+" "+value, c.direct.Setxattr(f, "user.mailfs.flag", value))
		}
	case MarkRead:
		if f := c.pickFile(s.A, s.C); f != "" {
			value := fmt.Sprint(s.B % 2)
			c.try("mark "+f+" "+value, c.direct.Setxattr(f, "user.mailfs.read", value))
		}
	case ReadFile:
		if f := c.pickFile(s.A, s.C); f != "" {
			text, err := c.direct.ReadFile(f)
			c.try("read "+f+" "+strings.Join(tokensIn(string(text)), " "), err)
		}
	}
}

// tolerable are the errors that a user meets when somebody else was faster, or the network is away.
var tolerable = []syscall.Errno{syscall.ENOENT, syscall.EEXIST, syscall.ENOTEMPTY, syscall.ESTALE, syscall.EPERM, syscall.EXDEV,
	syscall.ENOTDIR, syscall.EISDIR, syscall.EINVAL, syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ETIMEDOUT, syscall.EOPNOTSUPP}

// try notes what a call did. An error that nothing explains is a problem.
func (c *client) try(what string, err error) bool {
	c.w.note("  %s: %s: %v", c.name, what, err)
	if err == nil {
		return true
	}
	var errno syscall.Errno
	if !errors.As(err, &errno) || !slices.Contains(tolerable, errno) {
		c.w.problem("%s: %s: %v", c.name, what, err)
	}
	return false
}

// touchFile notes an act on a letter by its path.
func (c *client) touchFile(p string, kind Kind) {
	if doc := c.docOf(p); doc != "" {
		c.w.touch(c.name, doc, kind)
	}
}

// docOf returns which letter a file shows, without reading it.
func (c *client) docOf(p string) string {
	subject, err := c.direct.Getxattr(p, "user.xdg.origin.email.subject")
	if err != nil {
		return ""
	}
	return docOf(subject)
}

// walk lists the folders of the story and the letters in them.
func (c *client) walk() (dirs, files []string) {
	todo := []string{story}
	for len(todo) > 0 {
		dir := todo[0]
		todo = todo[1:]
		list, err := c.direct.ReadDir(dir)
		if err != nil {
			continue
		}
		dirs = append(dirs, dir)
		for _, e := range list {
			switch p := dir + "/" + e.Name; {
			case e.Dir:
				todo = append(todo, p)
			case strings.HasSuffix(e.Name, ".eml"):
				files = append(files, p)
			}
		}
	}
	return dirs, files
}

func (c *client) pickDir(n uint32) string {
	dirs, _ := c.walk()
	if len(dirs) == 0 {
		return story
	}
	return dirs[int(n)%len(dirs)]
}

// pickFile chooses a letter: mostly one of the few that everybody works on.
func (c *client) pickFile(n, how uint32) string {
	_, files := c.walk()
	if len(files) == 0 {
		return ""
	}
	if how>>8%4 > 0 {
		var shared []string
		for _, f := range files {
			if strings.Contains(f, "doc-000") {
				shared = append(shared, f)
			}
		}
		if len(shared) > 0 {
			files = shared[:min(len(shared), 3)]
		}
	}
	return files[int(n)%len(files)]
}

func (c *client) token(s *Step, tag string) string { return fmt.Sprintf("tok-%d-%s", s.No, tag) }

func (c *client) create(s *Step) {
	p := path.Join(c.pickDir(s.A), fmt.Sprintf("new %s %d.eml", c.name, s.B%50))
	doc, tok := fmt.Sprintf("doc-%04d", 1000+s.No), c.token(s, "c")
	over, _ := c.direct.ReadFile(p)
	c.w.ledger.begin(s.No, c.name, tok, tok, string(over))
	c.w.touch(c.name, doc, s.Kind)
	if len(over) > 0 {
		c.w.replaces(doc, docOf(string(over)))
	}
	if c.try("create "+p+" "+tok, c.direct.WriteFile(p, []byte(letter(doc, tok)))) {
		c.w.ledger.saved(tok, tok, string(over))
	}
}

// edit reads a letter and saves it with another body, in one of the ways that editors have.
func (c *client) edit(s *Step) {
	p := c.pickFile(s.A, s.C)
	if p == "" {
		return
	}
	old, err := c.direct.ReadFile(p)
	if !c.try("open "+p+" "+strings.Join(tokensIn(string(old)), " "), err) {
		return
	}
	head, body, ok := strings.Cut(string(old), "\n\n")
	if !ok && len(old) > 0 { // an empty file can be left by a crash
		c.w.problem("%s: %s is no letter: %q", c.name, p, old)
	}
	if !ok || severalParts(head) {
		return
	}
	tok := c.token(s, "e")
	text := tok
	if s.Kind == Append {
		text = strings.TrimRight(body, "\n") + "\n" + tok
	}
	c.w.ledger.begin(s.No, c.name, tok, text, string(old))
	c.w.touch(c.name, docOf(string(old)), s.Kind)
	data := []byte(head + "\n\n" + text + "\n")
	switch s.Kind {
	case Edit:
		err = c.direct.WriteFile(p, data)
	case Append:
		err = c.appendTo(p, "\n"+tok+"\n")
	case EditByRename:
		err = c.saveByRename(s, p, data)
	case EditByBackup:
		err = c.saveByBackup(s, p, data)
	}
	if c.try(fmt.Sprintf("%v %s %s", s.Kind, p, tok), err) && !c.halfWritten(text) {
		c.w.ledger.saved(tok, text, string(old))
	}
}

// severalParts reports whether a header is that of a message with versions in conflict in it, which is shown whole until there
// is a Conflicts folder. What the programs here write is one text: they leave it alone.
func severalParts(head string) bool { return strings.Contains(head, "multipart/") }

// halfWritten reports whether a body goes on what another program has written and not closed: there it stays.
func (c *client) halfWritten(body string) bool {
	return slices.ContainsFunc(c.held, func(h *heldFile) bool { return h.token != "" && strings.Contains(body, h.token) })
}

func (c *client) appendTo(p, text string) error {
	f, err := c.direct.Open(p, syscall.O_WRONLY|syscall.O_APPEND)
	if err != nil {
		return err
	}
	if _, err := f.Write([]byte(text)); err != nil {
		f.Release()
		return err
	}
	return f.Close()
}

func (c *client) saveByRename(s *Step, p string, data []byte) error {
	tmp := path.Join(path.Dir(p), fmt.Sprintf(".tmp-%d", s.No))
	if s.B%3 == 0 {
		tmp = path.Join(path.Dir(p), fmt.Sprintf("tmp-%d", s.No))
	}
	if err := c.direct.WriteFile(tmp, data); err != nil {
		return err
	}
	c.forgetHeld(p, string(data))
	return c.direct.Rename(tmp, p, 0)
}

// saveByBackup moves the old file away, writes a new one and removes the old one, at once or never.
func (c *client) saveByBackup(s *Step, p string, data []byte) error {
	backup := p + "~"
	if err := c.direct.Rename(p, backup, 0); err != nil {
		return err
	}
	c.forgetHeld(p, string(data))
	if err := c.direct.WriteFile(p, data); err != nil {
		return err
	}
	if s.B%4 > 0 {
		return c.direct.Unlink(backup)
	}
	return nil
}

func (c *client) hold(s *Step) {
	p := c.pickFile(s.A, s.C)
	if p == "" || len(c.held) > 2 {
		return
	}
	f, err := c.direct.Open(p, syscall.O_RDWR)
	if !c.try("hold "+p, err) {
		return
	}
	text, err := f.Read()
	if !c.try("read held "+strings.Join(tokensIn(string(text)), " "), err) {
		f.Release()
		return
	}
	c.held = append(c.held, &heldFile{f: f, path: p, doc: docOf(string(text)), seen: string(text)})
}

// writeHeld replaces the content of a file that was opened some time ago, and leaves it open.
func (c *client) writeHeld(s *Step) {
	if len(c.held) == 0 {
		return
	}
	h := c.held[int(s.A)%len(c.held)]
	now, err := h.f.Read()
	if !c.try("read held "+h.path, err) {
		return
	}
	h.seen += string(now)
	head, _, ok := strings.Cut(string(now), "\n\n")
	if !ok {
		head, _, ok = strings.Cut(letter(h.doc, ""), "\n\n")
	}
	if !ok || h.doc == "" || severalParts(head) {
		return
	}
	if h.token = c.token(s, "h"); s.B%8 == 0 {
		h.body = h.token + "\n" + strings.Repeat("filler ", 20)
	} else {
		h.body = h.token
	}
	c.w.ledger.begin(s.No, c.name, h.token, h.body, h.seen)
	c.w.touch(c.name, h.doc, s.Kind)
	err = h.f.Truncate(0)
	if err == nil {
		err = h.f.WriteAt([]byte(head+"\n\n"+h.body+"\n"), 0)
	}
	if err == nil && s.B%2 == 0 {
		err = h.f.Sync()
	}
	c.try("write held "+h.path+" "+h.token, err)
}

func (c *client) closeHeld(s *Step) {
	if len(c.held) == 0 {
		return
	}
	i := int(s.A) % len(c.held)
	h := c.held[i]
	c.held = slices.Delete(c.held, i, i+1)
	now, err := h.f.Read()
	if !c.try("read held "+h.path, err) {
		h.f.Release()
		return
	}
	ok := c.try("close held "+h.path+" "+h.token, h.f.Close())
	// A name that is gone takes what was written to it along, as on any disk; and somebody else may have
	// written over it.
	if ok && h.token != "" && strings.Contains(string(now), h.token) && !h.gone {
		c.w.ledger.saved(h.token, h.body, h.seen)
	}
}

func (c *client) unlink(s *Step) {
	p := c.pickFile(s.A, s.C)
	if s.B%8 == 0 {
		if list, err := c.direct.ReadDir("Deleted Items"); err == nil && len(list) > 0 {
			p = "Deleted Items/" + list[int(s.A)%len(list)].Name
		}
	}
	if p == "" {
		return
	}
	text, err := c.direct.ReadFile(p)
	if !c.try("look at "+p+" "+strings.Join(tokensIn(string(text)), " "), err) {
		return
	}
	key, _ := c.direct.Getxattr(p, "user.mailfs.source-key")
	c.forgetHeld(p, string(text))
	r := &removal{by: c.name, step: s.No, hard: strings.HasPrefix(p, "Deleted Items/"), doc: docOf(string(text))}
	c.w.touch(c.name, r.doc, s.Kind)
	c.w.removing(r, string(text))
	r.complete = c.try("unlink "+p, c.direct.Unlink(p))
	if r.complete {
		c.w.ledger.removing(r, c.bodyUnder(key)) // what came in the middle of the call went with the name, too
	}
}

// bodyUnder returns what a message says that may have no name any more.
func (c *client) bodyUnder(key string) (body string) {
	c.w.mustNot("looking at a replica", c.rep.View(func(v *replica.View) error {
		raw, err := hex.DecodeString(key)
		if err != nil {
			return err
		}
		n, err := v.BySourceKey(mapi.SourceKey(raw))
		if err != nil || n.Parent != 0 {
			return nil //nolint:nilerr // a local file has none, and what went up may be gone
		}
		if m, err := v.Message(n.Num); err == nil {
			body = bodyOf(m)
		}
		return nil
	}))
	return body
}

// forgetHeld notes that what is written to an open file goes with its name. The name may be another than it was.
func (c *client) forgetHeld(p, text string) {
	for _, h := range c.held {
		if h.path == p || h.doc == docOf(text) {
			h.gone = true
		}
	}
}

func (c *client) move(s *Step) {
	p := c.pickFile(s.A, s.C)
	if p == "" {
		return
	}
	to := path.Join(c.pickDir(s.B), path.Base(p))
	switch s.Kind {
	case RenameFile:
		to = path.Join(path.Dir(p), fmt.Sprintf("%s renamed %d.eml", docIn(p), s.B%10))
	case MoveOver:
		to = c.pickFile(s.B, s.C>>4)
	}
	if to == p {
		return
	}
	over, err := c.direct.ReadFile(to)
	if err != nil && err != syscall.ENOENT {
		return // nobody moves a file over one that he can't look at
	}
	c.touchFile(p, s.Kind)
	if len(over) > 0 {
		r := &removal{by: c.name, step: s.No, doc: docOf(string(over))}
		c.w.touch(c.name, r.doc, s.Kind)
		c.w.replaces(c.docOf(p), r.doc)
		c.w.removing(r, string(over))
		c.forgetHeld(to, string(over))
	}
	if c.try("move "+p+" to "+to+" over "+strings.Join(tokensIn(string(over)), " "), c.direct.Rename(p, to, 0)) {
		for _, h := range c.held {
			if h.path == p {
				h.path = to
			}
		}
	}
}

// docIn returns the letter's number in a path, or the name without its ending.
func docIn(p string) string {
	if d := docOf(p); d != "" {
		return d
	}
	return strings.TrimSuffix(path.Base(p), ".eml")
}

func (c *client) moveDir(s *Step) {
	dir := c.pickDir(s.A)
	if dir == story {
		return
	}
	to := path.Join(path.Dir(dir), fmt.Sprintf("renamed %d", s.B%12))
	if s.Kind == MoveDir {
		to = path.Join(c.pickDir(s.B), path.Base(dir))
	}
	if strings.HasPrefix(to+"/", dir+"/") || strings.Count(to, "/") > 4 {
		return
	}
	if _, err := c.direct.ReadDir(to); err == nil {
		return // a rename over a folder is not part of the story
	}
	if c.try("move folder "+dir+" to "+to, c.direct.Rename(dir, to, 0)) {
		for _, h := range c.held {
			if rest, ok := strings.CutPrefix(h.path, dir+"/"); ok {
				h.path = to + "/" + rest
			}
		}
	}
}

// flush brings everything up. It gives up when that takes too long.
func (c *client) flush() error {
	if err := c.direct.Flush(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c.sleeps, c.giveUp = 0, cancel
	defer func() { c.giveUp = nil }()
	return c.eng.Flush(ctx)
}
