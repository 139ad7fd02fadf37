package ssoadmin

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/policy"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/wire"
)

// actorPolicyName labels the document in the reasons of a decision.
const actorPolicyName = "actor policy"

const maxActorPolicy = 20480 // bytes, without insignificant blanks

// The actions of the token service, which are all that an actor policy is asked for.
//
// Source: Service Authorization Reference, "sso-oauth".
const (
	ActionCreateToken = "sso-oauth:CreateTokenWithIAM"
	ActionIntrospect  = "sso-oauth:IntrospectTokenWithIAM"
	ActionRevoke      = "sso-oauth:RevokeTokenWithIAM"
)

// ActorActions lists the actions of the token service.
func ActorActions() []string { return []string{ActionCreateToken, ActionIntrospect, ActionRevoke} }

// actorActions are the actions an actor policy may speak of. sso-oauth:* is let in as the name for all of them.
var actorActions = append(ActorActions(), "sso-oauth:*")

var servicePrincipal = wire.NewPattern(`^[a-z0-9-]+(\.[a-z0-9-]+)+$`)

// actorStatement is what an actor policy adds to the rules of the policy language: which elements a statement must have
// and what may stand in them.
type actorStatement struct {
	Effect    *string        `json:"Effect"`
	Principal jsontext.Value `json:"Principal"`
	Action    words          `json:"Action"`
	Resource  words          `json:"Resource"`
}

// words is a JSON text or a list of texts.
type words []string

func (w *words) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*w = words{one}
		return nil
	}
	var many []string
	if err := json.Unmarshal(b, &many); err != nil {
		return errors.New("neither a text nor a list of texts")
	}
	*w = many
	return nil
}

// checkActorPolicy returns the document without insignificant blanks, or a ValidationException in AWS's words with the
// detail appended.
//
// Source: PutApplicationAuthenticationMethod and IamAuthenticationMethod in the IAM Identity Center API reference.
func checkActorPolicy(tx *store.Tx, applicationARN, document string) (string, error) {
	invalid := func(format string, args ...any) (string, error) {
		return "", validation("Invalid actor policy provided: %s", fmt.Sprintf(format, args...))
	}
	value := jsontext.Value(document)
	if value.Kind() != '{' {
		return invalid("it must be a JSON object")
	}
	if err := value.Compact(); err != nil {
		return invalid("it is not valid JSON")
	}
	if len(value) > maxActorPolicy {
		return invalid("it has %d bytes, more than %d", len(value), maxActorPolicy)
	}
	if _, err := policy.Parse(policy.Resource, actorPolicyName, value); err != nil {
		return invalid("%s", err)
	}
	statements, err := actorStatements(value)
	if err != nil {
		return invalid("%s", err)
	}
	for i, st := range statements {
		if err := st.check(applicationARN); err != nil {
			return invalid("statement %d: %s", i+1, err)
		}
		unknown, err := st.unknownPrincipal(tx)
		if err != nil {
			return "", err
		}
		if unknown != "" {
			return invalid("statement %d: the principal %s does not exist", i+1, unknown)
		}
	}
	return string(value), nil
}

func actorStatements(document jsontext.Value) ([]actorStatement, error) {
	var outer struct {
		Version   string         `json:"Version"`
		Statement jsontext.Value `json:"Statement"`
	}
	if err := json.Unmarshal(document, &outer); err != nil {
		return nil, errors.New("Version must be a text")
	}
	if outer.Version != "2012-10-17" {
		return nil, errors.New("Version must be 2012-10-17")
	}
	var statements []actorStatement
	switch outer.Statement.Kind() {
	case '{':
		statements = make([]actorStatement, 1)
		if err := json.Unmarshal(outer.Statement, &statements[0]); err != nil {
			return nil, errors.New("the statement is malformed")
		}
	case '[':
		if err := json.Unmarshal(outer.Statement, &statements); err != nil {
			return nil, errors.New("a statement is malformed")
		}
	}
	if len(statements) == 0 {
		return nil, errors.New("it needs at least one statement")
	}
	return statements, nil
}

func (st actorStatement) check(applicationARN string) error {
	switch {
	case st.Effect == nil:
		return errors.New("Effect is required")
	case st.Principal == nil:
		return errors.New("Principal is required")
	case len(st.Action) == 0:
		return errors.New("Action is required")
	case len(st.Resource) == 0:
		return errors.New("Resource is required")
	}
	for _, action := range st.Action {
		if !slices.ContainsFunc(actorActions, func(a string) bool { return strings.EqualFold(a, action) }) {
			return fmt.Errorf("Action %q is not one of %s", action, strings.Join(actorActions, ", "))
		}
	}
	for _, resource := range st.Resource {
		if resource != "*" && resource != applicationARN {
			return fmt.Errorf("Resource %q is neither * nor the application's own ARN", resource)
		}
	}
	return st.checkPrincipal()
}

// checkPrincipal lets in what can call with IAM credentials. "*" is good for a Deny only: who may act as an application
// has to be named.
func (st actorStatement) checkPrincipal() error {
	if st.Principal.Kind() == '"' {
		if *st.Effect == "Allow" {
			return errors.New("the principals of an Allow statement must be named, * is not")
		}
		return nil
	}
	named, err := st.principals()
	if err != nil {
		return err
	}
	for kind, names := range named {
		for _, name := range names {
			switch {
			case kind == "Service" && !servicePrincipal.MatchString(name):
				return fmt.Errorf("%q is not the name of a service principal", name)
			case kind == "AWS" && name == "*" && *st.Effect == "Allow":
				return errors.New("the principals of an Allow statement must be named, * is not")
			case kind != "Service" && kind != "AWS":
				return fmt.Errorf("a principal is of kind AWS or Service, not %s", kind)
			}
		}
	}
	return nil
}

func (st actorStatement) principals() (map[string]words, error) {
	var named map[string]words
	if err := json.Unmarshal(st.Principal, &named); err != nil {
		return nil, errors.New("Principal must be an object of AWS and Service principals")
	}
	return named, nil
}

// unknownPrincipal is the first AWS principal that is not in our records, in Deny statements too: a mistyped Deny
// denies nobody.
func (st actorStatement) unknownPrincipal(tx *store.Tx) (string, error) {
	if st.Principal.Kind() == '"' {
		return "", nil
	}
	named, err := st.principals()
	if err != nil {
		return "", err
	}
	for _, name := range named["AWS"] {
		if name == "*" {
			continue
		}
		if known, err := iam.PrincipalExists(tx, name); err != nil || !known {
			return name, err
		}
	}
	return "", nil
}
