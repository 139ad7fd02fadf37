package iam

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/symbolon/symbolon/internal/store"
)

func TestRecordsKeepTheirIdentity(t *testing.T) {
	r := newRoom(t)
	get := func() (u User, role Role, p ManagedPolicy) {
		t.Helper()
		r.update(func(tx *store.Tx) (err error) {
			u, err = GetUser(tx, ours, "alice")
			if err == nil {
				role, err = GetRole(tx, ours, "app")
			}
			if err == nil {
				p, err = GetManagedPolicy(tx, ours, "power")
			}
			return err
		})
		return u, role, p
	}
	put := func(tags map[string]string) {
		t.Helper()
		r.update(func(tx *store.Tx) error {
			return errors.Join(
				PutUser(tx, User{AccountID: ours, Name: "alice", Tags: tags}),
				PutRole(tx, Role{AccountID: ours, Name: "app", Tags: tags, TrustPolicy: trusts(ours, "")}),
				PutManagedPolicy(tx, ManagedPolicy{AccountID: ours, Name: "power", Document: grants("*"), Description: tags["a"]}),
			)
		})
	}
	put(nil)
	u1, r1, p1 := get()
	for prefix, id := range map[string]string{"AIDA": u1.ID, "AROA": r1.ID, "ANPA": p1.ID} {
		if !strings.HasPrefix(id, prefix) || len(id) != 21 {
			t.Errorf("%s is no %s id", id, prefix)
		}
	}
	if u1.Path != "/" || r1.Path != "/" || p1.Path != "/" || r1.MaxSessionDuration != 3600 || u1.CreatedAt.IsZero() {
		t.Errorf("defaults: %+v %+v %+v", u1, r1, p1)
	}
	put(map[string]string{"a": "b"})
	u2, r2, p2 := get()
	if u1.ID != u2.ID || r1.ID != r2.ID || p1.ID != p2.ID || !u1.CreatedAt.Equal(u2.CreatedAt) || u2.Tags["a"] != "b" || p2.Description != "b" {
		t.Errorf("after a change: %+v %+v %+v", u2, r2, p2)
	}
	r.update(func(tx *store.Tx) error {
		return errors.Join(DeleteUser(tx, ours, "alice"), DeleteRole(tx, ours, "app"), DeleteManagedPolicy(tx, ours, "power"))
	})
	put(nil)
	u3, r3, p3 := get()
	if u1.ID == u3.ID || r1.ID == r3.ID || p1.ID == p3.ID {
		t.Error("what was made again has its old id")
	}
}

