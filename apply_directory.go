package symbolon

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/store"
)

func (a *applier) applyUsers() error {
	for _, d := range a.o.Users {
		if err := a.applyUser(d); err != nil {
			return err
		}
	}
	return nil
}

func (a *applier) applyUser(d UserDeclaration) error {
	existing, err := identitystore.GetUserByName(a.tx, a.instance.IdentityStoreID, d.UserName)
	ok, err := found(err)
	if err != nil {
		return at("user", d.UserName, err)
	}
	wanted := wantedUser(existing, d)
	wanted.StoreID = a.instance.IdentityStoreID
	id := existing.ID
	err = settle(a, "user", d.UserName, existing, ok, wanted, func(u identitystore.User) error {
		put, err := identitystore.PutUser(a.tx, u)
		id = put.ID
		return err
	})
	if err != nil || d.Password == "" {
		return err
	}
	return a.applyPassword(d, id, ok)
}

// wantedUser is the record with what is declared; what is left out stays.
func wantedUser(u identitystore.User, d UserDeclaration) identitystore.User {
	u.UserName, u.Enabled = d.UserName, d.Enabled == nil || *d.Enabled
	display := cmp.Or(d.DisplayName, d.GivenName+" "+d.FamilyName)
	if d.DisplayName == "" && d.GivenName == "" && d.FamilyName == "" {
		display = d.UserName
	}
	if d.DisplayName != "" || u.Attributes.DisplayName == nil {
		u.Attributes.DisplayName = &display
	}
	if d.GivenName != "" || d.FamilyName != "" || u.Attributes.Name == nil {
		u.Attributes.Name = &identitystore.Name{
			GivenName: text(cmp.Or(d.GivenName, d.UserName)), FamilyName: text(cmp.Or(d.FamilyName, d.UserName)),
		}
	}
	if d.Email != "" {
		primary := true
		u.Attributes.Emails = []identitystore.Email{{Value: &d.Email, Type: text("work"), Primary: &primary}}
	}
	if d.ExternalIDs != nil {
		u.ExternalIDs = nil
		for issuer, id := range d.ExternalIDs {
			u.ExternalIDs = append(u.ExternalIDs, identitystore.ExternalId{Issuer: issuer, Id: id})
		}
		slices.SortFunc(u.ExternalIDs, func(x, y identitystore.ExternalId) int { return cmp.Compare(x.Issuer, y.Issuer) })
	}
	return u
}

func text(s string) *string { return &s }

// applyPassword sets the password only when it differs, so that applying twice changes nothing.
func (a *applier) applyPassword(d UserDeclaration, userID string, existed bool) error {
	if existed {
		ok, err := a.s.directory.PasswordMatches(a.tx, a.instance.IdentityStoreID, userID, d.Password)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return at("user", d.UserName, err)
		}
		if ok {
			return nil
		}
		a.changed("updated", "password", d.UserName)
	}
	if err := a.s.directory.SetPassword(a.tx, a.instance.IdentityStoreID, userID, d.Password); err != nil {
		return at("user", d.UserName, err)
	}
	return nil
}

func (a *applier) applyGroups() error {
	for _, d := range a.o.Groups {
		existing, err := identitystore.GetGroupByName(a.tx, a.instance.IdentityStoreID, d.Name)
		ok, err := found(err)
		if err != nil {
			return at("group", d.Name, err)
		}
		wanted, id := existing, existing.ID
		wanted.StoreID, wanted.DisplayName = a.instance.IdentityStoreID, d.Name
		if d.Description != "" {
			wanted.Description = d.Description
		}
		err = settle(a, "group", d.Name, existing, ok, wanted, func(g identitystore.Group) error {
			put, err := identitystore.PutGroup(a.tx, g)
			id = put.ID
			return err
		})
		if err == nil && d.Members != nil {
			err = a.applyMembers(d.Name, id, *d.Members)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// applyMembers makes the group's members exactly these.
func (a *applier) applyMembers(group, groupID string, members []string) error {
	wanted := map[string]bool{}
	for _, name := range members {
		id, err := a.userID("group "+group, name)
		if err != nil {
			return err
		}
		wanted[id] = true
		added, err := identitystore.AddMember(a.tx, a.instance.IdentityStoreID, groupID, id)
		if err != nil {
			return at("group", group, err)
		}
		if added {
			a.changed("created", "membership", group+"/"+name)
		}
	}
	present, err := identitystore.MemberIDs(a.tx, a.instance.IdentityStoreID, groupID)
	if err != nil {
		return err
	}
	for _, id := range present {
		if wanted[id] {
			continue
		}
		if _, err := identitystore.RemoveMember(a.tx, a.instance.IdentityStoreID, groupID, id); err != nil {
			return at("group", group, err)
		}
		a.changed("removed", "membership", group+"/"+a.userName(id))
	}
	return nil
}

// userID resolves a user name used at some place of the file.
func (a *applier) userID(place, name string) (string, error) {
	u, err := identitystore.GetUserByName(a.tx, a.instance.IdentityStoreID, name)
	if errors.Is(err, store.ErrNotFound) {
		return "", fmt.Errorf("%s: no user is called %q", place, name)
	}
	return u.ID, err
}

// userName is a user's name for the report, its id if it is gone.
func (a *applier) userName(id string) string {
	if u, err := identitystore.GetUser(a.tx, a.instance.IdentityStoreID, id); err == nil {
		return u.UserName
	}
	return id
}

// principalName is the same for a user or a group.
func (a *applier) principalName(kind, id string) string {
	if kind == "USER" {
		return a.userName(id)
	}
	if g, err := identitystore.GetGroup(a.tx, a.instance.IdentityStoreID, id); err == nil {
		return g.DisplayName
	}
	return id
}
