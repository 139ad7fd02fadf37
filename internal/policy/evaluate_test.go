package policy

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func pick[T any](t *rapid.T, label string, from ...T) T {
	return rapid.SampledFrom(from).Draw(t, label)
}

func pickSome(t *rapid.T, label string, from ...string) any {
	return rapid.SliceOfN(rapid.SampledFrom(from), 1, 3).Draw(t, label)
}

func drawCondition(t *rapid.T) (operator, key string, values any) {
	operator = pick(t, "operator", "StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike",
		"StringNotLike", "ArnEquals", "ArnNotLike", "Bool", "NumericEquals", "NumericNotEquals", "NumericLessThan",
		"NumericGreaterThanEquals", "DateNotEquals", "DateLessThanEquals", "DateGreaterThan", "Null")
	switch base := operator; {
	case base == "Null":
		return base, pick(t, "key", "k:a", "K:B", "aws:username", "aws:PrincipalArn", "aws:PrincipalServiceName"), pickSome(t, "values", "true", "false")
	case base == "Bool":
		key, values = pick(t, "key", "k:a", "aws:PrincipalIsAWSService"), pickSome(t, "values", "true", "FALSE")
	case base[:3] == "Num":
		key, values = pick(t, "key", "k:a", "k:n"), []any{pick(t, "number", 1, 2, 3)}
	case base[:3] == "Dat":
		key, values = "k:d", pickSome(t, "values", "2026-01-01T00:00:00Z", "2026-06-01T00:00:00+02:00")
	case base[:3] == "Arn":
		key, values = pick(t, "key", "aws:PrincipalArn", "k:a"), pickSome(t, "values", "*", "arn:aws:iam::*:role/*", "arn:aws:iam::111122223333:user/alice",
			"${aws:PrincipalArn}", "arn:aws:iam::${aws:PrincipalAccount}:user/${aws:username}")
	default:
		key = pick(t, "key", "k:a", "k:b", "aws:username", "aws:userid", "aws:PrincipalAccount")
		values = pickSome(t, "values", "a", "B", "*", "a*", "?", "", "${aws:username}", "${k:b, 'a'}x", "${*}", "111122223333")
	}
	operator = pick(t, "set", "", "", "", "ForAllValues:", "ForAnyValue:") + operator + pick(t, "suffix", "", "", "IfExists")
	return operator, key, values
}

