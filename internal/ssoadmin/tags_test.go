package ssoadmin

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
	"github.com/symbolon/symbolon/internal/wire"
)

func TestReservedTags(t *testing.T) {
	h := open(t)
	set := func(arn, key, value string) params {
		return params{"ResourceArn": arn, "Tags": []params{{"Key": key, "Value": value}}}
	}
	for _, bad := range []params{
		set(h.a.application, "symbolon:unknown", "x"), set(h.a.application, "Symbolon:access-token-format", "jwt"),
		set(h.a.application, tagAccessTokenFormat, "JWT"), set(h.a.application, tagSigningAlgorithm, "none"),
		set(h.a.application, tagAdditionalAlgorithms, "ES384"), set(h.a.issuer, tagAdditionalAlgorithms, "ES384 none"),
		set(h.a.issuer, tagAdditionalAlgorithms, "HS256"), set(h.a.instance, tagAccessTokenFormat, "jwt"),
	} {
		h.a.refused(t, "TagResource", bad, "ValidationException")
	}
	h.a.ok(t, "TagResource", set(h.a.application, tagAccessTokenFormat, "jwt"))
	h.a.ok(t, "TagResource", set(h.a.application, tagSigningAlgorithm, "RS256"))
	h.a.ok(t, "TagResource", set(h.a.issuer, tagAdditionalAlgorithms, "ES384 RS256 EdDSA"))
	h.update(t, func(tx *store.Tx) error {
		a, err1 := GetApplication(tx, h.a.application)
		i, err2 := GetTrustedTokenIssuer(tx, h.a.issuer)
		if a.AccessTokenFormat() != token.JWT || a.SigningAlgorithm() != token.RS256 {
			t.Errorf("format %s, algorithm %s", a.AccessTokenFormat(), a.SigningAlgorithm())
		}
		if got := i.AllowedAlgorithms(); !slices.Equal(got, []string{"RS256", "ES256", "ES384", "EdDSA"}) {
			t.Errorf("allowed algorithms %v", got)
		}
		return errors.Join(err1, err2)
	})

	// Whoever may only tag may not change how tokens are made.
	h.refused["sso:UpdateApplication"], h.refused["sso:UpdateTrustedTokenIssuer"] = true, true
	h.a.refused(t, "TagResource", set(h.a.application, tagAccessTokenFormat, "opaque"), "AccessDeniedException")
	h.a.refused(t, "TagResource", set(h.a.issuer, tagAdditionalAlgorithms, "PS256"), "AccessDeniedException")
	h.a.refused(t, "UntagResource", params{"ResourceArn": h.a.application, "TagKeys": []string{tagSigningAlgorithm}}, "AccessDeniedException")
	h.a.refused(t, "CreateApplication", params{"InstanceArn": h.a.instance, "ApplicationProviderArn": CustomProvider, "Name": "n",
		"Tags": []params{{"Key": tagAccessTokenFormat, "Value": "jwt"}}}, "AccessDeniedException")
	h.a.refused(t, "CreateTrustedTokenIssuer", with(h.a.issuerParams("n"), params{
		"Tags": []params{{"Key": tagAdditionalAlgorithms, "Value": "ES384"}}}), "AccessDeniedException")
	h.a.ok(t, "TagResource", set(h.a.application, tagAccessTokenFormat, "jwt")) // as it is already
	h.a.ok(t, "TagResource", set(h.a.application, "team", "web"))
	h.a.ok(t, "UntagResource", params{"ResourceArn": h.a.application, "TagKeys": []string{"team", "not there"}})
	h.refused = map[string]bool{}
	h.Authorize = nil
	h.a.refused(t, "TagResource", set(h.a.application, tagAccessTokenFormat, "opaque"), "AccessDeniedException")
	if got := h.a.dump(t)[h.a.application].([]any)[0].(Application).AccessTokenFormat(); got != token.JWT {
		t.Errorf("a refused change left the format %s", got)
	}
}

func TestTagQuota(t *testing.T) {
	h := open(t)
	for i := range maxUserTags {
		h.a.ok(t, "TagResource", params{"ResourceArn": h.a.other, "Tags": []params{{"Key": fmt.Sprint("k", i), "Value": ""}}})
	}
	h.a.ok(t, "TagResource", params{"ResourceArn": h.a.other, "Tags": []params{{"Key": tagAccessTokenFormat, "Value": "jwt"}}})
	h.a.refused(t, "TagResource", params{"ResourceArn": h.a.other, "Tags": []params{{"Key": "more", "Value": ""}}}, "ServiceQuotaExceededException")
}

