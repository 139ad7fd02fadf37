package wire

import (
	"bytes"
	"maps"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

// encode is the body of a successful answer, in dst where that has the room.
func (x *exchange) encode(dst []byte, out any) ([]byte, error) {
	s, v := x.call.Operation.plan.out, reflect.ValueOf(out).Elem()
	if x.protocol != AWSQuery {
		return s.appendJSON(dst, v)
	}
	b := bytes.NewBuffer(dst)
	name := x.call.Operation.Name
	b.WriteString("<" + name + `Response xmlns="`)
	escape(b, x.call.Service.Namespace)
	b.WriteString(`">`)
	if len(s.fields) > 0 {
		if err := s.appendXML(b, name+"Result", v); err != nil {
			return nil, err
		}
	}
	open(b, "ResponseMetadata")
	textElement(b, "RequestId", x.call.RequestID)
	shut(b, "ResponseMetadata")
	shut(b, name+"Response")
	return b.Bytes(), nil
}

// write sends the answer. Every answer may hold a token or say something about one: none may be cached.
func (x *exchange) write(w http.ResponseWriter) error {
	status, body := http.StatusOK, x.answer
	if e := x.call.Err; e != nil {
		status, body = e.status(), x.errorBody(e)
		x.errorHeaders(w.Header(), e)
	}
	x.headers(w.Header(), len(body))
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err // a client that has gone is no fault
}

// The values of headers that are the same in many answers. They stand in the header maps themselves, which nobody changes any more.
var (
	noStore      = []string{"no-store"}
	noCache      = []string{"no-cache"}
	noSniff      = []string{"nosniff"}
	contentTypes = [...][]string{RestJSON1: {"application/json"}, AWSJSON11: {"application/x-amz-json-1.1"}, AWSQuery: {"text/xml"}, OAuthForm: {"application/json"}}
)

// headers sets what every answer has.
func (x *exchange) headers(h http.Header, length int) {
	c := x.call
	c.id[0], c.length[0] = c.RequestID, strconv.Itoa(length)
	h["X-Amzn-Requestid"] = c.id[:]
	h["X-Amz-Request-Id"] = c.id[:]
	h["Cache-Control"] = noStore
	h["Pragma"] = noCache
	h["X-Content-Type-Options"] = noSniff
	h["Content-Type"] = contentTypes[x.protocol]
	h["Content-Length"] = c.length[:]
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

// errorJSON is a rest-json error: with RFC 6749's members where the error has its code, and always a message with the whole text, because
// without one some SDKs print an empty line.
func errorJSON(e *Error) []byte {
	b := []byte{'{'}
	if code, ok := e.Fields["error"]; ok {
		b = appendMember(b, "error", code)
		b = appendMember(b, "error_description", describable(e.Message))
	}
	b = appendMember(b, "message", e.Message)
	return append(appendFields(b, e.Fields, "error", "error_description", "message"), '}')
}

// describable is a text with nothing but what an error_description may hold (RFC 6749 §5.2): clients may refuse others.
func describable(text string) string {
	var b strings.Builder // that stays empty for most texts
	for i, c := range text {
		with := ""
		switch {
		case c == '"':
			with = "'"
		case c == '\\':
			with = "/"
		case c == '…':
			with = "..."
		case c < ' ' || c > '~':
			with = "?"
		}
		if with != "" && b.Len() == 0 {
			b.WriteString(text[:i])
		}
		switch {
		case with != "":
			b.WriteString(with)
		case b.Len() > 0:
			b.WriteRune(c)
		}
	}
	if b.Len() == 0 {
		return text
	}
	return b.String()
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
