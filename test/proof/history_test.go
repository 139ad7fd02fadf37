package proof

import (
	"fmt"
	"net/http"
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
	node      int  // that was asked
	excused   bool // the node may have known the user as disabled
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
func (h *history) perform(in input, c *call) answer { return h.performOn(h.s.anyone(), in, c) }

func (h *history) performOn(node int, in input, c *call) answer {
	a := c.sendTo(node, nil)
	if a.sent {
		h.record(in, a)
	} else if !h.s.dying.Load() {
		h.t.Errorf("%v: %v", in.kind, a.err)
	}
	return a
}

func (h *history) record(in input, a answer) {
	if a.status == http.StatusServiceUnavailable && h.s.fault != nil && h.s.dying.Load() {
		a.status = 0 // nothing was acknowledged
	}
	out, err := outcome(in, a)
	out.node = a.node
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

// check fails the test if the answers cannot be right.
func (h *history) check(model porcupine.NondeterministicModel) bool {
	h.t.Helper()
	if len(h.unanswered) > 0 {
		h.t.Errorf("%d calls were not answered although the server lived", len(h.unanswered))
	}
	if h.s.seen != nil {
		h.s.seen.count(h.operations, h.s.strikes)
	}
	wrong := h.judge(model)
	for _, w := range wrong {
		h.t.Error(w)
	}
	if len(wrong) > 0 {
		h.print()
	}
	return len(wrong) == 0
}

// judge says what cannot be right.
func (h *history) judge(model porcupine.NondeterministicModel) (wrong []string) {
	operations := h.operations
	if len(h.s.nodes) > 1 {
		wrong = late(operations)
		operations = heardOf(operations, h.s.strikes)
	}
	if result := explained(model, operations); result != porcupine.Ok {
		wrong = append(wrong, fmt.Sprintf("no order of these %d calls explains their answers (%s)", len(operations), result))
	}
	return wrong
}

// print shows the history in the order of the calls.
func (h *history) print() {
	for _, o := range h.operations {
		in, out := o.Input.(input), o.Output.(output)
		h.t.Logf("%9.3f–%9.3f ms %-25s @%d %s → unknown=%v ok=%v %s", float64(o.Call)/1e6, float64(o.Return)/1e6, in.kind, out.node, short(in.token), out.unknown, out.ok, short(out.successor))
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
		node := h.s.anyone()
		wg.Go(func() {
			answers[i] = c.sendTo(node, ready)
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
		h.s.recover(h.t)
	}
	return answers
}

// killAfter kills the server when so many answers are back, or a little later.
func (h *history) killAfter(r *round, answers int, back <-chan struct{}) {
	for range answers {
		<-back
	}
	time.Sleep(time.Duration(r.IntN(3000)) * time.Microsecond)
	h.s.strike()
}
