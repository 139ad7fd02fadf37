package ssoadmin

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/symbolon/symbolon/internal/store"
)

func TestGrantRules(t *testing.T) {
	h := open(t)
	code := func(uris ...string) params {
		return params{"ApplicationArn": h.a.application, "GrantType": GrantAuthorizationCode, "Grant": params{"AuthorizationCode": params{"RedirectUris": uris}}}
	}
	jwt := func(issuers ...params) params {
		return params{"ApplicationArn": h.a.application, "GrantType": GrantJWTBearer, "Grant": params{"JwtBearer": params{"AuthorizedTokenIssuers": issuers}}}
	}
	eleven := func(format string) (many []string) {
		for i := range 11 {
			many = append(many, fmt.Sprintf(format, i))
		}
		return many
	}
	good := params{"TrustedTokenIssuerArn": h.a.issuer, "AuthorizedAudiences": []string{"wiki"}}
	for _, bad := range []params{
		code(), code(eleven("https://app.example/%d")...), code("javascript:alert(1)"), code("https://a.example/", "https://a.example/"),
		code("https://a.example/", "https://a.example/#"), jwt(), jwt(good, good), jwt(with(good, params{"AuthorizedAudiences": nil})),
		jwt(with(good, params{"AuthorizedAudiences": []string{}})), jwt(with(good, params{"AuthorizedAudiences": []string{""}})),
		jwt(with(good, params{"AuthorizedAudiences": []string{"a", "a"}})), jwt(with(good, params{"AuthorizedAudiences": eleven("a%d")})),
		jwt(with(good, params{"AuthorizedAudiences": []string{strings.Repeat("a", 513)}})), jwt(with(good, params{"TrustedTokenIssuerArn": nil})),
		with(code("https://a.example/"), params{"GrantType": GrantRefreshToken}),
	} {
		h.a.refused(t, "PutApplicationGrant", bad, "ValidationException")
	}
	h.a.ok(t, "PutApplicationGrant", code("https://a.example/", "http://127.0.0.1/"))
	h.a.ok(t, "PutApplicationGrant", jwt(good))
	h.update(t, func(tx *store.Tx) error {
		g, err := GetGrant(tx, h.a.application, GrantJWTBearer)
		if audiences, ok := g.Issuer(h.a.issuer); !ok || !slices.Equal(audiences, []string{"wiki"}) {
			t.Errorf("Issuer = %v, %v", audiences, ok)
		}
		if _, ok := g.Issuer(h.b.issuer); ok {
			t.Error("the grant names an issuer it does not hold")
		}
		return err
	})

	// Deleting the issuer leaves the grant as it is: whoever follows the reference finds nothing.
	h.a.ok(t, "DeleteTrustedTokenIssuer", params{"TrustedTokenIssuerArn": h.a.issuer})
	got := h.a.ok(t, "GetApplicationGrant", params{"ApplicationArn": h.a.application, "GrantType": GrantJWTBearer})
	if at(got, "Grant.JwtBearer.AuthorizedTokenIssuers.0.TrustedTokenIssuerArn") != h.a.issuer {
		t.Errorf("the grant now reads %v", got)
	}
}
