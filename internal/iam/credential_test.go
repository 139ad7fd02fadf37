package iam

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/sigv4"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
)

func (r *room) lookup(id, session string) error {
	_, err := r.Credential(context.Background(), id, session)
	return err
}

func TestCredentialOfLongTermKeys(t *testing.T) {
	r := newRoom(t)
	alice := r.addUser(User{AccountID: ours, Name: "alice", Path: "/staff/"})
	root := r.addKey(ours, "")

	c := r.caller(alice)
	if c.Type != IAMUser || c.ARN != "arn:aws:iam::"+ours+":user/staff/alice" || !strings.HasPrefix(c.UserID, "AIDA") || c.AccessKeyID != alice.id {
		t.Errorf("alice is %+v", c)
	}
	if c := r.caller(root); c.Type != Root || c.ARN != "arn:aws:iam::"+ours+":root" || c.UserID != ours || !c.Principal().Root() {
		t.Errorf("root is %+v", c)
	}
	got, err := r.Credential(t.Context(), alice.id, "")
	must(t, err)
	if got.SecretAccessKey != alice.secret {
		t.Error("another secret came out than went in")
	}

	if err := r.lookup(alice.id, "a-token"); !errors.Is(err, sigv4.ErrBadSession) { // C09
		t.Errorf("AKIA with a session token: %v", err)
	}
	for _, id := range []string{"AKIA0000000000000000", "", "akia", strings.ToLower(alice.id), alice.id + "x"} {
		if err := r.lookup(id, ""); !errors.Is(err, sigv4.ErrUnknownKey) {
			t.Errorf("unknown key %q: %v", id, err)
		}
	}
}

// TestCredentialFollowsItsRecords: C08, C14: what is taken away is away at once, and a new secret is a new version.
func TestCredentialFollowsItsRecords(t *testing.T) {
	r := newRoom(t)
	alice := r.addUser(User{AccountID: ours, Name: "alice"})
	before, err := r.Credential(t.Context(), alice.id, "")
	must(t, err)
	put := func(status, secret string) {
		r.update(func(tx *store.Tx) error {
			return r.PutAccessKey(tx, AccessKey{ID: alice.id, AccountID: ours, UserName: "alice", Status: status}, secret)
		})
	}
	put(Inactive, "")
	if err := r.lookup(alice.id, ""); !errors.Is(err, sigv4.ErrDisabled) {
		t.Errorf("inactive key: %v", err)
	}
	put(Active, "another-secret-of-40-characters-00000000")
	after, err := r.Credential(t.Context(), alice.id, "")
	must(t, err)
	if after.SecretAccessKey != "another-secret-of-40-characters-00000000" || after.Version == before.Version {
		t.Error("the old secret, or its version, is still in force")
	}
	r.update(func(tx *store.Tx) error { return DeleteUser(tx, ours, "alice") })
	if err := r.lookup(alice.id, ""); !errors.Is(err, sigv4.ErrUnknownKey) {
		t.Errorf("key of a deleted user: %v", err)
	}
}

