package identitystore

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/symbolon/symbolon/internal/store"
)

func TestCreateUserShowsEverything(t *testing.T) {
	h := newHouse(t)
	sent := object{
		"IdentityStoreId": testStore, "UserName": "ada", "DisplayName": "Ada L", "NickName": "Ad", "ProfileUrl": "https://x",
		"Name":   object{"GivenName": "Ada", "FamilyName": "Lovelace", "Formatted": "Ada Lovelace", "MiddleName": "K", "HonorificPrefix": "Lady", "HonorificSuffix": "PhD"},
		"Emails": []any{object{"Value": "ada@example.com", "Type": "work", "Primary": true}},
		"Addresses": []any{object{"StreetAddress": "1 Way", "Locality": "London", "Region": "L", "PostalCode": "N1", "Country": "UK",
			"Formatted": "1 Way\nLondon", "Type": "home", "Primary": false}},
		"PhoneNumbers": []any{object{"Value": "+1", "Type": "work", "Primary": true}},
		"UserType":     "person", "Title": "Countess", "PreferredLanguage": "en", "Locale": "en-GB", "Timezone": "UTC",
		"Photos":  []any{object{"Value": "https://p", "Type": "t", "Display": "d", "Primary": true}},
		"Website": "https://w", "Birthdate": "1815-12-10", "Roles": []any{object{"Value": "Analyst", "Type": "Work", "Primary": true}},
		"Extensions": object{enterprise: object{"department": "Engines"}},
	}
	id := h.ok("CreateUser", sent)["UserId"].(string)
	got := h.ok("DescribeUser", object{"IdentityStoreId": testStore, "UserId": id, "Extensions": []string{enterprise}})
	want := with(sent, object{"UserId": id, "UserStatus": "ENABLED", "UserArn": arn("user", id), "Revision": got["Revision"],
		"CreatedBy": testCaller, "UpdatedBy": testCaller, "CreatedAt": 1795348800.0, "UpdatedAt": 1795348800.0})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// Extensions are only shown to whom asks.
	got = h.ok("DescribeUser", object{"IdentityStoreId": testStore, "UserId": id})
	if got["Extensions"] != nil {
		t.Error("extensions unasked")
	}
	list := h.ok("ListUsers", object{"IdentityStoreId": testStore, "Extensions": []string{enterprise}})["Users"].([]any)
	if diff := cmp.Diff([]any{want}, list); diff != "" {
		t.Error(diff)
	}
}

func TestCreateUserRefuses(t *testing.T) {
	h := newHouse(t)
	h.user(testStore, "ada")
	good := newUser(testStore, "bob")
	long := strings.Repeat("x", 1025)
	for what, replace := range map[string]object{
		"no user name":        {"UserName": nil},
		"no display name":     {"DisplayName": nil},
		"no name":             {"Name": nil},
		"no family name":      {"Name": object{"GivenName": "x"}},
		"no given name":       {"Name": object{"FamilyName": "x"}},
		"space in user name":  {"UserName": "a b"},
		"long user name":      {"UserName": strings.Repeat("x", 129)},
		"empty user name":     {"UserName": ""},
		"reserved name":       {"UserName": "Administrator"},
		"reserved name, case": {"UserName": "awsadministrators"},
		"long title":          {"Title": long},
		"control character":   {"Title": "a\u0007b"},
		"two emails":          {"Emails": []object{{"Value": "a"}, {"Value": "b"}}},
		"no emails":           {"Emails": []object{}},
		"photo without value": {"Photos": []object{{"Type": "x"}}},
		"two primary photos":  {"Photos": []object{{"Value": "a", "Primary": true}, {"Value": "b", "Primary": true}}},
		"unknown extension":   {"Extensions": object{"aws:identitystore:other": object{}}},
		"extension no object": {"Extensions": object{enterprise: "x"}},
		"extension too large": {"Extensions": object{enterprise: object{"x": strings.Repeat("x", maxExtension)}}},
	} {
		e := h.refused("ValidationException", "CreateUser", with(good, replace))
		if strings.Contains(e["Message"].(string), long) {
			t.Errorf("%s: the message repeats the value", what)
		}
	}
	for _, name := range []string{"ada", "ADA", "Ada"} {
		e := h.refused("ConflictException", "CreateUser", newUser(testStore, name))
		if e["Reason"] != reasonUniqueness || e["Message"] != duplicateUserName {
			t.Error(e)
		}
	}
	h.user(otherStore, "ada") // another store, another name space
}

func TestUserNameIsUniqueUnderConcurrency(t *testing.T) {
	h := newHouse(t)
	var wg sync.WaitGroup
	codes := make(chan int, 20)
	for range 20 {
		wg.Go(func() {
			status, _ := h.call("CreateUser", newUser(testStore, "ada"))
			codes <- status
		})
	}
	wg.Wait()
	close(codes)
	count := map[int]int{}
	for c := range codes {
		count[c]++
	}
	if count[200] != 1 || count[409] != 19 {
		t.Error(count)
	}
}

