package identitystore

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pages lists everything page by page and returns what the items have under key; between runs after each page.
func (h *house) pages(operation string, body object, list, key string, size int, between func()) (got []string) {
	h.Helper()
	body = with(body, object{"MaxResults": size})
	for {
		out := h.ok(operation, body)
		items := out[list].([]any)
		if len(items) > size {
			h.Fatalf("%d items on a page of %d", len(items), size)
		}
		for _, i := range items {
			got = append(got, i.(object)[key].(string))
		}
		token, more := out["NextToken"]
		if !more {
			return got
		}
		if len(items) != size {
			h.Fatalf("a short page of %d before the last", len(items))
		}
		body["NextToken"] = token
		between()
	}
}

func TestPaging(t *testing.T) {
	h := newHouse(t)
	group := h.group(testStore, "g0")
	user := h.user(testStore, "u0")
	h.membership(testStore, group, user)
	for i := range 6 {
		h.membership(testStore, group, h.user(testStore, fmt.Sprintf("v%d", i)))
		h.membership(testStore, h.group(testStore, fmt.Sprintf("h%d", i)), user)
	}
	s := object{"IdentityStoreId": testStore}
	n := 0
	for _, c := range []struct {
		operation, list, key string
		body                 object
	}{
		{"ListUsers", "Users", "UserId", s},
		{"ListGroups", "Groups", "GroupId", s},
		{"ListGroupMemberships", "GroupMemberships", "MembershipId", with(s, object{"GroupId": group})},
		{"ListGroupMembershipsForMember", "GroupMemberships", "MembershipId", with(s, object{"MemberId": object{"UserId": user}})},
		{"ListIdentityStores", "IdentityStores", "IdentityStoreId", object{}},
	} {
		var all []string
		for _, i := range h.ok(c.operation, c.body)[c.list].([]any) {
			all = append(all, i.(object)[c.key].(string))
		}
		for _, size := range []int{1, 2, 3, 100} {
			if diff := cmp.Diff(all, h.pages(c.operation, c.body, c.list, c.key, size, func() {})); diff != "" {
				t.Errorf("%s by %d: %s", c.operation, size, diff)
			}
		}
		// What was there when listing began is seen once, whatever is added meanwhile.
		got := h.pages(c.operation, c.body, c.list, c.key, 1, func() {
			if n++; n%2 == 0 {
				h.membership(testStore, group, h.user(testStore, fmt.Sprintf("w%d", n)))
				h.membership(testStore, h.group(testStore, fmt.Sprintf("w%d", n)), user)
			}
		})
		for _, id := range all {
			if slices.Index(got, id) < 0 {
				t.Errorf("%s: an item was lost while others were added", c.operation)
			}
		}
		slices.Sort(got)
		if len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Errorf("%s: an item was seen twice", c.operation)
		}
	}
}

func TestPageTokensOfOthers(t *testing.T) {
	h := newHouse(t)
	for _, s := range []string{testStore, otherStore} {
		g, g2 := h.group(s, "g1"), h.group(s, "g2")
		for _, name := range []string{"a", "b"} {
			u := h.user(s, name)
			h.membership(s, g, u)
			h.membership(s, g2, u)
		}
	}
	one := object{"IdentityStoreId": testStore, "MaxResults": 1}
	token := h.ok("ListUsers", one)["NextToken"].(string)
	for what, body := range map[string]object{
		"forged":        {"NextToken": "AAAA"},
		"altered":       {"NextToken": token[:10] + string(token[10]^1) + token[11:]},
		"cut":           {"NextToken": token[:len(token)-1]},
		"empty":         {"NextToken": ""},
		"another store": {"NextToken": token, "IdentityStoreId": otherStore},
		"a filter":      {"NextToken": token, "Filters": []object{{"AttributePath": "UserName", "AttributeValue": "a"}}},
	} {
		if status, out := h.call("ListUsers", with(one, body)); status != 400 || out["__type"] != "ValidationException" {
			t.Errorf("%s: %d %v", what, status, out)
		}
	}
	h.refused("ValidationException", "ListGroups", with(one, object{"NextToken": token}))
	h.refused("ValidationException", "ListIdentityStores", object{"NextToken": token})
	h.ok("ListUsers", with(one, object{"NextToken": token, "MaxResults": 2})) // the size may change

	var groups []string
	for _, g := range h.ok("ListGroups", object{"IdentityStoreId": testStore})["Groups"].([]any) {
		groups = append(groups, g.(object)["GroupId"].(string))
	}
	token = h.ok("ListGroupMemberships", with(one, object{"GroupId": groups[0]}))["NextToken"].(string)
	h.refused("ValidationException", "ListGroupMemberships", with(one, object{"GroupId": groups[1], "NextToken": token}))
}

