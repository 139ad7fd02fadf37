package identitystore

import (
	"errors"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/wire"
)

// User is a directory user. Attributes the API has are columns; folded copies serve lookups.
type User struct {
	StoreID     string                   `store:"identity_store_id,key"`
	ID          string                   `store:"user_id,key"`
	UserName    string                   `store:"user_name"`
	UserNameKey string                   `store:"user_name_key"` // case-folded; unique within the store
	EmailKey    string                   `store:"email_key"`     // case-folded email value, "" when none
	Enabled     bool                     `store:"enabled"`       // UserStatus
	ExternalIDs store.Lazy[[]ExternalId] `store:"external_ids"`
	// Attributes holds all else the API shows, by the API's own type.
	Attributes store.Lazy[UserAttributes] `store:"attributes"`
	CreatedAt  time.Time                  `store:"created_at"`
	UpdatedAt  time.Time                  `store:"updated_at"`
	CreatedBy  string                     `store:"created_by"` // ARN of the caller; empty when it was no API call
	UpdatedBy  string                     `store:"updated_by"`
	Revision   string                     `store:"revision"`
	// SignedOutBefore is when the password last changed; zero while it is the first one. See SignedOut.
	SignedOutBefore time.Time `store:"signed_out_before"`
}

// SignedOut says whether what the user signed in for at the given time has ended since, because the password changed:
// compared by the second, as tokens tell the time, and the second of the change itself counts as after it.
func (u User) SignedOut(signedIn time.Time) bool {
	return signedIn.Unix() < u.SignedOutBefore.Unix()
}

var users = store.NewTable[User](store.Spec{
	Name:   "identitystore_users",
	Cached: true,
	Packed: true,
	Indexes: []store.Index{
		{Name: "name", Columns: []string{"identity_store_id", "user_name_key"}, Unique: true},
		{Name: "email", Columns: []string{"identity_store_id", "email_key"}, Sparse: true},
	},
})

