package wire

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// The fixture is a small house with a service of each protocol, whose operations show what they were given.

type tokenInput struct {
	ClientID  string   `json:"clientId" wire:"required"`
	GrantType string   `json:"grantType" wire:"required"`
	Code      *string  `json:"code" wire:"secret,opaque"`
	Assertion *string  `json:"assertion" wire:"secret" len:"..40"`
	Scope     []string `json:"scope"`
}

type tokenOutput struct {
	AccessToken *string  `json:"accessToken" wire:"secret"`
	TokenType   *string  `json:"tokenType"`
	ExpiresIn   *int     `json:"expiresIn"`
	Scope       []string `json:"scope"`
}

type rolesInput struct {
	Bearer  string  `json:"accessToken" wire:"required,secret,header=x-amz-sso_bearer_token"`
	Account string  `json:"accountId" wire:"required,query=account_id"`
	Max     *int    `json:"maxResults" wire:"query=max_result" range:"1..100"`
	Next    *string `json:"nextToken" wire:"query=next_token"`
}

type rolesOutput struct {
	Roles []string `json:"roleList"`
	Next  *string  `json:"nextToken"`
}

type tag struct {
	Key   string `json:"Key" wire:"required" len:"1..4"`
	Value string `json:"Value" wire:"required" len:"0..8"`
}

type redirect struct {
	URIs []string `json:"Uris" len:"1..2"`
}

type empty struct{}

type grant struct {
	Redirect *redirect `json:"Redirect"`
	Refresh  *empty    `json:"Refresh"`
}

type createInput struct {
	ARN      string                    `json:"InstanceArn" wire:"required,resource" len:"3..20" pattern:"a|arn:.*"`
	Name     *string                   `json:"Name" wire:"secret" len:"1..5"`
	Count    *int                      `json:"Count" range:"1..10"`
	On       *bool                     `json:"On"`
	Status   *string                   `json:"Status" enum:"ENABLED|DISABLED"`
	Tags     []tag                     `json:"Tags" len:"0..3"`
	Keys     []string                  `json:"Keys" each-len:"1..3" each-pattern:"[a-z]+"`
	Grant    *grant                    `json:"Grant" union:"true"`
	Policy   jsontext.Value            `json:"Policy"`
	Extra    map[string]jsontext.Value `json:"Extra" each-pattern:"x:.*"`
	Since    *time.Time                `json:"Since"`
	Revision *int64                    `json:"Revision"`
}

type createOutput struct {
	ARN     *string                   `json:"ApplicationArn"`
	Tags    []tag                     `json:"Tags"`
	Created *time.Time                `json:"CreatedDate"`
	Policy  jsontext.Value            `json:"Policy"`
	Extra   map[string]jsontext.Value `json:"Extra"`
	On      *bool                     `json:"On"`
}

type assumeInput struct {
	RoleARN string            `json:"RoleArn" wire:"required,resource"`
	Seconds *int              `json:"DurationSeconds" range:"900..3600"`
	Tags    []tag             `json:"Tags" len:"..2"`
	Keys    []string          `json:"Keys"`
	Names   map[string]string `json:"Names"`
	Force   *bool             `json:"Force"`
	Until   *time.Time        `json:"Until"`
	One     *tag              `json:"One"`
}

type assumeOutput struct {
	Secret  string            `json:"SecretAccessKey" wire:"required,secret"`
	Expires *time.Time        `json:"Expiration"`
	Tags    []tag             `json:"Tags"`
	Names   map[string]string `json:"Names"`
}

type introspectInput struct {
	Token    string  `json:"token" wire:"required,secret,opaque"`
	Hint     *string `json:"token_type_hint"`
	ClientID string  `json:"client_id" wire:"required,resource"`
}

type introspectOutput struct {
	Active bool `json:"active" wire:"required"`
}

// house is the fixture with what its hooks saw.
type house struct {
	*Server
	t *testing.T

	finished []*Call
	input    any
	handle   func(ctx context.Context) error // nil: fine
	finish   error
	authn    error
	authz    error
}

func row[In, Out any](h *house, o Operation, out Out) Operation {
	return Op(o, func(ctx context.Context, in *In) (*Out, error) {
		h.input = in
		if h.handle != nil {
			if err := h.handle(ctx); err != nil {
				return nil, err
			}
		}
		return &out, nil
	})
}

