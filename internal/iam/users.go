package iam

import (
	"errors"
	"strings"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

// User is an IAM user.
type User struct {
	AccountID string `store:"account_id,key"`
	Name      string `store:"name,key"`
	// FoldedName is Name in lower case, filled by PutUser: names are unique in their account without regard to case.
	FoldedName string `store:"folded_name"`
	Path       string `store:"path"`
	ID         string `store:"user_id"` // AIDA…
	Boundary   string `store:"boundary_arn"`
	// Inline policies by name; Attached managed policy ARNs.
	Inline    map[string]string `store:"inline_policies"`
	Attached  []string          `store:"attached_policies"`
	Tags      map[string]string `store:"tags"`
	CreatedAt time.Time         `store:"created_at"`
}

// ARN is arn:aws:iam::ACCOUNT:user/PATH/NAME.
func (u User) ARN() string { return entityARN(u.AccountID, "user", u.Path, u.Name) }

var users = store.NewTable[User](store.Spec{
	Name: "iam_users", Cached: true,
	Indexes: []store.Index{{Name: "folded_name", Columns: []string{"account_id", "folded_name"}, Unique: true}},
})

// GetUser returns the user of exactly that name, or store.ErrNotFound.
func GetUser(tx *store.Tx, accountID, name string) (User, error) {
	return users.Get(tx, accountID, name)
}

// ListUsers returns the users of an account by name.
func ListUsers(tx *store.Tx, accountID string) ([]User, error) {
	return users.List(tx, store.Query{Values: []string{accountID}})
}

// PutUser adds or changes a user. Path defaults to "/"; ID and CreatedAt are filled when it is new and kept when it is not.
func PutUser(tx *store.Tx, u User) error {
	if u.Path == "" {
		u.Path = "/"
	}
	if err := u.check(tx); err != nil {
		return err
	}
	old, found, err := existing(users.Get(tx, u.AccountID, u.Name))
	if err != nil {
		return err
	}
	u.ID = uniqueID("AIDA")
	if found {
		u.ID = old.ID
	}
	u.CreatedAt = firstTime(old.CreatedAt, found, u.CreatedAt, tx.Now())
	u.FoldedName = strings.ToLower(u.Name)
	if err := users.Put(tx, u); errors.Is(err, store.ErrExists) {
		return alreadyExists("User with name %s already exists.", u.Name)
	} else if err != nil {
		return err
	}
	return nil
}

func (u User) check(tx *store.Tx) error {
	if err := checkName("userName", u.Name, maxUserName); err != nil {
		return err
	}
	if err := checkPath(u.Path, pathPattern); err != nil {
		return err
	}
	if err := checkAccount(tx, u.AccountID); err != nil {
		return err
	}
	if err := checkInline(u.Inline); err != nil {
		return err
	}
	if err := checkManaged(tx, u.AccountID, u.Boundary, u.Attached); err != nil {
		return err
	}
	return checkTags(u.Tags)
}

// DeleteUser removes a user with its access keys, or returns store.ErrNotFound.
func DeleteUser(tx *store.Tx, accountID, name string) error {
	keys, err := ListAccessKeys(tx, accountID, name)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if err := accessKeys.Delete(tx, k.ID); err != nil {
			return err
		}
	}
	return users.Delete(tx, accountID, name)
}
