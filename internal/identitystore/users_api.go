package identitystore

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/symbolon/symbolon/internal/store"
)

// The values of UserStatus.
const (
	statusEnabled  = "ENABLED"
	statusDisabled = "DISABLED"
)

// user is the user that a caller names by id or ARN within a store, or the API's errors.
func (s IdentityStore) user(tx *store.Tx, given string) (User, error) {
	id, err := plainID(tx.Context(), kindUser, given)
	if err != nil {
		return User{}, err
	}
	u, err := users.Get(tx, s.ID, id)
	return u, orNotFound(tx.Context(), err, typeUser, id)
}

func (s *Server) createUser(ctx context.Context, in *CreateUserInput) (out *CreateUserOutput, err error) {
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		dir, err := openStore(tx, in.IdentityStoreId)
		if err != nil {
			return err
		}
		a := UserAttributes{
			Name: in.Name, DisplayName: in.DisplayName, NickName: in.NickName, ProfileUrl: in.ProfileUrl,
			Emails: in.Emails, Addresses: in.Addresses, PhoneNumbers: in.PhoneNumbers, UserType: in.UserType,
			Title: in.Title, PreferredLanguage: in.PreferredLanguage, Locale: in.Locale, Timezone: in.Timezone,
			Photos: in.Photos, Website: in.Website, Birthdate: in.Birthdate, Roles: in.Roles, Extensions: in.Extensions,
		}
		u := User{StoreID: dir.ID, Enabled: true, Attributes: store.LazyOf(a)}
		if in.UserName != nil {
			u.UserName = *in.UserName
		}
		if missing := u.missing(&a); missing != "" {
			return invalid(ctx, "%s is required.", missing)
		}
		if u, err = PutUser(tx, u); err != nil {
			return err
		}
		out = &CreateUserOutput{IdentityStoreId: dir.ID, UserId: u.ID, UserArn: arnOf(kindUser, u.ID), Revision: &u.Revision}
		return nil
	})
	return out, err
}

// missing names the first attribute that a user in IAM Identity Center must have and u has not, though the API's model
// calls it optional.
func (u *User) missing(a *UserAttributes) string {
	switch {
	case u.UserName == "":
		return "userName"
	case a.DisplayName == nil:
		return pathDisplayName
	case a.Name == nil:
		return "name"
	case a.Name.FamilyName == nil:
		return "name.familyName"
	case a.Name.GivenName == nil:
		return "name.givenName"
	}
	return ""
}

func (s *Server) describeUser(ctx context.Context, in *DescribeUserInput) (out *DescribeUserOutput, err error) {
	c := check{ctx: ctx}
	if c.extensionNames(in.Extensions); c.err != nil {
		return nil, c.err
	}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		dir, err := openStore(tx, in.IdentityStoreId)
		if err != nil {
			return err
		}
		u, err := dir.user(tx, in.UserId)
		if err != nil {
			return err
		}
		item, err := u.item(in.Extensions)
		out = new(DescribeUserOutput(item))
		return err
	})
	return out, err
}

// item is the user as the API shows it, with the extensions asked for.
func (u *User) item(extensions []string) (UserItem, error) {
	a, err := u.Attributes.Get()
	if err != nil {
		return UserItem{}, err
	}
	externals, err := u.ExternalIDs.Get()
	if err != nil {
		return UserItem{}, err
	}
	status := statusDisabled
	if u.Enabled {
		status = statusEnabled
	}
	i := UserItem{
		IdentityStoreId: u.StoreID, UserId: u.ID, UserName: &u.UserName, UserStatus: &status,
		Name: a.Name, DisplayName: a.DisplayName, NickName: a.NickName, ProfileUrl: a.ProfileUrl,
		Emails: a.Emails, Addresses: a.Addresses, PhoneNumbers: a.PhoneNumbers, UserType: a.UserType,
		Title: a.Title, PreferredLanguage: a.PreferredLanguage, Locale: a.Locale, Timezone: a.Timezone,
		Photos: a.Photos, Website: a.Website, Birthdate: a.Birthdate, Roles: a.Roles,
		CreatedAt: &u.CreatedAt, CreatedBy: given(u.CreatedBy), UpdatedAt: &u.UpdatedAt, UpdatedBy: given(u.UpdatedBy),
		UserArn: arnOf(kindUser, u.ID), Revision: &u.Revision,
	}
	if len(externals) > 0 {
		i.ExternalIds = externals
	}
	for _, name := range extensions {
		if d, ok := a.Extensions[name]; ok {
			if i.Extensions == nil {
				i.Extensions = map[string]jsontext.Value{}
			}
			i.Extensions[name] = d
		}
	}
	return i, nil
}

