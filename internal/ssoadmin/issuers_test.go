package ssoadmin

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/store"
)

func TestIssuerRules(t *testing.T) {
	h := open(t)
	in := func(members params) params {
		p := h.a.issuerParams("second")
		config := p["TrustedTokenIssuerConfiguration"].(params)["OidcJwtConfiguration"].(params)
		for k, v := range members {
			config[k] = v
		}
		return p
	}
	for _, bad := range []params{
		{"IssuerUrl": "idp.example"}, {"IssuerUrl": "ftp://idp.example"}, {"IssuerUrl": "https://"}, {"IssuerUrl": "https://idp.example/?x=1"},
		{"IssuerUrl": "https://idp.example/#f"}, {"IssuerUrl": "https://u:p@idp.example"}, {"IssuerUrl": "https://idp.example:99999"}, {"IssuerUrl": "https://idp.example:x/"},
		{"IssuerUrl": "https://idp.example/.well-known/openid-configuration"}, {"IssuerUrl": "https://idp.example/" + strings.Repeat("a", 512)},
		{"ClaimAttributePath": "a.b.c.d"}, {"ClaimAttributePath": "a b"}, {"ClaimAttributePath": ""}, {"JwksRetrievalOption": "FILE"},
	} {
		h.a.refused(t, "CreateTrustedTokenIssuer", in(bad), "ValidationException")
	}
	message := h.a.refused(t, "CreateTrustedTokenIssuer", in(params{"IdentityStoreAttributePath": "shoe.size"}), "ValidationException")
	for _, path := range identitystore.LookupPaths() {
		if !strings.Contains(message, path) {
			t.Errorf("%q does not name %s", message, path)
		}
	}
	h.a.refused(t, "CreateTrustedTokenIssuer", in(params{"IssuerUrl": "https://idp.example"}), "ConflictException")
	h.a.refused(t, "CreateTrustedTokenIssuer", with(in(nil), params{"Name": "idp"}), "ConflictException")
	for _, name := range []string{"", "a b", strings.Repeat("n", 256)} {
		h.a.refused(t, "CreateTrustedTokenIssuer", with(in(nil), params{"Name": name}), "ValidationException")
	}
	h.a.ok(t, "CreateTrustedTokenIssuer", in(params{"IssuerUrl": "https://idp.example/"})) // another iss, byte for byte
	h.b.ok(t, "CreateTrustedTokenIssuer", with(h.b.issuerParams("second"), nil))
	h.a.refused(t, "UpdateTrustedTokenIssuer", params{"TrustedTokenIssuerArn": h.a.issuer, "Name": "second"}, "ConflictException")
	h.a.refused(t, "UpdateTrustedTokenIssuer", params{"TrustedTokenIssuerArn": h.a.issuer, "TrustedTokenIssuerConfiguration": params{
		"OidcJwtConfiguration": params{"ClaimAttributePath": "a b"}}}, "ValidationException")
	h.update(t, func(tx *store.Tx) error {
		i, err := TrustedTokenIssuerByName(tx, h.a.instance, "idp")
		if i.ARN != h.a.issuer || !slices.Equal(i.AllowedAlgorithms(), []string{"RS256", "ES256"}) {
			t.Errorf("by name: %+v", i)
		}
		i.IssuerURL = "https://evil.example"
		if _, err := h.PutTrustedTokenIssuer(tx, i); err == nil {
			t.Error("the issuer URL can be changed")
		}
		i, err2 := TrustedTokenIssuerByURL(tx, h.a.instance, "https://idp.example")
		if i.ARN != h.a.issuer {
			t.Errorf("by URL: %+v", i)
		}
		i.Algorithms = []string{"HS256"}
		if _, err := h.PutTrustedTokenIssuer(tx, i); err == nil {
			t.Error("HS256 is accepted")
		}
		i.Algorithms = []string{"EdDSA"}
		if i, err := h.PutTrustedTokenIssuer(tx, i); err != nil || !slices.Equal(i.AllowedAlgorithms(), []string{"EdDSA"}) {
			t.Errorf("%v, %v", i.AllowedAlgorithms(), err)
		}
		return errors.Join(err, err2)
	})
}
