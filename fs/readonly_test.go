package fs

import (
	"syscall"
	"testing"
)

func TestReadOnly(t *testing.T) {
	b := newBed(t, func(o *Options) { o.ReadOnly = true })
	b.must(b.deliver("Inbox", "a.eml", note("one", "x")))
	if _, err := b.tryOpen("Inbox/a.eml", syscall.O_WRONLY); err != syscall.EROFS {
		t.Errorf("open: %v", err)
	}
	if err := b.rename("Inbox/a.eml", "Inbox/b.eml", 0); err != syscall.EROFS {
		t.Errorf("rename: %v", err)
	}
	if err := b.tree.unlink(b.dirID("Inbox"), "a.eml"); err != syscall.EROFS {
		t.Errorf("unlink: %v", err)
	}
	if err := b.tree.setxattr(b.at("Inbox/a.eml").id, xattrRead, []byte("1"), 0); err != syscall.EROFS {
		t.Errorf("setxattr: %v", err)
	}
	if _, err := b.tree.mkdir(rootID, "x", 0o700); err != syscall.EROFS {
		t.Errorf("mkdir: %v", err)
	}
}
