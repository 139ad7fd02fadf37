package identitystore

import (
	"errors"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

// Membership is one user's being in one group.
type Membership struct {
	StoreID   string    `store:"identity_store_id,key"`
	ID        string    `store:"membership_id,key"`
	GroupID   string    `store:"group_id"`
	UserID    string    `store:"user_id"`
	CreatedAt time.Time `store:"created_at"`
	CreatedBy string    `store:"created_by"` // ARN of the caller; empty when it was no API call
}

var memberships = store.NewTable[Membership](store.Spec{
	Name:   "identitystore_memberships",
	Cached: true,
	Packed: true,
	Indexes: []store.Index{
		{Name: "pair", Columns: []string{"identity_store_id", "group_id", "user_id"}, Unique: true},
		{Name: "member", Columns: []string{"identity_store_id", "user_id"}},
		{Name: "of_group", Columns: []string{"identity_store_id", "group_id"}},
	},
})

// GroupIDs are the groups a user is in, in no particular order; none for an unknown user.
func GroupIDs(tx *store.Tx, storeID, userID string) ([]string, error) {
	rows, err := memberships.List(tx, store.Query{Index: "member", Values: []string{storeID, userID}})
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(rows))
	for i, m := range rows {
		ids[i] = m.GroupID
	}
	return ids, nil
}

// MemberIDs are the users of a group, in no particular order; none for an unknown group.
func MemberIDs(tx *store.Tx, storeID, groupID string) ([]string, error) {
	rows, err := memberships.List(tx, store.Query{Index: "of_group", Values: []string{storeID, groupID}})
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(rows))
	for i, m := range rows {
		ids[i] = m.UserID
	}
	return ids, nil
}

// AddMember puts a user into a group and says whether that changed anything. An unknown group or user is a
// ResourceNotFoundException.
func AddMember(tx *store.Tx, storeID, groupID, userID string) (added bool, err error) {
	_, added, err = addMember(tx, storeID, groupID, userID)
	return added, err
}

// addMember also returns the membership, the new one or the one there was.
func addMember(tx *store.Tx, storeID, groupID, userID string) (m Membership, added bool, err error) {
	ctx := tx.Context()
	if _, err := groups.Get(tx, storeID, groupID); err != nil {
		return m, false, orNotFound(ctx, err, typeGroup, groupID)
	}
	if _, err := users.Get(tx, storeID, userID); err != nil {
		return m, false, orNotFound(ctx, err, typeUser, userID)
	}
	m, err = memberships.GetBy(tx, "pair", storeID, groupID, userID)
	if !errors.Is(err, store.ErrNotFound) {
		return m, false, err
	}
	m = Membership{StoreID: storeID, ID: newID(), GroupID: groupID, UserID: userID,
		CreatedAt: tx.Now(), CreatedBy: callerARN(ctx)}
	return m, true, memberships.Insert(tx, m)
}

// RemoveMember takes a user out of a group and says whether that changed anything.
func RemoveMember(tx *store.Tx, storeID, groupID, userID string) (removed bool, err error) {
	m, err := memberships.GetBy(tx, "pair", storeID, groupID, userID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, memberships.Delete(tx, m.StoreID, m.ID)
}

// leaveGroups deletes a user's memberships.
func leaveGroups(tx *store.Tx, storeID, userID string) error {
	return deleteMemberships(tx, store.Query{Index: "member", Values: []string{storeID, userID}})
}

// dropMembers deletes a group's memberships.
func dropMembers(tx *store.Tx, storeID, groupID string) error {
	return deleteMemberships(tx, store.Query{Index: "of_group", Values: []string{storeID, groupID}})
}

func deleteMemberships(tx *store.Tx, q store.Query) error {
	rows, err := memberships.List(tx, q)
	if err != nil {
		return err
	}
	for _, m := range rows {
		if err := memberships.Delete(tx, m.StoreID, m.ID); err != nil {
			return err
		}
	}
	return nil
}