// Policies know tag keys without regard to case, so a resource cannot have two that differ in nothing else.
func TestTagKeysDifferInMoreThanCase(t *testing.T) {
	h := open(t)
	two := func(a, b string) []params { return []params{{"Key": a, "Value": "red"}, {"Key": b, "Value": "blue"}} }
	create := params{"InstanceArn": h.a.instance, "ApplicationProviderArn": CustomProvider, "Name": "n"}
	for _, keys := range [][2]string{{"Team", "team"}, {"team", "Team"}, {"K", "\u212a"}, {"S", "\u017f"}, {"\u0130d", "id"}, {"\u03d1", "\u03b8"}, {"ÄB", "äb"}, {"x", "x"}} {
		for operation, in := range map[string]params{
			"TagResource": {"ResourceArn": h.a.application}, "CreateApplication": create, "CreateTrustedTokenIssuer": h.a.issuerParams("n"),
		} {
			message := h.a.refused(t, operation, with(in, params{"Tags": two(keys[0], keys[1])}), "ValidationException")
			if !strings.Contains(message, keys[0]) && !strings.Contains(message, keys[1]) {
				t.Errorf("%s does not name the key: %s", operation, message)
			}
		}
	}
	for _, arn := range []string{h.a.application, h.a.issuer, h.a.instance} {
		h.a.ok(t, "TagResource", params{"ResourceArn": arn, "Tags": two("Team", "Cost")})
		message := h.a.refused(t, "TagResource", params{"ResourceArn": arn, "Tags": two("other", "team")}, "ValidationException")
		if !strings.Contains(message, "team") || !strings.Contains(message, "Team") {
			t.Errorf("the message does not name the keys: %s", message)
		}
		h.a.ok(t, "TagResource", params{"ResourceArn": arn, "Tags": two("Team", "teams")})
		h.a.ok(t, "UntagResource", params{"ResourceArn": arn, "TagKeys": []string{"Team"}})
		h.a.ok(t, "TagResource", params{"ResourceArn": arn, "Tags": two("team", "teams")})
	}
	twins := map[string]string{"Team": "red", "team": "blue"}
	for name, put := range map[string]func(tx *store.Tx) error{
		"application": func(tx *store.Tx) error {
			_, err := h.PutApplication(tx, Application{InstanceARN: h.a.instance, Name: "n", Tags: twins})
			return err
		},
		"issuer": func(tx *store.Tx) error {
			i, err := GetTrustedTokenIssuer(tx, h.a.issuer)
			if err != nil {
				return err
			}
			i.Tags = twins
			_, err = h.PutTrustedTokenIssuer(tx, i)
			return err
		},
		"instance": func(tx *store.Tx) error {
			i, err := GetInstance(tx, h.a.instance)
			if err != nil {
				return err
			}
			i.Tags = twins
			return PutInstance(tx, i)
		},
	} {
		if e := (*wire.Error)(nil); !errors.As(h.DB.Update(t.Context(), put), &e) || e.Code != "ValidationException" {
			t.Errorf("%s: %v", name, e)
		}
	}
}

// A row that has such twins already shows policies both values, so that no single one is believed; it can be changed
// otherwise and be rid of them, but not get more.
func TestTagTwinsFromBefore(t *testing.T) {
	h := open(t)
	h.update(t, func(tx *store.Tx) error {
		a, err1 := GetApplication(tx, h.a.application)
		i, err2 := GetTrustedTokenIssuer(tx, h.a.issuer)
		a.Tags = map[string]string{"Team": "red", "team": "blue", "Cost": "1"}
		i.Tags = a.Tags
		return errors.Join(err1, err2, applications.Put(tx, a), trustedTokenIssuers.Put(tx, i))
	})
	context := func(key string) []string { return slices.Sorted(slices.Values(h.last.Context[key])) }
	h.a.ok(t, "UpdateApplication", params{"ApplicationArn": h.a.application, "Status": "DISABLED"})
	if got := context("aws:resourcetag/team"); !slices.Equal(got, []string{"blue", "red"}) {
		t.Errorf("aws:ResourceTag/team is %q", got)
	}
	if got := context("aws:resourcetag/cost"); !slices.Equal(got, []string{"1"}) {
		t.Errorf("aws:ResourceTag/cost is %q", got)
	}
	h.a.ok(t, "UpdateTrustedTokenIssuer", params{"TrustedTokenIssuerArn": h.a.issuer, "Name": "renamed"})
	if got := context("aws:resourcetag/team"); len(got) != 2 {
		t.Errorf("aws:ResourceTag/team is %q", got)
	}
	for _, key := range []string{"TEAM", "Team"} { // another, or another value
		h.a.refused(t, "TagResource", params{"ResourceArn": h.a.application, "Tags": []params{{"Key": key, "Value": "blue"}}}, "ValidationException")
	}
	h.a.ok(t, "UntagResource", params{"ResourceArn": h.a.application, "TagKeys": []string{"Cost"}})
	h.a.ok(t, "UntagResource", params{"ResourceArn": h.a.application, "TagKeys": []string{"Team"}})
	h.a.refused(t, "TagResource", params{"ResourceArn": h.a.application, "Tags": []params{{"Key": "Team", "Value": "red"}}}, "ValidationException")

	// A request that names both is seen with both before it is refused.
	for _, pair := range [][2]string{{"Team", "team"}, {"\u03d1", "\u03b8"}} {
		h.a.refused(t, "TagResource", params{"ResourceArn": h.a.application, "Tags": []params{
			{"Key": pair[0], "Value": "red"}, {"Key": pair[1], "Value": "blue"}}}, "ValidationException")
		for _, key := range pair {
			if got := context("aws:requesttag/" + strings.ToLower(key)); !slices.Equal(got, []string{"blue", "red"}) {
				t.Errorf("aws:RequestTag/%s is %q", key, got)
			}
		}
	}
}
