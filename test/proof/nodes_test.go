package proof

import (
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// proofs are what is held against several nodes; the server is without a grace window in even rounds.
var proofs = []struct {
	name string
	hold func(t *testing.T, s *server, r *round, grace bool)
}{
	{"code at once", func(t *testing.T, s *server, r *round, _ bool) { codeUsedAtOnce(t, s, r) }},
	{"code twice", func(t *testing.T, s *server, r *round, _ bool) { codeUsedTwice(t, s, r) }},
	{"assertion at once", func(t *testing.T, s *server, r *round, _ bool) { assertionUsedAtOnce(t, s, r) }},
	{"refresh at once", refreshTokenUsedAtOnce},
	{"generations", refreshTokenGenerations},
	{"refresh while revoked", refreshWhileRevoked},
	{"refresh while disabled", refreshWhileDisabled},
	{"generations while disabled", generationsWhileDisabled},
}

// faults are what befalls several nodes in the middle of a history. Each ends what it began, and says what it has struck: messages,
// connections, processes.
var faults = []struct {
	name   string
	befall func(t *testing.T, s *server, r *round) int64
}{
	{"network delays", func(_ *testing.T, s *server, r *round) int64 {
		n := s.nodes[s.among(r.Rand)].network
		n.set(false, false, time.Duration(1+r.IntN(150))*time.Millisecond)
		struck := n.strike(r, 800)
		n.set(false, false, 0)
		return struck
	}},
	{"network cuts", func(_ *testing.T, s *server, r *round) int64 {
		n := s.nodes[s.among(r.Rand)].network
		n.set(false, true, 0)
		struck := n.cut()
		time.Sleep(milliseconds(r, 800))
		n.set(false, false, 0)
		return struck
	}},
	{"network silent", func(_ *testing.T, s *server, r *round) int64 {
		n := s.nodes[s.among(r.Rand)].network
		n.set(true, false, 0)
		struck := n.strike(r, 2500)
		if r.IntN(2) == 0 {
			n.cut()
		}
		n.set(false, false, 0) // what was held back arrives late
		return struck
	}},
	{"node killed", func(_ *testing.T, s *server, r *round) int64 {
		struck := s.nodes[s.among(r.Rand)].end(os.Kill)
		time.Sleep(milliseconds(r, 300))
		return struck
	}},
	{"database killed", func(t *testing.T, s *server, r *round) int64 {
		s.loseDatabase(t, r)
		return 1
	}},
}

func milliseconds(r *round, most int) time.Duration {
	return time.Duration(r.IntN(most)) * time.Millisecond
}

// tally is what came of histories under one fault: their calls, those of them that were under way in it or have no answer, and what it struck.
type tally struct{ histories, calls, underWay, unanswered, faults, struck int64 }

func (y *tally) count(operations []porcupine.Operation, strikes [][2]int64) {
	y.histories++
	for _, o := range operations {
		y.calls++
		if o.Output.(output).unknown {
			y.unanswered++
		}
		if slices.ContainsFunc(strikes, func(s [2]int64) bool { return o.Call <= s[1] && o.Return >= s[0] }) {
			y.underWay++
		}
	}
}

// Three nodes on one PostgreSQL, each call to any of them, and one fault in the middle: codes, assertions and families are linearizable
// over all nodes. What follows from the configuration, or from a session's end, is in force elsewhere a second after it was answered.
// A call that is not answered, or with 503, during the fault has happened at any time, or never.
func TestNodes(t *testing.T) {
	servers := map[bool]*server{}
	seen := make([]tally, len(faults))
	for i := range *rounds {
		n := *seed + uint64(i)
		grace := n%2 == 1
		if servers[grace] == nil {
			servers[grace] = newServer(t, 3, map[bool]string{true: "--refresh-grace=300s", false: "--refresh-grace=0s"}[grace])
			servers[grace].start(t)
			servers[grace].seed(t)
		}
		s := servers[grace]
		for j := range proofs {
			fault := (int(n%uint64(len(faults))) + j) % len(faults) // of five rounds in turn each proof meets each
			t.Run(fmt.Sprintf("seed=%d/%s/%s", n, proofs[j].name, faults[fault].name), func(t *testing.T) {
				r := newRound(n*uint64(len(proofs)) + uint64(j))
				s.endure(t, r, &seen[fault], faults[fault].befall, func() { proofs[j].hold(t, s, r, grace) })
			})
			if t.Failed() {
				return
			}
		}
	}
	for i, f := range faults {
		t.Logf("%s: %+v", f.name, seen[i])
	}
}

// endure holds a proof with a fault in its middle, which must have struck something.
func (s *server) endure(t *testing.T, r *round, seen *tally, befall func(*testing.T, *server, *round) int64, hold func()) {
	r.kill = true
	s.mu.Lock()
	s.chance = newDice(r)
	s.mu.Unlock()
	s.seen, s.strikes = seen, nil
	s.fault = func() {
		struck := befall(t, s, r)
		if struck == 0 {
			t.Error("the fault struck nothing")
		}
		seen.faults, seen.struck = seen.faults+1, seen.struck+struck
	}
	hold()
	if len(s.strikes) == 0 {
		t.Error("no fault befell")
	}
}

// strike lets the server die; of several nodes it begins and ends the round's fault.
func (s *server) strike() {
	if s.fault == nil {
		s.kill()
		return
	}
	s.dying.Store(true)
	began := moment()
	s.fault()
	s.strikes = append(s.strikes, [2]int64{began, moment()})
	s.killed.Store(math.MaxInt64) // what is under way in a node that lives may come about at any time
}

// recover returns when everything runs again.
func (s *server) recover(t *testing.T) {
	t.Helper()
	s.start(t)
	s.ready(t)
}
