package proof

import (
	"fmt"
	"testing"
)

// Killed under mixed load, the server forgets nothing that it acknowledged, and did what it did not acknowledge as a whole or not
// at all: every thing answers afterwards as its model allows.
func TestKilledUnderLoad(t *testing.T) {
	for setting, grace := range graces {
		t.Run(setting, func(t *testing.T) {
			s := startServer(t, "--"+setting, "--code-ttl=10m")
			for i := range *rounds {
				t.Run(fmt.Sprintf("seed=%d", *seed+uint64(i)), func(t *testing.T) {
					l := &load{t: t, s: s, grace: grace}
					l.run(30+newRound(*seed+uint64(i)).IntN(300), s.kill)
					s.start(t)
					l.verify(killed(s), l.things)
				})
				if t.Failed() {
					return
				}
			}
		})
	}
}

// killed is the cut that a kill makes: what has an answer is certain.
func killed(s *server) cut {
	return cut{s.killed.Load(), func(a answer) bool { return a.status != 0 && a.status < 500 }}
}