func TestRecordsRefuse(t *testing.T) {
	r := newRoom(t)
	trust := trusts(ours, "")
	r.update(func(tx *store.Tx) error {
		return errors.Join(
			PutUser(tx, User{AccountID: ours, Name: "Taken"}),
			PutRole(tx, Role{AccountID: ours, Name: "Taken", TrustPolicy: trust}),
			PutManagedPolicy(tx, ManagedPolicy{AccountID: ours, Name: "Taken", Path: "/p/", Document: grants("*")}),
		)
	})
	taken := "arn:aws:iam::" + ours + ":policy/p/Taken"
	manyTags := map[string]string{}
	for i := range 51 {
		manyTags[fmt.Sprint("k", i)] = ""
	}
	user := func(u User) func(*store.Tx) error {
		if u.AccountID == "" {
			u.AccountID = ours
		}
		if u.Name == "" {
			u.Name = "alice"
		}
		return func(tx *store.Tx) error { return PutUser(tx, u) }
	}
	role := func(x Role) func(*store.Tx) error {
		x.AccountID = ours
		if x.Name == "" {
			x.Name = "app"
		}
		return func(tx *store.Tx) error { return PutRole(tx, x) }
	}
	managed := func(p ManagedPolicy) func(*store.Tx) error {
		p.AccountID = ours
		return func(tx *store.Tx) error { return PutManagedPolicy(tx, p) }
	}
	key := func(k AccessKey, secret string) func(*store.Tx) error {
		if k.AccountID == "" {
			k.AccountID = ours
		}
		return func(tx *store.Tx) error { return r.PutAccessKey(tx, k, secret) }
	}
	id, secret := NewAccessKey()
	r.update(key(AccessKey{ID: id, UserName: "Taken"}, secret))
	free, _ := NewAccessKey()
	for name, c := range map[string]struct {
		fn   func(*store.Tx) error
		code string
	}{
		"account id":               {func(tx *store.Tx) error { return PutAccount(tx, Account{ID: "12345678901a"}) }, "ValidationError"},
		"short account id":         {func(tx *store.Tx) error { return PutAccount(tx, Account{ID: "1"}) }, "ValidationError"},
		"user name":                {user(User{Name: "a b"}), "ValidationError"},
		"user name with a slash":   {user(User{Name: "a/b"}), "ValidationError"},
		"long user name":           {user(User{Name: strings.Repeat("a", 65)}), "ValidationError"},
		"user path":                {user(User{Path: "x"}), "ValidationError"},
		"user path, open":          {user(User{Path: "/x"}), "ValidationError"},
		"long path":                {user(User{Path: "/" + strings.Repeat("a", 511) + "/"}), "ValidationError"},
		"user without account":     {user(User{AccountID: "999999999999"}), "NoSuchEntity"},
		"user of no account":       {user(User{AccountID: "x"}), "ValidationError"},
		"user in another case":     {user(User{Name: "tAKEN"}), "EntityAlreadyExists"},
		"inline document":          {user(User{Inline: inline(`{"Version":"2012-10-17","Statement":[]}`)}), "MalformedPolicyDocument"},
		"inline with principal":    {user(User{Inline: inline(trust)}), "MalformedPolicyDocument"},
		"inline, empty":            {user(User{Inline: inline("")}), "ValidationError"},
		"inline, letters":          {user(User{Inline: inline("{\"Version\":\"2012-10-17\"\u2028}")}), "ValidationError"},
		"inline name":              {user(User{Inline: map[string]string{"a/b": grants("*")}}), "ValidationError"},
		"unknown boundary":         {user(User{Boundary: "arn:aws:iam::" + ours + ":policy/Taken"}), "NoSuchEntity"},
		"boundary that is none":    {user(User{Boundary: "arn:aws:iam::" + ours + ":role/Taken"}), "NoSuchEntity"},
		"unknown attached":         {user(User{Attached: []string{"arn:aws:iam::aws:policy/None"}}), "NoSuchEntity"},
		"attached of elsewhere":    {user(User{Attached: []string{"arn:aws:iam::" + theirs + ":policy/p/Taken"}}), "NoSuchEntity"},
		"attached twice":           {user(User{Attached: []string{taken, taken}}), "ValidationError"},
		"tag of AWS":               {user(User{Tags: map[string]string{"aws:x": ""}}), "ValidationError"},
		"tag key":                  {user(User{Tags: map[string]string{"a*": ""}}), "ValidationError"},
		"tag value":                {user(User{Tags: map[string]string{"a": "*"}}), "ValidationError"},
		"tag in two cases":         {user(User{Tags: map[string]string{"a": "1", "A": "2"}}), "ValidationError"},
		"51 tags":                  {user(User{Tags: manyTags}), "ValidationError"},
		"no trust policy":          {role(Role{}), "ValidationError"},
		"trust without principal":  {role(Role{TrustPolicy: grants("sts:AssumeRole")}), "MalformedPolicyDocument"},
		"trust policy":             {role(Role{TrustPolicy: "rubbish"}), "MalformedPolicyDocument"},
		"role in another case":     {role(Role{Name: "TAKEN", TrustPolicy: trust}), "EntityAlreadyExists"},
		"role name":                {role(Role{Name: "a:b", TrustPolicy: trust}), "ValidationError"},
		"short sessions":           {role(Role{TrustPolicy: trust, MaxSessionDuration: 3599}), "ValidationError"},
		"long sessions":            {role(Role{TrustPolicy: trust, MaxSessionDuration: 43201}), "ValidationError"},
		"long description":         {role(Role{TrustPolicy: trust, Description: strings.Repeat("a", 1001)}), "ValidationError"},
		"policy document":          {managed(ManagedPolicy{Name: "p", Document: "{}"}), "MalformedPolicyDocument"},
		"policy path":              {managed(ManagedPolicy{Name: "p", Path: "/a b/", Document: grants("*")}), "ValidationError"},
		"policy in another case":   {managed(ManagedPolicy{Name: "taken", Document: grants("*")}), "EntityAlreadyExists"},
		"policy at another path":   {managed(ManagedPolicy{Name: "Taken", Document: grants("*")}), "EntityAlreadyExists"},
		"key id":                   {key(AccessKey{ID: "AKIA1", UserName: "Taken"}, secret), "ValidationError"},
		"long key id":              {key(AccessKey{ID: "AKIA" + strings.Repeat("0", 125), UserName: "Taken"}, secret), "ValidationError"},
		"key id of a session":      {key(AccessKey{ID: "ASIA0000000000000000", UserName: "Taken"}, secret), "ValidationError"},
		"key status":               {key(AccessKey{ID: free, UserName: "Taken", Status: "Expired"}, secret), "ValidationError"},
		"key of nobody":            {key(AccessKey{ID: free, UserName: "bob"}, secret), "NoSuchEntity"},
		"key of no account":        {key(AccessKey{ID: free, AccountID: "999999999999"}, secret), "NoSuchEntity"},
		"key of somebody else":     {key(AccessKey{ID: id}, secret), "EntityAlreadyExists"},
		"short secret":             {key(AccessKey{ID: free, UserName: "Taken"}, "secret"), "ValidationError"},
		"no secret":                {key(AccessKey{ID: free, UserName: "Taken"}, ""), "ValidationError"},
		"secret with spaces":       {key(AccessKey{ID: free, UserName: "Taken"}, "a secret with spaces"), "ValidationError"},
		"policy that is not there": {func(tx *store.Tx) error { return DeleteManagedPolicy(tx, ours, "p") }, store.ErrNotFound.Error()},
		"user that is not there":   {func(tx *store.Tx) error { return DeleteUser(tx, ours, "p") }, store.ErrNotFound.Error()},
		"role that is not there":   {func(tx *store.Tx) error { return DeleteRole(tx, ours, "p") }, store.ErrNotFound.Error()},
	} {
		if code := r.fails(c.fn); code != c.code {
			t.Errorf("%s: %s, want %s", name, code, c.code)
		}
	}
	r.update(user(User{Name: "bound", Boundary: taken, Attached: []string{AdministratorAccess}}))
	if code := r.fails(func(tx *store.Tx) error { return DeleteManagedPolicy(tx, ours, "Taken") }); code != "DeleteConflict" {
		t.Errorf("deleting a policy in use: %s", code)
	}
}

