package identitystore

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// edits is a fresh user and a way to update it with one operation.
func (h *house) edits(name string) (edit func(path string, value ...any) object, describe func() object) {
	id := h.user(testStore, name)
	edit = func(path string, value ...any) object {
		o := object{"AttributePath": path}
		if len(value) > 0 {
			o["AttributeValue"] = value[0]
		}
		return object{"IdentityStoreId": testStore, "UserId": id, "Operations": []object{o}}
	}
	describe = func() object {
		return h.ok("DescribeUser", object{"IdentityStoreId": testStore, "UserId": id, "Extensions": []string{enterprise}})
	}
	return edit, describe
}

func TestUpdateUserEveryPath(t *testing.T) {
	h := newHouse(t)
	edit, describe := h.edits("ada")
	for _, c := range []struct {
		path   string
		value  any
		member string
		want   any
		fixed  bool // cannot be removed
	}{
		{"userName", "Ada.2", "UserName", "Ada.2", true},
		{"displayName", "D", "DisplayName", "D", true},
		{"name", object{"givenName": "G", "familyName": "F"}, "Name", object{"GivenName": "G", "FamilyName": "F"}, true},
		{"name.givenName", "G2", "Name", object{"GivenName": "G2", "FamilyName": "F"}, true},
		{"name.familyName", "F2", "Name", object{"GivenName": "G2", "FamilyName": "F2"}, true},
		{"name.formatted", "x", "Name", object{"GivenName": "G2", "FamilyName": "F2", "Formatted": "x"}, false},
		{"userStatus", "DISABLED", "UserStatus", "DISABLED", true},
		{"nickName", "x", "NickName", "x", false},
		{"profileUrl", "x", "ProfileUrl", "x", false},
		{"userType", "x", "UserType", "x", false},
		{"title", "x", "Title", "x", false},
		{"preferredLanguage", "x", "PreferredLanguage", "x", false},
		{"locale", "x", "Locale", "x", false},
		{"timezone", "x", "Timezone", "x", false},
		{"website", "x", "Website", "x", false},
		{"birthdate", "2000-01-01", "Birthdate", "2000-01-01", false},
		{"emails", []object{{"value": "a@b", "type": "work", "primary": true}}, "Emails", []any{object{"Value": "a@b", "Type": "work", "Primary": true}}, false},
		{"addresses", []object{{"streetAddress": "s", "postalCode": "p"}}, "Addresses", []any{object{"StreetAddress": "s", "PostalCode": "p"}}, false},
		{"phoneNumbers", []object{{"value": "1"}}, "PhoneNumbers", []any{object{"Value": "1"}}, false},
		{"photos", []object{{"value": "u", "display": "d"}}, "Photos", []any{object{"Value": "u", "Display": "d"}}, false},
		{"roles", []object{{"value": "r"}}, "Roles", []any{object{"Value": "r"}}, false},
		{"externalIds", []object{{"issuer": "i", "id": "x"}}, "ExternalIds", []any{object{"Issuer": "i", "Id": "x"}}, false},
		{enterprise + ".manager.value", "m", "Extensions", object{enterprise: object{"manager": object{"value": "m"}}}, false},
		{enterprise, object{"department": "d"}, "Extensions", object{enterprise: object{"department": "d"}}, false},
	} {
		before := describe()[c.member]
		h.ok("UpdateUser", edit(c.path, c.value))
		if diff := cmp.Diff(c.want, describe()[c.member]); diff != "" {
			t.Errorf("%s: %s", c.path, diff)
		}
		if c.fixed {
			h.refused("ValidationException", "UpdateUser", edit(c.path))
			h.refused("ValidationException", "UpdateUser", edit(c.path, nil))
			continue
		}
		h.ok("UpdateUser", edit(c.path))
		if diff := cmp.Diff(before, describe()[c.member]); diff != "" {
			t.Errorf("%s removed: %s", c.path, diff)
		}
		h.ok("UpdateUser", edit(c.path, nil)) // removing what is not there is no error
	}
}

