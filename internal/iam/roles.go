package iam

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/symbolon/symbolon/internal/policy"
	"github.com/symbolon/symbolon/internal/store"
)

// Role is an IAM role.
type Role struct {
	AccountID string `store:"account_id,key"`
	Name      string `store:"name,key"`
	// FoldedName is Name in lower case, filled by PutRole: names are unique in their account without regard to case.
	FoldedName         string            `store:"folded_name"`
	Path               string            `store:"path"`
	ID                 string            `store:"role_id"` // AROA…
	Description        string            `store:"description"`
	TrustPolicy        string            `store:"trust_policy"`
	MaxSessionDuration int64             `store:"max_session_seconds"` // 3600..43200
	Boundary           string            `store:"boundary_arn"`
	Inline             map[string]string `store:"inline_policies"`
	Attached           []string          `store:"attached_policies"`
	Tags               map[string]string `store:"tags"`
	CreatedAt          time.Time         `store:"created_at"`
}

// ARN is arn:aws:iam::ACCOUNT:role/PATH/NAME.
func (r Role) ARN() string { return entityARN(r.AccountID, "role", r.Path, r.Name) }

var roles = store.NewTable[Role](store.Spec{
	Name: "iam_roles", Cached: true,
	Indexes: []store.Index{{Name: "folded_name", Columns: []string{"account_id", "folded_name"}, Unique: true}},
})

// GetRole returns the role of exactly that name, or store.ErrNotFound.
func GetRole(tx *store.Tx, accountID, name string) (Role, error) {
	return roles.Get(tx, accountID, name)
}

// ListRoles returns the roles of an account by name.
func ListRoles(tx *store.Tx, accountID string) ([]Role, error) {
	return roles.List(tx, store.Query{Values: []string{accountID}})
}

// Bounds and default of a role's MaxSessionDuration, in seconds (iam:CreateRole).
const (
	minMaxSession = 3600
	maxMaxSession = 43200
)

// PutRole adds or changes a role. Path defaults to "/", MaxSessionDuration to 3600; ID and CreatedAt are filled when it is new and
// kept when it is not, so that sessions of a changed role live on and those of a deleted one never come back.
func PutRole(tx *store.Tx, r Role) error {
	if r.Path == "" {
		r.Path = "/"
	}
	if r.MaxSessionDuration == 0 {
		r.MaxSessionDuration = minMaxSession
	}
	if err := r.check(tx); err != nil {
		return err
	}
	old, found, err := existing(roles.Get(tx, r.AccountID, r.Name))
	if err != nil {
		return err
	}
	r.ID = uniqueID("AROA")
	if found {
		r.ID = old.ID
	}
	r.CreatedAt = firstTime(old.CreatedAt, found, r.CreatedAt, tx.Now())
	r.FoldedName = strings.ToLower(r.Name)
	if err := roles.Put(tx, r); errors.Is(err, store.ErrExists) {
		return alreadyExists("Role with name %s already exists.", r.Name)
	} else if err != nil {
		return err
	}
	return nil
}

func (r Role) check(tx *store.Tx) error {
	if err := checkName("roleName", r.Name, maxRoleName); err != nil {
		return err
	}
	if err := checkPath(r.Path, pathPattern); err != nil {
		return err
	}
	if err := checkDescription(r.Description); err != nil {
		return err
	}
	if r.MaxSessionDuration < minMaxSession || r.MaxSessionDuration > maxMaxSession {
		return constraint("maxSessionDuration", strconv.FormatInt(r.MaxSessionDuration, 10), "have value between 3600 and 43200")
	}
	if err := checkAccount(tx, r.AccountID); err != nil {
		return err
	}
	if err := checkDocument(policy.Trust, r.Name, r.TrustPolicy); err != nil {
		return err
	}
	if err := checkInline(r.Inline); err != nil {
		return err
	}
	if err := checkManaged(tx, r.AccountID, r.Boundary, r.Attached); err != nil {
		return err
	}
	return checkTags(r.Tags)
}

// DeleteRole removes a role, or returns store.ErrNotFound. Its sessions end with it.
func DeleteRole(tx *store.Tx, accountID, name string) error { return roles.Delete(tx, accountID, name) }
