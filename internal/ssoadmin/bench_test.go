package ssoadmin

import (
	"testing"

	"github.com/symbolon/symbolon/internal/store"
)

// BenchmarkGate is what one token asks of this room.
func BenchmarkGate(b *testing.B) {
	h := open(b)
	h.update(b, func(tx *store.Tx) error {
		if err := h.PutGrant(tx, ApplicationGrant{ApplicationARN: h.a.application, GrantType: GrantRefreshToken}); err != nil {
			return err
		}
		if err := h.PutScope(tx, ApplicationScope{ApplicationARN: h.a.application, Scope: "wiki:read"}); err != nil {
			return err
		}
		document := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + h.a.account +
			`"},"Action":"sso-oauth:CreateTokenWithIAM","Resource":"*"}}`
		if err := h.PutActorPolicy(tx, h.a.application, document); err != nil {
			return err
		}
		_, err := h.Assign(tx, h.a.application, PrincipalGroup, h.a.group)
		return err
	})
	groups := []string{"one", "two", h.a.group}
	for b.Loop() {
		err := h.DB.View(b.Context(), func(tx *store.Tx) error {
			a, err := ResolveClient(tx, h.a.application)
			if err != nil {
				return err
			}
			if _, err := GetGrant(tx, a.ARN, GrantRefreshToken); err != nil {
				return err
			}
			if _, err := Scopes(tx, a.ARN); err != nil {
				return err
			}
			if _, err := h.ActorPolicy(tx, a.ARN); err != nil {
				return err
			}
			_, _, err = Assigned(tx, a.ARN, h.a.user, groups)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