func TestAccessKeys(t *testing.T) {
	r := newRoom(t)
	k := r.addUser(User{AccountID: ours, Name: "alice"})
	if len(k.id) != 20 || len(k.secret) != 40 {
		t.Errorf("made %q with a secret of %d characters", k.id, len(k.secret))
	}
	read := func() (key AccessKey) {
		t.Helper()
		r.update(func(tx *store.Tx) (err error) { key, err = GetAccessKey(tx, k.id); return err })
		return key
	}
	before := read()
	if strings.Contains(string(before.Secret), k.secret) {
		t.Fatal("the secret lies open in its row")
	}
	if secret, err := r.Secret(before); err != nil || secret != k.secret {
		t.Errorf("opened %q, %v", secret, err)
	}
	// The row's identity is sealed in: another row's ciphertext does not open.
	other := before
	other.ID = r.addKey(ours, "alice").id
	if _, err := r.Secret(other); err == nil {
		t.Error("another row's secret opens")
	}
	// Writing the same again changes nothing, so that applying twice does not either.
	r.update(func(tx *store.Tx) error { return r.PutAccessKey(tx, before, k.secret) })
	if string(read().Secret) != string(before.Secret) {
		t.Error("the same secret was sealed again")
	}
	r.update(func(tx *store.Tx) error {
		list, err := ListAccessKeys(tx, ours, "alice")
		if err == nil && len(list) != 2 {
			t.Errorf("alice has %d keys", len(list))
		}
		if err == nil {
			list, err = ListAccessKeys(tx, ours, "")
		}
		if err == nil && len(list) != 0 {
			t.Errorf("root has %d keys", len(list))
		}
		return errors.Join(err, DeleteAccessKey(tx, other.ID))
	})
	r.update(func(tx *store.Tx) error { return DeleteUser(tx, ours, "alice") })
	if code := r.fails(func(tx *store.Tx) error { _, err := GetAccessKey(tx, k.id); return err }); code != store.ErrNotFound.Error() {
		t.Errorf("the key of a deleted user: %s", code)
	}
}

