package proof

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// What several nodes may answer: histories in milliseconds, on nodes 0 and 1.
func TestHearing(t *testing.T) {
	on := func(node int, out output) output { out.node = node; return out }
	yes, no, lost, to := output{ok: true}, output{}, output{unknown: true}, output{ok: true, successor: "b"}
	const never = math.MaxInt64 / int64(time.Millisecond)
	for _, c := range []struct {
		name    string
		model   porcupine.NondeterministicModel
		right   bool
		history []porcupine.Operation
	}{
		{"an access token, within the second", familyModel("a", true), true, []porcupine.Operation{at(0, 1, revokeFamily, "a", yes), at(900, 901, introspectAccess, "", on(1, yes))}},
		{"an access token, later", familyModel("a", true), false, []porcupine.Operation{at(0, 1, revokeFamily, "a", yes), at(1002, 1003, introspectAccess, "", on(1, yes))}},
		{"an access token, on the same node", familyModel("a", true), false, []porcupine.Operation{at(0, 1, revokeFamily, "a", yes), at(2, 3, introspectAccess, "", yes)}},
		{"an access token after reuse, within the second", familyModel("a", false), true, []porcupine.Operation{at(0, 1, redeem, "a", to), at(2, 3, redeem, "a", no), at(900, 901, introspectAccess, "", on(1, yes))}},
		{"an access token after reuse, later", familyModel("a", false), false, []porcupine.Operation{at(0, 1, redeem, "a", to), at(2, 3, redeem, "a", no), at(1004, 1005, introspectAccess, "", on(1, yes))}},
		{"a code's token after its second use, later", codeModel(), false, []porcupine.Operation{at(0, 1, redeem, "", yes), at(2, 3, redeem, "", no), at(1004, 1005, introspectAccess, "", on(1, yes))}},
		{"a refresh token, within the second", familyModel("a", true), false, []porcupine.Operation{at(0, 1, revokeFamily, "a", yes), at(2, 3, introspectRefresh, "a", on(1, yes))}},
		{"refreshed within the second", familyModel("a", true), false, []porcupine.Operation{at(0, 1, revokeFamily, "a", yes), at(2, 3, redeem, "a", on(1, to))}},
		{"dead of itself", familyModel("a", true), false, []porcupine.Operation{at(0, 1, introspectAccess, "", on(1, no)), at(1002, 1003, revokeFamily, "a", yes)}},
		{"disabled, refreshed within the second", userModel("a", true), true, []porcupine.Operation{at(0, 1, disable, "", yes), at(900, 901, redeem, "a", on(1, to))}},
		{"disabled, refreshed later", userModel("a", true), false, []porcupine.Operation{at(0, 1, disable, "", yes), at(1002, 1003, redeem, "a", on(1, to))}},
		{"disabled, refreshed on the same node", userModel("a", true), false, []porcupine.Operation{at(0, 1, disable, "", yes), at(2, 3, redeem, "a", to)}},
		{"disabled, active later", userModel("a", true), false, []porcupine.Operation{at(0, 1, disable, "", yes), at(1002, 1003, introspectRefresh, "a", on(1, yes))}},
		{"enabled, refused within the second", userModel("a", true), false, []porcupine.Operation{at(0, 1, disable, "", yes), at(4, 5, enable, "", yes), at(900, 901, redeem, "a", on(1, no))}},
		{"disabled, refused, enabled, refused within the second of a fault", userModel("a", true), true, []porcupine.Operation{at(0, 1, disable, "", yes), at(2, 3, redeem, "a", no), at(4, 5, enable, "", yes), at(900, 901, redeem, "a", on(1, no)), at(2000, 2001, redeem, "a", on(1, to))}},
		{"enabled, refused later", userModel("a", true), false, []porcupine.Operation{at(0, 1, disable, "", yes), at(4, 5, enable, "", yes), at(1006, 1007, redeem, "a", on(1, no))}},
		{"perhaps disabled, refused", userModel("a", true), true, []porcupine.Operation{at(0, never, disable, "", lost), at(4, 5, redeem, "a", on(1, no))}},
		{"refused before being disabled", userModel("a", true), false, []porcupine.Operation{at(0, 1, redeem, "a", on(1, no)), at(4, 5, disable, "", yes)}},
	} {
		var faults [][2]int64
		if strings.HasSuffix(c.name, "of a fault") {
			faults = [][2]int64{{0, int64(100 * time.Millisecond)}}
		}
		for i := range c.history {
			c.history[i].Call *= int64(time.Millisecond)
			c.history[i].Return *= int64(time.Millisecond)
		}
		h := &history{t: t, s: &server{nodes: make([]*node, 3), strikes: faults}, operations: c.history}
		if wrong := h.judge(c.model); (len(wrong) == 0) != c.right {
			t.Errorf("%s: %q", c.name, wrong)
		}
	}
}
