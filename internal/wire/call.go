package wire

import (
	"context"
	"net/http"
	"reflect"
	"time"
)

// hidden stands where a secret was, as CloudTrail writes it.
const hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"

// Call is the record of one request on its way; handlers reach it with CallFrom.
type Call struct {
	RequestID string // UUID, also in the answer's x-amzn-RequestId
	Service   *Service
	Operation *Operation // nil when routing failed
	Request   *http.Request
	Body      []byte // the bytes received; not to be kept beyond the answer
	Time      time.Time
	Region    string // of the credential scope; set by Authenticate
	Caller    any    // set by Authenticate
	Input     any    // *In, after decoding
	Output    any    // *Out, after the handler
	Err       *Error // what the client is told
	Resources []string
	// Context holds condition values for Authorize, by condition key. nil until somebody adds one.
	Context map[string][]string
	// Audit holds what rooms add to the audit event on the way. Never a secret.
	Audit Notes
	// Denied marks an answer that says no although it is no error, of an operation that changes nothing. See Server.Knowledge.
	Denied bool
	// Counted is for whoever counts requests in the middle of one: a transaction that runs again must not count again.
	Counted bool

	// What the one resource and two headers of the answer lie in, which would be pieces of memory of their own.
	resource, id, length [1]string
}

type callKey struct{}

// CallFrom returns the call a handler runs in; nil outside one.
func CallFrom(ctx context.Context) *Call {
	c, _ := ctx.Value(callKey{}).(*Call)
	return c
}

// WithCall returns a context that carries c; for tests and for in-process calls.
func WithCall(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// RequestParameters is the decoded input as a JSON-like map in wire names, secrets hidden; nil when nothing was decoded.
// Numbers are int64, timestamps RFC 3339 strings, documents jsontext.Value.
func (c *Call) RequestParameters() map[string]any {
	if c.Input == nil || c.Operation == nil || c.Operation.plan == nil {
		return nil
	}
	return c.Operation.plan.in.record(reflect.ValueOf(c.Input).Elem())
}

// ResponseElements is the output likewise.
func (c *Call) ResponseElements() map[string]any {
	if c.Output == nil || c.Operation == nil || c.Operation.plan == nil {
		return nil
	}
	return c.Operation.plan.out.record(reflect.ValueOf(c.Output).Elem())
}

// AppendRequest appends RequestParameters as JSON with the members in the order of their names, made without the maps: what encoding
// the map would give; nothing when nothing was decoded. It fails where a document is not valid JSON.
func (c *Call) AppendRequest(b []byte) ([]byte, error) {
	if c.Input == nil || c.Operation == nil || c.Operation.plan == nil {
		return b, nil
	}
	return c.Operation.plan.in.appendRecord(b, reflect.ValueOf(c.Input).Elem())
}

// AppendResponse appends the output likewise.
func (c *Call) AppendResponse(b []byte) ([]byte, error) {
	if c.Output == nil || c.Operation == nil || c.Operation.plan == nil {
		return b, nil
	}
	return c.Operation.plan.out.appendRecord(b, reflect.ValueOf(c.Output).Elem())
}
