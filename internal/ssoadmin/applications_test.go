package ssoadmin

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/symbolon/symbolon/internal/store"
)

func TestRecords(t *testing.T) {
	h := open(t)
	moreGrants(t, h.a)
	moreScopes(t, h.a)
	h.a.ok(t, "PutApplicationAuthenticationMethod", method(t, h.a))
	h.a.ok(t, "CreateApplicationAssignment", params{"ApplicationArn": h.a.application, "PrincipalType": "GROUP", "PrincipalId": h.a.group})
	h.a.refused(t, "CreateApplicationAssignment", params{"ApplicationArn": h.a.application, "PrincipalType": "GROUP", "PrincipalId": h.a.group}, "ConflictException")
	h.update(t, func(tx *store.Tx) error {
		a, err := GetApplication(tx, h.a.application)
		if err != nil {
			return err
		}
		for _, id := range []string{a.ARN, a.ClientID} {
			if found, err := ResolveClient(tx, id); err != nil || found.ARN != a.ARN {
				t.Errorf("ResolveClient(%q) = %v, %v", id, found.ARN, err)
			}
		}
		for _, id := range []string{"", "arn:", "nobody", a.ARN + " ", strings.ToUpper(a.ARN), "\x00", "\xff", strings.Repeat("x", 5000)} {
			if _, err := ResolveClient(tx, id); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("ResolveClient(%q) = %v", id, err)
			}
		}
		if found, err := ApplicationByName(tx, h.a.instance, "wiki"); err != nil || found.ARN != a.ARN {
			t.Errorf("by name: %v, %v", found.ARN, err)
		}
		if _, err := ApplicationByName(tx, h.a.instance, "nobody"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("by an unknown name: %v", err)
		}
		if _, err := h.PutApplication(tx, Application{InstanceARN: h.a.instance, Name: "wiki"}); err != nil {
			return err
		}
		if _, err := ApplicationByName(tx, h.a.instance, "wiki"); err == nil || errors.Is(err, store.ErrNotFound) {
			t.Errorf("by a name that two have: %v", err)
		}
		for _, c := range []struct {
			user   string
			groups []string
			by     string
			ok     bool
		}{
			{h.a.user, nil, "", false}, {h.a.user, []string{"other"}, "", false}, {h.a.user, []string{"other", h.a.group}, h.a.group, true}, {h.a.group, nil, "", false},
		} {
			if by, ok, err := Assigned(tx, a.ARN, c.user, c.groups); ok != c.ok || ok && by != c.by || err != nil {
				t.Errorf("Assigned(%v) = %q, %v, %v", c, by, ok, err)
			}
		}
		return nil
	})
	h.update(t, func(tx *store.Tx) error { return ForgetPrincipal(tx, h.b.directory, PrincipalGroup, h.a.group) })
	if len(h.a.dump(t)[h.a.application].([]any)[3].([]Assignment)) != 1 {
		t.Error("a deletion in another directory took the assignment")
	}
	h.update(t, func(tx *store.Tx) error { return ForgetPrincipal(tx, h.a.directory, PrincipalGroup, h.a.group) })
	if len(h.a.dump(t)[h.a.application].([]any)[3].([]Assignment)) != 0 {
		t.Error("the assignment of a deleted group is still there")
	}
}

func TestTargets(t *testing.T) {
	target := Application{ARN: "arn:aws:sso::111122223333:application/ssoins-1/apl-1", InstanceARN: "arn:aws:sso:::instance/ssoins-1"}
	for want, sc := range map[bool][]ApplicationScope{
		true:  {{AuthorizedTargets: []string{"x", target.ARN}}, {AuthorizedTargets: []string{target.InstanceARN}}},
		false: {{}, {AuthorizedTargets: []string{"x"}}, {AuthorizedTargets: []string{"", "*"}}},
	} {
		for _, sc := range sc {
			if sc.Targets(target) != want {
				t.Errorf("%v.Targets = %v", sc, !want)
			}
		}
	}
}

func TestDeleteApplicationDeletesAllOfIt(t *testing.T) {
	h := open(t)
	moreGrants(t, h.a)
	moreScopes(t, h.a)
	moreAssignments(t, h.a)
	h.a.ok(t, "PutApplicationAuthenticationMethod", method(t, h.a))
	h.a.ok(t, "PutApplicationAccessScope", params{"ApplicationArn": h.a.other, "Scope": "s", "AuthorizedTargets": []string{h.a.application}})
	h.a.ok(t, "DeleteApplication", params{"ApplicationArn": h.a.application})
	h.update(t, func(tx *store.Tx) error {
		granted, err1 := Grants(tx, h.a.application)
		scoped, err2 := Scopes(tx, h.a.application)
		assigned, err3 := Assignments(tx, h.a.application)
		_, err := h.ActorPolicyDocument(tx, h.a.application)
		if len(granted)+len(scoped)+len(assigned) > 0 || !errors.Is(err, store.ErrNotFound) {
			t.Errorf("left behind: %v %v %v %v", granted, scoped, assigned, err)
		}
		kept, err4 := Scopes(tx, h.a.other)
		if len(kept) != 1 || !slices.Equal(kept[0].AuthorizedTargets, []string{h.a.application}) {
			t.Errorf("the other application's scope is %v", kept)
		}
		return errors.Join(err1, err2, err3, err4)
	})
	h.a.refused(t, "DeleteApplication", params{"ApplicationArn": h.a.application}, "ResourceNotFoundException")
}

func TestUnchangeable(t *testing.T) {
	h := open(t)
	h.update(t, func(tx *store.Tx) error {
		a, err := GetApplication(tx, h.a.application)
		if err != nil {
			return err
		}
		for name, change := range map[string]func(*Application){
			"instance": func(a *Application) { a.InstanceARN = h.b.instance },
			"account":  func(a *Application) { a.AccountID = h.b.account },
			"provider": func(a *Application) { a.ProviderARN = CustomProvider + "2" },
			"client":   func(a *Application) { a.ClientID = "chosen" },
		} {
			changed := a
			change(&changed)
			if _, err := h.PutApplication(tx, changed); err == nil {
				t.Errorf("the %s can be changed", name)
			}
		}
		for _, arn := range []string{"x", h.b.application, strings.Replace(h.b.application, h.b.account, h.a.account, 1) + "x"} {
			if _, err := h.PutApplication(tx, Application{ARN: arn, InstanceARN: h.a.instance, Name: "n"}); err == nil {
				t.Errorf("an application can have the ARN %s", arn)
			}
		}
		i, err := GetInstance(tx, h.a.instance)
		i.OwnerAccountID = h.b.account
		if PutInstance(tx, i) == nil {
			t.Error("the owner of an instance can be changed")
		}
		return err
	})
}
