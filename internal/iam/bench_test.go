package iam

import (
	"testing"

	"github.com/symbolon/symbolon/internal/policy"
	"github.com/symbolon/symbolon/internal/store"
)

// benchmarkRoom has a user with one inline and one managed policy, and a session of a role of the same.
func benchmarkRoom(b *testing.B) (r *room, user, session keypair) {
	r = newRoom(b)
	user = r.addUser(User{AccountID: ours, Name: "alice", Inline: inline(grants("sts:*", createToken)), Attached: []string{AdministratorAccess}})
	role := r.addRole(Role{AccountID: ours, Name: "app", TrustPolicy: trusts(ours, ""), Inline: inline(grants(createToken)), Attached: []string{AdministratorAccess}})
	return r, user, r.session(user, role.ARN())
}

func BenchmarkCredential(b *testing.B) {
	r, user, session := benchmarkRoom(b)
	for name, k := range map[string]keypair{"user": user, "session": session} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Credential(b.Context(), k.id, k.token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAuthorize(b *testing.B) {
	r, user, session := benchmarkRoom(b)
	p, err := policy.Parse(policy.Resource, "actor policy", []byte(`{"Version":"2012-10-17","Statement":[`+statement("Allow", ours)+`]}`))
	must(b, err)
	a := Access{Action: createToken, Resource: application, ResourceAccount: ours, ResourcePolicy: p, ResourceRequired: true}
	for name, k := range map[string]keypair{"user": user, "session": session} {
		c := r.caller(k)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				must(b, r.DB.View(b.Context(), func(tx *store.Tx) error {
					if answer, err := r.Authorize(tx, c, a); err != nil || !answer.Allowed {
						b.Fatal(answer)
					}
					return nil
				}))
			}
		})
	}
}

func BenchmarkAssumeRole(b *testing.B) {
	r, user, _ := benchmarkRoom(b)
	for b.Loop() {
		r.assume(user, "arn:aws:iam::"+ours+":role/app").ok(b)
	}
}
