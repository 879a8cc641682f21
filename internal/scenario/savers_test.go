//go:build programs

package scenario_test

import "fmt"

const vim = `vim -u NONE -i NONE -N -n -es -c 'set encoding=utf-8 backupskip= %s' -c '%%s/first/second/' -c 'wq' "$F" </dev/null`

const emacs = `emacs -Q --batch --eval '(progn %s (find-file (getenv "F")) (while (search-forward "first" nil t) (replace-match "second")) (save-buffer))' 2>&1`

// typed drives a program at a terminal; what is typed is Tcl.
const typed = `expect -c '
set timeout 30
set stty_init "rows 40 columns 120"
proc want {text} { expect $text {} timeout { puts "no $text"; exit 1 } eof { exit 2 } }
%s
expect eof {} timeout { exit 3 }
lassign [wait] pid id err status
exit $status'`

// Saving in place, by rename, by moving away and by removing first; with backups, locks and temporary files of all kinds.
var waysToSave = []wayToSave{
	{name: "vim-yes", script: fmt.Sprintf(vim, "backupcopy=yes writebackup")},
	{name: "vim-yes-nowb", script: fmt.Sprintf(vim, "backupcopy=yes nowritebackup")},
	{name: "vim-no", script: fmt.Sprintf(vim, "backupcopy=no writebackup")},
	{name: "vim-no-nowb", script: fmt.Sprintf(vim, "backupcopy=no nowritebackup")},
	{name: "vim-auto", script: fmt.Sprintf(vim, "backupcopy=auto writebackup")},
	{name: "vim-backup", script: fmt.Sprintf(vim, "backupcopy=no backup")},
	{name: "vim-patchmode", script: fmt.Sprintf(vim, "backupcopy=no backup patchmode=.orig")},
	{name: "vim-undofile", script: fmt.Sprintf(vim, "undofile undodir=.") + `; rm -f .*.un~`},
	{name: "vim-swap", script: `vim -u NONE -i NONE -N -es -c 'set encoding=utf-8 updatecount=1' -c '%s/first/third/' -c 'w' -c '%s/third/second/' -c 'wq' "$F" </dev/null`},
	{name: "vim-screen", script: fmt.Sprintf(typed, `spawn vim -u NONE -i NONE -c "set encoding=utf-8" $env(F)
want "Berg"; send ":%s/first/second/\r"; want "second"; send ":wq\r"`)},
	{name: "vim-defaults", script: `vim -u DEFAULTS -i NONE -N -n -es -c 'set encoding=utf-8' -c '%s/first/second/' -c 'wq' "$F" </dev/null`}, // ends lines in CRLF
	{name: "vim-crash", script: `printf 'x' | vim -u NONE -i NONE -N -es -c 'set encoding=utf-8' -c '%s/first/second/' -c 'w' -c 'call system("kill -9 " . getpid())' "$F" || true; rm .*.swp`},

	{name: "emacs", script: fmt.Sprintf(emacs, "")},
	{name: "emacs-copying", script: fmt.Sprintf(emacs, "(setq backup-by-copying t)")},
	{name: "emacs-nobackup", script: fmt.Sprintf(emacs, "(setq make-backup-files nil)")},
	{name: "emacs-precious", script: fmt.Sprintf(emacs, "(setq file-precious-flag t)")},
	{name: "emacs-numbered", script: fmt.Sprintf(emacs, "(setq version-control t)")},
	{name: "emacs-screen", script: fmt.Sprintf(typed, `spawn emacs -Q -nw --eval "(setq auto-save-interval 20)" $env(F)
want "Berg"; send "\033%first\rsecond\r!\033>This is typed text so that an auto-save happens.\r\030\023\030\003"`)},

	{name: "nano", script: fmt.Sprintf(typed, `spawn nano -I $env(F)
want "Berg"; send "\034first\rsecond\ra\017\r\030"`)},
	{name: "nano-backup", script: fmt.Sprintf(typed, `spawn nano -I -B -G $env(F)
want "Berg"; send "\034first\rsecond\ra\017\r\030"`)},
	{name: "ed", script: `printf '%s\n' 'g/first/s//second/' w q | ed -s "$F"`},
	{name: "mutt", dated: true, script: `export EDITOR='sed -i s/first/second/'
drive() { ` + fmt.Sprintf(typed, `spawn mutt -F /dev/null -e "set folder=. postponed=$env(T)/postponed confirmcreate=no abort_unmodified=no user_agent=no" -E -H $env(F)
want "To:"; send "\r"; want "Subject:"; send "\r"; want "y:Send"; send "q"; want "ostpone"; send "y"; want "postponed"`) + `; }
drive || grep -q second "$T/postponed"`}, // its status is 1 if it does not send

	{name: "sed", script: `sed -i s/first/second/ "$F"`},
	{name: "sed-backup", script: `sed -i.bak s/first/second/ "$F"`},
	{name: "sed-copy", script: `sed -i -c s/first/second/ "$F" 2>/dev/null || sed -i s/first/second/ "$F"`},
	{name: "perl", script: `perl -pi -e s/first/second/ "$F"`},
	{name: "perl-backup", script: `perl -i.orig -pe s/first/second/ "$F"`},
	{name: "python-replace", script: `python3 - <<'END'
import os, tempfile
name = os.environ["F"]
with tempfile.NamedTemporaryFile("wb", dir=".", delete=False) as f:
    f.write(open(name, "rb").read().replace(b"first", b"second"))
    f.flush()
    os.fsync(f.fileno())
os.chmod(f.name, os.stat(name).st_mode & 0o777)
os.replace(f.name, name)
d = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
os.fsync(d)
os.close(d)
END`},
	{name: "python-fileinput", script: `python3 - <<'END'
import fileinput, os
with fileinput.input(os.environ["F"], inplace=True, backup=".bak", encoding="utf-8") as lines:
    for line in lines:
        print(line.replace("first", "second"), end="")
END`},

	{name: "rsync", script: `mkdir "$T/src" && cp "$NEW" "$T/src/$F" && rsync -a --no-perms "$T/src/" ./`},
	{name: "rsync-X", script: `mkdir "$T/src" && cp "$NEW" "$T/src/$F" && rsync -aX --no-perms "$T/src/" ./`},
	{name: "rsync-inplace", script: `mkdir "$T/src" && cp "$NEW" "$T/src/$F" && rsync -a --no-perms --inplace --no-whole-file "$T/src/" ./`},
	{name: "rsync-partial", script: `mkdir "$T/src" && cp "$NEW" "$T/src/$F" && rsync -a --no-perms --partial --partial-dir=.part "$T/src/" ./`},
	{name: "rsync-delay", script: `mkdir "$T/src" && cp "$NEW" "$T/src/$F" && rsync -a --no-perms --delay-updates "$T/src/" ./`},
	{name: "rsync-tempdir", script: `mkdir "$T/src" "$T/tmp" && cp "$NEW" "$T/src/$F" && rsync -a --no-perms -T "$T/tmp" "$T/src/" ./`},
	{name: "rsync-backup", script: `mkdir "$T/src" && cp "$NEW" "$T/src/$F" && rsync -a --no-perms --backup "$T/src/" ./`},
	{name: "rsync-append", script: `mkdir "$T/src" && { cat "$F"; echo more; } > "$T/src/$F" && rsync -a --no-perms --append-verify "$T/src/" ./`},
	{name: "rsync-delete", script: `mkdir "$T/src" && cp "$NEW" "$T/src/$F" && touch junk && rsync -a --no-perms --delete "$T/src/" ./`},
	{name: "rsync-twice", script: `mkdir "$T/src" && cp "$NEW" "$T/src/$F" && rsync -a --no-perms "$T/src/" ./ && rsync -ai --no-perms "$T/src/" ./ > "$T/again" && ! grep . "$T/again"`},
	{name: "rsync-out", same: true, complete: true, script: `rsync -aX ./ "$T/out/" && rsync -aiX ./ "$T/out/" > "$T/again" && ! grep . "$T/again" && rsync -aX "$T/out/" ./`},

	{name: "cp", script: `cp "$NEW" "$F"`},
	{name: "cp-a", script: `cp -a "$NEW" "$F"`},
	{name: "cp-remove", script: `cp --remove-destination "$NEW" "$F"`},
	{name: "cp-backup", script: `cp --backup=simple "$NEW" "$F"`},
	{name: "cp-numbered", script: `cp --backup=numbered "$NEW" "$F"`},
	{name: "cp-beside", script: `cp -a "$F" copy && sed -i s/first/second/ copy && cp -a copy "$F" && rm copy`},
	{name: "cp-new", same: true, created: 1, script: `cp "$F" new.eml`},
	{name: "cp-a-new", same: true, created: 1, script: `cp -a "$F" new.eml`},
	{name: "mv", script: `cp "$NEW" "$T/x" && mv "$T/x" "$F"`},
	{name: "mv-beside", script: `cp "$NEW" x.tmp && mv -f x.tmp "$F"`},
	{name: "mv-backup", script: `cp "$NEW" x.tmp && mv --backup=simple x.tmp "$F"`},
	{name: "mv-away", script: `mv "$F" old && cp "$NEW" "$F" && rm old`},
	{name: "mv-in-new", same: true, created: 1, script: `cp "$NEW" "$T/x.eml" && mv "$T/x.eml" .`},
	{name: "install", script: `install -m 600 "$NEW" "$F"`},
	{name: "install-backup", script: `install -b -S .bak -m 600 -p "$NEW" "$F"`},
	{name: "patch", script: `diff -u "$F" "$NEW" > "$T/d" || true; patch -s "$F" < "$T/d"`},
	{name: "patch-backup", script: `diff -u "$F" "$NEW" > "$T/d" || true; patch -s -b "$F" "$T/d"`},
	{name: "git-apply", script: `mkdir "$T/a" "$T/b"; cp "$F" "$T/a/"; cp "$NEW" "$T/b/$F"
(cd "$T" && git diff --no-index --no-prefix a b) > "$T/d" || true; git apply -p1 "$T/d"`},
	{name: "git-checkout", complete: true, script: `export GIT_CONFIG_GLOBAL=/dev/null GIT_DIR="$T/repo" GIT_WORK_TREE=.
git init -q; git config user.name A; git config user.email a@example.test
git add "$F"; git commit -q -m 1; cp "$NEW" "$F"; git commit -q -a -m 2; git checkout -q HEAD~; git checkout -q -`},
	// One change: git removes the file that was saved before it writes the former one anew, and what was saved must not be
	// lost should that never come.
	{name: "git-inside", same: true, queued: 1, complete: true, script: `export GIT_CONFIG_GLOBAL=/dev/null
git init -q; git config user.name A; git config user.email a@example.test
git add "$F"; git commit -q -m 1; cp "$NEW" "$F"; git stash -q; git gc -q; git fsck 2>&1; test -z "$(git status --porcelain)"; rm -rf .git`},
	{name: "tar", script: `mkdir "$T/src" && cp "$NEW" "$T/src/$F" && tar -C "$T/src" -cf "$T/t.tar" . && tar xf "$T/t.tar"`},
	{name: "tar-overwrite", script: `mkdir "$T/src" && cp "$NEW" "$T/src/$F" && tar -C "$T/src" -cf "$T/t.tar" "./$F" && tar x --overwrite -f "$T/t.tar"`},
	{name: "tar-out", same: true, script: `tar --xattrs -cf "$T/t.tar" . && rm "$F" && tar --xattrs --xattrs-include='*' -xf "$T/t.tar" && tar -df "$T/t.tar"`},
	{name: "unzip", script: `mkdir "$T/src" && cp "$NEW" "$T/src/$F" && (cd "$T/src" && zip -q "$T/z.zip" "$F") && unzip -q -o "$T/z.zip"`},
	{name: "zip-here", same: true, script: `zip -q all.zip "$F" && unzip -q -t all.zip && rm all.zip`},

	{name: "gio-save", script: `gio save "$F" < "$NEW"`},
	{name: "gio-save-backup", script: `gio save -b "$F" < "$NEW"`},
	{name: "gio-save-create", same: true, created: 1, script: `gio save -c new.eml < "$NEW"`},
	{name: "gio-append", script: `gio save -a "$F" < "$NEW"`},
	{name: "gio-copy", script: `gio copy "file://$NEW" "$F"`},
	{name: "gio-copy-backup", script: `gio copy -b -p "file://$NEW" "$F"`},
	{name: "gio-move", script: `cp "$NEW" "$T/x" && gio move "$T/x" "$F"`},
	{name: "libreoffice", script: `HOME="$T" /usr/bin/python3 - <<'END'
` + libreOffice + `END`},

	{name: "redirect", script: `cat "$NEW" > "$F"`},
	{name: "redirect-append", script: `echo more >> "$F"`},
	{name: "redirect-twice", script: `cp "$F" "$T/x"; : > "$F"; while IFS= read -r line; do printf '%s\n' "$line" >> "$F"; done < "$NEW"`},
	{name: "noclobber", script: `set -C; if (cat "$NEW" > "$F") 2>/dev/null; then exit 1; fi; cat "$NEW" >| "$F"`},
	{name: "tee", script: `tee "$F" < "$NEW" > /dev/null`},
	{name: "tee-append", script: `echo more | tee -a "$F" > /dev/null`},
	{name: "rewrite-fd", script: `exec 3<> "$F"; cat "$NEW" >&3; exec 3>&-; truncate -s "$(stat -c %s "$NEW")" "$F"`},
	{name: "dd", script: `dd if="$NEW" of="$F" bs=100 2>/dev/null`},
	{name: "dd-notrunc", script: `dd if="$NEW" of="$F" bs=7 conv=notrunc,fsync oflag=sync 2>/dev/null`},
	{name: "rm-create", script: `rm "$F" && cp "$NEW" "$F"`},
	{name: "split", script: `split -b 100 "$NEW" part. && cat part.* > "$F" && rm part.*`},
	{name: "split-messages", same: true, created: 3, script: `cat "$NEW" "$F" "$NEW" > three && split -l $(wc -l < "$F") -d --additional-suffix=.eml three part && rm three`},
	{name: "csplit", same: true, created: 2, script: `cat "$NEW" "$NEW" > two && csplit -s -z -b %02d.eml two '/^From: /' '{*}' && rm two`},
	{name: "sort-o", same: true, script: `cp "$F" s && sort -o s s && rm s`},
	{name: "touch", same: true, script: `touch "$F"; chmod 600 "$F"; chown "$(id -u)" "$F"`},
}