func TestRevision(t *testing.T) {
	h := newHouse(t)
	created := h.ok("CreateUser", newUser(testStore, "ada"))
	update := object{"IdentityStoreId": testStore, "UserId": created["UserId"], "Revision": created["Revision"],
		"Operations": []object{{"AttributePath": "title", "AttributeValue": "Dr"}}}
	updated := h.ok("UpdateUser", update)
	if updated["Revision"] == created["Revision"] {
		t.Error("an update must change the revision")
	}
	if again := h.ok("UpdateUser", with(update, object{"Revision": nil})); again["Revision"] != updated["Revision"] {
		t.Error("an update that changes nothing must leave the revision")
	}
	for _, operation := range []string{"UpdateUser", "DeleteUser"} {
		e := h.refused("ConflictException", operation, update)
		if e["Reason"] != reasonModification || e["RequestId"] == nil {
			t.Error(e)
		}
	}
	h.ok("DeleteUser", object{"IdentityStoreId": testStore, "UserId": created["UserId"], "Revision": updated["Revision"]})

	g := h.ok("CreateGroup", object{"IdentityStoreId": testStore, "DisplayName": "g"})
	for _, operation := range []string{"UpdateGroup", "DeleteGroup"} {
		e := h.refused("ConflictException", operation, object{"IdentityStoreId": testStore, "GroupId": g["GroupId"], "Revision": "other",
			"Operations": []object{{"AttributePath": "displayName", "AttributeValue": "h"}}})
		if e["Reason"] != reasonModification {
			t.Error(e)
		}
	}
}

func TestARNsAsIDs(t *testing.T) {
	h := newHouse(t)
	th := h.fill(testStore)
	dir := "arn:aws:identitystore::" + testAccount + ":identitystore/" + testStore
	got := h.ok("DescribeUser", object{"IdentityStoreId": dir, "UserId": arn("user", th.user)})
	if got["UserId"] != th.user || got["IdentityStoreId"] != testStore {
		t.Error("answers name ids, not ARNs:", got)
	}
	h.ok("DescribeGroupMembership", object{"IdentityStoreId": dir, "MembershipId": arn("membership", th.membership)})
	h.ok("IsMemberInGroups", object{"IdentityStoreId": dir, "MemberId": object{"UserId": arn("user", th.user)}, "GroupIds": []string{arn("group", th.group)}})

	h.refused("ValidationException", "DescribeUser", object{"IdentityStoreId": dir, "UserId": arn("group", th.user)})
	h.refused("ResourceNotFoundException", "DescribeUser", object{"IdentityStoreId": testStore, "UserId": "arn:aws-cn:identitystore:::user/" + th.user})
	h.refused("ResourceNotFoundException", "DescribeUser", object{
		"IdentityStoreId": "arn:aws:identitystore::999999999999:identitystore/" + testStore, "UserId": th.user})
	h.refused("ResourceNotFoundException", "DescribeIdentityStore", object{
		"IdentityStoreId": "arn:aws-cn:identitystore::" + testAccount + ":identitystore/" + testStore})
}

func TestDeleteUserTakesEverythingWithIt(t *testing.T) {
	h := newHouse(t)
	th := h.fill(testStore)
	h.update(func(tx *store.Tx) error { return h.SetPassword(tx, testStore, th.user, "correct horse") })
	h.ok("DeleteUser", object{"IdentityStoreId": testStore, "UserId": th.user})
	h.view(func(tx *store.Tx) error {
		if ids, err := GroupIDs(tx, testStore, th.user); err != nil || len(ids) > 0 {
			t.Error(ids, err)
		}
		if _, err := passwords.Get(tx, testStore, th.user); err != store.ErrNotFound {
			t.Error("password:", err)
		}
		if _, err := FindUser(tx, testStore, pathExternalID, "ada-"+testStore); err != store.ErrNotFound {
			t.Error("external id:", err)
		}
		return nil
	})
	h.refused("ResourceNotFoundException", "DescribeGroupMembership", object{"IdentityStoreId": testStore, "MembershipId": th.membership})
	h.refused("ResourceNotFoundException", "DeleteUser", object{"IdentityStoreId": testStore, "UserId": th.user})
	h.membership(testStore, th.group, th.user2)
	h.ok("DeleteGroup", object{"IdentityStoreId": testStore, "GroupId": th.group})
	h.view(func(tx *store.Tx) error {
		if ids, err := GroupIDs(tx, testStore, th.user2); err != nil || len(ids) > 0 {
			t.Error(ids, err)
		}
		return nil
	})
	want := []string{testStore + " USER " + th.user, testStore + " GROUP " + th.group}
	if diff := cmp.Diff(want, h.deleted); diff != "" {
		t.Error("OnDelete:", diff)
	}
	h.user(testStore, "ada") // the name is free again
}

