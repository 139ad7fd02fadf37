package identitystore

import (
	"errors"

	"github.com/symbolon/symbolon/internal/store"
)

// externalID is the way back from an external identity provider's id to the user or group that has it. The rows mirror
// the ExternalIDs of users and groups and are written with them.
type externalID struct {
	StoreID     string `store:"identity_store_id,key"`
	Kind        string `store:"kind,key"` // user or group
	Issuer      string `store:"issuer,key"`
	ID          string `store:"external_id,key"`
	PrincipalID string `store:"principal_id"`
}

var externalIDs = store.NewTable[externalID](store.Spec{
	Name:   "identitystore_external_ids",
	Cached: true,
	Packed: true,
	Indexes: []store.Index{
		{Name: "external_id", Columns: []string{"identity_store_id", "kind", "external_id"}},
	},
})

// putExternalIDs replaces a principal's external ids; one that another principal of the kind has is a ConflictException.
func putExternalIDs(tx *store.Tx, kind, storeID, principalID string, old, list []ExternalId) error {
	for _, e := range old {
		err := externalIDs.Delete(tx, storeID, kind, e.Issuer, e.Id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	for _, e := range list {
		row := externalID{StoreID: storeID, Kind: kind, Issuer: e.Issuer, ID: e.Id, PrincipalID: principalID}
		if err := externalIDs.Insert(tx, row); err != nil {
			return orDuplicate(tx.Context(), err, duplicateExternalID)
		}
	}
	return nil
}

// principalByExternalID is the id of the principal that has the external id of the issuer; store.ErrNotFound.
func principalByExternalID(tx *store.Tx, kind, storeID string, e ExternalId) (string, error) {
	row, err := externalIDs.Get(tx, storeID, kind, e.Issuer, e.Id)
	return row.PrincipalID, err
}
