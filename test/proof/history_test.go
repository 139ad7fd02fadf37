package proof

import (
	"cmp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// kind is what an operation of a history does.
type kind int

const (
	redeem kind = iota // use the code, the assertion or the refresh token
	introspectRefresh
	introspectAccess
	revokeFamily
	exchange  // the access token for one of another application
	authorize // ask for a code, as a browser that is signed in
	signOut
	create // by a name that only one thing may have
	find   // by that name
	remove
	write // the thing's value
	read
	disable // the user
	enable
)

func (k kind) String() string {
	return [...]string{"redeem", "introspect refresh token", "introspect access token", "revoke", "exchange", "authorize", "sign out",
		"create", "find", "remove", "write", "read", "disable", "enable"}[k]
}

// input and output of one operation, as models see them.
type input struct {
	kind  kind
	token string // the token used; written: the value; read: the member of the answer
}

type output struct {
	unknown   bool // not answered: it happened before the kill, or never
	ok        bool // 200; for introspection: active
	successor string
}

// history is recorded by any number of goroutines.
type history struct {
	t *testing.T
	s *server

	mu         sync.Mutex
	operations []porcupine.Operation
	unanswered []int
}

// perform sends the call and records it. Anything but an answer below 500, or silence after a kill, fails the test.
func (h *history) perform(in input, c *call, ready <-chan struct{}) answer {
	a := c.send(ready)
	if a.sent {
		h.record(in, a)
	} else if !h.s.dying.Load() {
		h.t.Errorf("%v: %v", in.kind, a.err)
	}
	return a
}

func (h *history) record(in input, a answer) {
	out, err := outcome(in, a)
	if err != nil {
		h.t.Error(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if out.unknown {
		h.unanswered = append(h.unanswered, len(h.operations))
	}
	h.operations = append(h.operations, porcupine.Operation{Input: in, Call: a.call, Output: out, Return: a.back})
}

// died gives the operations that have no answer yet the moment of the server's death as their end: what a dead process had
// not done by then it never does.
func (h *history) died() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, i := range h.unanswered {
		h.operations[i].Return = max(h.s.killed.Load(), h.operations[i].Call)
	}
	h.unanswered = nil
}

// check asks porcupine. Of calls released at the same moment it tries those first that need the thing alive: the search for an
// order, exponential at worst, is then straight where the answers are right.
func (h *history) check(model porcupine.NondeterministicModel) bool {
	h.t.Helper()
	slices.SortStableFunc(h.operations, func(a, b porcupine.Operation) int {
		return cmp.Or(cmp.Compare(a.Call, b.Call), cmp.Compare(rank(a), rank(b)))
	})
	for i := len(h.operations) - 2; i >= 0; i-- { // porcupine's own order of equal moments is arbitrary: a nanosecond apart
		h.operations[i].Call = min(h.operations[i].Call, h.operations[i+1].Call-1)
	}
	if len(h.unanswered) > 0 {
		h.t.Errorf("%d calls were not answered although the server lived", len(h.unanswered))
	}
	result := porcupine.CheckOperationsTimeout(model.ToModel(), withoutIdle(h.operations), 30*time.Second)
	if result != porcupine.Ok {
		h.t.Errorf("no order of these %d calls explains their answers (%s)", len(h.operations), result)
		h.print()
	}
	return result == porcupine.Ok
}

// withoutIdle leaves out calls without an answer that can make no difference: questions, and of uses that are alike all but three, since
// two change all that the uses of one thing can change. Each of them may not have happened; that they did explains nothing more, and
// the search would try them in every order.
func withoutIdle(all []porcupine.Operation) (some []porcupine.Operation) {
	alike := map[porcupine.Operation]int{}
	for _, o := range all {
		if o.Output.(output).unknown {
			switch o.Input.(input).kind {
			case introspectRefresh, introspectAccess, find, read:
				continue
			}
			kind := porcupine.Operation{Input: o.Input, Output: o.Output, Return: o.Return}
			if alike[kind]++; alike[kind] > 3 {
				continue
			}
		}
		some = append(some, o)
	}
	return some
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

// print shows the history in the order of the calls.
func (h *history) print() {
	for _, o := range h.operations {
		in, out := o.Input.(input), o.Output.(output)
		h.t.Logf("%9.3f–%9.3f ms %-25s %s → unknown=%v ok=%v %s", float64(o.Call)/1e6, float64(o.Return)/1e6, in.kind, short(in.token), out.unknown, out.ok, short(out.successor))
	}
}

func short(token string) string {
	if len(token) > 12 {
		return token[len(token)-12:]
	}
	return token
}

// together releases n calls at once; with a kill, the server dies once so many answers are back, and starts again.
func (h *history) together(r *round, n int, in func(i int) (input, *call)) []answer {
	h.t.Helper()
	ready := make(chan struct{})
	answers, inputs := make([]answer, n), make([]input, n)
	back := make(chan struct{}, n)
	var wg sync.WaitGroup
	for i := range n {
		var c *call
		inputs[i], c = in(i)
		wg.Go(func() {
			answers[i] = c.send(ready)
			back <- struct{}{}
		})
	}
	time.Sleep(30 * time.Millisecond) // until the connections stand
	released := moment()
	close(ready)
	if r.kill {
		h.killAfter(r, r.IntN(n), back)
	}
	wg.Wait()
	for i := range n {
		if !answers[i].sent {
			h.t.Fatal(answers[i].err)
		}
		answers[i].call = released
		h.record(inputs[i], answers[i])
	}
	if r.kill {
		h.died()
		h.s.start(h.t)
	}
	return answers
}

// killAfter kills the server when so many answers are back, or a little later.
func (h *history) killAfter(r *round, answers int, back <-chan struct{}) {
	for range answers {
		<-back
	}
	time.Sleep(time.Duration(r.IntN(3000)) * time.Microsecond)
	h.s.kill()
}
