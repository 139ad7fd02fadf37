package identitystore

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/wire"
)

// things are the ids of a filled store.
type things struct{ store, user, user2, group, membership string }

func (h *house) fill(storeID string) things {
	h.Helper()
	t := things{store: storeID}
	t.user, t.user2 = h.user(storeID, "ada"), h.user(storeID, "bob")
	h.ok("UpdateUser", object{"IdentityStoreId": storeID, "UserId": t.user, "Operations": []object{
		{"AttributePath": "emails", "AttributeValue": []object{{"value": "ada@example.com", "primary": true}}},
		{"AttributePath": "externalIds", "AttributeValue": []object{{"issuer": "idp", "id": "ada-" + storeID}}}}})
	t.group = h.group(storeID, "engineers")
	t.membership = h.membership(storeID, t.group, t.user)
	return t
}

// bodies are a good request for every operation on those things. The ones that delete or create are good once.
func (t things) bodies() map[string]object {
	s := object{"IdentityStoreId": t.store}
	user, group, member := object{"UserId": t.user}, object{"GroupId": t.group}, object{"MemberId": object{"UserId": t.user}}
	join := func(parts ...object) object {
		out := object{}
		for _, p := range append(parts, s) {
			maps.Copy(out, p)
		}
		return out
	}
	unique := func(path, value string) object {
		return object{"AlternateIdentifier": object{"UniqueAttribute": object{"AttributePath": path, "AttributeValue": value}}}
	}
	operations := object{"Operations": []object{{"AttributePath": "displayName", "AttributeValue": "New Name"}}}
	return map[string]object{
		"DescribeIdentityStore":         s,
		"ListIdentityStores":            {},
		"CreateUser":                    newUser(t.store, "carol"),
		"DescribeUser":                  join(user),
		"UpdateUser":                    join(user, operations),
		"DeleteUser":                    join(user),
		"ListUsers":                     s,
		"GetUserId":                     join(unique("userName", "ada")),
		"CreateGroup":                   join(object{"DisplayName": "auditors"}),
		"DescribeGroup":                 join(group),
		"UpdateGroup":                   join(group, operations),
		"DeleteGroup":                   join(group),
		"ListGroups":                    s,
		"GetGroupId":                    join(unique("displayName", "engineers")),
		"CreateGroupMembership":         join(group, object{"MemberId": object{"UserId": t.user2}}),
		"DescribeGroupMembership":       join(object{"MembershipId": t.membership}),
		"DeleteGroupMembership":         join(object{"MembershipId": t.membership}),
		"ListGroupMemberships":          join(group),
		"ListGroupMembershipsForMember": join(member),
		"GetGroupMembershipId":          join(group, member),
		"IsMemberInGroups":              join(member, object{"GroupIds": []string{t.group}}),
	}
}

// ids are the members of bodies that name something in a store, and what an operation says is not found.
var ids = []struct {
	member string
	set    func(t things) any
	kind   string
}{
	{"UserId", func(t things) any { return t.user }, typeUser},
	{"GroupId", func(t things) any { return t.group }, typeGroup},
	{"MembershipId", func(t things) any { return t.membership }, typeMembership},
	{"MemberId", func(t things) any { return object{"UserId": t.user} }, typeUser},
	{"GroupIds", func(t things) any { return []string{t.group} }, typeGroup},
}

// order runs what reads and creates before what deletes.
func order(bodies map[string]object) []string {
	names := slices.Sorted(maps.Keys(bodies))
	slices.SortStableFunc(names, func(a, b string) int {
		rank := map[string]int{"DeleteGroupMembership": 1, "DeleteUser": 2, "DeleteGroup": 3}
		return rank[a] - rank[b]
	})
	return names
}

func TestEveryOperationIsTested(t *testing.T) {
	h := newHouse(t)
	bodies := h.fill(testStore).bodies()
	for _, o := range h.Service().Operations {
		if bodies[o.Name] == nil {
			t.Errorf("%s has no test body", o.Name)
		}
	}
	if len(bodies) != len(h.Service().Operations) {
		t.Errorf("%d bodies for %d operations", len(bodies), len(h.Service().Operations))
	}
}

func TestHappy(t *testing.T) {
	h := newHouse(t)
	bodies := h.fill(testStore).bodies()
	for _, name := range order(bodies) {
		h.ok(name, bodies[name])
	}
}

func TestDenied(t *testing.T) {
	h := newHouse(t)
	bodies := h.fill(testStore).bodies()
	before := h.dump(testStore)
	h.deny = func(*wire.Call) bool { return true }
	for _, name := range order(bodies) {
		h.refused("AccessDeniedException", name, bodies[name])
	}
	if diff := cmp.Diff(before, h.dump(testStore)); diff != "" {
		t.Errorf("a refused call changed something: %s", diff)
	}
}

func TestNotFound(t *testing.T) {
	h := newHouse(t)
	bodies := h.fill(testStore).bodies()
	void := things{user: nobody, group: nobody, membership: nobody}
	for _, name := range order(bodies) {
		if name == "ListIdentityStores" {
			continue
		}
		e := h.refused("ResourceNotFoundException", name, with(bodies[name], object{"IdentityStoreId": "d-ffffffffff"}))
		if e["ResourceType"] != typeStore || e["ResourceId"] != "d-ffffffffff" || e["RequestId"] == nil {
			t.Errorf("%s: %v", name, e)
		}
		for _, id := range ids {
			if _, ok := bodies[name][id.member]; !ok {
				continue
			}
			e := h.refused("ResourceNotFoundException", name, with(bodies[name], object{id.member: id.set(void)}))
			if e["ResourceType"] != id.kind || e["ResourceId"] != nobody || e["RequestId"] == nil {
				t.Errorf("%s %s: %v", name, id.member, e)
			}
		}
	}
}

