package main

import (
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"mailfs/internal/memserver"
	"mailfs/mapi"
)

// TestPasswordIsReadAgain: a mount that runs for months outlives its password.
func TestPasswordIsReadAgain(t *testing.T) {
	srv := memserver.New(memserver.Config{})
	t.Cleanup(srv.Close)
	if _, err := srv.AddMailbox(memserver.MailboxConfig{Address: "alice@example.test", Password: "the new one"}); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(srv.Handler())
	t.Cleanup(web.Close)
	file := filepath.Join(t.TempDir(), "pw")
	if err := os.WriteFile(file, []byte("the old one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := newServer(account{Server: web.URL, User: "alice@example.test", PasswordFile: file}, "the old one")
	if err != nil {
		t.Fatal(err)
	}
	var refused *mapi.Refused
	if _, _, err := s.dial(t.Context()); !errors.As(err, &refused) {
		t.Fatalf("with the old password: %v", err)
	}
	if err := os.WriteFile(file, []byte("the new one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tr, _, err := s.dial(t.Context())
	if err != nil {
		t.Fatalf("with the new password in the file: %v", err)
	}
	if err := tr.Disconnect(t.Context()); err != nil {
		t.Error(err)
	}
}
