package wire

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// hidden stands where a secret was, as CloudTrail writes it.
const hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"

// Call is the record of one request on its way; handlers reach it with CallFrom.
type Call struct {
	RequestID string // UUID, also in the answer's x-amzn-RequestId
	Service   *Service
	Operation *Operation // nil when routing failed
	Request   *http.Request
	Body      []byte // the bytes received
	Time      time.Time
	Region    string // of the credential scope; set by Authenticate
	Caller    any    // set by Authenticate
	Input     any    // *In, after decoding
	Output    any    // *Out, after the handler
	Err       *Error // what the client is told
	Resources []string
	// Context holds condition values for Authorize, by condition key.
	Context map[string][]string
	// Audit holds what rooms add to the audit event on the way: additionalEventData members. Never a secret.
	Audit map[string]any
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

// record is a struct as a map, without its secrets.
func (s *shape) record(v reflect.Value) map[string]any {
	m := make(map[string]any, len(s.fields))
	for i := range s.fields {
		f := &s.fields[i]
		fv, ok := f.value(v)
		switch {
		case !ok:
		case f.secret:
			m[f.name] = hidden
		default:
			m[f.name] = f.shape.recordValue(fv)
		}
	}
	return m
}

func (s *shape) recordValue(v reflect.Value) any {
	switch s.kind {
	case kindStruct:
		return s.record(v)
	case kindList:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = s.elem.recordValue(v.Index(i))
		}
		return list
	case kindMap:
		m := make(map[string]any, v.Len())
		for it := v.MapRange(); it.Next(); {
			m[it.Key().String()] = s.elem.recordValue(it.Value())
		}
		return m
	case kindInt:
		return v.Int()
	case kindBool:
		return v.Bool()
	case kindTime:
		return v.Interface().(time.Time).UTC().Format(time.RFC3339Nano)
	case kindDocument:
		return v.Interface().(jsontext.Value)
	}
	return v.String()
}
