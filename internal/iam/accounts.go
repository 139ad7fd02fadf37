package iam

import (
	"time"
	"unicode/utf8"

	"github.com/symbolon/symbolon/internal/store"
)

// Account is a member of the organization.
type Account struct {
	ID        string    `store:"account_id,key"`
	Name      string    `store:"name"`
	Email     string    `store:"email"`
	CreatedAt time.Time `store:"created_at"`
}

var accounts = store.NewTable[Account](store.Spec{Name: "iam_accounts", Cached: true})

// GetAccount returns the account, or store.ErrNotFound.
func GetAccount(tx *store.Tx, id string) (Account, error) { return accounts.Get(tx, id) }

// ListAccounts returns all accounts by id.
func ListAccounts(tx *store.Tx) ([]Account, error) { return accounts.List(tx, store.Query{}) }

// PutAccount adds or changes an account. CreatedAt of an existing one stays as it is.
func PutAccount(tx *store.Tx, a Account) error {
	if err := checkAccountID(a.ID); err != nil {
		return err
	}
	if utf8.RuneCountInString(a.Name) > 50 {
		return constraint("accountName", a.Name, "have length less than or equal to 50")
	}
	if utf8.RuneCountInString(a.Email) > 64 {
		return constraint("email", a.Email, "have length less than or equal to 64")
	}
	old, found, err := existing(accounts.Get(tx, a.ID))
	if err != nil {
		return err
	}
	a.CreatedAt = firstTime(old.CreatedAt, found, a.CreatedAt, tx.Now())
	return accounts.Put(tx, a)
}