func TestCredentialOfRoleSessions(t *testing.T) {
	r := newRoom(t)
	alice := r.addUser(User{AccountID: ours, Name: "alice", Inline: inline(grants("sts:*"))})
	role := r.addRole(Role{AccountID: ours, Name: "reader", Path: "/app/", TrustPolicy: trusts(ours, "")})
	one := r.session(alice, role.ARN())
	two := r.session(alice, role.ARN())

	c := r.caller(one)
	if c.Type != AssumedRole || c.ARN != "arn:aws:sts::"+ours+":assumed-role/reader/work" || c.RoleARN != role.ARN() ||
		c.UserID != role.ID+":work" || c.Name != "reader" || c.SessionName != "work" || c.Session.ID == "" {
		t.Errorf("session is %+v", c)
	}
	if c.IssuedAt.IsZero() || !c.ExpiresAt.Equal(c.IssuedAt.Add(time.Hour)) {
		t.Errorf("session from %v to %v", c.IssuedAt, c.ExpiresAt)
	}

	for name, id := range map[string][2]string{
		"no token":         {one.id, ""},
		"another's token":  {one.id, two.token},
		"an altered token": {one.id, one.token[:len(one.token)-5] + "AAAA" + one.token[len(one.token)-1:]},
		"rubbish":          {one.id, "rubbish"},
		"an unknown id":    {"ASIA0000000000000000", one.token},
	} {
		if err := r.lookup(id[0], id[1]); !errors.Is(err, sigv4.ErrBadSession) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := r.lookup(alice.id, one.token); !errors.Is(err, sigv4.ErrBadSession) {
		t.Errorf("AKIA key with a session's token: %v", err)
	}
	r.advance(time.Hour)
	if err := r.lookup(one.id, one.token); !errors.Is(err, sigv4.ErrExpired) {
		t.Errorf("after its end: %v", err)
	}
}

// TestSessionsDieWithTheirRole: C13: a role made again under the same name does not inherit the sessions of the old one.
func TestSessionsDieWithTheirRole(t *testing.T) {
	r := newRoom(t)
	alice := r.addUser(User{AccountID: ours, Name: "alice", Inline: inline(grants("sts:*"))})
	spec := Role{AccountID: ours, Name: "reader", TrustPolicy: trusts(ours, ""), Inline: inline(grants("*"))}
	role := r.addRole(spec)
	s := r.session(alice, role.ARN())
	c := r.caller(s)
	if again := r.addRole(spec); again.ID != role.ID {
		t.Fatal("a changed role has another id")
	}
	if a := r.ask(c, Access{Action: "sso:ListInstances"}); !a.Allowed {
		t.Fatalf("a session of a changed role: %s", a)
	}
	r.update(func(tx *store.Tx) error { return DeleteRole(tx, ours, "reader") })
	for _, step := range []string{"deleted", "made again"} {
		if err := r.lookup(s.id, s.token); !errors.Is(err, sigv4.ErrBadSession) {
			t.Errorf("%s: %v", step, err)
		}
		if a := r.ask(c, Access{Action: "sso:ListInstances"}); a.Allowed {
			t.Errorf("%s: allowed", step)
		}
		r.addRole(spec)
	}
}

func TestSessionsDieWhenRevoked(t *testing.T) {
	r := newRoom(t)
	alice := r.addUser(User{AccountID: ours, Name: "alice", Inline: inline(grants("sts:*"))})
	role := r.addRole(Role{AccountID: ours, Name: "first", TrustPolicy: trusts(ours, ""), Inline: inline(grants("*"))})
	next := r.addRole(Role{AccountID: ours, Name: "second", TrustPolicy: trusts(ours, ""), Inline: inline(grants("*"))})
	first := r.session(alice, role.ARN())
	other := r.session(alice, role.ARN())
	second := r.session(first, next.ARN())
	callers := []*Caller{r.caller(first), r.caller(second)}
	r.update(func(tx *store.Tx) error {
		return token.Revoke(tx, callers[0].Session.ID, "test", tx.Now().Add(time.Hour))
	})
	for i, k := range []keypair{first, second} {
		if err := r.lookup(k.id, k.token); !errors.Is(err, sigv4.ErrBadSession) {
			t.Errorf("session %d: %v", i, err)
		}
		if a := r.ask(callers[i], Access{Action: "sso:ListInstances"}); a.Allowed || !strings.Contains(a.String(), "revoked") {
			t.Errorf("session %d: %s", i, a)
		}
	}
	if err := r.lookup(other.id, other.token); err != nil {
		t.Errorf("a session beside the revoked one: %v", err)
	}
}

func TestClaimsRefuseWhatIsNotTheirs(t *testing.T) {
	whole := &sessionClaims{Account: ours, Role: "r", RoleID: "AROA1", Session: "s", Limits: []byte{0, 1, 2, 0}}
	b, err := whole.encode()
	must(t, err)
	back, err := decodeClaims(b)
	must(t, err)
	if back.Role != "r" || string(back.Limits) != "\x00\x01\x02\x00" {
		t.Errorf("came back as %+v", back)
	}
	for _, bad := range []string{
		"", "\x00", "{}\x00", `{"a":"1","r":"r","i":"i","s":"s"}` + "\x00", `{"a":"111122223333","r":"r","i":"i","s":"s","new":1}` + "\x00",
		`{"a":"111122223333","r":"r","i":"i","s":"s"}`,
	} {
		if _, err := decodeClaims([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	if _, err := unpackLimits([]byte("not deflated")); err == nil {
		t.Error("limits that do not unpack were accepted")
	}
}
