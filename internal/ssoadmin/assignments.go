package ssoadmin

import (
	"errors"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/store"
)

// The types of a principal of the directory.
const (
	PrincipalUser  = "USER"
	PrincipalGroup = "GROUP"
)

// Assignment lets a user or the members of a group use an application.
type Assignment struct {
	ApplicationARN  string `store:"application_arn,key"`
	PrincipalType   string `store:"principal_type,key"` // USER | GROUP
	PrincipalID     string `store:"principal_id,key"`
	IdentityStoreID string `store:"identity_store_id"`
}

var assignments = store.NewTable[Assignment](store.Spec{
	Name:   "ssoadmin_application_assignments",
	Cached: true,
	Packed: true,
	Indexes: []store.Index{
		{Name: "principal", Columns: []string{"identity_store_id", "principal_type", "principal_id"}},
	},
})

func (a Assignment) key() []string { return []string{a.ApplicationARN, a.PrincipalType, a.PrincipalID} }

// Assignments returns the assignments of an application, groups first.
func Assignments(tx *store.Tx, applicationARN string) ([]Assignment, error) {
	return assignments.List(tx, store.Query{Values: []string{applicationARN}})
}

// Assigned says whether the user, directly or by one of its groups, is assigned to the application; by is the
// assignment's principal id.
func Assigned(tx *store.Tx, applicationARN, userID string, groupIDs []string) (by string, ok bool, err error) {
	found, err := assigned(tx, applicationARN, PrincipalUser, userID)
	if found || err != nil {
		return userID, found, err
	}
	for _, id := range groupIDs {
		found, err := assigned(tx, applicationARN, PrincipalGroup, id)
		if found || err != nil {
			return id, found, err
		}
	}
	return "", false, nil
}

func assigned(tx *store.Tx, applicationARN, principalType, principalID string) (bool, error) {
	_, err := assignments.Get(tx, applicationARN, principalType, principalID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Assign assigns a principal of the instance's directory to an application; added is false when it is already. It
// returns a *wire.Error for what is wrong.
func (s *Server) Assign(tx *store.Tx, applicationARN, principalType, principalID string) (added bool, err error) {
	a, err := GetApplication(tx, applicationARN)
	if err != nil {
		return false, orMissing(err, "Application", applicationARN)
	}
	i, err := GetInstance(tx, a.InstanceARN)
	if err != nil {
		return false, orMissing(err, "Instance", a.InstanceARN)
	}
	if err := principalExists(tx, i.IdentityStoreID, principalType, principalID); err != nil {
		return false, err
	}
	found, err := assigned(tx, applicationARN, principalType, principalID)
	if found || err != nil {
		return false, err
	}
	if principalType == PrincipalGroup {
		if err := checkGroupQuota(tx, applicationARN); err != nil {
			return false, err
		}
	}
	row := Assignment{
		ApplicationARN: applicationARN, PrincipalType: principalType, PrincipalID: principalID,
		IdentityStoreID: i.IdentityStoreID,
	}
	return true, assignments.Put(tx, row)
}

func checkGroupQuota(tx *store.Tx, applicationARN string) error {
	rows, err := assignments.List(tx, store.Query{Values: []string{applicationARN, PrincipalGroup}})
	if err == nil && len(rows) >= maxAssignedGroups {
		err = quotaExceeded("Application %s has %d groups assigned, the most it may have", applicationARN, len(rows))
	}
	return err
}

func principalExists(tx *store.Tx, storeID, principalType, principalID string) error {
	var err error
	switch principalType {
	case PrincipalUser:
		_, err = identitystore.GetUser(tx, storeID, principalID)
	case PrincipalGroup:
		_, err = identitystore.GetGroup(tx, storeID, principalID)
	default:
		return validation("PrincipalType must be %s or %s", PrincipalUser, PrincipalGroup)
	}
	return orMissing(err, principalType, principalID)
}

// Unassign ends an assignment; removed is false when there was none. It returns a *wire.Error for an unknown
// application.
func (s *Server) Unassign(tx *store.Tx, applicationARN, principalType, principalID string) (removed bool, err error) {
	if _, err := GetApplication(tx, applicationARN); err != nil {
		return false, orMissing(err, "Application", applicationARN)
	}
	err = assignments.Delete(tx, applicationARN, principalType, principalID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// ForgetPrincipal removes the assignments of a deleted user or group: the directory's OnDelete hook.
func ForgetPrincipal(tx *store.Tx, storeID, principalType, principalID string) error {
	rows, err := assignments.List(tx, store.Query{Index: "principal", Values: []string{storeID, principalType, principalID}})
	if err != nil {
		return err
	}
	for _, a := range rows {
		if err := assignments.Delete(tx, a.key()...); err != nil {
			return err
		}
	}
	return nil
}
