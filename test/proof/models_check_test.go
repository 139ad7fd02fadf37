package proof

import (
	"testing"

	"github.com/anishathalye/porcupine"
)

// at is an operation of a history written by hand.
func at(call, back int64, k kind, token string, out output) porcupine.Operation {
	return porcupine.Operation{Input: input{k, token}, Output: out, Call: call, Return: back}
}

// The models themselves: right histories pass, and each wrong one is noticed.
func TestModels(t *testing.T) {
	yes, no, lost := output{ok: true}, output{}, output{unknown: true}
	to := func(successor string) output { return output{ok: true, successor: successor} }
	for _, c := range []struct {
		name    string
		model   porcupine.NondeterministicModel
		right   bool
		history []porcupine.Operation
	}{
		{"code: one of two at once", codeModel(), true, []porcupine.Operation{at(0, 9, redeem, "", yes), at(0, 9, redeem, "", no), at(10, 11, introspectAccess, "", no)}},
		{"code: twice", codeModel(), false, []porcupine.Operation{at(0, 9, redeem, "", yes), at(0, 9, redeem, "", yes)}},
		{"code: alive after a second use", codeModel(), false, []porcupine.Operation{at(0, 9, redeem, "", yes), at(10, 11, redeem, "", no), at(12, 13, introspectAccess, "", yes)}},
		{"code: an unanswered use may have been none", codeModel(), true, []porcupine.Operation{at(0, 9, redeem, "", lost), at(10, 11, redeem, "", yes)}},
		{"code: revived by a restart", codeModel(), false, []porcupine.Operation{at(0, 1, redeem, "", yes), at(2, 9, redeem, "", lost), at(10, 11, redeem, "", yes)}},
		{"assertion: twice", assertionModel(), false, []porcupine.Operation{at(0, 9, redeem, "", yes), at(10, 11, redeem, "", yes)}},
		{"assertion: lost after it was acknowledged", assertionModel(), false, []porcupine.Operation{at(0, 9, redeem, "", yes), at(10, 11, introspectAccess, "", no)}},
		{"assertion: refused before any use", assertionModel(), false, []porcupine.Operation{at(0, 1, redeem, "", no), at(2, 3, redeem, "", yes)}},
		{"refresh: one successor for all", familyModel("a", true), true, []porcupine.Operation{at(0, 9, redeem, "a", to("b")), at(0, 9, redeem, "a", to("b"))}},
		{"refresh: two successors", familyModel("a", true), false, []porcupine.Operation{at(0, 9, redeem, "a", to("b")), at(0, 9, redeem, "a", to("c"))}},
		{"refresh: no rotation", familyModel("a", true), false, []porcupine.Operation{at(0, 9, redeem, "a", to("a"))}},
		{"refresh: twice without a window", familyModel("a", false), false, []porcupine.Operation{at(0, 9, redeem, "a", to("b")), at(0, 9, redeem, "a", to("b"))}},
		{"refresh: alive after reuse", familyModel("a", false), false, []porcupine.Operation{at(0, 1, redeem, "a", to("b")), at(2, 3, redeem, "a", no), at(4, 5, redeem, "b", to("c"))}},
		{"refresh: two generations behind", familyModel("a", true), false, []porcupine.Operation{at(0, 1, redeem, "a", to("b")), at(2, 3, redeem, "b", to("c")), at(4, 5, redeem, "a", to("b"))}},
		{"refresh: alive after revocation", familyModel("a", true), false, []porcupine.Operation{at(0, 1, revokeFamily, "a", yes), at(2, 3, introspectAccess, "", yes)}},
		{"refresh: refused although alive", familyModel("a", true), false, []porcupine.Operation{at(0, 1, redeem, "a", no), at(2, 3, redeem, "a", to("b"))}},
		{"refresh: a kill loses the answer, not the rotation", familyModel("a", true), true, []porcupine.Operation{at(0, 9, redeem, "a", lost), at(10, 11, redeem, "a", to("b")), at(12, 13, redeem, "b", to("c"))}},
		{"refresh: a kill revives the family", familyModel("a", true), false, []porcupine.Operation{at(0, 1, revokeFamily, "a", yes), at(2, 9, redeem, "a", lost), at(10, 11, redeem, "a", to("b"))}},
		{"refresh: a kill forgets the rotation", familyModel("a", true), false, []porcupine.Operation{at(0, 1, redeem, "a", to("b")), at(2, 3, redeem, "a", to("c"))}},
		{"session: alive after the sign-out", sessionModel(), false, []porcupine.Operation{at(0, 1, signOut, "", yes), at(2, 3, authorize, "", yes)}},
		{"session: dead of itself", sessionModel(), false, []porcupine.Operation{at(0, 1, exchange, "", no)}},
		{"session: an unanswered revocation may have been none", sessionModel(), true, []porcupine.Operation{at(0, 1, revokeFamily, "", lost), at(2, 3, exchange, "", yes)}},
		{"session: revived", sessionModel(), false, []porcupine.Operation{at(0, 1, revokeFamily, "", lost), at(2, 3, exchange, "", no), at(4, 5, exchange, "", yes)}},
		{"name: twice", nameModel(), false, []porcupine.Operation{at(0, 1, create, "", yes), at(2, 3, create, "", yes)}},
		{"name: lost", nameModel(), false, []porcupine.Operation{at(0, 1, create, "", yes), at(2, 3, find, "", no)}},
		{"name: half there", nameModel(), false, []porcupine.Operation{at(0, 1, create, "", lost), at(2, 3, find, "", yes), at(4, 5, create, "", yes)}},
		{"name: back after its removal", nameModel(), false, []porcupine.Operation{at(0, 1, create, "", yes), at(2, 3, remove, "", yes), at(4, 5, find, "", yes)}},
		{"name: free again", nameModel(), true, []porcupine.Operation{at(0, 1, create, "", yes), at(2, 3, remove, "", yes), at(4, 5, create, "", yes)}},
		{"record: an older value", recordModel("a"), false, []porcupine.Operation{at(0, 1, write, "b", yes), at(2, 3, write, "c", yes), at(4, 5, read, "", to("b"))}},
		{"record: an unanswered value or the one before", recordModel("a"), true, []porcupine.Operation{at(0, 1, write, "b", lost), at(4, 5, read, "", to("a"))}},
		{"record: back after its removal", recordModel("a"), false, []porcupine.Operation{at(0, 1, remove, "", yes), at(4, 5, read, "", to("a"))}},
		{"user: refreshed while disabled", userModel("a", true), false, []porcupine.Operation{at(0, 1, disable, "", yes), at(2, 3, redeem, "a", to("b"))}},
		{"user: active while disabled", userModel("a", true), false, []porcupine.Operation{at(0, 1, disable, "", yes), at(2, 3, introspectAccess, "", yes)}},
		{"user: refreshed while being disabled", userModel("a", true), true, []porcupine.Operation{at(0, 9, disable, "", yes), at(0, 9, redeem, "a", to("b")), at(10, 11, introspectRefresh, "b", no)}},
		{"user: a refusal rotates nothing", userModel("a", false), true, []porcupine.Operation{at(0, 1, disable, "", yes), at(2, 3, redeem, "a", no), at(4, 5, enable, "", yes), at(6, 7, redeem, "a", to("b"))}},
		{"user: a refusal ends nothing", userModel("a", false), false, []porcupine.Operation{at(0, 1, disable, "", yes), at(2, 3, redeem, "a", no), at(4, 5, enable, "", yes), at(6, 7, redeem, "a", no)}},
		{"user: reuse ends the family, disabled or not", userModel("a", false), true, []porcupine.Operation{at(0, 1, redeem, "a", to("b")), at(2, 3, disable, "", yes), at(4, 5, redeem, "a", no), at(6, 7, enable, "", yes), at(8, 9, redeem, "b", no)}},
	} {
		if got := porcupine.CheckOperations(c.model.ToModel(), c.history); got != c.right {
			t.Errorf("%s: linearizable = %v", c.name, got)
		}
	}
}
