package proof

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var (
	rounds     = flag.Int("rounds", 2, "rounds of every proof, each with a seed of its own")
	seed       = flag.Uint64("seed", 1, "seed of the first round; the next rounds count on from it")
	folder     = flag.String("folder", "", "where servers keep their data; the system's folder for temporary files if empty")
	contenders = flag.Int("contenders", 100, "uses of one thing that are released together")
)

// program is the symbolon binary under proof.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "proof:", err)
		code = 1
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp(*folder, "symbolon-proof-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "symbolon")
	build := exec.Command("go", "build", "-o", program, "./cmd/symbolon")
	build.Dir = filepath.Join("..", "..")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		return 1, fmt.Errorf("build: %w", err)
	}
	code = m.Run()
	return code, closeCluster()
}

// eachRound runs a proof with and without a kill in its middle, once per seed.
func eachRound(t *testing.T, settings []string, proof func(t *testing.T, s *server, r *round)) {
	s := startServer(t, settings...)
	for _, kill := range []bool{false, true} {
		for i := range *rounds {
			n := *seed + uint64(i)
			t.Run(fmt.Sprintf("kill=%v/seed=%d", kill, n), func(t *testing.T) {
				r := newRound(n)
				r.kill = kill
				proof(t, s, r)
			})
			if t.Failed() {
				return
			}
		}
	}
}

// round is the chance of one round, and whether the program dies in it.
type round struct {
	*rand.Rand
	kill bool
}

func newRound(seed uint64) *round { return &round{Rand: rand.New(rand.NewPCG(seed, 0))} }

// dice is a worker's own chance, so that one worker's does not hang on another's speed.
type dice = rand.Rand

func newDice(r *round) *dice { return rand.New(rand.NewPCG(r.Uint64(), r.Uint64())) }
