package ssoadmin

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/symbolon/symbolon/internal/store"
)

// TestTenantIsolation takes every call that one tenant may make and puts the other tenant's ids into it, one at a time
// and all at once: nothing of the other tenant may be answered or changed (security checklist K04).
func TestTenantIsolation(t *testing.T) {
	for name, c := range operationCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			mine, theirs := c.in(t, h.b), c.in(t, h.a)
			moreGrants(t, h.a)
			before := h.a.dump(t)
			h.b.tries(t, name, theirs)
			for _, mixed := range mixtures(mine, h.b, h.a) {
				h.b.tries(t, name, mixed)
			}
			if diff := cmp.Diff(before, h.a.dump(t)); diff != "" {
				t.Errorf("%s changed another tenant's rows:\n%s", name, diff)
			}
		})
	}
}

// tries makes a call that holds another tenant's id: it is refused, or answers without any such id.
func (x *tenant) tries(t *testing.T, operation string, in params) {
	t.Helper()
	kind, out := x.h.call(t, x.account, operation, in)
	if kind == "" && !mentions(in, x.h.a) {
		return // a call without ids, such as ListInstances, is about the caller's own
	}
	if kind == "" && mentions(out, x.h.a) {
		t.Errorf("%s(%v) by another tenant = %v", operation, in, out)
	}
	if kind == "" && !strings.HasPrefix(operation, "List") {
		t.Errorf("%s(%v) by another tenant succeeds", operation, in)
	}
	if kind != "" && !slices.Contains([]string{"ResourceNotFoundException", "AccessDeniedException", "ValidationException"}, kind) {
		t.Errorf("%s(%v) by another tenant = %v", operation, in, out)
	}
}

// ids of what belongs to the tenant; its account id is no secret: actor policies of others may name it.
func (x *tenant) ids() []string {
	return []string{x.application, x.other, x.issuer, x.instance, x.user, x.group, x.directory}
}

func mentions(v any, x *tenant) bool {
	text, err := json.Marshal(v)
	return err != nil || slices.ContainsFunc(x.ids(), func(id string) bool { return strings.Contains(string(text), id) })
}

// mixtures are p with the id of one tenant replaced by the same id of another, for every id by itself.
func mixtures(p params, from, to *tenant) []params {
	text, err := json.Marshal(p)
	if err != nil {
		return nil
	}
	var mixed []params
	for i, id := range from.ids() {
		changed := strings.ReplaceAll(string(text), `"`+id+`"`, `"`+to.ids()[i]+`"`)
		if changed == string(text) {
			continue
		}
		q := params{}
		if json.Unmarshal([]byte(changed), &q) == nil {
			mixed = append(mixed, q)
		}
	}
	return mixed
}

// TestForeignReferences: ids inside of a body are judged as those that name the resource.
func TestForeignReferences(t *testing.T) {
	h := open(t)
	h.b.refused(t, "PutApplicationGrant", params{"ApplicationArn": h.b.application, "GrantType": GrantJWTBearer,
		"Grant": params{"JwtBearer": params{"AuthorizedTokenIssuers": []params{{"TrustedTokenIssuerArn": h.a.issuer, "AuthorizedAudiences": []string{"x"}}}}}},
		"ResourceNotFoundException")
	for _, target := range []string{h.a.application, h.a.instance} {
		h.b.refused(t, "PutApplicationAccessScope", params{"ApplicationArn": h.b.application, "Scope": "s", "AuthorizedTargets": []string{target}},
			"ResourceNotFoundException")
	}
	h.b.refused(t, "CreateApplicationAssignment", params{"ApplicationArn": h.b.application, "PrincipalType": "USER", "PrincipalId": h.a.user},
		"ResourceNotFoundException")
	h.b.refused(t, "TagResource", params{"InstanceArn": h.a.instance, "ResourceArn": h.b.application, "Tags": []params{{"Key": "a", "Value": "b"}}},
		"ResourceNotFoundException")
}

// TestApplicationOwner: the account of an application sees it beside the owner of the instance, and nothing else of it.
func TestApplicationOwner(t *testing.T) {
	h := open(t)
	member := h.b.account
	var a Application
	h.update(t, func(tx *store.Tx) (err error) {
		a, err = h.PutApplication(tx, Application{InstanceARN: h.a.instance, AccountID: member, Name: "members", Enabled: true})
		return err
	})
	for _, x := range []*tenant{h.a, h.b} {
		x.ok(t, "DescribeApplication", params{"ApplicationArn": a.ARN})
	}
	h.b.refused(t, "DescribeInstance", params{"InstanceArn": h.a.instance}, "ResourceNotFoundException")
	h.b.refused(t, "ListApplications", params{"InstanceArn": h.a.instance}, "ResourceNotFoundException")
}

// dump is every row that belongs to the tenant's instance.
func (x *tenant) dump(t *testing.T) map[string]any {
	t.Helper()
	rows := map[string]any{}
	err := x.h.DB.View(t.Context(), func(tx *store.Tx) error {
		i, err := GetInstance(tx, x.instance)
		if err != nil {
			return err
		}
		rows[i.ARN] = i
		apps, err := ListApplications(tx, x.instance)
		if err != nil {
			return err
		}
		for _, a := range apps {
			granted, err1 := Grants(tx, a.ARN)
			scoped, err2 := Scopes(tx, a.ARN)
			assigned, err3 := Assignments(tx, a.ARN)
			document, _ := x.h.ActorPolicyDocument(tx, a.ARN)
			for _, err := range []error{err1, err2, err3} {
				if err != nil {
					return err
				}
			}
			rows[a.ARN] = []any{a, granted, scoped, assigned, document}
		}
		rows["issuers"], err = ListTrustedTokenIssuers(tx, x.instance)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