func newHouse(t *testing.T) *house {
	h := &house{t: t}
	at := time.UnixMilli(1700000000123).UTC()
	h.Server = &Server{
		Now:          func() time.Time { return at },
		Log:          slog.New(slog.DiscardHandler),
		Authenticate: func(context.Context, *Call) error { return h.authn },
		Authorize:    func(context.Context, *Call) error { return h.authz },
		Finish: func(_ context.Context, c *Call) error {
			h.finished = append(h.finished, c)
			return h.finish
		},
		Services: []*Service{
			{Name: "oidc", Protocol: RestJSON1, SigningName: "sso-oauth", Operations: []Operation{
				row[tokenInput](h, Operation{Name: "CreateTokenWithIAM", Method: "POST", Path: "/token", Query: "aws_iam=t"},
					tokenOutput{AccessToken: new("aoa"), TokenType: new("Bearer"), ExpiresIn: new(3600), Scope: []string{"openid"}}),
				row[tokenInput](h, Operation{Name: "CreateToken", Method: "POST", Path: "/token", Auth: None}, tokenOutput{}),
			}},
			{Name: "portal", Protocol: RestJSON1, PlainErrors: true, Operations: []Operation{
				row[rolesInput](h, Operation{Name: "ListAccountRoles", Method: "GET", Path: "/assignment/roles", Auth: None},
					rolesOutput{Roles: []string{}}),
			}},
			{Name: "admin", Protocol: AWSJSON11, SigningName: "sso", TargetPrefix: "SWB", Operations: []Operation{
				row[createInput](h, Operation{Name: "CreateApplication"}, createOutput{
					ARN: new("arn:x"), Tags: []tag{{"k", "<v>"}}, Created: &at, Policy: jsontext.Value(`{"a":[1]}`),
					Extra: map[string]jsontext.Value{"x:b": jsontext.Value("2"), "x:a": jsontext.Value("1")}, On: new(false)}),
			}},
			{Name: "sts", Protocol: AWSQuery, SigningName: "sts", Version: "2011-06-15", Namespace: "https://sts.example/doc/", Operations: []Operation{
				row[assumeInput](h, Operation{Name: "AssumeRole"}, assumeOutput{Secret: "s&<", Expires: &at, Tags: []tag{{"k", "v"}}, Names: map[string]string{"b": "2", "a": "1"}}),
				row[empty](h, Operation{Name: "Shared"}, empty{}),
			}},
			{Name: "iam", Protocol: AWSQuery, SigningName: "iam", Version: "2010-05-08", Namespace: "https://iam.example/doc/", Operations: []Operation{
				row[empty](h, Operation{Name: "Shared"}, empty{}),
			}},
			{Name: "oauth", Protocol: OAuthForm, SigningName: "sso-oauth", Operations: []Operation{
				row[introspectInput](h, Operation{Name: "IntrospectTokenWithIAM", Method: "POST", Path: "/oauth2/introspect"}, introspectOutput{}),
			}},
		},
	}
	return h
}

// reply is an answer, taken apart.
type reply struct {
	*httptest.ResponseRecorder
	body map[string]any // of JSON answers
}

// send serves one request, given as "METHOD target", header lines "Name: value", and a body.
func (h *house) send(line string, headers []string, body string) reply {
	h.t.Helper()
	method, target, _ := strings.Cut(line, " ")
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	return h.serve(r)
}

func (h *house) serve(r *http.Request) reply {
	h.t.Helper()
	before := len(h.finished)
	w := httptest.NewRecorder()
	h.Handler().ServeHTTP(w, r)
	if got := len(h.finished) - before; got != 1 {
		h.t.Errorf("Finish ran %d times, want once", got)
	}
	out := reply{ResponseRecorder: w}
	if ct := w.Header().Get("Content-Type"); strings.Contains(ct, "json") {
		if err := json.Unmarshal(w.Body.Bytes(), &out.body); err != nil {
			h.t.Errorf("answer is not JSON: %v: %s", err, w.Body)
		}
	} else if !strings.Contains(ct, "xml") {
		h.t.Errorf("answer has content type %q", ct)
	}
	if w.Header().Get("X-Amzn-Requestid") == "" || w.Header().Get("Cache-Control") != "no-store" {
		h.t.Errorf("answer lacks its headers: %v", w.Header())
	}
	return out
}

func (h *house) token(body string) reply {
	return h.send("POST /token?aws_iam=t", nil, body)
}

func (h *house) create(body string) reply {
	return h.send("POST /", []string{"X-Amz-Target: SWB.CreateApplication"}, body)
}

func (h *house) assume(form string) reply {
	return h.send("POST /", nil, "Action=AssumeRole&Version=2011-06-15&"+form)
}

var errForeign = errors.New("the disk is on fire")