// libreOffice opens the message as text in a LibreOffice without a screen, changes it, and saves it under its name.
const libreOffice = `
import os, subprocess, time, uno
from com.sun.star.beans import PropertyValue
pipe = "mailfs-" + str(os.getpid())
office = subprocess.Popen(["soffice", "-env:UserInstallation=file://" + os.environ["T"] + "/profile", "--headless", "--norestore", "--nologo",
    "--nodefault", "--accept=pipe,name=" + pipe + ";urp"])
try:
    here = uno.getComponentContext()
    resolver = here.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", here)
    for _ in range(600):
        try:
            there = resolver.resolve("uno:pipe,name=" + pipe + ";urp;StarOffice.ComponentContext")
            break
        except Exception:
            time.sleep(0.1)
    desktop = there.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", there)
    def value(name, v):
        p = PropertyValue()
        p.Name, p.Value = name, v
        return p
    url = uno.systemPathToFileUrl(os.path.abspath(os.environ["F"]))
    doc = desktop.loadComponentFromURL(url, "_blank", 0, (value("Hidden", True), value("FilterName", "Text (encoded)"), value("FilterOptions", "UTF8,LF,,,")))
    assert not doc.isReadonly(), "opened read-only"
    find = doc.createReplaceDescriptor()
    find.SearchString, find.ReplaceString = "first", "second"
    doc.replaceAll(find)
    doc.store()
    doc.close(True)
    try:
        desktop.terminate()
    except Exception:
        pass
    office.wait(60)
finally:
    office.kill()
`
