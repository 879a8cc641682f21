package mapihttp

import (
	"fmt"
	"net/http"
)

// Authenticator adds credentials to requests. Every request is authenticated
// ([MS-OXCMAPIHTTP] 2.2.2). It is called from several goroutines at once.
type Authenticator interface {
	// Authorize adds credentials to a request that is about to be sent. An error
	// keeps the request from being sent and reaches the caller as mapi.Refused. It
	// must not keep or read the body.
	Authorize(req *http.Request) error
}

// Basic is HTTP Basic authentication. It prints without the password.
type Basic struct {
	User     string
	Password string
}

// Authorize implements Authenticator.
func (b Basic) Authorize(req *http.Request) error {
	req.SetBasicAuth(b.User, b.Password)
	return nil
}

// Format implements fmt.Formatter, so that no verb shows the password.
func (b Basic) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "Basic(%q)", b.User) }