// principalID is what an id must look like that the caller of PutUser or PutGroup chooses.
var principalID = wire.NewPattern(`^([0-9a-f]{10}-)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

const (
	duplicateUserName   = "Duplicate UserName"
	duplicateExternalID = "Duplicate ExternalId"
)

// GetUser returns a user by id; store.ErrNotFound.
//
// It is not inlined: in another room the compiler would put its arguments on the heap.
//
//go:noinline
func GetUser(tx *store.Tx, storeID, userID string) (User, error) {
	return users.Get(tx, storeID, userID)
}

// GetUserByName resolves a user name, whatever its case (see FindUser); store.ErrNotFound.
func GetUserByName(tx *store.Tx, storeID, userName string) (User, error) {
	return users.GetBy(tx, "name", storeID, fold(userName))
}

// ListUsers returns all users of a store in the order of their ids.
func ListUsers(tx *store.Tx, storeID string) ([]User, error) {
	return users.List(tx, store.Query{Values: []string{storeID}})
}

// PutUser creates a user (no ID, or an ID that is not there) or replaces one, and returns it as it is now. It fills ID,
// keys, times, authors and Revision; a user equal to the one that is there is left alone, revision and all.
//
// Every value is held to the constraints of the API's model. Only UserName is required: that a display name and a name
// must be there is CreateUser's rule. Errors are *wire.Error: ValidationException, ConflictException for a user name or
// external id that is taken, ResourceNotFoundException for an unknown store.
func PutUser(tx *store.Tx, u User) (User, error) {
	if err := checkUser(tx, &u); err != nil {
		return User{}, err
	}
	old, err := users.Get(tx, u.StoreID, u.ID)
	isNew := errors.Is(err, store.ErrNotFound)
	if err != nil && !isNew {
		return User{}, err
	}
	u.UserNameKey = fold(u.UserName)
	u.CreatedAt, u.CreatedBy = old.CreatedAt, old.CreatedBy
	u.UpdatedAt, u.UpdatedBy, u.Revision = old.UpdatedAt, old.UpdatedBy, old.Revision
	u.SignedOutBefore = old.SignedOutBefore
	if !isNew {
		if same, err := sameRecord(old, u); same || err != nil {
			return old, err
		}
	}
	u.UpdatedAt, u.UpdatedBy, u.Revision = tx.Now(), callerARN(tx.Context()), newRevision()
	if isNew {
		u.CreatedAt, u.CreatedBy = u.UpdatedAt, u.UpdatedBy
	}
	if err := putUserExternalIDs(tx, u, old.ExternalIDs, u.ExternalIDs); err != nil {
		return User{}, err
	}
	if err := users.Put(tx, u); err != nil {
		return User{}, orDuplicate(tx.Context(), err, duplicateUserName)
	}
	return u, nil
}

// checkUser judges a user before it is written, gives a new one its id, and settles the form of its attributes.
func checkUser(tx *store.Tx, u *User) error {
	ctx := tx.Context()
	attributes, err := u.Attributes.Get()
	if err != nil {
		return err
	}
	externals, err := u.ExternalIDs.Get()
	if err != nil {
		return err
	}
	if _, err := stores.Get(tx, u.StoreID); err != nil {
		return orNotFound(ctx, err, typeStore, u.StoreID)
	}
	c := check{ctx: ctx}
	if u.ID == "" {
		u.ID = newID()
	} else if !principalID.MatchString(u.ID) {
		c.fail("The user id is malformed.")
	}
	c.pattern("userName", u.UserName, maxUserName, word)
	c.reserved("userName", u.UserName)
	c.attributes(&attributes)
	c.externalIDs(externals)
	if c.err != nil {
		return c.err
	}
	if attributes.Extensions, err = compactAll(attributes.Extensions); err != nil {
		return err
	}
	u.EmailKey, u.Attributes = emailKey(attributes.Emails), store.LazyOf(attributes)
	other, err := GetUserByName(tx, u.StoreID, u.UserName)
	if err == nil && other.ID != u.ID {
		return duplicate(ctx, duplicateUserName)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return nil
}

// emailKey is what an email address is looked up by.
func emailKey(emails []Email) string {
	if len(emails) == 0 || emails[0].Value == nil {
		return ""
	}
	return fold(*emails[0].Value)
}

// compactAll strips the insignificant space of documents, so that equal ones are equal bytes.
func compactAll(documents map[string]jsontext.Value) (map[string]jsontext.Value, error) {
	if len(documents) == 0 {
		return nil, nil
	}
	out := make(map[string]jsontext.Value, len(documents))
	for name, d := range documents {
		d = d.Clone()
		if err := d.Compact(); err != nil {
			return nil, err
		}
		out[name] = d
	}
	return out, nil
}

// sameRecord says whether two rows hold the same.
func sameRecord[T any](a, b T) (bool, error) {
	x, err := json.Marshal(a, json.Deterministic(true))
	if err != nil {
		return false, err
	}
	y, err := json.Marshal(b, json.Deterministic(true))
	return string(x) == string(y), err
}

func putUserExternalIDs(tx *store.Tx, u User, old, list store.Lazy[[]ExternalId]) error {
	was, err := old.Get()
	if err != nil {
		return err
	}
	is, err := list.Get()
	if err != nil {
		return err
	}
	return putExternalIDs(tx, kindUser, u.StoreID, u.ID, was, is)
}

// DeleteUser deletes a user with its memberships, external ids and password, and what upper rooms hang on it (OnDelete).
// store.ErrNotFound when there is none.
func (s *Server) DeleteUser(tx *store.Tx, storeID, userID string) error {
	u, err := users.Get(tx, storeID, userID)
	if err != nil {
		return err
	}
	if err := leaveGroups(tx, storeID, userID); err != nil {
		return err
	}
	if err := putUserExternalIDs(tx, u, u.ExternalIDs, store.Lazy[[]ExternalId]{}); err != nil {
		return err
	}
	if err := passwords.Delete(tx, storeID, userID); err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err := users.Delete(tx, storeID, userID); err != nil {
		return err
	}
	return s.deleted(tx, storeID, typeUser, userID)
}

// deleted runs the upper rooms' clean-up.
func (s *Server) deleted(tx *store.Tx, storeID, principalType, principalID string) error {
	if s.OnDelete == nil {
		return nil
	}
	return s.OnDelete(tx, storeID, principalType, principalID)
}
