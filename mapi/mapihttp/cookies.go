package mapihttp

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Bounds on what a server may ask a client to remember.
const (
	maxCookies     = 64
	maxCookieBytes = 16 << 10
)

var errCookies = errors.New("server sets too many cookies")

// cookies are the cookies of one session context, in the order of first sight.
// Names and values are opaque ([MS-OXCMAPIHTTP] 2.2.3.2.3); the context alone
// decides where they are sent, not their attributes.
type cookies []cookie

type cookie struct{ name, value string }

// header returns the value of the Cookie header, "" without cookies.
func (c cookies) header() string {
	parts := make([]string, len(c))
	for i, k := range c {
		parts[i] = k.name + "=" + k.value
	}
	return strings.Join(parts, "; ")
}

// update returns the cookies with every Set-Cookie of h merged in.
func (c cookies) update(h http.Header) (cookies, error) {
	out := append(cookies(nil), c...)
	for _, line := range h.Values("Set-Cookie") {
		pair, attributes, _ := strings.Cut(line, ";")
		name, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || name == "" {
			continue
		}
		out = out.set(name, value, expires(attributes))
	}
	size := 0
	for _, k := range out {
		size += len(k.name) + len(k.value)
	}
	if len(out) > maxCookies || size > maxCookieBytes {
		return c, errCookies
	}
	return out, nil
}

func (c cookies) set(name, value string, remove bool) cookies {
	for i := range c {
		if c[i].name != name {
			continue
		}
		if remove {
			return append(c[:i], c[i+1:]...)
		}
		c[i].value = value
		return c
	}
	if remove {
		return c
	}
	return append(c, cookie{name, value})
}

// keepNewer returns the cookies with those of now that have changed since sent was sent.
func (c cookies) keepNewer(now, sent cookies) cookies {
	for _, k := range now {
		if !slices.Contains(sent, k) {
			c = c.set(k.name, k.value, false)
		}
	}
	return c
}

// expires reports whether the attributes of a Set-Cookie withdraw the cookie.
func expires(attributes string) bool {
	for a := range strings.SplitSeq(attributes, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(a), "=")
		if strings.EqualFold(name, "Max-Age") {
			n, err := strconv.Atoi(value)
			return err == nil && n <= 0
		}
	}
	return false
}
