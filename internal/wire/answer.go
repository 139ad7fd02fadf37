package wire

import (
	"bytes"
	"maps"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
)

// encode is the body of a successful answer.
func (x *exchange) encode(out any) ([]byte, error) {
	s, v := x.call.Operation.plan.out, reflect.ValueOf(out).Elem()
	if x.protocol != AWSQuery {
		return s.appendJSON(make([]byte, 0, 512), v)
	}
	var b bytes.Buffer
	name := x.call.Operation.Name
	b.WriteString("<" + name + `Response xmlns="`)
	escape(&b, x.call.Service.Namespace)
	b.WriteString(`">`)
	if len(s.fields) > 0 {
		if err := s.appendXML(&b, name+"Result", v); err != nil {
			return nil, err
		}
	}
	open(&b, "ResponseMetadata")
	textElement(&b, "RequestId", x.call.RequestID)
	shut(&b, "ResponseMetadata")
	shut(&b, name+"Response")
	return b.Bytes(), nil
}

// write sends the answer. Every answer may hold a token or say something about one: none may be cached.
func (x *exchange) write(w http.ResponseWriter) {
	status, body := http.StatusOK, x.answer
	if e := x.call.Err; e != nil {
		status, body = e.status(), x.errorBody(e)
		x.errorHeaders(w.Header(), e)
	}
	x.headers(w.Header(), len(body))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone is no fault
}

// headers sets what every answer has. The values share one array, which is six allocations less than Set makes; none has room to
// grow into the next.
func (x *exchange) headers(h http.Header, length int) {
	contentType := [...]string{"application/json", "application/x-amz-json-1.1", "text/xml", "application/json"}[x.protocol]
	v := [...]string{x.call.RequestID, "no-store", "no-cache", "nosniff", contentType, strconv.Itoa(length), x.call.RequestID}
	h["X-Amzn-Requestid"] = v[0:1:1]
	h["Cache-Control"] = v[1:2:2]
	h["Pragma"] = v[2:3:3]
	h["X-Content-Type-Options"] = v[3:4:4]
	h["Content-Type"] = v[4:5:5]
	h["Content-Length"] = v[5:6:6]
	h["X-Amz-Request-Id"] = v[6:7:7]
}

func (x *exchange) errorHeaders(h http.Header, e *Error) {
	if x.protocol != AWSQuery {
		h.Set("X-Amzn-Errortype", e.Code)
	}
	if x.allow != "" && e.status() == http.StatusMethodNotAllowed {
		h.Set("Allow", x.allow)
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	if e.status() == http.StatusRequestEntityTooLarge {
		h.Set("Connection", "close") // the rest of the body is not wanted
	}
}

func (x *exchange) errorBody(e *Error) []byte {
	switch x.protocol {
	case AWSQuery:
		return x.errorXML(e)
	case AWSJSON11:
		return errorJSON11(e, x.front)
	}
	return errorJSON(e)
}

// errorJSON is a rest-json error: with RFC 6749's members where the error has its code, and always a message, because
// without one some SDKs print an empty line.
func errorJSON(e *Error) []byte {
	b := []byte{'{'}
	if code, ok := e.Fields["error"]; ok {
		b = appendMember(b, "error", code)
		b = appendMember(b, "error_description", e.Message)
	}
	b = appendMember(b, "message", e.Message)
	return append(appendFields(b, e.Fields, "error", "error_description", "message"), '}')
}

// errorJSON11 is a JSON 1.1 error. The services' own errors have Message; those that AWS's front layer makes (wrong
// signature, unknown operation) have message. Some SDKs read only the one they expect there, so the latter have both.
func errorJSON11(e *Error, front bool) []byte {
	b := appendMember([]byte{'{'}, "__type", e.Code)
	b = appendMember(b, "Message", e.Message)
	if front {
		b = appendMember(b, "message", e.Message)
	}
	return append(appendFields(b, e.Fields, "__type", "Message", "message"), '}')
}

// appendFields appends the other members in the order of their names.
func appendFields(b []byte, fields map[string]any, except ...string) []byte {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(except, name) {
			b = appendMember(b, name, fields[name])
		}
	}
	return b
}

func appendMember(b []byte, name string, value any) []byte {
	if len(b) > 1 {
		b = append(b, ',')
	}
	b = append(appendText(b, name), ':')
	if s, ok := value.(string); ok {
		return appendText(b, s)
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return append(b, "null"...)
	}
	return append(b, raw...)
}

// queryCodes are the codes that the query services give to errors which other services call otherwise.
var queryCodes = map[string]string{
	"AccessDeniedException":               "AccessDenied",
	"IncompleteSignatureException":        "IncompleteSignature",
	"InternalServerException":             "InternalFailure",
	"InvalidSignatureException":           "SignatureDoesNotMatch",
	"MissingAuthenticationTokenException": "MissingAuthenticationToken",
	"ServiceUnavailableException":         "ServiceUnavailable",
	"ThrottlingException":                 "Throttling",
	"UnrecognizedClientException":         "InvalidClientTokenId",
	"ValidationException":                 "ValidationError",
	"RequestEntityTooLargeException":      "RequestEntityTooLarge",
	"UnsupportedMediaTypeException":       "UnsupportedMediaType",
}

func (x *exchange) errorXML(e *Error) []byte {
	var b bytes.Buffer
	b.WriteString("<ErrorResponse")
	if s := x.call.Service; s != nil && s.Namespace != "" {
		b.WriteString(` xmlns="`)
		escape(&b, s.Namespace)
		b.WriteByte('"')
	}
	b.WriteString("><Error>")
	blame := "Sender"
	if e.status() >= 500 {
		blame = "Receiver"
	}
	code := e.Code
	if c, ok := queryCodes[code]; ok {
		code = c
	}
	textElement(&b, "Type", blame)
	textElement(&b, "Code", code)
	textElement(&b, "Message", e.Message)
	b.WriteString("</Error>")
	textElement(&b, "RequestId", x.call.RequestID)
	b.WriteString("</ErrorResponse>")
	return b.Bytes()
}
