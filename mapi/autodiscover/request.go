package autodiscover

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// Schemas of request and response ([MS-OXDSCLI] 2.2.3 and 2.2.4).
const (
	requestSchema   = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
	responseSchema  = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
	containerSchema = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
)

const (
	// Path is where hosts answer POX requests.
	Path = "/autodiscover/autodiscover.xml"
	// HeaderCapability announces the highest version of the mapiHttp section that
	// the client reads; without it a server leaves the section out ([MS-OXDSCLI] 2.2.2).
	HeaderCapability = "X-MapiHttpCapability"
	// ContentType is that of requests and responses.
	ContentType = "text/xml"

	capabilityVersion = "1"
	xmlHeader         = `<?xml version="1.0" encoding="utf-8"?>`
)

// Request asks for the settings of a mailbox ([MS-OXDSCLI] 2.2.3.1).
type Request struct {
	Address  string // mail address
	LegacyDN string // distinguished name; may stand in for the address
}

type requestXML struct {
	XMLName xml.Name `xml:"Autodiscover"`
	NS      string   `xml:"xmlns,attr,omitempty"`
	Request struct {
		Address  string `xml:"EMailAddress,omitempty"`
		LegacyDN string `xml:"LegacyDN,omitempty"`
		Schema   string `xml:"AcceptableResponseSchema"`
	} `xml:"Request"`
}

// Encode returns the request document.
func (q Request) Encode() ([]byte, error) {
	doc := requestXML{NS: requestSchema}
	doc.Request.Address = q.Address
	doc.Request.LegacyDN = q.LegacyDN
	doc.Request.Schema = responseSchema
	return marshal(doc)
}

// DecodeRequest reads a request document. One that names no mailbox, or that accepts
// only responses of another schema, is an error.
func DecodeRequest(doc []byte) (Request, error) {
	var x requestXML
	if err := xml.Unmarshal(doc, &x); err != nil {
		return Request{}, fmt.Errorf("autodiscover request: %w", err)
	}
	q := Request{Address: strings.TrimSpace(x.Request.Address), LegacyDN: strings.TrimSpace(x.Request.LegacyDN)}
	if q.Address == "" && q.LegacyDN == "" {
		return Request{}, fmt.Errorf("autodiscover request: no mailbox named")
	}
	if s := strings.TrimSpace(x.Request.Schema); s != responseSchema {
		return Request{}, fmt.Errorf("autodiscover request: response schema %q is not known", s)
	}
	return q, nil
}

func marshal(doc any) ([]byte, error) {
	out, err := xml.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("autodiscover: %w", err)
	}
	return append([]byte(xmlHeader), out...), nil
}
