package symbolon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

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
	wanted, err := wantedUser(existing, d, ok)
	if err != nil {
		return at("user", d.UserName, err)
	}
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

// wantedUser is the record with what is declared; what is left out stays, and a new user is enabled.
func wantedUser(u identitystore.User, d UserDeclaration, exists bool) (identitystore.User, error) {
	a, err := u.Attributes.Get()
	if err != nil {
		return u, err
	}
	u.UserName, u.Enabled = d.UserName, declared(d.Enabled, u.Enabled, exists)
	if d.GivenName != "" || d.FamilyName != "" || a.Name == nil {
		var old identitystore.Name
		if a.Name != nil {
			old = *a.Name
		}
		old.GivenName = text(cmp.Or(d.GivenName, value(old.GivenName), d.UserName))
		old.FamilyName = text(cmp.Or(d.FamilyName, value(old.FamilyName), d.UserName))
		a.Name = &old
	}
	if d.DisplayName != "" || a.DisplayName == nil {
		full := strings.TrimSpace(d.GivenName + " " + d.FamilyName)
		a.DisplayName = text(cmp.Or(d.DisplayName, full, d.UserName))
	}
	if d.Email != "" {
		primary := true
		a.Emails = []identitystore.Email{{Value: &d.Email, Type: text("work"), Primary: &primary}}
	}
	if d.ExternalIDs != nil {
		var list []identitystore.ExternalId
		for issuer, id := range d.ExternalIDs {
			list = append(list, identitystore.ExternalId{Issuer: issuer, Id: id})
		}
		slices.SortFunc(list, func(x, y identitystore.ExternalId) int { return cmp.Compare(x.Issuer, y.Issuer) })
		u.ExternalIDs = store.LazyOf(list)
	}
	u.Attributes = store.LazyOf(a)
	return u, nil
}

// declared is a switch that is on for what is new, and otherwise as it is, unless the file says: a file that does not speak of it must
// not turn on again what an operator turned off.
func declared(says *bool, now, exists bool) bool {
	if says != nil {
		return *says
	}
	return now || !exists
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func text(s string) *string { return &s }

// applyPassword sets the password only when it differs, so that applying twice changes nothing. A new user's is part of the creation.
func (a *applier) applyPassword(d UserDeclaration, userID string, existed bool) error {
	stored, err := identitystore.PasswordHash(a.tx, a.instance.IdentityStoreID, userID)
	if err != nil {
		return at("user", d.UserName, err)
	}
	same, err := a.hashes.matches(a.s.directory, stored, d.Password)
	if err != nil || same {
		return err
	}
	hash, err := a.hashes.hash(a.tx.Context(), a.s.directory, d.Password)
	if err == nil {
		err = a.s.directory.SetPasswordHash(a.tx, a.instance.IdentityStoreID, userID, hash)
	}
	if err != nil {
		return at("user", d.UserName, err)
	}
	if existed {
		a.changed("updated", "password", d.UserName)
	}
	return nil
}

// hashes remembers what one Apply hashed and compared: a run after a conflict holds locks that a hash is too slow for.
type hashes struct {
	made     map[string]string
	compared map[[2]string]bool
}

func (h *hashes) hash(ctx context.Context, directory *identitystore.Server, password string) (string, error) {
	if made, ok := h.made[password]; ok {
		return made, nil
	}
	made, err := directory.HashPassword(ctx, password)
	if err == nil {
		h.made[password] = made
	}
	return made, err
}

func (h *hashes) matches(directory *identitystore.Server, stored, password string) (bool, error) {
	key := [2]string{stored, password}
	if same, ok := h.compared[key]; ok {
		return same, nil
	}
	same, err := directory.HashMatches(stored, password)
	if err == nil {
		h.compared[key] = same
	}
	return same, err
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