func TestInvalid(t *testing.T) {
	h := newHouse(t)
	bodies := h.fill(testStore).bodies()
	for _, name := range order(bodies) {
		if name == "ListIdentityStores" {
			h.refused("ValidationException", name, object{"MaxResults": 101})
			continue
		}
		h.refused("ValidationException", name, with(bodies[name], object{"IdentityStoreId": "d-x"}))
		h.refused("ValidationException", name, with(bodies[name], object{"IdentityStoreId": nil}))
		for _, id := range ids {
			if _, ok := bodies[name][id.member]; ok {
				h.refused("ValidationException", name, with(bodies[name], object{id.member: nil}))
				bad := id.set(things{user: "x'y", group: "x", membership: "x"})
				h.refused("ValidationException", name, with(bodies[name], object{id.member: bad}))
			}
		}
	}
}

// dump is everything in the stores.
func (h *house) dump(stores ...string) []any {
	h.Helper()
	var all []any
	h.view(func(tx *store.Tx) error {
		all = nil
		for _, id := range stores {
			q := store.Query{Values: []string{id}}
			u, err := users.List(tx, q)
			if err != nil {
				return err
			}
			g, err := groups.List(tx, q)
			if err != nil {
				return err
			}
			m, err := memberships.List(tx, q)
			if err != nil {
				return err
			}
			e, err := externalIDs.List(tx, q)
			if err != nil {
				return err
			}
			p, err := passwords.List(tx, q)
			if err != nil {
				return err
			}
			all = append(all, u, g, m, e, p)
		}
		return nil
	})
	return all
}

// Every id of one store, in every operation on the other, is not found; nor is anything changed by it.
func TestTenantIsolation(t *testing.T) {
	h := newHouse(t)
	a, b := h.fill(testStore), h.fill(otherStore)
	before := h.dump(testStore, otherStore)
	tried := 0
	for _, pair := range [][2]things{{a, b}, {b, a}} {
		bodies := pair[1].bodies()
		for name, body := range bodies {
			for _, id := range ids {
				if _, ok := body[id.member]; !ok {
					continue
				}
				tried++
				e := h.refused("ResourceNotFoundException", name, with(body, object{id.member: id.set(pair[0])}))
				if e["ResourceType"] != id.kind {
					t.Errorf("%s %s: %v", name, id.member, e)
				}
			}
			if len(body) > 1 && !strings.HasPrefix(name, "Create") && !strings.HasPrefix(name, "Get") {
				h.refused("ResourceNotFoundException", name, with(body, object{"IdentityStoreId": pair[0].store}))
			}
		}
		h.refused("ResourceNotFoundException", "GetUserId", object{"IdentityStoreId": pair[1].store,
			"AlternateIdentifier": object{"ExternalId": object{"Issuer": "idp", "Id": "ada-" + pair[0].store}}})
	}
	if tried < 30 {
		t.Errorf("only %d foreign ids tried", tried)
	}
	if diff := cmp.Diff(before, h.dump(testStore, otherStore)); diff != "" {
		t.Errorf("a refused call changed something: %s", diff)
	}
}

func TestResources(t *testing.T) {
	h := newHouse(t)
	th := h.fill(testStore)
	bodies := th.bodies()
	dir := "arn:aws:identitystore::" + testAccount + ":identitystore/" + testStore
	user, group, membership := arn("user", th.user), arn("group", th.group), arn("membership", th.membership)
	allUsers, allGroups, allMemberships := arn("user", "*"), arn("group", "*"), arn("membership", "*")
	want := map[string][]string{
		"DescribeIdentityStore": {dir}, "ListIdentityStores": {"*"},
		"CreateUser": {dir}, "DescribeUser": {dir, user}, "UpdateUser": {dir, user}, "DeleteUser": {dir, user},
		"ListUsers": {dir, allUsers}, "GetUserId": {dir, allUsers},
		"CreateGroup": {dir}, "DescribeGroup": {dir, group}, "UpdateGroup": {dir, group}, "DeleteGroup": {dir, group},
		"ListGroups": {dir, allGroups}, "GetGroupId": {dir, allGroups},
		"CreateGroupMembership":         {dir, group, arn("user", th.user2)},
		"DescribeGroupMembership":       {dir, membership, group, user},
		"DeleteGroupMembership":         {dir, membership, group, user},
		"ListGroupMemberships":          {dir, group, allMemberships},
		"ListGroupMembershipsForMember": {dir, user, allMemberships},
		"GetGroupMembershipId":          {dir, group, user, allMemberships},
		"IsMemberInGroups":              {dir, user, group, allMemberships},
	}
	got := map[string][]string{}
	h.deny = func(c *wire.Call) bool { got[c.Operation.Name] = c.Resources; return true }
	for name, body := range bodies {
		h.call(name, body)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// By ARN it is the same.
	h.call("DescribeUser", object{"IdentityStoreId": dir, "UserId": user})
	if diff := cmp.Diff(want["DescribeUser"], got["DescribeUser"]); diff != "" {
		t.Error(diff)
	}
	// An unknown store belongs to no account.
	h.call("DescribeIdentityStore", object{"IdentityStoreId": "d-ffffffffff"})
	if got := got["DescribeIdentityStore"]; got[0] != "arn:aws:identitystore:::identitystore/d-ffffffffff" {
		t.Error(got)
	}
}
