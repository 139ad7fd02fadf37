package wire

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// route is one operation and its service.
type route struct {
	service   *Service
	operation *Operation
}

// routes finds the operation of a request: by path and constant query, then by X-Amz-Target, then by the Action of the
// form and the service its signature names. Never by content type (some SDKs send the wrong one) and never by Host
// (people reach us through DNS, proxies and endpoint overrides).
type routes struct {
	paths    map[string][]route // RestJSON1, OAuthForm
	targets  map[string]route   // AWSJSON11, by Prefix.Operation
	prefixes map[string]*Service
	actions  map[string][]route // AWSQuery
	queries  []*Service
}

func newRoutes(services []*Service) *routes {
	t := &routes{paths: map[string][]route{}, targets: map[string]route{}, prefixes: map[string]*Service{}, actions: map[string][]route{}}
	for _, s := range services {
		switch s.Protocol {
		case AWSJSON11:
			t.prefixes[s.TargetPrefix] = s
		case AWSQuery:
			t.queries = append(t.queries, s)
		}
		for i := range s.Operations {
			t.add(route{s, &s.Operations[i]})
		}
	}
	return t
}

// add panics where two operations could not be told apart.
func (t *routes) add(r route) {
	s, o := r.service, r.operation
	if o.plan == nil {
		panic(fmt.Sprintf("wire: %s.%s was not built by Op", s.Name, o.Name))
	}
	switch s.Protocol {
	case RestJSON1, OAuthForm:
		for _, other := range t.paths[o.Path] {
			if other.operation.Method == o.Method && other.operation.Query == o.Query {
				panic(fmt.Sprintf("wire: %s and %s have the same route", other.operation.Name, o.Name))
			}
		}
		if o.Method == "" || !strings.HasPrefix(o.Path, "/") || o.Path == "/" {
			panic(fmt.Sprintf("wire: %s.%s needs a method and a path", s.Name, o.Name))
		}
		t.paths[o.Path] = append(t.paths[o.Path], r)
		// The one that asks for a query comes first: it is the more special.
		slices.SortStableFunc(t.paths[o.Path], func(a, b route) int { return len(b.operation.Query) - len(a.operation.Query) })
	case AWSJSON11:
		target := s.TargetPrefix + "." + o.Name
		if _, dup := t.targets[target]; dup {
			panic("wire: two operations for the target " + target)
		}
		t.targets[target] = r
	case AWSQuery:
		t.actions[o.Name] = append(t.actions[o.Name], r)
	}
}

// unknownOperation is the answer to a request nobody here serves.
func unknownOperation(what string) *Error {
	return &Error{Code: "UnknownOperationException", Status: http.StatusNotFound, Message: what}
}

// byPath routes by path, constant query and method. found is false when no operation has the path.
func (t *routes) byPath(x *exchange) (found bool, err error) {
	candidates := t.paths[x.call.Request.URL.Path]
	if len(candidates) == 0 {
		return false, nil
	}
	x.protocol, x.plain = candidates[0].service.Protocol, candidates[0].service.PlainErrors
	for _, r := range candidates { // the usual request has exactly the operation's query
		if r.operation.Method == x.call.Request.Method && r.operation.Query == x.call.Request.URL.RawQuery {
			x.take(r)
			return true, nil
		}
	}
	if x.query, err = parseParams(x.call.Request.URL.RawQuery, "query string"); err != nil {
		return true, inputError(x.protocol, x.plain, err)
	}
	var allowed []string
	for _, r := range candidates {
		if !x.query.hold(r.operation.Query) {
			continue
		}
		if r.operation.Method == x.call.Request.Method {
			x.take(r)
			return true, nil
		}
		allowed = append(allowed, r.operation.Method)
	}
	if allowed == nil {
		return true, unknownOperation("There is no operation at this path with this query.")
	}
	x.allow = strings.Join(allowed, ", ")
	return true, methodNotAllowed(x.allow)
}