// When the upper rooms cannot clean up, nothing is deleted.
func TestOnDeleteCancels(t *testing.T) {
	h := newHouse(t)
	th := h.fill(testStore)
	before := h.dump()
	h.OnDelete = func(*store.Tx, string, string, string) error { return store.ErrUnavailable }
	for _, name := range []string{"DeleteUser", "DeleteGroup"} {
		if status, _ := h.call(name, th.bodies()[name]); status < 500 {
			t.Error(name, status)
		}
	}
	if diff := cmp.Diff(before, h.dump()); diff != "" {
		t.Error(diff)
	}
}

func TestPutUser(t *testing.T) {
	h := newHouse(t)
	var first, second User
	h.update(func(tx *store.Tx) (err error) {
		first, err = PutUser(tx, User{StoreID: testStore, UserName: "Ada", Enabled: true,
			Attributes: store.LazyOf(UserAttributes{Emails: []Email{{Value: new("Ada@Example.com")}}})})
		return err
	})
	if first.ID == "" || first.Revision == "" || first.UserNameKey != "ada" || first.EmailKey != "ada@example.com" || first.CreatedBy != "" {
		t.Errorf("%+v", first)
	}
	h.clock.advance(1e9)
	h.update(func(tx *store.Tx) (err error) {
		second, err = PutUser(tx, User{StoreID: testStore, ID: first.ID, UserName: "Ada", Enabled: true,
			Attributes: store.LazyOf(UserAttributes{Emails: []Email{{Value: new("Ada@Example.com")}}})})
		return err
	})
	if diff := cmp.Diff(first, second); diff != "" {
		t.Error("the same user twice must change nothing:", diff)
	}
	for what, u := range map[string]User{
		"unknown store":  {StoreID: "d-ffffffffff", UserName: "x"},
		"no name":        {StoreID: testStore},
		"bad id":         {StoreID: testStore, ID: "x", UserName: "x"},
		"unknown- id":    {StoreID: testStore, ID: "unknown-00", UserName: "x"},
		"bad title":      {StoreID: testStore, UserName: "x", Attributes: store.LazyOf(UserAttributes{Title: new("\x00")})},
		"not UTF-8":      {StoreID: testStore, UserName: "\xff"},
		"bad address":    {StoreID: testStore, UserName: "x", Attributes: store.LazyOf(UserAttributes{Addresses: []Address{{Region: new("")}}})},
		"bad phone":      {StoreID: testStore, UserName: "x", Attributes: store.LazyOf(UserAttributes{PhoneNumbers: []PhoneNumber{{Type: new("")}}})},
		"bad role":       {StoreID: testStore, UserName: "x", Attributes: store.LazyOf(UserAttributes{Roles: []Role{{Value: new("")}}})},
		"bad name part":  {StoreID: testStore, UserName: "x", Attributes: store.LazyOf(UserAttributes{Name: &Name{Formatted: new("")}})},
		"external space": {StoreID: testStore, UserName: "x", ExternalIDs: store.LazyOf([]ExternalId{{Issuer: "a b", Id: "x"}})},
		"external twice": {StoreID: testStore, UserName: "x", ExternalIDs: store.LazyOf([]ExternalId{{Issuer: "a", Id: "x"}, {Issuer: "a", Id: "x"}})},
		"external many":  {StoreID: testStore, UserName: "x", ExternalIDs: store.LazyOf(make([]ExternalId, 11))},
	} {
		if err := h.DB.Update(t.Context(), func(tx *store.Tx) error { _, err := PutUser(tx, u); return err }); err == nil {
			t.Errorf("%s: must be refused", what)
		}
	}
}

func TestPutStore(t *testing.T) {
	h := newHouse(t)
	for _, s := range []IdentityStore{{}, {ID: "d-1", AccountID: testAccount}, {ID: NewStoreID()}, {ID: NewStoreID(), AccountID: "1"}} {
		if err := h.DB.Update(t.Context(), func(tx *store.Tx) error { return PutStore(tx, s) }); err == nil {
			t.Errorf("%+v must be refused", s)
		}
	}
	h.update(func(tx *store.Tx) error {
		return PutStore(tx, IdentityStore{ID: NewStoreID(), AccountID: "999999999999"})
	})
	if n := len(h.ok("ListIdentityStores", object{})["IdentityStores"].([]any)); n != 2 {
		t.Errorf("%d stores, want those of the caller's account", n)
	}
	h.caller = ""
	if n := len(h.ok("ListIdentityStores", object{})["IdentityStores"].([]any)); n != 0 {
		t.Errorf("a caller without an account sees %d stores", n)
	}
}
