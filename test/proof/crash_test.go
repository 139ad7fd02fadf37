package proof

import (
	"fmt"
	"testing"
	"time"
)

// deaths are what can die under load, and how it comes back.
var deaths = []struct {
	name string
	// die happens under load. Afterwards everything runs again, and what has no answer by then gets none.
	die      func(t *testing.T, s *server, r *round)
	database bool // needs one apart from the server
}{
	{name: "server", die: func(t *testing.T, s *server, _ *round) {
		s.kill()
		s.start(t)
	}},
	{name: "database", database: true, die: func(t *testing.T, s *server, r *round) {
		s.loseDatabase(t, r)
		s.ready(t) // by itself
	}},
	{name: "both", database: true, die: func(t *testing.T, s *server, r *round) {
		s.loseDatabase(t, r)
		s.kill()
		s.start(t)
	}},
}

// Killed under mixed load, server and database forget nothing that was acknowledged, and have done what was not as a whole or not at
// all: every thing answers afterwards as its model allows. Servers of even seeds have no grace window.
func TestKilledUnderLoad(t *testing.T) {
	for _, d := range deaths {
		if d.database && *store == "sqlite" {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			servers := map[bool]*server{}
			for i := range *rounds {
				n := *seed + uint64(i)
				grace := n%2 == 1
				if servers[grace] == nil {
					servers[grace] = startServer(t, map[bool]string{true: "--refresh-grace=300s", false: "--refresh-grace=0s"}[grace], "--code-ttl=10m")
				}
				t.Run(fmt.Sprintf("seed=%d", n), func(t *testing.T) {
					s, r := servers[grace], newRound(n)
					l := &load{t: t, s: s, grace: grace}
					l.run(l.atLeast(30+r.IntN(300)), func() { d.die(t, s, r) })
					l.verify(cut{moment(), func(a answer) bool { return a.status != 0 && a.status < 500 }}, l.things)
				})
				if t.Failed() {
					return
				}
			}
		})
	}
}

// loseDatabase kills every process of the database and starts it again a little later.
func (s *server) loseDatabase(t *testing.T, r *round) {
	t.Helper()
	if err := s.database.Kill(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Duration(r.IntN(300)) * time.Millisecond)
	if err := s.database.Start(); err != nil {
		t.Fatal(err)
	}
}

// ready waits until every node is, by itself.
func (s *server) ready(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		ready := true
		for _, n := range s.nodes {
			ready = ready && s.healthy(n)
		}
		if ready {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the server does not recover within 20 s")
		}
	}
}
