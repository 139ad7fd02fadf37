package iam

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

// AccessKey is a long-term key of a user, or of the account root when UserName is empty.
type AccessKey struct {
	ID        string    `store:"access_key_id,key"` // AKIA…
	AccountID string    `store:"account_id"`
	UserName  string    `store:"user_name"`
	Secret    []byte    `store:"sealed_secret"`
	Status    string    `store:"status"` // Active | Inactive
	CreatedAt time.Time `store:"created_at"`
}

// The two states of a key.
const (
	Active   = "Active"
	Inactive = "Inactive"
)

const accessKeyTable, accessKeySecret = "iam_access_keys", "sealed_secret"

var accessKeys = store.NewTable[AccessKey](store.Spec{
	Name: accessKeyTable, Cached: true,
	Indexes: []store.Index{{Name: "owner", Columns: []string{"account_id", "user_name"}}},
})

// NewAccessKey makes a random AKIA id and 40-character secret.
func NewAccessKey() (id, secret string) {
	var random [30]byte
	rand.Read(random[:])
	return "AKIA" + rand.Text()[:16], base64.StdEncoding.EncodeToString(random[:])
}

// GetAccessKey returns the key, its secret still sealed, or store.ErrNotFound.
func GetAccessKey(tx *store.Tx, id string) (AccessKey, error) { return accessKeys.Get(tx, id) }

// ListAccessKeys returns the keys of a user, or of the account's root when userName is empty.
func ListAccessKeys(tx *store.Tx, accountID, userName string) ([]AccessKey, error) {
	return accessKeys.List(tx, store.Query{Index: "owner", Values: []string{accountID, userName}})
}

// DeleteAccessKey removes a key, or returns store.ErrNotFound.
func DeleteAccessKey(tx *store.Tx, id string) error { return accessKeys.Delete(tx, id) }

// PutAccessKey seals the secret and writes the key. An empty secret keeps the one the key has. Status defaults to Active. A key never
// changes its owner.
func (s *Server) PutAccessKey(tx *store.Tx, k AccessKey, secret string) error {
	if k.Status == "" {
		k.Status = Active
	}
	if err := k.check(tx); err != nil {
		return err
	}
	old, found, err := existing(accessKeys.Get(tx, k.ID))
	if err != nil {
		return err
	}
	if found && (old.AccountID != k.AccountID || old.UserName != k.UserName) {
		return alreadyExists("Access key %s already exists.", k.ID)
	}
	k.CreatedAt = firstTime(old.CreatedAt, found, k.CreatedAt, tx.Now())
	if k.Secret, err = s.sealSecret(k.ID, secret, old, found); err != nil {
		return err
	}
	return accessKeys.Put(tx, k)
}

// sealSecret leaves the sealed bytes as they are when the secret is the old one, so that writing a key again changes nothing.
func (s *Server) sealSecret(id, secret string, old AccessKey, found bool) ([]byte, error) {
	if found && secret == "" {
		return old.Secret, nil
	}
	if found {
		if was, err := s.Secret(old); err == nil && sameSecret(secret, was) {
			return old.Secret, nil
		}
	}
	if err := checkSecret(secret); err != nil {
		return nil, err
	}
	return s.Keys.Seal(accessKeyTable, id, accessKeySecret, []byte(secret))
}

func (k AccessKey) check(tx *store.Tx) error {
	if len(k.ID) > 128 || !accessKeyPattern.MatchString(k.ID) {
		return constraint("accessKeyId", k.ID, `satisfy regular expression pattern: AKIA[A-Z0-9]{12,124}`)
	}
	if k.Status != Active && k.Status != Inactive {
		return constraint("status", k.Status, "satisfy enum value set: [Active, Inactive]")
	}
	if err := checkAccount(tx, k.AccountID); err != nil || k.UserName == "" {
		return err
	}
	if _, err := GetUser(tx, k.AccountID, k.UserName); errors.Is(err, store.ErrNotFound) {
		return noSuchEntity("The user with name %s cannot be found.", k.UserName)
	} else if err != nil {
		return err
	}
	return nil
}

// checkSecret never repeats the secret in its message.
func checkSecret(secret string) error {
	if len(secret) < 16 || len(secret) > 128 {
		return validationError("A secret access key must have between 16 and 128 characters.")
	}
	for i := range len(secret) {
		if secret[i] <= ' ' || secret[i] > '~' {
			return validationError("A secret access key must consist of printable ASCII characters without spaces.")
		}
	}
	return nil
}
