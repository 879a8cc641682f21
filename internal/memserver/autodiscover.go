package memserver

import (
	"io"
	"net/http"
	"strings"

	"mailfs/mapi/autodiscover"
)

// maxAutodiscover bounds a request document.
const maxAutodiscover = 1 << 16

// serveAutodiscover answers POX requests ([MS-OXDSCLI] 3.1.5). The URLs are those of
// the host that the client has reached.
func (s *Server) serveAutodiscover(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.authenticate(w, r); !ok {
		return
	}
	if r.Method != http.MethodPost {
		http.Error(w, "only POST is answered here", http.StatusMethodNotAllowed)
		return
	}
	doc, err := io.ReadAll(io.LimitReader(r.Body, maxAutodiscover))
	if err != nil {
		return // the client is gone
	}
	resp := s.discover(doc, r)
	out, err := resp.Encode()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", autodiscover.ContentType)
	_, _ = w.Write(out)
}

func (s *Server) discover(doc []byte, r *http.Request) autodiscover.Response {
	fail := func(code int, why string) autodiscover.Response {
		return autodiscover.Response{Error: &autodiscover.ServerError{Code: code, Message: why}}
	}
	q, err := autodiscover.DecodeRequest(doc)
	if err != nil {
		return fail(autodiscover.CodeInvalidRequest, err.Error())
	}
	m, ok := s.Mailbox(q.Address)
	if q.Address == "" {
		m, ok = s.mailboxByDN(q.LegacyDN)
	}
	if !ok {
		return fail(autodiscover.CodeUnknownUser, "there is no mailbox "+q.Address+q.LegacyDN)
	}
	resp := autodiscover.Response{
		DisplayName: m.cfg.DisplayName, LegacyDN: m.cfg.DN, SMTPAddress: m.cfg.Address,
		DeploymentID: m.cfg.GUID.String(), Action: autodiscover.ActionSettings,
	}
	if r.Header.Get(autodiscover.HeaderCapability) != "" {
		url, book := endpointURL(r, m, MailboxPath), endpointURL(r, m, AddressBookPath)
		resp.MapiHTTP = &autodiscover.MapiHTTP{
			Version:   1,
			MailStore: autodiscover.Endpoint{Internal: url, External: url}, AddressBook: autodiscover.Endpoint{Internal: book, External: book},
		}
	}
	return resp
}

// endpointURL returns a MAPI/HTTP endpoint for a mailbox on the host of r.
func endpointURL(r *http.Request, m *Mailbox, path string) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	_, domain, _ := strings.Cut(m.cfg.Address, "@")
	return scheme + "://" + r.Host + path + "?MailboxId=" + m.cfg.GUID.String() + "@" + domain
}
