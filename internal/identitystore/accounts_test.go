package identitystore

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/wire"
)

const (
	foreignAccount = "444455556666"
	foreignStore   = "d-f0f0f0f0f0"
	foreignCaller  = "arn:aws:sts::444455556666:assumed-role/admin/session"
	voidStore      = "d-ffffffffff"
)

// tenants is a house with a filled store of each of two accounts; the caller is of the first.
func tenants(t *testing.T) (h *house, own, foreign things) {
	h = newHouse(t)
	h.update(func(tx *store.Tx) error {
		return PutStore(tx, IdentityStore{ID: foreignStore, AccountID: foreignAccount})
	})
	own = h.fill(testStore)
	h.caller = foreignCaller
	foreign = h.fill(foreignStore)
	h.caller = testCaller
	return h, own, foreign
}

// The store of another account is not there, for any operation, by id or by ARN, whatever policies allow: neither the
// answer nor what policies are asked tells it from one that nobody has (security checklist K04).
func TestForeignStoreIsNotThere(t *testing.T) {
	h, own, foreign := tenants(t)
	before := h.dump(testStore, foreignStore)
	for _, c := range []struct {
		caller string
		things
	}{{testCaller, foreign}, {foreignCaller, own}, {"", own}, {"ada", own}} {
		h.caller = c.caller
		void := c.things
		void.store, void.membership = voidStore, nobody
		for name, body := range c.bodies() {
			if name == "ListIdentityStores" {
				continue
			}
			missing, missingARNs := h.anonymous(name, void.bodies()[name], voidStore, nobody)
			got, arns := h.anonymous(name, body, c.store, c.membership)
			if got["__type"] != "ResourceNotFoundException" || got["ResourceType"] != typeStore || got["Message"] != "IDENTITY_STORE not found." {
				t.Errorf("%q %s: %v", c.caller, name, got)
			}
			if diff := cmp.Diff(missing, got); diff != "" {
				t.Errorf("%q %s tells a foreign store from a missing one: %s", c.caller, name, diff)
			}
			if diff := cmp.Diff(missingARNs, arns); diff != "" {
				t.Errorf("%q %s asks policies differently: %s", c.caller, name, diff)
			}
			for _, account := range []string{testAccount, foreignAccount} {
				h.refused("ResourceNotFoundException", name, with(body, object{"IdentityStoreId": storeARN(account, c.store)}))
			}
		}
	}
	if diff := cmp.Diff(before, h.dump(testStore, foreignStore)); diff != "" {
		t.Errorf("a refused call changed something: %s", diff)
	}
}

// anonymous calls an operation and returns its answer and the resources policies were asked about, without the ids that
// the caller gave.
func (h *house) anonymous(operation string, body object, ids ...string) (answer object, arns []string) {
	h.Helper()
	h.deny = func(c *wire.Call) bool { arns = slices.Clone(c.Resources); return false }
	defer func() { h.deny = nil }()
	_, answer = h.call(operation, body)
	delete(answer, "RequestId")
	var pairs []string
	for _, id := range ids {
		pairs = append(pairs, id, "ID")
	}
	hide := strings.NewReplacer(pairs...).Replace
	for key, value := range answer {
		if text, ok := value.(string); ok {
			answer[key] = hide(text)
		}
	}
	for i := range arns {
		arns[i] = hide(arns[i])
	}
	return answer, arns
}

// Ids of another account's things are not found in the caller's own store, either, and each account is served its own.
func TestAccountsAreIsolated(t *testing.T) {
	h, own, foreign := tenants(t)
	before := h.dump(testStore, foreignStore)
	for _, c := range []struct {
		caller     string
		own, other things
	}{{testCaller, own, foreign}, {foreignCaller, foreign, own}} {
		h.caller = c.caller
		for name, body := range c.own.bodies() {
			for _, id := range ids {
				if _, ok := body[id.member]; ok {
					h.refused("ResourceNotFoundException", name, with(body, object{id.member: id.set(c.other)}))
				}
			}
		}
		h.ok("DescribeUser", c.own.bodies()["DescribeUser"])
		listed := h.ok("ListIdentityStores", object{})["IdentityStores"].([]any)
		for _, item := range listed {
			if item.(object)["IdentityStoreId"] == c.other.store {
				t.Errorf("%s is shown the other account's store", c.caller)
			}
		}
	}
	if diff := cmp.Diff(before, h.dump(testStore, foreignStore)); diff != "" {
		t.Errorf("a refused call changed something: %s", diff)
	}
}
