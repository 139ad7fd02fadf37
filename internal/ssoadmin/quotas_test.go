package ssoadmin

import (
	"fmt"
	"testing"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/store"
)

func TestQuotas(t *testing.T) {
	h := open(t)
	for i := range maxScopes {
		h.a.ok(t, "PutApplicationAccessScope", params{"ApplicationArn": h.a.application, "Scope": fmt.Sprint("s", i)})
	}
	h.a.refused(t, "PutApplicationAccessScope", params{"ApplicationArn": h.a.application, "Scope": "more"}, "ServiceQuotaExceededException")
	h.a.ok(t, "PutApplicationAccessScope", params{"ApplicationArn": h.a.application, "Scope": "s1", "AuthorizedTargets": []string{h.a.instance}})

	var group string
	h.update(t, func(tx *store.Tx) error {
		for i := range maxAssignedGroups + 1 {
			g, err := identitystore.PutGroup(tx, identitystore.Group{StoreID: h.a.directory, DisplayName: fmt.Sprint("g", i)})
			if err != nil {
				return err
			}
			if group = g.ID; i == maxAssignedGroups {
				break
			}
			if _, err := h.Assign(tx, h.a.application, PrincipalGroup, g.ID); err != nil {
				return err
			}
		}
		return nil
	})
	h.a.refused(t, "CreateApplicationAssignment", params{"ApplicationArn": h.a.application, "PrincipalType": "GROUP", "PrincipalId": group}, "ServiceQuotaExceededException")
}