func methodNotAllowed(allow string) *Error {
	return &Error{Code: "MethodNotAllowedException", Status: http.StatusMethodNotAllowed,
		Message: "This operation is called with " + allow + "."}
}

// hold says whether the parameters contain the constant query ("" always).
func (p params) hold(constant string) bool {
	if constant == "" {
		return true
	}
	name, want, _ := strings.Cut(constant, "=")
	got, ok := p.get(name)
	return ok && got == want
}

// byTarget routes a JSON 1.1 request.
func (t *routes) byTarget(x *exchange, target string) error {
	x.protocol = AWSJSON11
	if prefix, _, ok := strings.Cut(target, "."); ok {
		x.call.Service = t.prefixes[prefix] // for the audit event, also when the operation is unknown
	}
	if x.call.Request.URL.Path != "/" {
		return unknownOperation("There is no operation at this path.")
	}
	if x.call.Request.Method != http.MethodPost {
		x.allow = http.MethodPost
		return methodNotAllowed(x.allow)
	}
	r, ok := t.targets[target]
	if !ok {
		return unknownOperation("The operation " + quote(target) + " is not known.")
	}
	x.take(r)
	return nil
}

// byAction routes a query request, whose parameters are in the body, in the query string, or in both.
func (t *routes) byAction(x *exchange) error {
	action, _ := x.form.get("Action")
	version, versioned := x.form.get("Version")
	candidates := slices.Clone(t.actions[action])
	if s := t.signedQuery(x); s != nil {
		x.call.Service = s
		candidates = slices.DeleteFunc(candidates, func(r route) bool { return r.service != s })
	}
	if versioned {
		candidates = slices.DeleteFunc(candidates, func(r route) bool { return r.service.Version != version })
	}
	if len(candidates) != 1 {
		message := "Could not find operation " + quote(action)
		if versioned {
			message += " for version " + quote(version)
		}
		return &Error{Code: "InvalidAction", Status: http.StatusBadRequest, Message: message}
	}
	x.take(candidates[0])
	return nil
}

// guess settles how to answer what neither path nor target route, until the form does: a query client cannot read JSON, and it is one of those
// that post to the root without a target, or sign for a query service.
func (t *routes) guess(x *exchange) {
	x.call.Service = t.signedQuery(x)
	if x.call.Service != nil || t.takesForm(x.call.Request) {
		x.protocol = AWSQuery
	}
}

// takesForm says that a request without a target is where query clients send theirs.
func (t *routes) takesForm(r *http.Request) bool {
	return r.URL.Path == "/" && len(t.queries) > 0 && (r.Method == http.MethodPost || r.Method == http.MethodGet)
}

// withoutAction is the answer to a form that names no operation. Who does not sign for a query service may have sent anything.
func (t *routes) withoutAction(x *exchange) error {
	if x.call.Service = t.signedQuery(x); x.call.Service == nil {
		x.protocol = RestJSON1
		return unknownOperation("There is no operation at this path.")
	}
	return &Error{Code: "MissingAction", Status: http.StatusBadRequest, Message: "The request has no parameter 'Action'."}
}

// signedQuery is the query service whose name stands in the signature, nil when there is none.
func (t *routes) signedQuery(x *exchange) *Service {
	scope := signedService(x.call.Request, x.form)
	if i := slices.IndexFunc(t.queries, func(s *Service) bool { return s.SigningName == scope }); i >= 0 {
		return t.queries[i]
	}
	return nil
}

// signedService is the service in the credential scope, "" when there is none. It only routes: what the signature is
// worth is judged later.
func signedService(r *http.Request, form params) string {
	credential, ok := form.get("X-Amz-Credential")
	if !ok {
		_, rest, found := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		if !found {
			return ""
		}
		credential, _, _ = strings.Cut(rest, ",")
	}
	parts := strings.Split(strings.TrimSpace(credential), "/")
	if len(parts) < 5 {
		return ""
	}
	return parts[len(parts)-2]
}
