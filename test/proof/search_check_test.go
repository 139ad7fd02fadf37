package proof

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/anishathalye/porcupine"
)

// Left out calls decide nothing: histories by chance, right and wrong, are judged as they are whole.
func TestSearchLeavesOut(t *testing.T) {
	models := []porcupine.NondeterministicModel{
		familyModel("a", true), familyModel("a", false), codeModel(), assertionModel(), userModel("a", true), userModel("a", false),
	}
	verdicts := map[string]int{}
	for i := range 30000 {
		dice := rand.New(rand.NewPCG(*seed, uint64(i)))
		m := dice.IntN(len(models))
		all := anyHistory(dice, m >= 4)
		whole := porcupine.CheckOperations(models[m].ToModel(), all)
		some := needed(models[m], all)
		if got := porcupine.CheckOperations(models[m].ToModel(), some); got != whole {
			h := &history{t: t, operations: all}
			h.print()
			t.Fatalf("model %d: linearizable = %v, and without what is not needed %v", m, whole, got)
		}
		verdicts[fmt.Sprintf("%v, left out: %v", whole, len(some) < len(all))]++
	}
	for _, v := range []string{"true, left out: true", "false, left out: true"} {
		if verdicts[v] < 100 {
			t.Errorf("the test tries too little: %v", verdicts)
		}
	}
}

// anyHistory is a small history of few moments, so that many calls are alike.
func anyHistory(dice *rand.Rand, switches bool) (all []porcupine.Operation) {
	kinds := []kind{redeem, redeem, redeem, redeem, introspectRefresh, introspectAccess}
	if switches {
		kinds = append(kinds, disable, enable)
	} else if dice.IntN(2) == 0 {
		kinds = append(kinds, revokeFamily)
	}
	tokens := []string{"a", "a", "b"}
	for range 2 + dice.IntN(6) {
		in := input{kinds[dice.IntN(len(kinds))], tokens[dice.IntN(len(tokens))]}
		call := int64(dice.IntN(4) * 10)
		o := porcupine.Operation{Input: in, Call: call, Return: call + int64(1+dice.IntN(40))}
		switch out := (output{}); {
		case dice.IntN(6) == 0:
			out.unknown, o.Return = true, 100
			o.Output = out
		default:
			out.ok = dice.IntN(2) == 0 || in.kind == disable || in.kind == enable || in.kind == revokeFamily
			if out.ok && in.kind == redeem {
				out.successor = map[string]string{"a": "b", "b": "c"}[in.token]
			}
			o.Output = out
		}
		all = append(all, o)
	}
	return all
}
