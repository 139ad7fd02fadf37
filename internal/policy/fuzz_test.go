package policy

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// eachDocument calls f with every policy of testdata.
func eachDocument(f *testing.F, do func(kind Kind, document string)) {
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, file := range files {
		for name, text := range readArchive(f, file) {
			if name, ok := strings.CutSuffix(name, ".json"); ok {
				do(kindOf(name), text)
			}
		}
	}
}

// FuzzParse: any text is refused or makes a policy that means the same when parsed again and can be evaluated.
func FuzzParse(f *testing.F) {
	eachDocument(f, func(kind Kind, document string) { f.Add(int(kind), document) })
	f.Fuzz(func(t *testing.T, kind int, document string) {
		p, err := Parse(Kind(kind), "fuzz", []byte(document))
		if err != nil {
			if p != nil || err.Error() == "" || len(err.Error()) > 4096 {
				t.Fatalf("%v: %q", p, err)
			}
			return
		}
		if !json.Valid([]byte(document)) {
			t.Fatal("accepted what is not JSON")
		}
		again, err := Parse(Kind(kind), "fuzz", []byte(document))
		if err != nil || !slices.Equal(p.Actions(), again.Actions()) || !slices.Equal(p.Resources(), again.Resources()) ||
			!slices.Equal(p.Principals(), again.Principals()) || p.Version() != again.Version() || p.Inverted() != again.Inverted() {
			t.Fatal("two readings of one text")
		}
		for _, caller := range callers {
			ps := &Policies{Identity: []*Policy{p}}
			if p.kind != Identity {
				ps = &Policies{Resource: p, ResourceRequired: true}
			}
			r := &Request{Principal: caller, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/home/alice/x", Context: Values{
				"k:s": {"a"}, "k:n": {"1", "2"}, "k:d": {"2026"}, "k:b": {"x"}, "aws:username": {"alice"},
			}}
			a, b := ps.Evaluate(r), ps.Evaluate(r)
			checkAnswer(t, a)
			if a.String() != b.String() {
				t.Fatalf("two answers: %s, %s", a, b)
			}
		}
	})
}

// FuzzEvaluate: whatever policies and request say, the rules of combination hold.
func FuzzEvaluate(f *testing.F) {
	var identities, resources []string
	eachDocument(f, func(kind Kind, document string) {
		if kind == Identity {
			identities = append(identities, document)
		} else {
			resources = append(resources, document)
		}
	})
	for i, identity := range identities {
		f.Add(identity, resources[i%len(resources)], "gateway", "s3:GetObject", "arn:aws:s3:::b/home/alice/x", "111122223333", "aws:username", "alice")
	}
	nothing := mustParse(f, Identity, `{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`)
	everything := mustParse(f, Identity, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	f.Fuzz(func(t *testing.T, identity, resource, caller, action, target, owner, key, value string) {
		i, err := Parse(Identity, "identity", []byte(identity))
		if err != nil {
			return
		}
		r, err := Parse(Resource, "resource", []byte(resource))
		if err != nil {
			r = nil
		}
		principal, known := callers[caller]
		if !known {
			principal = Principal{Account: owner, ARN: caller, ID: value}
		}
		request := &Request{Principal: principal, Action: action, Resource: target, ResourceAccount: owner,
			Context: Values{key: {value}, "k:two": {value, key}}}
		ps := Policies{Identity: []*Policy{i}, Resource: r}
		evaluate := func(change func(*Policies)) bool {
			changed := ps
			change(&changed)
			a := changed.Evaluate(request)
			checkAnswer(t, a)
			return a.Allowed
		}
		allowed := evaluate(func(*Policies) {})
		for what, widened := range map[string]bool{
			"a guard that denies all": evaluate(func(ps *Policies) { ps.Guards = []*Policy{nothing} }),
			"an empty session":        evaluate(func(ps *Policies) { ps.HasSession = true }),
			"no policy":               evaluate(func(ps *Policies) { ps.Identity, ps.Resource = []*Policy{}, nil }),
		} {
			if widened {
				t.Errorf("allowed in spite of %s", what)
			}
		}
		for what, narrowed := range map[string]bool{
			"a boundary":              evaluate(func(ps *Policies) { ps.Boundary = everything }),
			"a session policy":        evaluate(func(ps *Policies) { ps.Session, ps.HasSession = []*Policy{i}, true }),
			"a required resource":     evaluate(func(ps *Policies) { ps.ResourceRequired = true }),
			"a guard":                 evaluate(func(ps *Policies) { ps.Guards = []*Policy{i} }),
			"the same policies twice": evaluate(func(ps *Policies) { ps.Identity = []*Policy{i, i} }),
		} {
			if narrowed && !allowed {
				t.Errorf("allowed only with %s", what)
			}
		}
	})
}
