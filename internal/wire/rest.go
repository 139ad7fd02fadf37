package wire

import (
	"net/http"
	"reflect"
	"strings"
)

// decodeRest fills the members that travel in the query string and in headers, and returns which were there. constant
// is the operation's own query string. A query parameter that names a member of the body is refused: secrets do not
// belong in URLs, and a reader that merged both would see another request.
func (r *reading) decodeRest(s *shape, v reflect.Value, query params, header http.Header, constant string) (seen uint64, err error) {
	for i := range s.fields {
		f := &s.fields[i]
		if f.query == "" && f.header == "" {
			continue
		}
		text, ok := "", false
		if f.query != "" {
			text, ok = query.get(f.query)
		} else if text, ok, err = oneHeader(header, f.header); err != nil {
			return 0, err
		}
		if !ok {
			continue
		}
		r.enter(step{name: f.label})
		fv := v.Field(f.index)
		if f.pointer {
			fv.Set(reflect.New(f.shape.typ))
			fv = fv.Elem()
		}
		r.opaque = f.opaque
		if err := r.setText(f.shape, fv, text); err != nil {
			return 0, err
		}
		r.leave()
		seen |= 1 << i
	}
	return seen, s.checkQuery(query, constant)
}

// checkQuery refuses query parameters that differ from a member's only in case, or that name a member of the body.
func (s *shape) checkQuery(query params, constant string) error {
	for _, q := range query {
		if q.name+"="+q.value == constant {
			continue
		}
		for i := range s.fields {
			f := &s.fields[i]
			switch {
			case f.query != "" && q.name != f.query && strings.EqualFold(q.name, f.query):
				return violations{"Unknown parameter " + quote(q.name) + ": the name is '" + f.query + "', exactly so"}
			case f.query == "" && f.header == "" && strings.EqualFold(q.name, f.name):
				return violations{"The member '" + f.name + "' belongs in the request body, not in the query string"}
			}
		}
	}
	return nil
}

// oneHeader returns a header's only value. Go canonicalises names (X-Amz-Sso_bearer_token); two copies are refused.
func oneHeader(h http.Header, name string) (string, bool, error) {
	switch values := h.Values(name); len(values) {
	case 0:
		return "", false, nil
	case 1:
		return values[0], true, nil
	}
	return "", false, &malformed{"The header " + name + " is given more than once."}
}