// given is s, absent when empty.
func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (s *Server) updateUser(ctx context.Context, in *UpdateUserInput) (out *UpdateUserOutput, err error) {
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		dir, err := openStore(tx, in.IdentityStoreId)
		if err != nil {
			return err
		}
		u, err := dir.user(tx, in.UserId)
		if err != nil {
			return err
		}
		if err := checkRevision(ctx, in.Revision, u.Revision); err != nil {
			return err
		}
		a, err := u.Attributes.Get()
		if err != nil {
			return err
		}
		had := u.missing(&a)
		if err := editUser(ctx, &u, &a, in.Operations); err != nil {
			return err
		}
		u.Attributes = store.LazyOf(a)
		// A user declared without them (symbolon apply) may stay so; one that has them keeps them.
		if missing := u.missing(&a); missing != had && missing != "" {
			return invalid(ctx, "%s is required and cannot be removed.", missing)
		}
		if u, err = PutUser(tx, u); err != nil {
			return err
		}
		out = &UpdateUserOutput{IdentityStoreId: &dir.ID, UserId: &u.ID, UserArn: arnOf(kindUser, u.ID), Revision: &u.Revision}
		return nil
	})
	return out, err
}

func (s *Server) deleteUser(ctx context.Context, in *DeleteUserInput) (*DeleteUserOutput, error) {
	return &DeleteUserOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		dir, err := openStore(tx, in.IdentityStoreId)
		if err != nil {
			return err
		}
		u, err := dir.user(tx, in.UserId)
		if err != nil {
			return err
		}
		if err := checkRevision(ctx, in.Revision, u.Revision); err != nil {
			return err
		}
		return s.DeleteUser(tx, dir.ID, u.ID)
	})
}

func (s *Server) listUsers(ctx context.Context, in *ListUsersInput) (out *ListUsersOutput, err error) {
	c := check{ctx: ctx}
	if c.extensionNames(in.Extensions); c.err != nil {
		return nil, c.err
	}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		dir, err := openStore(tx, in.IdentityStoreId)
		if err != nil {
			return err
		}
		page, err := s.openPage("ListUsers", listScope(dir, in.Filters), in.MaxResults, in.NextToken)
		if err != nil {
			return err
		}
		out = &ListUsersOutput{Users: []UserItem{}}
		rows, err := filteredOr(tx, in.Filters, pathUserName,
			func(name string) (User, error) { return GetUserByName(tx, dir.ID, name) },
			func() ([]User, error) { return users.List(tx, page.query("", dir.ID)) })
		if err != nil {
			return err
		}
		rows, out.NextToken = cutPage(page, rows, func(u User) []string { return []string{u.StoreID, u.ID} })
		for i := range rows {
			item, err := rows[i].item(in.Extensions)
			if err != nil {
				return err
			}
			out.Users = append(out.Users, item)
		}
		return nil
	})
	return out, err
}

// listScope is what a list of users or groups is of. Filters are part of it, as JSON, so that no value can pass for two.
func listScope(dir IdentityStore, filters []Filter) []string {
	scope := []string{dir.ID}
	for _, f := range filters {
		b, _ := json.Marshal([]string{f.AttributePath, f.AttributeValue}) // strings always marshal
		scope = append(scope, string(b))
	}
	return scope
}

// filteredOr is the one row that the deprecated filter of ListUsers and ListGroups finds, if there is a filter, or else
// a page of all rows.
func filteredOr[T any](tx *store.Tx, filters []Filter, path string, find func(string) (T, error), all func() ([]T, error)) ([]T, error) {
	if len(filters) == 0 {
		return all()
	}
	if !strings.EqualFold(filters[0].AttributePath, path) {
		return nil, invalid(tx.Context(), "The attribute path of the filter must be %s.", path)
	}
	row, err := find(filters[0].AttributeValue)
	return atMostOne(row, err)
}