func TestFilters(t *testing.T) {
	h := newHouse(t)
	ada, group := h.user(testStore, "ada"), h.group(testStore, "engineers")
	h.user(testStore, "bob")
	filter := func(path, value string) object {
		return object{"IdentityStoreId": testStore, "Filters": []object{{"AttributePath": path, "AttributeValue": value}}}
	}
	got := h.ok("ListUsers", filter("UserName", "ADA"))["Users"].([]any)
	if len(got) != 1 || got[0].(object)["UserId"] != ada {
		t.Error(got)
	}
	got = h.ok("ListGroups", filter("DisplayName", "engineers"))["Groups"].([]any)
	if len(got) != 1 || got[0].(object)["GroupId"] != group {
		t.Error(got)
	}
	if got := h.ok("ListUsers", filter("UserName", "nobody"))["Users"].([]any); len(got) != 0 {
		t.Error(got)
	}
	h.refused("ValidationException", "ListUsers", filter("DisplayName", "x"))
	h.refused("ValidationException", "ListGroups", filter("UserName", "x"))
	h.refused("ValidationException", "ListUsers", object{"IdentityStoreId": testStore, "Extensions": []string{"aws:identitystore:other"}})
	h.refused("ValidationException", "ListUsers", object{"IdentityStoreId": testStore, "MaxResults": 0})
}

func TestMemberships(t *testing.T) {
	h := newHouse(t)
	th := h.fill(testStore)
	body := object{"IdentityStoreId": testStore, "GroupId": th.group, "MemberId": object{"UserId": th.user}}
	if e := h.refused("ConflictException", "CreateGroupMembership", body); e["Reason"] != reasonUniqueness {
		t.Error(e)
	}
	if got := h.ok("GetGroupMembershipId", body); got["MembershipId"] != th.membership || got["MembershipArn"] != arn("membership", th.membership) {
		t.Error(got)
	}
	other := h.group(testStore, "other")
	in := object{"IdentityStoreId": testStore, "MemberId": object{"UserId": th.user}, "GroupIds": []string{th.group, other}}
	want := []any{
		object{"GroupId": th.group, "MemberId": object{"UserId": th.user}, "MembershipExists": true},
		object{"GroupId": other, "MemberId": object{"UserId": th.user}, "MembershipExists": false},
	}
	if diff := cmp.Diff(want, h.ok("IsMemberInGroups", in)["Results"]); diff != "" {
		t.Error(diff)
	}
	want = []any{object{"IdentityStoreId": testStore, "MembershipId": th.membership, "GroupId": th.group, "MemberId": object{"UserId": th.user},
		"CreatedAt": 1795348800.0, "UpdatedAt": 1795348800.0, "CreatedBy": testCaller, "UpdatedBy": testCaller, "MembershipArn": arn("membership", th.membership)}}
	if diff := cmp.Diff(want, h.ok("ListGroupMemberships", object{"IdentityStoreId": testStore, "GroupId": th.group})["GroupMemberships"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want[0], any(h.ok("DescribeGroupMembership", object{"IdentityStoreId": testStore, "MembershipId": th.membership}))); diff != "" {
		t.Error(diff)
	}
	h.refused("ResourceNotFoundException", "GetGroupMembershipId", with(body, object{"GroupId": other}))
	h.refused("ValidationException", "CreateGroupMembership", with(body, object{"MemberId": object{}}))
	h.ok("DeleteGroupMembership", object{"IdentityStoreId": testStore, "MembershipId": th.membership})
	h.refused("ResourceNotFoundException", "DeleteGroupMembership", object{"IdentityStoreId": testStore, "MembershipId": th.membership})
}