func TestSecretCacheStaysSmall(t *testing.T) {
	var c secretCache
	for i := range maxSecrets + 10 {
		c.put(fmt.Sprint(i), openedSecret{sealed: []byte{1}})
	}
	if len(c.opened) > maxSecrets {
		t.Errorf("holds %d", len(c.opened))
	}
	if _, ok := c.get(fmt.Sprint(maxSecrets+9), []byte{2}); ok {
		t.Error("gives the secret of other sealed bytes")
	}
}

func TestPrincipalExists(t *testing.T) {
	r := newRoom(t)
	r.update(func(tx *store.Tx) error {
		return errors.Join(PutUser(tx, User{AccountID: ours, Name: "alice", Path: "/staff/"}),
			PutRole(tx, Role{AccountID: ours, Name: "app", TrustPolicy: trusts(ours, "")}))
	})
	iam := "arn:aws:iam::" + ours
	for principal, want := range map[string]bool{
		ours: true, theirs: true, "999999999999": false, iam + ":root": true, "arn:aws:iam::999999999999:root": false,
		iam + ":user/staff/alice": true, iam + ":user/alice": false, iam + ":user/staff/Alice": false, iam + ":user/staff/": false,
		iam + ":role/app": true, iam + ":role/x/app": false, iam + ":user/app": false, iam + ":role/alice": false,
		"arn:aws:iam::" + theirs + ":role/app":                false,
		"arn:aws:sts::" + ours + ":assumed-role/app/work":     true,
		"arn:aws:sts::" + ours + ":assumed-role/other/work":   false,
		"arn:aws:sts::" + ours + ":assumed-role/app":          false,
		"arn:aws:sts::" + ours + ":assumed-role/app/work/too": false,
		"arn:aws:iam::" + ours + ":assumed-role/app/work":     false,
		"arn:aws-cn:iam::" + ours + ":root":                   false,
		"arn:aws:iam:us-east-1:" + ours + ":role/app":         false,
		"arn:aws:iam::aws:root":                               false,
		"*":                                                   false, "": false, "AROA123": false, "arn:aws:iam::" + ours + ":policy/p": false, iam + ":role/app:x": false,
	} {
		r.update(func(tx *store.Tx) error {
			got, err := PrincipalExists(tx, principal)
			if got != want {
				t.Errorf("%q: %v", principal, got)
			}
			return err
		})
	}
}

func TestListsStayInTheirAccount(t *testing.T) {
	r := newRoom(t)
	r.update(func(tx *store.Tx) error {
		var errs []error
		for _, id := range []string{ours, theirs} {
			errs = append(errs, PutUser(tx, User{AccountID: id, Name: "u"}), PutRole(tx, Role{AccountID: id, Name: "r", TrustPolicy: trusts(id, "")}),
				PutManagedPolicy(tx, ManagedPolicy{AccountID: id, Name: "p", Document: grants("*")}))
		}
		return errors.Join(errs...)
	})
	r.update(func(tx *store.Tx) error {
		us, err1 := ListUsers(tx, ours)
		rs, err2 := ListRoles(tx, ours)
		ps, err3 := ListManagedPolicies(tx, ours)
		as, err4 := ListAccounts(tx)
		if len(us) != 1 || len(rs) != 1 || len(ps) != 1 || len(as) != 2 || us[0].AccountID != ours || rs[0].AccountID != ours || ps[0].AccountID != ours {
			t.Errorf("%v %v %v %v", us, rs, ps, as)
		}
		return errors.Join(err1, err2, err3, err4)
	})
}
