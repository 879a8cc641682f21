package mapihttp

import "strconv"

// ResponseCode is a value of X-ResponseCode ([MS-OXCMAPIHTTP] 2.2.3.3.3).
type ResponseCode uint32

// The response codes.
const (
	CodeSuccess              ResponseCode = 0
	CodeUnknownFailure       ResponseCode = 1
	CodeInvalidVerb          ResponseCode = 2
	CodeInvalidPath          ResponseCode = 3
	CodeInvalidHeader        ResponseCode = 4
	CodeInvalidRequestType   ResponseCode = 5
	CodeInvalidContextCookie ResponseCode = 6
	CodeMissingHeader        ResponseCode = 7
	CodeAnonymousNotAllowed  ResponseCode = 8
	CodeTooLarge             ResponseCode = 9
	CodeContextNotFound      ResponseCode = 10
	CodeNoPrivilege          ResponseCode = 11
	CodeInvalidRequestBody   ResponseCode = 12
	CodeMissingCookie        ResponseCode = 13
	CodeReserved             ResponseCode = 14
	CodeInvalidSequence      ResponseCode = 15
	CodeEndpointDisabled     ResponseCode = 16
	CodeInvalidResponse      ResponseCode = 17
	CodeEndpointShuttingDown ResponseCode = 18
)

var responseCodeNames = [...]string{
	CodeSuccess:              "success",
	CodeUnknownFailure:       "unknown failure",
	CodeInvalidVerb:          "invalid verb",
	CodeInvalidPath:          "invalid path",
	CodeInvalidHeader:        "invalid header",
	CodeInvalidRequestType:   "invalid request type",
	CodeInvalidContextCookie: "invalid context cookie",
	CodeMissingHeader:        "missing header",
	CodeAnonymousNotAllowed:  "anonymous not allowed",
	CodeTooLarge:             "too large",
	CodeContextNotFound:      "context not found",
	CodeNoPrivilege:          "no privilege",
	CodeInvalidRequestBody:   "invalid request body",
	CodeMissingCookie:        "missing cookie",
	CodeReserved:             "reserved",
	CodeInvalidSequence:      "invalid sequence",
	CodeEndpointDisabled:     "endpoint disabled",
	CodeInvalidResponse:      "invalid response",
	CodeEndpointShuttingDown: "endpoint shutting down",
}

// String returns the name that the specification gives the code.
func (c ResponseCode) String() string {
	if int(c) < len(responseCodeNames) {
		return responseCodeNames[c]
	}
	return "response code " + strconv.FormatUint(uint64(c), 10)
}

// parseResponseCode reads the header value; ok is false when it is not a number.
func parseResponseCode(s string) (c ResponseCode, ok bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return ResponseCode(n), err == nil
}

// failed reports whether the code means a failure; 14 is reserved and MUST be
// ignored by the client.
func (c ResponseCode) failed() bool { return c != CodeSuccess && c != CodeReserved }
