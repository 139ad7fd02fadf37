package ssoadmin

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
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
