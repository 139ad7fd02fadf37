package identitystore

import (
	"errors"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

// Group is a directory group.
type Group struct {
	StoreID     string       `store:"identity_store_id,key"`
	ID          string       `store:"group_id,key"`
	DisplayName string       `store:"display_name"`
	NameKey     string       `store:"display_name_key"` // case-folded; unique within the store
	Description string       `store:"description"`
	ExternalIDs []ExternalId `store:"external_ids"`
	CreatedAt   time.Time    `store:"created_at"`
	UpdatedAt   time.Time    `store:"updated_at"`
	CreatedBy   string       `store:"created_by"` // ARN of the caller; empty when it was no API call
	UpdatedBy   string       `store:"updated_by"`
	Revision    string       `store:"revision"`
}

var groups = store.NewTable[Group](store.Spec{
	Name:   "identitystore_groups",
	Cached: true,
	Packed: true,
	Indexes: []store.Index{
		{Name: "name", Columns: []string{"identity_store_id", "display_name_key"}, Unique: true},
	},
})

const (
	pathDisplayName    = "displayName"
	duplicateGroupName = "Duplicate GroupDisplayName"
)

// GetGroup returns a group by id; store.ErrNotFound.
func GetGroup(tx *store.Tx, storeID, groupID string) (Group, error) {
	return groups.Get(tx, storeID, groupID)
}

// GetGroupByName resolves a group's display name, in any case; store.ErrNotFound.
func GetGroupByName(tx *store.Tx, storeID, name string) (Group, error) {
	return groups.GetBy(tx, "name", storeID, fold(name))
}

// ListGroups returns all groups of a store in the order of their ids.
func ListGroups(tx *store.Tx, storeID string) ([]Group, error) {
	return groups.List(tx, store.Query{Values: []string{storeID}})
}

// PutGroup creates a group (no ID, or an ID that is not there) or replaces one, as PutUser does users. DisplayName is
// required.
func PutGroup(tx *store.Tx, g Group) (Group, error) {
	if err := checkGroup(tx, &g); err != nil {
		return Group{}, err
	}
	old, err := groups.Get(tx, g.StoreID, g.ID)
	isNew := errors.Is(err, store.ErrNotFound)
	if err != nil && !isNew {
		return Group{}, err
	}
	g.NameKey = fold(g.DisplayName)
	g.CreatedAt, g.CreatedBy = old.CreatedAt, old.CreatedBy
	g.UpdatedAt, g.UpdatedBy, g.Revision = old.UpdatedAt, old.UpdatedBy, old.Revision
	if !isNew {
		if same, err := sameRecord(old, g); same || err != nil {
			return old, err
		}
	}
	g.UpdatedAt, g.UpdatedBy, g.Revision = tx.Now(), callerARN(tx.Context()), newRevision()
	if isNew {
		g.CreatedAt, g.CreatedBy = g.UpdatedAt, g.UpdatedBy
	}
	err = putExternalIDs(tx, kindGroup, g.StoreID, g.ID, old.ExternalIDs, g.ExternalIDs)
	if err != nil {
		return Group{}, err
	}
	if err := groups.Put(tx, g); err != nil {
		return Group{}, orDuplicate(tx.Context(), err, duplicateGroupName)
	}
	return g, nil
}

// checkGroup judges a group before it is written, and gives a new one its id.
func checkGroup(tx *store.Tx, g *Group) error {
	ctx := tx.Context()
	if _, err := stores.Get(tx, g.StoreID); err != nil {
		return orNotFound(ctx, err, typeStore, g.StoreID)
	}
	c := check{ctx: ctx}
	if g.ID == "" {
		g.ID = newID()
	} else if !principalID.MatchString(g.ID) {
		c.fail("The group id is malformed.")
	}
	c.pattern(pathDisplayName, g.DisplayName, maxText, groupName)
	c.reserved(pathDisplayName, g.DisplayName)
	if g.Description != "" {
		c.text("description", &g.Description)
	}
	c.externalIDs(g.ExternalIDs)
	if c.err != nil {
		return c.err
	}
	other, err := GetGroupByName(tx, g.StoreID, g.DisplayName)
	if err == nil && other.ID != g.ID {
		return duplicate(ctx, duplicateGroupName)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return nil
}

// DeleteGroup deletes a group with its memberships and external ids, and what upper rooms hang on it (OnDelete).
// store.ErrNotFound when there is none.
func (s *Server) DeleteGroup(tx *store.Tx, storeID, groupID string) error {
	g, err := groups.Get(tx, storeID, groupID)
	if err != nil {
		return err
	}
	if err := dropMembers(tx, storeID, groupID); err != nil {
		return err
	}
	if err := putExternalIDs(tx, kindGroup, storeID, groupID, g.ExternalIDs, nil); err != nil {
		return err
	}
	if err := groups.Delete(tx, storeID, groupID); err != nil {
		return err
	}
	return s.deleted(tx, storeID, typeGroup, groupID)
}