func TestUpdateUserRefuses(t *testing.T) {
	h := newHouse(t)
	edit, describe := h.edits("ada")
	h.user(testStore, "bob")
	before := describe()
	for _, c := range []struct {
		path  string
		value any
	}{
		{"unknown", "x"}, {"name.unknown", "x"}, {"emails.value", "x"}, {"groups", []string{"x"}}, {"revision", "x"},
		{"UserId", nobody}, {"createdBy", "x"}, {"aws:identitystore:other", object{}}, {"urn:ietf:params", "x"},
		{"displayName", ""}, {"displayName", 1}, {"displayName", []string{"x"}}, {"displayName", object{}}, {"displayName", "a\u0007"},
		{"userName", "a b"}, {"userName", "Administrator"}, {"userStatus", "disabled"}, {"userStatus", true},
		{"name", "Ada"}, {"name", object{"GivenName": "G", "FamilyName": "F"}}, {"name", object{"givenName": "only"}}, {"name", object{"givenName": 1}},
		{"emails", []object{}}, {"emails", "a@b"}, {"emails", object{"value": "a@b"}}, {"emails", []object{{"Value": "a@b"}}},
		{"emails", []object{{"value": "a"}, {"value": "b"}}}, {"emails", []object{{"value": ""}}}, {"emails", []object{{"value": "a", "x": 1}}},
		{"photos", []object{{"type": "x"}}}, {"externalIds", []object{{"issuer": "i"}}},
		{enterprise, "x"}, {enterprise, []string{}},
	} {
		h.refused("ValidationException", "UpdateUser", edit(c.path, c.value))
	}
	h.refused("ConflictException", "UpdateUser", edit("userName", "BOB"))
	// One bad operation spoils them all.
	body := edit("title", "Dr")
	body["Operations"] = append(body["Operations"].([]object), object{"AttributePath": "nope"})
	h.refused("ValidationException", "UpdateUser", body)
	if diff := cmp.Diff(before, describe()); diff != "" {
		t.Error("a refused update changed something:", diff)
	}
	// An extension's value inside of what is no object.
	h.ok("UpdateUser", edit(enterprise+".department", "d"))
	h.refused("ValidationException", "UpdateUser", edit(enterprise+".department.name", "d"))
}

func TestUpdateGroup(t *testing.T) {
	h := newHouse(t)
	id := h.group(testStore, "engineers")
	h.group(testStore, "others")
	edit := func(path string, value any) object {
		return object{"IdentityStoreId": testStore, "GroupId": id, "Operations": []object{{"AttributePath": path, "AttributeValue": value}}}
	}
	describe := func() object { return h.ok("DescribeGroup", object{"IdentityStoreId": testStore, "GroupId": id}) }
	h.ok("UpdateGroup", edit("displayName", "Makers"))
	h.ok("UpdateGroup", edit("description", "who make"))
	h.ok("UpdateGroup", edit("externalIds", []object{{"issuer": "i", "id": "g"}}))
	got := describe()
	want := object{"IdentityStoreId": testStore, "GroupId": id, "GroupArn": arn("group", id), "DisplayName": "Makers", "Description": "who make",
		"ExternalIds": []any{object{"Issuer": "i", "Id": "g"}}, "Revision": got["Revision"],
		"CreatedBy": testCaller, "UpdatedBy": testCaller, "CreatedAt": 1795348800.0, "UpdatedAt": 1795348800.0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = h.ok("GetGroupId", object{"IdentityStoreId": testStore, "AlternateIdentifier": object{"ExternalId": object{"Issuer": "i", "Id": "g"}}})
	if got["GroupId"] != id {
		t.Error(got)
	}
	h.ok("UpdateGroup", edit("description", nil))
	if describe()["Description"] != nil {
		t.Error("description must be gone")
	}
	for path, value := range map[string]any{"displayName": nil, "description": 1, "unknown": "x", "members": []string{}, "DisplayName": "Administrator"} {
		h.refused("ValidationException", "UpdateGroup", edit(path, value))
	}
	h.refused("ConflictException", "UpdateGroup", edit("displayName", "OTHERS"))
	h.refused("ConflictException", "CreateGroup", object{"IdentityStoreId": testStore, "DisplayName": "makers"})
	h.refused("ValidationException", "CreateGroup", object{"IdentityStoreId": testStore})
	h.refused("ValidationException", "CreateGroup", object{"IdentityStoreId": testStore, "DisplayName": "AWSAdministrators"})
}
