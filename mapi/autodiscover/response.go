package autodiscover

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
)

// Action says what a response asks the client to do ([MS-OXDSCLI] 2.2.4.1.1.2.2).
type Action string

// The actions.
const (
	ActionSettings     Action = "settings"
	ActionRedirectAddr Action = "redirectAddr" // start over with another mail address
	ActionRedirectURL  Action = "redirectUrl"  // ask at another URL
)

// Response holds the parts of a response document that matter here.
type Response struct {
	DisplayName  string
	LegacyDN     string // distinguished name of the user: UserDN of Connect and of the log on
	SMTPAddress  string
	DeploymentID string
	Action       Action
	RedirectAddr string
	RedirectURL  string
	MapiHTTP     *MapiHTTP    // nil when the server does not offer it
	Error        *ServerError // then everything else is empty
}

// MapiHTTP is the mapiHttp protocol section ([MS-OXDSCLI] 2.2.4.1.1.2.6).
type MapiHTTP struct {
	Version     int
	MailStore   Endpoint
	AddressBook Endpoint
}

// Endpoint is one service at its two URLs. Their query routes to the mailbox and
// must be kept.
type Endpoint struct {
	Internal string
	External string
}

// URL returns the URL to use: the external one, which is meant for everybody.
func (e Endpoint) URL() string {
	if e.External != "" {
		return e.External
	}
	return e.Internal
}

// ServerError is an error that the server reports ([MS-OXDSCLI] 2.2.4.1.1.1).
type ServerError struct {
	Code    int
	Message string
}

// Error codes that servers use.
const (
	CodeUnknownUser    = 500
	CodeInvalidRequest = 600
	CodeNoProvider     = 601
)

// Error implements error.
func (e *ServerError) Error() string {
	return fmt.Sprintf("autodiscover error %d: %s", e.Code, e.Message)
}

type responseXML struct {
	XMLName  xml.Name `xml:"Autodiscover"`
	NS       string   `xml:"xmlns,attr,omitempty"`
	Response struct {
		NS      string      `xml:"xmlns,attr,omitempty"`
		Error   *errorXML   `xml:"Error"`
		User    *userXML    `xml:"User"`
		Account *accountXML `xml:"Account"`
	} `xml:"Response"`
}

type errorXML struct {
	Time    string `xml:"Time,attr,omitempty"`
	ID      string `xml:"Id,attr,omitempty"`
	Code    int    `xml:"ErrorCode"`
	Message string `xml:"Message"`
	Debug   string `xml:"DebugData"`
}

type userXML struct {
	DisplayName  string `xml:"DisplayName"`
	LegacyDN     string `xml:"LegacyDN"`
	SMTPAddress  string `xml:"AutoDiscoverSMTPAddress,omitempty"`
	DeploymentID string `xml:"DeploymentId"`
}

type accountXML struct {
	Type         string        `xml:"AccountType"`
	Action       string        `xml:"Action"`
	RedirectAddr string        `xml:"RedirectAddr,omitempty"`
	RedirectURL  string        `xml:"RedirectUrl,omitempty"`
	Protocols    []protocolXML `xml:"Protocol"`
}

type protocolXML struct {
	Type        string       `xml:"Type,attr,omitempty"`
	Version     int          `xml:"Version,attr,omitempty"`
	MailStore   *endpointXML `xml:"MailStore"`
	AddressBook *endpointXML `xml:"AddressBook"`
}

type endpointXML struct {
	Internal string `xml:"InternalUrl,omitempty"`
	External string `xml:"ExternalUrl,omitempty"`
}

const protocolMapiHTTP = "mapiHttp"

// Encode returns the response document.
func (p Response) Encode() ([]byte, error) {
	doc := responseXML{NS: containerSchema}
	if p.Error != nil {
		doc.Response.NS = containerSchema
		doc.Response.Error = &errorXML{Code: p.Error.Code, Message: p.Error.Message}
		return marshal(doc)
	}
	doc.Response.NS = responseSchema
	doc.Response.User = &userXML{
		DisplayName: p.DisplayName, LegacyDN: p.LegacyDN, SMTPAddress: p.SMTPAddress, DeploymentID: p.DeploymentID,
	}
	account := &accountXML{
		Type: "email", Action: string(p.Action), RedirectAddr: p.RedirectAddr, RedirectURL: p.RedirectURL,
	}
	if m := p.MapiHTTP; m != nil {
		account.Protocols = append(account.Protocols, protocolXML{
			Type: protocolMapiHTTP, Version: m.Version,
			MailStore:   &endpointXML{m.MailStore.Internal, m.MailStore.External},
			AddressBook: &endpointXML{m.AddressBook.Internal, m.AddressBook.External},
		})
	}
	doc.Response.Account = account
	return marshal(doc)
}

// DecodeResponse reads a response document.
func DecodeResponse(doc []byte) (Response, error) {
	var x responseXML
	if err := xml.Unmarshal(doc, &x); err != nil {
		return Response{}, fmt.Errorf("autodiscover response: %w", err)
	}
	if e := x.Response.Error; e != nil {
		return Response{Error: &ServerError{Code: e.Code, Message: strings.TrimSpace(e.Message)}}, nil
	}
	a := x.Response.Account
	if a == nil {
		return Response{}, errors.New("autodiscover response: neither an account nor an error in it")
	}
	p := Response{
		Action:       Action(strings.TrimSpace(a.Action)),
		RedirectAddr: strings.TrimSpace(a.RedirectAddr),
		RedirectURL:  strings.TrimSpace(a.RedirectURL),
	}
	if u := x.Response.User; u != nil {
		p.DisplayName, p.LegacyDN = strings.TrimSpace(u.DisplayName), strings.TrimSpace(u.LegacyDN)
		p.SMTPAddress, p.DeploymentID = strings.TrimSpace(u.SMTPAddress), strings.TrimSpace(u.DeploymentID)
	}
	for _, k := range a.Protocols {
		if !strings.EqualFold(k.Type, protocolMapiHTTP) || p.MapiHTTP != nil {
			continue
		}
		p.MapiHTTP = &MapiHTTP{Version: k.Version, MailStore: k.MailStore.endpoint(), AddressBook: k.AddressBook.endpoint()}
	}
	return p, nil
}

func (e *endpointXML) endpoint() Endpoint {
	if e == nil {
		return Endpoint{}
	}
	return Endpoint{Internal: strings.TrimSpace(e.Internal), External: strings.TrimSpace(e.External)}
}
