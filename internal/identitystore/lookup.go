package identitystore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/symbolon/symbolon/internal/store"
)

// ErrAmbiguous says that an attribute value hits more than one user.
var ErrAmbiguous = errors.New("identitystore: more than one user matches")

// The attribute paths that users can be looked up by.
const (
	pathUserName   = "userName"
	pathEmail      = "emails.value"
	pathExternalID = "externalIds.id"
)

// LookupPaths are the attribute paths FindUser knows.
func LookupPaths() []string { return []string{pathUserName, pathEmail, pathExternalID} }

// FindUser returns the one user whose attribute at path (one of LookupPaths) has the value: store.ErrNotFound,
// ErrAmbiguous, or an error for a path that cannot be looked up. Disabled users are returned; the caller judges.
//
// User names and email addresses match in any case, by Unicode simple case folding without normalization; letters that
// merely look alike do not match, and a letter outside ASCII never matches one inside, be it the Kelvin sign. External
// ids match exactly, whoever issued them.
func FindUser(tx *store.Tx, storeID, path, value string) (User, error) {
	if value == "" {
		return User{}, store.ErrNotFound
	}
	switch {
	case strings.EqualFold(path, pathUserName):
		return GetUserByName(tx, storeID, value)
	case strings.EqualFold(path, pathEmail):
		return findByEmail(tx, storeID, value)
	case strings.EqualFold(path, pathExternalID):
		return findByExternalID(tx, storeID, value)
	}
	return User{}, fmt.Errorf("identitystore: users cannot be looked up by %q", path)
}

func findByEmail(tx *store.Tx, storeID, value string) (User, error) {
	found, err := users.List(tx, store.Query{Index: "email", Values: []string{storeID, fold(value)}, Limit: 2})
	switch {
	case err != nil:
		return User{}, err
	case len(found) == 0:
		return User{}, store.ErrNotFound
	case len(found) > 1:
		return User{}, ErrAmbiguous
	}
	return found[0], nil
}

func findByExternalID(tx *store.Tx, storeID, value string) (User, error) {
	found, err := externalIDs.List(tx, store.Query{Index: "external_id", Values: []string{storeID, kindUser, value}})
	if err != nil {
		return User{}, err
	}
	if len(found) == 0 {
		return User{}, store.ErrNotFound
	}
	// Two issuers may have given the same id, to the same user or to two.
	if slices.ContainsFunc(found, func(e externalID) bool { return e.PrincipalID != found[0].PrincipalID }) {
		return User{}, ErrAmbiguous
	}
	return users.Get(tx, storeID, found[0].PrincipalID)
}

func (s *Server) getUserID(ctx context.Context, in *GetUserIdInput) (out *GetUserIdOutput, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		dir, err := openStore(tx, in.IdentityStoreId)
		if err != nil {
			return err
		}
		id, err := resolve(tx, dir, in.AlternateIdentifier, kindUser, []string{pathUserName, pathEmail}, userIDBy)
		if err != nil {
			return err
		}
		out = &GetUserIdOutput{IdentityStoreId: dir.ID, UserId: id, UserArn: arnOf(kindUser, id)}
		return nil
	})
	return out, err
}

func (s *Server) getGroupID(ctx context.Context, in *GetGroupIdInput) (out *GetGroupIdOutput, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		dir, err := openStore(tx, in.IdentityStoreId)
		if err != nil {
			return err
		}
		id, err := resolve(tx, dir, in.AlternateIdentifier, kindGroup, []string{pathDisplayName}, groupIDBy)
		if err != nil {
			return err
		}
		out = &GetGroupIdOutput{IdentityStoreId: dir.ID, GroupId: id, GroupArn: arnOf(kindGroup, id)}
		return nil
	})
	return out, err
}

func userIDBy(tx *store.Tx, storeID, path, value string) (string, error) {
	u, err := FindUser(tx, storeID, path, value)
	return u.ID, err
}

func groupIDBy(tx *store.Tx, storeID, _, value string) (string, error) {
	g, err := GetGroupByName(tx, storeID, value)
	return g.ID, err
}

// resolve finds the principal that an alternate identifier names: one of an external provider, or an attribute at one of
// the paths.
func resolve(tx *store.Tx, dir IdentityStore, by AlternateIdentifier, kind string, paths []string,
	find func(tx *store.Tx, storeID, path, value string) (string, error)) (id string, err error) {
	ctx := tx.Context()
	switch {
	case by.ExternalId != nil:
		id, err = principalByExternalID(tx, kind, dir.ID, *by.ExternalId)
	case by.UniqueAttribute != nil:
		path := by.UniqueAttribute.AttributePath
		if !slices.ContainsFunc(paths, func(p string) bool { return strings.EqualFold(p, path) }) {
			return "", invalid(ctx, "The attribute path of a unique attribute must be one of: %s.", strings.Join(paths, ", "))
		}
		var value string
		if json.Unmarshal(by.UniqueAttribute.AttributeValue, &value) != nil || by.UniqueAttribute.AttributeValue.Kind() != '"' {
			return "", invalid(ctx, "The attribute value of a unique attribute must be a string.")
		}
		id, err = find(tx, dir.ID, path, value)
	default:
		return "", invalid(ctx, "The alternate identifier must have an ExternalId or a UniqueAttribute.")
	}
	if errors.Is(err, ErrAmbiguous) {
		e := notFound(ctx, resourceTypes[kind], "")
		e.Message, e.Reason = "More than one "+resourceTypes[kind]+" matches.", err.Error()
		return "", e
	}
	return id, orNotFound(ctx, err, resourceTypes[kind], "")
}
