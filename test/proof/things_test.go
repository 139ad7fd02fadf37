package proof

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/anishathalye/porcupine"
)

// thing is one object under load and all that was done to it. After a crash its model says what may be true of it.
type thing struct {
	what   string
	model  porcupine.NondeterministicModel
	born   *answer // the answer that brought it into the world: without it nobody knows of the thing
	probe  func(*aftermath)
	shared bool // several clients use it at once
	remote bool // what is asked hangs on a session whose end other nodes hear of, within a second

	mu    sync.Mutex
	deeds []deed
}

type deed struct {
	input
	answer
}

func (th *thing) add(in input, a answer) {
	th.mu.Lock()
	defer th.mu.Unlock()
	th.deeds = append(th.deeds, deed{in, a})
}

// cut is where histories break off, because the process died or the power was lost.
type cut struct {
	at       int64             // nothing that was called later has happened
	answered func(answer) bool // whether the answer had left: then what it says is certain
}

// aftermath is a thing's history up to a cut, and what it answers afterwards.
type aftermath struct {
	*history
	certain  []deed // their answers had left
	doubtful []deed // called, and happened as a whole or not at all; their answers may be known all the same
}

// afterwards is the thing after a cut; false if nobody knew of it then.
func (th *thing) afterwards(t *testing.T, s *server, c cut) (*aftermath, bool) {
	if th.born != nil && !c.answered(*th.born) {
		return nil, false
	}
	a := &aftermath{history: &history{t: t, s: s}}
	for _, d := range th.deeds {
		switch {
		case !d.sent || d.call > c.at:
		case c.answered(d.answer):
			a.certain = append(a.certain, d)
			a.record(d.input, d.answer)
		default:
			a.doubtful = append(a.doubtful, d)
			out, _ := outcome(d.input, d.answer)
			end := c.at
			if killed := s.killed.Load(); d.call <= killed {
				end = min(end, killed)
			}
			a.operations = append(a.operations, porcupine.Operation{
				Input: d.input, Call: d.call, Return: max(end, d.call), Output: output{unknown: true, successor: out.successor},
			})
		}
	}
	return a, len(a.operations) > 0 || th.born != nil
}

// verify asks the thing on the restarted server, and then its model about everything together.
func (th *thing) verify(t *testing.T, s *server, c cut) (verified bool) {
	t.Helper()
	a, known := th.afterwards(t, s, c)
	if !known {
		return false
	}
	th.probe(a)
	if th.remote && len(s.nodes) > 1 {
		a.hearLate()
	}
	if !a.check(th.model) {
		t.Logf("that was %s", th.what)
	}
	return true
}

// hearLate lets what succeeded have happened up to a second before: the node knew no better. (Of access tokens that holds everywhere.)
func (a *aftermath) hearLate() {
	for i, o := range a.operations {
		if k := o.Input.(input).kind; o.Output.(output).ok && (k == introspectRefresh || k == exchange) {
			a.operations[i].Call -= int64(hearing)
		}
	}
}

// ask sends a call that is part of the history.
func (a *aftermath) ask(k kind, token string, c *call) answer {
	return a.perform(input{kind: k, token: token}, c)
}

// tokensOf are those that the deeds' answers carry, in their order.
func tokensOf(deeds []deed) (all []tokens) {
	for _, d := range deeds {
		if k := d.tokens(); k.AccessToken != "" {
			all = append(all, k)
		}
	}
	return all
}

// outcome reads an answer as models see it. The error is an answer that is never right.
func outcome(in input, a answer) (out output, err error) {
	out.ok = a.status == http.StatusOK
	switch {
	case a.status == 0:
		out.unknown = true
	case a.status >= 500:
		err = fmt.Errorf("%v: %v", in.kind, a)
	case in.kind == redeem || in.kind == exchange:
		out.successor = a.tokens().RefreshToken
	case in.kind == read && out.ok:
		out.successor, _ = a.member(in.token)
	case slices.Contains([]kind{introspectRefresh, introspectAccess}, in.kind):
		if !out.ok {
			err = fmt.Errorf("%v: %v", in.kind, a)
		}
		out.ok = a.active()
	case in.kind == revokeFamily && !out.ok:
		err = fmt.Errorf("%v: %v", in.kind, a)
	}
	return out, err
}
