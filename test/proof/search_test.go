package proof

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// explained asks porcupine for an order. Of calls released at the same moment it tries those first that need the thing alive: the search,
// exponential at worst, is then straight where the answers are right.
func explained(model porcupine.NondeterministicModel, all []porcupine.Operation) porcupine.CheckResult {
	some := needed(model, all)
	slices.SortStableFunc(some, func(a, b porcupine.Operation) int {
		return cmp.Or(cmp.Compare(a.Call, b.Call), cmp.Compare(rank(a), rank(b)))
	})
	for i := len(some) - 2; i >= 0; i-- { // porcupine's own order of equal moments is arbitrary: a nanosecond apart
		some[i].Call = min(some[i].Call, some[i+1].Call-1)
	}
	return porcupine.CheckOperationsTimeout(model.ToModel(), some, 30*time.Second)
}

func rank(o porcupine.Operation) int {
	in, out := o.Input.(input), o.Output.(output)
	switch {
	case out.unknown:
		return 4
	case slices.Contains([]kind{revokeFamily, remove, signOut, disable}, in.kind):
		return 2
	case !out.ok:
		return 3
	case in.kind == redeem:
		return 1
	}
	return 0
}

// needed leaves out calls that an order of the others always has room for: it hastens the search, above all where there is no order.
func needed(model porcupine.NondeterministicModel, all []porcupine.Operation) []porcupine.Operation {
	first := firstChange(all)
	alike := map[[2]any][]porcupine.Operation{}
	var kinds [][2]any
	for _, o := range all {
		if isQuestion(o) && (o.Output.(output).unknown || o.Call <= first && answersAtFirst(model, o)) {
			continue
		}
		out := o.Output.(output)
		out.node = 0
		kind := [2]any{o.Input, out}
		if alike[kind] == nil {
			kinds = append(kinds, kind)
		}
		alike[kind] = append(alike[kind], o)
	}
	var some []porcupine.Operation
	for _, kind := range kinds {
		same := alike[kind]
		switch {
		case same[0].Output.(output).unknown:
			some = append(some, unansweredUses(same)...)
		case isQuestion(same[0]):
			some = append(some, innermost(same)...)
		case same[0].Input.(input).kind == redeem:
			some = append(some, shortestAndLongest(same)...)
		default:
			some = append(some, same...)
		}
	}
	return some
}

// isQuestion says whether a call changes nothing, whatever the answer.
func isQuestion(o porcupine.Operation) bool {
	return slices.Contains([]kind{introspectRefresh, introspectAccess, find, read}, o.Input.(input).kind)
}

// firstChange is when the first call that could change anything was sent.
func firstChange(all []porcupine.Operation) int64 {
	first := int64(math.MaxInt64)
	for _, o := range all {
		if !isQuestion(o) {
			first = min(first, o.Call)
		}
	}
	return first
}

// answersAtFirst says whether a question gets this answer before anything has happened.
func answersAtFirst(model porcupine.NondeterministicModel, o porcupine.Operation) bool {
	for _, state := range model.Init() {
		if len(model.Step(state, o.Input, o.Output)) == 0 {
			return false
		}
	}
	return true
}

// unansweredUses are the first three of those that may all end at the same moment: two change all that the uses of one thing can change,
// and that more of them have happened explains nothing more.
func unansweredUses(same []porcupine.Operation) (some []porcupine.Operation) {
	ends := map[int64]int{}
	slices.SortStableFunc(same, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	for _, o := range same {
		if ends[o.Return]++; ends[o.Return] <= 3 {
			some = append(some, o)
		}
	}
	return some
}

// innermost are those of the same questions in whose time no other lies: what was called before and answered after has room where the
// inner one is.
func innermost(same []porcupine.Operation) (some []porcupine.Operation) {
	slices.SortFunc(same, func(a, b porcupine.Operation) int {
		return cmp.Or(cmp.Compare(b.Call, a.Call), cmp.Compare(a.Return, b.Return))
	})
	least := int64(math.MaxInt64)
	for _, o := range same {
		if o.Return < least {
			least, some = o.Return, append(some, o)
		}
	}
	return some
}

// shortestAndLongest are two of those uses with the same answer that were released together: at most one of them has changed anything,
// the others have room after the shortest.
func shortestAndLongest(same []porcupine.Operation) (some []porcupine.Operation) {
	slices.SortFunc(same, func(a, b porcupine.Operation) int {
		return cmp.Or(cmp.Compare(a.Call, b.Call), cmp.Compare(a.Return, b.Return))
	})
	for i, o := range same {
		if i == 0 || i == len(same)-1 || same[i-1].Call != o.Call || same[i+1].Call != o.Call {
			some = append(some, o)
		}
	}
	return some
}
