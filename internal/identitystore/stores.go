package identitystore

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/wire"
)

// IdentityStore is one directory; it belongs to one Identity Center instance.
type IdentityStore struct {
	ID          string    `store:"identity_store_id,key"` // d-…
	AccountID   string    `store:"account_id"`
	InstanceARN string    `store:"instance_arn"`
	CreatedAt   time.Time `store:"created_at"`
}

var stores = store.NewTable[IdentityStore](store.Spec{
	Name:   "identitystore_stores",
	Cached: true,
	Indexes: []store.Index{
		{Name: "account", Columns: []string{"account_id"}},
	},
})

// ARN is arn:aws:identitystore::ACCOUNT:identitystore/d-….
func (s IdentityStore) ARN() string { return storeARN(s.AccountID, s.ID) }

func storeARN(accountID, id string) string {
	return "arn:aws:identitystore::" + accountID + ":identitystore/" + id
}

var (
	storeID   = wire.NewPattern(`^(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$`)
	accountID = wire.NewPattern(`^[0-9]{12}$`)
)

// PutStore creates or replaces an identity store; CreatedAt is filled when new. Malformed ids are a ValidationException.
func PutStore(tx *store.Tx, s IdentityStore) error {
	if !storeID.MatchString(s.ID) {
		return invalid(tx.Context(), "The identity store id must be d- and ten lower-case hex digits, or a UUID.")
	}
	if !accountID.MatchString(s.AccountID) {
		return invalid(tx.Context(), "The account of an identity store must be twelve digits.")
	}
	if s.CreatedAt.IsZero() {
		switch old, err := stores.Get(tx, s.ID); {
		case err == nil:
			s.CreatedAt = old.CreatedAt
		case errors.Is(err, store.ErrNotFound):
			s.CreatedAt = tx.Now()
		default:
			return err
		}
	}
	return stores.Put(tx, s)
}

// openStore is the identity store that a caller names by id or ARN; every operation begins with it. A store of another
// account than the caller's is not found, as if there were none; nor is an ARN with another account than the store's.
func openStore(tx *store.Tx, given string) (IdentityStore, error) {
	id := storeIDOf(given)
	s, err := ownStore(tx, id)
	if err == nil && id != given && given != s.ARN() {
		err = store.ErrNotFound
	}
	return s, orNotFound(tx.Context(), err, typeStore, id)
}

// ownStore is the identity store with the id, if the caller's account owns it; store.ErrNotFound.
func ownStore(tx *store.Tx, id string) (IdentityStore, error) {
	s, err := stores.Get(tx, id)
	if err != nil {
		return IdentityStore{}, err
	}
	if account := callerAccount(tx.Context()); account == "" || account != s.AccountID {
		return IdentityStore{}, store.ErrNotFound
	}
	return s, nil
}

// storeIDOf is the id in what a caller may give as an id or as an ARN.
func storeIDOf(given string) string {
	return given[strings.LastIndexByte(given, '/')+1:]
}

func (s *Server) describeIdentityStore(ctx context.Context, in *DescribeIdentityStoreInput) (out *DescribeIdentityStoreOutput, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		dir, err := openStore(tx, in.IdentityStoreId)
		if err != nil {
			return err
		}
		out = &DescribeIdentityStoreOutput{
			IdentityStoreId:      &dir.ID,
			IdentityStoreArn:     new(dir.ARN()),
			NetworkConfiguration: &NetworkConfigurationDetails{VpceAccessRequired: new(bool)},
		}
		return nil
	})
	return out, err
}

// listIdentityStores shows a caller the stores of its own account.
func (s *Server) listIdentityStores(ctx context.Context, in *ListIdentityStoresInput) (out *ListIdentityStoresOutput, err error) {
	account := callerAccount(ctx)
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		page, err := s.openPage("ListIdentityStores", []string{account}, in.MaxResults, in.NextToken)
		if err != nil {
			return err
		}
		rows, err := stores.List(tx, page.query("account", account))
		if err != nil {
			return err
		}
		out = &ListIdentityStoresOutput{IdentityStores: []IdentityStoreItem{}}
		rows, out.NextToken = cutPage(page, rows, func(d IdentityStore) []string { return []string{d.ID} })
		for _, d := range rows {
			out.IdentityStores = append(out.IdentityStores, IdentityStoreItem{IdentityStoreId: &d.ID, IdentityStoreArn: new(d.ARN())})
		}
		return nil
	})
	return out, err
}
