package ssoadmin

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestResources(t *testing.T) {
	h := open(t)
	h.a.ok(t, "TagResource", params{"ResourceArn": h.a.application, "Tags": []params{{"Key": "Team", "Value": "web"}}})
	wantCall := func(resources []string, context map[string]string) {
		t.Helper()
		if !slices.Equal(h.last.Resources, resources) {
			t.Errorf("%s acts on %v, want %v", h.last.Operation.Name, h.last.Resources, resources)
		}
		for key, want := range context {
			if got := strings.Join(h.last.Context[key], " "); got != want {
				t.Errorf("%s: %s is %q, want %q", h.last.Operation.Name, key, got, want)
			}
		}
	}
	wantCall([]string{h.a.application}, map[string]string{"aws:requesttag/team": "web", "aws:tagkeys": "Team"})
	h.a.ok(t, "DescribeApplication", params{"ApplicationArn": h.a.application})
	wantCall([]string{h.a.application}, map[string]string{"aws:resourcetag/team": "web", "sso:applicationaccount": h.a.account, "aws:tagkeys": ""})
	h.a.ok(t, "UntagResource", params{"ResourceArn": h.a.application, "TagKeys": []string{"Team"}})
	wantCall([]string{h.a.application}, map[string]string{"aws:tagkeys": "Team"})
	h.a.ok(t, "ListInstances", params{})
	wantCall([]string{"*"}, nil)
	h.a.ok(t, "ListApplicationProviders", params{})
	wantCall([]string{"*"}, nil)
	h.a.ok(t, "DescribeApplicationProvider", params{"ApplicationProviderArn": CustomProvider})
	wantCall([]string{CustomProvider}, nil)
	h.a.newApplication(t, "n")
	wantCall([]string{h.a.instance, CustomProvider}, nil)
	h.a.ok(t, "ListApplicationAssignmentsForPrincipal", params{"InstanceArn": h.a.instance, "PrincipalType": "USER", "PrincipalId": h.a.user})
	wantCall([]string{h.a.instance}, nil)
	h.a.ok(t, "DescribeTrustedTokenIssuer", params{"TrustedTokenIssuerArn": h.a.issuer})
	wantCall([]string{h.a.issuer}, nil)
}

func TestListFilters(t *testing.T) {
	h := open(t)
	count := func(in params, list, operation string) int { return len(h.a.ok(t, operation, in)[list].([]any)) }
	apps := params{"InstanceArn": h.a.instance}
	for filter, want := range map[string]int{
		`{"ApplicationAccount":"` + h.a.account + `"}`: 2, `{"ApplicationAccount":"000000000000"}`: 0,
		`{"ApplicationProvider":"` + CustomProvider + `"}`: 2, `{"ApplicationProvider":"` + CustomProvider + `-saml"}`: 0,
	} {
		if got := count(with(apps, params{"Filter": json.RawMessage(filter)}), "Applications", "ListApplications"); got != want {
			t.Errorf("%s: %d applications, want %d", filter, got, want)
		}
	}
	moreAssignmentsForPrincipal(t, h.a)
	mine := params{"InstanceArn": h.a.instance, "PrincipalType": "USER", "PrincipalId": h.a.user, "Filter": params{"ApplicationArn": h.a.other}}
	if got := count(mine, "ApplicationAssignments", "ListApplicationAssignmentsForPrincipal"); got != 1 {
		t.Errorf("%d assignments to one application", got)
	}
	if got := count(params{"RegionScope": "CURRENT_REGION"}, "Instances", "ListInstances"); got != 0 {
		t.Errorf("%d instances in another Region", got)
	}
}
