package policy

import "testing"

// The hot path of a token request: an actor policy naming the role, a small identity policy, allowed.
func BenchmarkEvaluate(b *testing.B) {
	mustParse := func(kind Kind, doc string) *Policy {
		p, err := Parse(kind, "p", []byte(doc))
		if err != nil {
			b.Fatal(err)
		}
		return p
	}
	const app = "arn:aws:sso::111122223333:application/ssoins-1234567890abcdef/apl-1234567890abcdef"
	actor := mustParse(Resource, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
		"Principal":{"AWS":"arn:aws:iam::111122223333:role/apps/gateway"},"Action":"sso-oauth:CreateTokenWithIAM","Resource":"*"}]}`)
	identity := mustParse(Identity, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["sso:Describe*","sso:List*"],"Resource":"*"},
		{"Effect":"Allow","Action":"sso-oauth:*","Resource":"arn:aws:sso::*:application/*/apl-*",
		 "Condition":{"StringEquals":{"aws:PrincipalAccount":"111122223333"},"Bool":{"aws:SecureTransport":"true"}}},
		{"Effect":"Deny","Action":"iam:*","Resource":"*"}]}`)
	r := &Request{
		Principal: Principal{
			Account: "111122223333", ARN: "arn:aws:sts::111122223333:assumed-role/gateway/i-0abc",
			RoleARN: "arn:aws:iam::111122223333:role/apps/gateway", ID: "AROAEXAMPLEEXAMPLE00:i-0abc",
		},
		Action: "sso-oauth:CreateTokenWithIAM", Resource: app, ResourceAccount: "111122223333",
		Context: Values{"aws:securetransport": {"true"}, "aws:sourceip": {"192.0.2.1"}},
	}
	ps := &Policies{Identity: []*Policy{identity}, Resource: actor, ResourceRequired: true}
	run := func(name string, r Request, allowed bool) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if a := ps.Evaluate(&r); a.Allowed != allowed {
					b.Fatal(a)
				}
			}
		})
	}
	run("allowed", *r, true)
	denied := *r
	denied.Context = Values{"aws:securetransport": {"false"}}
	denied.ResourceAccount = "444455556666"
	run("denied", denied, false)
}

func BenchmarkCache(b *testing.B) {
	const doc = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sso:Describe*","sso:List*"],"Resource":"*"}]}`
	var c Cache
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Parse(Identity, "p", doc); err != nil {
			b.Fatal(err)
		}
	}
}
