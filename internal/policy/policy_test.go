package policy

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustParse(t testing.TB, kind Kind, doc string) *Policy {
	t.Helper()
	p, err := Parse(kind, "p", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAccessors(t *testing.T) {
	p := mustParse(t, Resource, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:role/r","*","111122223333"]},"Action":["s3:Get","*:*"],"Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":["111122223333","AROAEXAMPLEEXAMPLE01"],"Service":"x.example.com"},"Action":"s3:Get","Resource":"arn:aws:s3:::b/${aws:userid}"},
		{"Effect":"Deny","Principal":{"AWS":"444455556666"},"Action":"s3:Put","Resource":"arn:aws:s3:::c"}]}`)
	for what, diff := range map[string]string{
		"Principals": cmp.Diff([]string{"arn:aws:iam::111122223333:role/r", "111122223333", "AROAEXAMPLEEXAMPLE01"}, p.Principals()),
		"Actions":    cmp.Diff([]string{"s3:Get", "*:*"}, p.Actions()),
		"Resources":  cmp.Diff([]string{"*", "arn:aws:s3:::b/${aws:userid}"}, p.Resources()),
		"Version":    cmp.Diff("2012-10-17", p.Version()),
		"Inverted":   cmp.Diff(false, p.Inverted()),
	} {
		if diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}

	n := mustParse(t, Identity, `{"Statement":{"Effect":"Allow","NotAction":"s3:Get","NotResource":"arn:aws:s3:::b"}}`)
	if !n.Inverted() || n.Version() != Version2008 || n.Principals() != nil ||
		!cmp.Equal(n.Actions(), []string{"*"}) || !cmp.Equal(n.Resources(), []string{"*"}) {
		t.Errorf("inverted: %v %v %v %v", n.Version(), n.Principals(), n.Actions(), n.Resources())
	}
	d := mustParse(t, Resource, `{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"Action":"*","Resource":"*"}}`)
	if !d.Inverted() || d.Actions() != nil {
		t.Error("NotPrincipal inverts")
	}
	if got := fmt.Sprint(Identity, Resource, Trust, Kind(7)); got != "identity resource trust unknown" {
		t.Error(got)
	}
}

func TestRoot(t *testing.T) {
	for name, p := range callers {
		if p.Root() != (name == "root") {
			t.Errorf("%s: Root() = %v", name, p.Root())
		}
	}
}

// TestInconsistentCallers: a caller whose fields contradict one another is denied what everybody may do.
func TestInconsistentCallers(t *testing.T) {
	all := mustParse(t, Identity, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	everyone := mustParse(t, Resource, `{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`)
	ps := &Policies{Identity: []*Policy{all}, Resource: everyone}
	const (
		a       = "111122223333"
		session = "arn:aws:sts::111122223333:assumed-role/r/s"
	)
	for _, p := range []Principal{
		{},
		{Account: a},
		{ARN: "arn:aws:iam::111122223333:root"},
		{Account: a, ARN: "arn:aws:iam::444455556666:root"},
		{Account: a, ARN: "arn:aws:iam::111122223333"},
		{Account: a, ARN: "xarn:aws:iam::111122223333:root"},
		{Account: a, ARN: "arn:aws:iam:us-east-1:111122223333:root"},
		{Account: a, ARN: "arn:what:iam::111122223333:root"},
		{Account: "x", ARN: "arn:aws:iam::x:root"},
		{Account: a, ARN: "arn:aws:sts::111122223333:root"},
		{Account: a, ARN: "arn:aws:iam::111122223333:roots"},
		{Account: a, ARN: "arn:aws:iam::111122223333:user/"},
		{Account: a, ARN: "arn:aws:iam::111122223333:user/*"},
		{Account: a, ARN: "arn:aws:iam::111122223333:group/g"},
		{Account: a, ARN: "arn:aws:iam::111122223333:role/r", RoleARN: "arn:aws:iam::111122223333:role/r"},
		{Account: a, ARN: "arn:aws:iam::111122223333:user/u", RoleARN: "arn:aws:iam::111122223333:role/r"},
		{Account: a, ARN: "arn:aws:iam::111122223333:root", RoleARN: "arn:aws:iam::111122223333:role/r"},
		{Account: a, ARN: session},
		{Account: a, ARN: session, RoleARN: "arn:aws:iam::111122223333:role/rr"},
		{Account: a, ARN: session, RoleARN: "arn:aws:iam::111122223333:role/r/x"},
		{Account: a, ARN: session, RoleARN: "arn:aws:iam::111122223333:user/r"},
		{Account: a, ARN: session, RoleARN: "arn:aws:iam::444455556666:role/r"},
		{Account: a, ARN: session, RoleARN: "arn:aws-cn:iam::111122223333:role/r"},
		{Account: a, ARN: session, RoleARN: "arn:aws:sts::111122223333:role/r"},
		{Account: a, ARN: session, RoleARN: "arn:aws:iam:x:111122223333:role/r"},
		{Account: a, ARN: "arn:aws:sts::111122223333:assumed-role/r", RoleARN: "arn:aws:iam::111122223333:role/r"},
		{Account: a, ARN: "arn:aws:sts::111122223333:assumed-role/r/s/t", RoleARN: "arn:aws:iam::111122223333:role/r"},
		{Account: a, ARN: "arn:aws:sts::111122223333:federated-user/"},
		{Account: a, ARN: session, RoleARN: "arn:aws:iam::111122223333:role/r", Service: "x.example.com"},
		{Service: "x.example.com", RoleARN: "arn:aws:iam::111122223333:role/r"},
	} {
		answer := ps.Evaluate(&Request{Principal: p, Action: "s3:Get", Resource: "*"})
		if answer.Allowed || answer.Explicit || !strings.Contains(answer.String(), "cannot be evaluated") {
			t.Errorf("%+v: %v", p, answer)
		}
	}
	good := Principal{Account: a, ARN: session, RoleARN: "arn:aws:iam::111122223333:role/x/y/r"}
	if answer := ps.Evaluate(&Request{Principal: good, Action: "s3:Get", Resource: "*"}); !answer.Allowed {
		t.Error(answer)
	}
}

// TestMisplaced: a policy that is missing, was never parsed or is of the wrong kind denies wherever it stands.
func TestMisplaced(t *testing.T) {
	id := mustParse(t, Identity, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	res := mustParse(t, Resource, `{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`)
	r := &Request{Principal: callers["alice"], Action: "s3:Get", Resource: "*"}
	for i, ps := range []*Policies{
		nil,
		{Identity: []*Policy{id, nil}},
		{Identity: []*Policy{id, {}}},
		{Identity: []*Policy{id, res}},
		{Identity: []*Policy{id}, Guards: []*Policy{nil}},
		{Identity: []*Policy{id}, Guards: []*Policy{res}},
		{Identity: []*Policy{id}, Session: []*Policy{{}}},
		{Identity: []*Policy{id}, Boundary: &Policy{}},
		{Identity: []*Policy{id}, Boundary: res},
		{Identity: []*Policy{id}, Resource: &Policy{}},
		{Identity: []*Policy{id}, Resource: id},
	} {
		if a := ps.Evaluate(r); a.Allowed || len(a.Reasons) != 1 || !strings.HasPrefix(a.String(), "denied: cannot be evaluated: ") {
			t.Errorf("%d: %v", i, a)
		}
	}
	good := &Policies{Identity: []*Policy{id}}
	if a := good.Evaluate(nil); a.Allowed {
		t.Error("no request")
	}
	if a := good.Evaluate(&Request{Principal: callers["alice"], Resource: "*"}); a.Allowed {
		t.Error("no action")
	}
	if a := Refused("the user is gone"); a.Allowed || a.String() != "denied: cannot be evaluated: the user is gone" {
		t.Error(a)
	}
	if a := (Answer{}); a.String() != "denied: cannot be evaluated: " {
		t.Error(a)
	}
	// An empty list is no nil list: such a root user has policies, and they allow nothing.
	if a := (&Policies{Identity: []*Policy{}}).Evaluate(&Request{Principal: callers["root"], Action: "s3:Get", Resource: "*"}); a.Allowed {
		t.Error(a)
	}
}

// TestSentences: messages quote what comes from outside, keep it short and name the weightiest reason.
func TestSentences(t *testing.T) {
	p := mustParse(t, Identity, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"s3:Get","Resource":"arn:aws:s3:::b"},
		{"Sid":"Tagged","Effect":"Allow","Action":"s3:Get","Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/x":["1","2","3","4"]}}}]}`)
	ps := &Policies{Identity: []*Policy{p}}
	r := &Request{Principal: callers["alice"], Action: "s3:Get", Resource: "arn:aws:s3:::c"}
	const want = `no identity policy allows s3:Get on arn:aws:s3:::c: nearest: statement "Tagged" of policy "p": ` +
		`condition StringEquals aws:RequestTag/x "1", "2", "3", … (4): the request has none`
	a := ps.Evaluate(r)
	if a.String() != want {
		t.Errorf("\n got %s\nwant %s", a, want)
	}
	if len(a.Reasons) != 2 || a.Reasons[1].Statement != "1" {
		t.Errorf("reasons: %+v", a.Reasons)
	}

	r.Resource, r.Context = "\x1b[31m\n"+strings.Repeat("x", 500), Values{"aws:requesttag/x": {strings.Repeat("é\n", 200)}}
	if s := ps.Evaluate(r).String(); strings.ContainsAny(s, "\n\x1b") || len(s) > 1000 {
		t.Errorf("unsafe or long: %q", s)
	}

	many := `{"Statement":[`
	for i := range 100 {
		if i > 0 {
			many += ","
		}
		many += `{"Effect":"Allow","Action":"s3:Get","Resource":"arn:aws:s3:::` + strconv.Itoa(i) + `"}`
	}
	ps = &Policies{Identity: []*Policy{mustParse(t, Identity, many+"]}")}}
	if a := ps.Evaluate(r); len(a.Reasons) != maxReasons {
		t.Error(len(a.Reasons), "reasons")
	}
	for _, c := range []struct{ in, want string }{
		{"", `""`}, {"plain", "plain"}, {`a"b`, `"a\"b"`}, {strings.Repeat("a", 200), `"` + strings.Repeat("a", maxQuote) + `"…`},
	} {
		if got := clip(c.in); got != c.want {
			t.Errorf("clip(%q) = %s", c.in, got)
		}
	}
}

func TestCache(t *testing.T) {
	var c Cache
	doc := func(i int) string {
		return `{"Statement":{"Effect":"Allow","Action":"s3:Get","Resource":"arn:aws:s3:::` + strconv.Itoa(i) + `"}}`
	}
	first, err := c.Parse(Identity, "a", doc(0))
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := c.Parse(Identity, "a", doc(0)); again != first {
		t.Error("not remembered")
	}
	if other, _ := c.Parse(Identity, "b", doc(0)); other == first || other.name != "b" {
		t.Error("the name is part of it")
	}
	inline := Inline{Kind: "user", Holder: "a", Name: "b"}
	if other, _ := c.ParseInline(Identity, inline, doc(0)); other == first || other.name != "user a inline b" {
		t.Error("an inline policy is called by its holder")
	}
	if _, err := c.Parse(Resource, "a", doc(0)); err == nil {
		t.Error("the kind is part of it")
	}
	// What is in use survives any number of others; what is not goes.
	for i := range 3 * maxCached {
		if _, err := c.Parse(Identity, "a", doc(i)); err != nil {
			t.Fatal(err)
		}
		if i%100 == 0 {
			if p, _ := c.Parse(Identity, "a", doc(0)); p != first {
				t.Fatal("forgot a policy in use")
			}
		}
	}
	if n := len(c.young) + len(c.old); n > 2*maxCached || c.young[cacheKey{Identity, Inline{Name: "a"}, doc(1)}] != nil || c.old[cacheKey{Identity, Inline{Name: "a"}, doc(1)}] != nil {
		t.Error("not bounded:", n)
	}

	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 500 {
				if p, err := c.Parse(Identity, "w", doc(i%50)); err != nil || p.Actions()[0] != "s3:Get" {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
