package wire

import (
	"fmt"
	"net/http"
	"reflect"
)

// DecodeRequest routes a request and decodes its input as serving would, but does nothing else: no authentication, no
// constraints, no handler. It is for comparing what we read with recorded messages, whose values are dummies.
func (s *Server) DecodeRequest(r *http.Request) (*Call, error) {
	h := &handler{Server: *s, routes: newRoutes(s.Services)}
	x := &exchange{call: &Call{Request: r}, room: new(room)}
	if err := h.receive(r.Context(), x); err != nil {
		return x.call, err
	}
	in := x.call.Operation.plan.newIn()
	rd := &reading{}
	if err := rd.decode(x.call.Operation.plan.in, reflect.ValueOf(in).Elem(), x); err != nil {
		return x.call, err
	}
	x.call.Input = in
	if len(rd.found) > 0 {
		return x.call, rd.found
	}
	return x.call, nil
}

// DecodeOutput reads the JSON body of an answer of this operation into its output type, for the same purpose.
func (o *Operation) DecodeOutput(body []byte) (any, error) {
	out := o.plan.newOut()
	rd := &reading{}
	if _, err := rd.decodeJSON(o.plan.out, reflect.ValueOf(out).Elem(), body); err != nil {
		return nil, err
	}
	return out, nil
}

// EncodeJSON writes an input or output of this operation, given by pointer, as a JSON body. Members that travel in
// headers or in the query string are left out.
func (o *Operation) EncodeJSON(v any) ([]byte, error) {
	for _, s := range []*shape{o.plan.in, o.plan.out} {
		if reflect.TypeOf(v) == reflect.PointerTo(s.typ) {
			return s.appendJSON(nil, reflect.ValueOf(v).Elem())
		}
	}
	return nil, fmt.Errorf("wire: %T is neither input nor output of %s", v, o.Name)
}
