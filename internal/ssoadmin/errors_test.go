package ssoadmin

import (
	"errors"
	"testing"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/wire"
)

func TestErrorsAreShaped(t *testing.T) {
	h := open(t)
	h.update(t, func(tx *store.Tx) error {
		_, err1 := h.PutApplication(tx, Application{InstanceARN: "nowhere"})
		_, err2 := h.PutTrustedTokenIssuer(tx, TrustedTokenIssuer{InstanceARN: "nowhere"})
		_, err3 := h.Assign(tx, "nowhere", PrincipalUser, h.a.user)
		_, err4 := h.Unassign(tx, "nowhere", PrincipalUser, h.a.user)
		for i, err := range []error{
			err1, err2, err3, err4, PutInstance(tx, Instance{}), h.PutGrant(tx, ApplicationGrant{}), h.DeleteGrant(tx, "a", "b"),
			h.PutScope(tx, ApplicationScope{}), h.DeleteScope(tx, "a", "b"), h.PutActorPolicy(tx, "a", "{}"), h.DeleteActorPolicy(tx, "a"),
			h.DeleteApplication(tx, "a"), h.DeleteTrustedTokenIssuer(tx, "a"),
		} {
			if shaped := (*wire.Error)(nil); !errors.As(err, &shaped) || shaped.Status != 400 || shaped.Code == "" {
				t.Errorf("%d: %v", i, err)
			}
		}
		return nil
	})
}