func drawDocument(t *rapid.T, kind Kind) string {
	version := pick(t, "version", Version2012, Version2012, Version2008)
	var statements []any
	for range rapid.IntRange(1, 3).Draw(t, "statements") {
		s := map[string]any{"Effect": pick(t, "effect", "Allow", "Allow", "Allow", "Allow", "Deny")}
		s[pick(t, "action element", "Action", "Action", "NotAction")] = pickSome(t, "action", "*", "*", "s:*", "S:Get", "s:?ut", "t:Get")
		s[pick(t, "resource element", "Resource", "Resource", "NotResource")] = pickSome(t, "resource", "*", "arn:aws:s:::a", "arn:aws:s:*",
			"arn:aws:s:*:*:a/*", "arn:aws:s:r*n::a/?", "arn:*:s:::${aws:username}", "arn:aws:s:::${k:b, 'a'}*")
		if kind == Resource {
			s["Principal"] = pick[any](t, "principal", "*", map[string]any{"AWS": []any{"111122223333"}}, map[string]any{
				"AWS": pickSome(t, "aws", "arn:aws:iam::111122223333:user/alice", "arn:aws:iam::111122223333:role/apps/gateway",
					"arn:aws:sts::111122223333:assumed-role/gateway/one", "arn:aws:iam::444455556666:root", "arn:aws:iam::111122223333:root", "*"),
				"Service": "sso.amazonaws.com"})
			if m, ok := s["Principal"].(map[string]any); ok && s["Effect"] == "Deny" && rapid.Bool().Draw(t, "not") &&
				!slices.Contains(asList(fmtList(m["AWS"])), "*") {
				s["NotPrincipal"] = s["Principal"]
				delete(s, "Principal")
			}
		}
		conditions := map[string]any{}
		for range pick(t, "conditions", 0, 0, 1, 1, 2) {
			operator, key, values := drawCondition(t)
			if _, again := conditions[operator]; !again {
				conditions[operator] = map[string]any{key: values}
			}
		}
		s["Condition"] = conditions
		statements = append(statements, s)
	}
	text, err := json.Marshal(map[string]any{"Version": version, "Statement": statements})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func fmtList(v any) any {
	if s, ok := v.([]string); ok {
		all := make([]any, len(s))
		for i := range s {
			all[i] = s[i]
		}
		return all
	}
	return v
}

func drawRequest(t *rapid.T) *Request {
	r := &Request{
		Principal:       callers[pick(t, "caller", "root", "alice", "bob", "other", "gateway", "gateway-b", "service")],
		Action:          pick(t, "action", "s:Get", "S:PUT", "t:get", "u:Get"),
		Resource:        pick(t, "resource", "*", "arn:aws:s:::a", "arn:aws:s:::a/b", "arn:aws:s:region:1:a/b", "arn:aws:s:::alice", "arn:aws:s:::*"),
		ResourceAccount: pick(t, "owner", "", "111122223333", "444455556666"),
		Context:         Values{},
	}
	some := func(key string, from ...string) {
		if n := pick(t, key+" count", 0, 1, 1, 2); n > 0 {
			r.Context[key] = rapid.SliceOfN(rapid.SampledFrom(from), n, n).Draw(t, key)
		}
	}
	some("k:a", "a", "b", "", "true", "1", "2", "2.5", "arn:aws:iam::111122223333:user/alice", "B*")
	some("k:b", "a", "*", "")
	some("k:n", "1", "2", "x")
	some("k:d", "2026-01-01T00:00:00Z", "2026-05-31T22:00:00Z", "2027-01-01T00:00:00Z", "soon")
	some("aws:username", "alice", "a", "*")
	return r
}

// TestAgainstNaive: the compiled evaluator and the naive one agree on every set of policies and every request.
func TestAgainstNaive(t *testing.T) {
	var allows, denies, explicits int
	rapid.Check(t, func(t *rapid.T) {
		ps, docs := &Policies{}, &naiveDocuments{}
		// draw gives up to most policies, as documents and compiled.
		draw := func(label string, kind Kind, most int) (texts []string, parsed []*Policy) {
			for range rapid.IntRange(0, most).Draw(t, label) {
				doc := drawDocument(t, kind)
				p, err := Parse(kind, label, []byte(doc))
				if err != nil {
					// The one thing the generator cannot avoid: variables where version 2008-10-17 has none.
					t.Skip(doc, err)
				}
				texts, parsed = append(texts, doc), append(parsed, p)
			}
			return texts, parsed
		}
		docs.identity, ps.Identity = draw("identity", Identity, 2)
		docs.session, ps.Session = draw("session", Identity, 1)
		docs.guards, ps.Guards = draw("guard", Identity, 1)
		if texts, parsed := draw("boundary", Identity, 1); parsed != nil {
			docs.boundary, ps.Boundary = texts[0], parsed[0]
		}
		if texts, parsed := draw("resource", Resource, 1); parsed != nil {
			docs.resource, ps.Resource = texts[0], parsed[0]
		}
		ps.HasSession = len(ps.Session) > 0 && rapid.Bool().Draw(t, "has session")
		ps.ResourceRequired = rapid.Bool().Draw(t, "required")
		docs.hasSession, docs.required = ps.HasSession, ps.ResourceRequired

		r := drawRequest(t)
		allowed, explicit := docs.decide(r)
		a := ps.Evaluate(r)
		if a.Allowed != allowed || a.Explicit != explicit {
			t.Fatalf("got %v (explicit %v): %s\nwant %v (explicit %v)\n%+v\n%+v", a.Allowed, a.Explicit, a, allowed, explicit, docs, r)
		}
		checkAnswer(t, a)
		later := *r
		later.Context, later.Fill = nil, func() Values { return r.Context }
		if again := ps.Evaluate(&later); !reflect.DeepEqual(again, a) {
			t.Fatalf("with the context filled later: %+v\nbefore: %+v", again, a)
		}
		switch {
		case a.Allowed:
			allows++
		case a.Explicit:
			explicits++
		default:
			denies++
		}
	})
	if allows == 0 || denies == 0 || explicits == 0 {
		t.Error("lopsided:", allows, denies, explicits)
	}
	t.Log(allows, "allowed", denies, "denied", explicits, "explicitly denied")
}

// checkAnswer holds for every answer.
func checkAnswer(t interface{ Fatalf(string, ...any) }, a Answer) {
	if len(a.Reasons) == 0 || len(a.Reasons) > maxReasons || a.String() == "" || a.Allowed && a.Explicit {
		t.Fatalf("bad answer: %+v", a)
	}
	want := ""
	switch {
	case a.Allowed:
		want = "Allow"
	case a.Explicit:
		want = "Deny"
	}
	if want != "" && a.Reasons[0].Effect != want {
		t.Fatalf("the first reason does not decide: %+v", a)
	}
	_ = fmt.Sprint(a)
}

func TestFillOnlyWhenRead(t *testing.T) {
	statement := func(more string) *Policy {
		p, err := Parse(Identity, "p", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get*"`+more+`}}`))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	asks := `,"Resource":"*","Condition":{"StringEquals":{"aws:username":"alice","aws:PrincipalTag/team":"red"}}`
	for _, c := range []struct {
		name, more, action string
		fills              int
		allowed            bool
	}{
		{"no condition", `,"Resource":"*"`, "s3:GetObject", 0, true},
		{"conditions", asks, "s3:GetObject", 1, true},
		{"variable", `,"Resource":"arn:aws:s3:::${aws:username}"`, "s3:GetObject", 1, true},
		{"a condition of a statement about another action", asks, "s3:PutObject", 0, false},
		{"a value that is not there", `,"Resource":"*","Condition":{"StringEquals":{"aws:SourceIp":"1"}}`, "s3:GetObject", 1, false},
	} {
		fills := 0
		a := (&Policies{Identity: []*Policy{statement(c.more)}}).Evaluate(&Request{
			Principal: Principal{Account: "111122223333", ARN: "arn:aws:iam::111122223333:user/alice", ID: "AIDA"},
			Action:    c.action, Resource: "arn:aws:s3:::alice",
			Fill: func() Values {
				fills++
				return Values{"aws:username": {"alice"}, "aws:principaltag/team": {"red"}}
			},
		})
		if fills != c.fills || a.Allowed != c.allowed {
			t.Errorf("%s: filled %d times, want %d; %v", c.name, fills, c.fills, a)
		}
	}
}
