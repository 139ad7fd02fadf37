package ssoadmin

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/sqlite"
	"github.com/symbolon/symbolon/internal/token"
	"github.com/symbolon/symbolon/internal/wire"
)

// targets makes so many applications and puts them into scopes s0, s1, … of the application, ten to each.
func (x *tenant) targets(t testing.TB, application string, n int) (arns []string) {
	t.Helper()
	x.h.update(t, func(tx *store.Tx) error {
		arns = nil
		for i := range n {
			a, err := x.h.PutApplication(tx, Application{InstanceARN: x.instance, Name: fmt.Sprint("target", i)})
			if err != nil {
				return err
			}
			arns = append(arns, a.ARN)
		}
		return nil
	})
	for i := 0; i < n; i += 10 {
		x.ok(t, "PutApplicationAccessScope", params{
			"ApplicationArn": application, "Scope": fmt.Sprint("s", i/10), "AuthorizedTargets": arns[i:min(i+10, n)],
		})
	}
	return arns
}

// A JWT names all its targets: an application whose tokens are JWTs cannot have more than fit.
func TestTargetsOfJWTs(t *testing.T) {
	h := open(t)
	arns := h.a.targets(t, h.a.application, maxTargetsJWT+1)
	jwt := params{"ResourceArn": h.a.application, "Tags": []params{{"Key": tagAccessTokenFormat, "Value": "jwt"}}}
	scope := func(name string, targets ...string) params {
		return params{"ApplicationArn": h.a.application, "Scope": name, "AuthorizedTargets": targets}
	}
	// Turning the format on, in any way.
	message := h.a.refused(t, "TagResource", jwt, "ServiceQuotaExceededException")
	if !strings.Contains(message, fmt.Sprint(maxTargetsJWT)) || !strings.Contains(message, tagAccessTokenFormat) {
		t.Errorf("message %q", message)
	}
	err := h.DB.Update(t.Context(), func(tx *store.Tx) error {
		a, err := GetApplication(tx, h.a.application)
		if err != nil {
			return err
		}
		a.Tags = map[string]string{tagAccessTokenFormat: "jwt"}
		_, err = h.PutApplication(tx, a)
		return err
	})
	if e := (*wire.Error)(nil); !errors.As(err, &e) || e.Code != "ServiceQuotaExceededException" {
		t.Errorf("PutApplication: %v", err)
	}
	h.a.ok(t, "DeleteApplicationAccessScope", params{"ApplicationArn": h.a.application, "Scope": "s5"})
	h.a.ok(t, "TagResource", jwt)
	// Adding targets while it is on. The same ones again, in another scope, are none more.
	h.a.refused(t, "PutApplicationAccessScope", scope("more", arns[maxTargetsJWT]), "ServiceQuotaExceededException")
	h.a.refused(t, "PutApplicationAccessScope", scope("more", h.a.instance), "ServiceQuotaExceededException")
	h.a.ok(t, "PutApplicationAccessScope", scope("more", arns[:10]...))
	h.a.ok(t, "PutApplicationAccessScope", scope("none"))
	h.a.ok(t, "PutApplicationAccessScope", scope("s1", append(arns[11:20:20], h.a.instance)...)) // one for another
	h.a.refused(t, "PutApplicationAccessScope", scope("more", arns[10]), "ServiceQuotaExceededException")
	h.a.ok(t, "UpdateApplication", params{"ApplicationArn": h.a.application, "Name": "n"})
	// Opaque tokens name none.
	h.a.ok(t, "UntagResource", params{"ResourceArn": h.a.application, "TagKeys": []string{tagAccessTokenFormat}})
	h.a.ok(t, "PutApplicationAccessScope", scope("more", arns[maxTargetsJWT]))
	h.a.refused(t, "TagResource", jwt, "ServiceQuotaExceededException")
}

// An application that has too many from before can be changed otherwise, and get fewer.
func TestTooManyTargetsFromBefore(t *testing.T) {
	h := open(t)
	arns := h.a.targets(t, h.a.application, maxTargetsJWT+10)
	h.update(t, func(tx *store.Tx) error {
		a, err := GetApplication(tx, h.a.application)
		a.Tags = map[string]string{tagAccessTokenFormat: "jwt"}
		return errors.Join(err, applications.Put(tx, a))
	})
	scope := func(targets ...string) params {
		return params{"ApplicationArn": h.a.application, "Scope": "s0", "AuthorizedTargets": targets}
	}
	h.a.ok(t, "UpdateApplication", params{"ApplicationArn": h.a.application, "Status": "DISABLED"})
	h.a.ok(t, "PutApplicationAccessScope", scope(arns[:9]...))
	h.a.refused(t, "PutApplicationAccessScope", scope(arns[:10]...), "ServiceQuotaExceededException")
}

// What may be configured fits into a token, with the longest names and the longest history.
func TestLongestJWTFits(t *testing.T) {
	backend, err := sqlite.Memory()
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), backend, token.Tables(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	keys, err := token.OpenKeyring(t.Context(), db, token.KeyringOptions{MasterKey: make([]byte, 32), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	arn := func(kind string) string { return "arn:aws:sso::111122223333:" + kind }
	application := func() string { return arn("application/ssoins-" + randomHex(8) + "/apl-" + randomHex(8)) }
	session := token.Session{ID: rand.Text()}
	for range token.MaxDepth {
		session.Ancestors = append(session.Ancestors, rand.Text())
	}
	a := token.AccessToken{
		ID: token.NewCredentialID(time.Now().Add(time.Hour)), Session: session, Application: application(),
		InstanceARN: NewInstanceARN(), IdentityStoreID: "d-0123456789", UserID: randomUUID(), Scopes: []string{"openid", "aws", "sts:identity_context"},
		TrustedTokenIssuer: arn("trustedTokenIssuer/ssoins-0123456789abcdef/tti-" + randomUUID()), AuthTime: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
	}
	for range token.MaxDepth {
		a.Actors = append(a.Actors, application())
	}
	for len(a.Scopes) < maxScopes+3 {
		a.Scopes = append(a.Scopes, strings.Repeat("s", 50)+":"+strings.Repeat("s", 50)+":"+strings.Repeat("s", 50))
	}
	for len(a.Audience) < maxTargetsJWT+1 {
		a.Audience = append(a.Audience, application())
	}
	minter := &token.Minter{Keys: keys, Issuer: "https://" + strings.Repeat("x", 200) + ".example", Now: time.Now}
	text, err := minter.AccessToken(a, token.JWT, token.RS256)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(len(text), "characters")
}
