package mapihttp

import (
	"strconv"
	"strings"

	"mailfs/mapi"
)

// Names of the header fields ([MS-OXCMAPIHTTP] 2.2.3.3).
const (
	HeaderRequestType       = "X-RequestType"
	HeaderRequestID         = "X-RequestId"
	HeaderResponseCode      = "X-ResponseCode"
	HeaderClientInfo        = "X-ClientInfo"
	HeaderPendingPeriod     = "X-PendingPeriod"
	HeaderClientApplication = "X-ClientApplication"
	HeaderServerApplication = "X-ServerApplication"
	HeaderExpirationInfo    = "X-ExpirationInfo"
	HeaderElapsedTime       = "X-ElapsedTime"
	HeaderStartTime         = "X-StartTime"
)

// Content types ([MS-OXCMAPIHTTP] 2.2.3.2.2): of every request and of every answer
// whose response code is 0; and of the other answers.
const (
	ContentType        = "application/mapi-http"
	ContentTypeFailure = "text/html"
)

// RequestType is a value of X-RequestType ([MS-OXCMAPIHTTP] 2.2.3.3.1).
type RequestType string

// The request types of the mailbox endpoint.
const (
	Connect          RequestType = "Connect"
	Execute          RequestType = "Execute"
	Disconnect       RequestType = "Disconnect"
	NotificationWait RequestType = "NotificationWait"
	Ping             RequestType = "PING"
)

// DefaultPendingPeriod is what X-PendingPeriod means when it is not there, in
// milliseconds ([MS-OXCMAPIHTTP] 2.2.3.3.5).
const DefaultPendingPeriod = 30000

// ParseVersion reads the version out of X-ServerApplication or X-ClientApplication:
// "Exchange/15.00.0847.4040" ([MS-OXCMAPIHTTP] 2.2.3.3.6 and 2.2.3.3.7). A value
// that holds none gives the zero version.
func ParseVersion(application string) (v mapi.ServerVersion) {
	_, numbers, _ := strings.Cut(application, "/")
	parts := strings.Split(numbers, ".")
	if len(parts) != len(v) {
		return v
	}
	var out mapi.ServerVersion
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return v
		}
		out[i] = uint16(n)
	}
	return out
}
