// Command bench drives a running Symbolon server with the four grants and introspection, and a bare net/http server in the same
// run, and prints requests per second, latencies and the server's CPU time per request, as they are and as ratios.
//
//	go run . -quick     2,000 users, under a minute
//	go run .            10,000 users, some minutes
//
// At the end stands the table of the project's performance goals, each with its figure.
//
// Both servers are processes of their own on loopback; the load generator shares the machine's cores with them. To keep its share
// small and the same for all, it signs every request beforehand and writes prepared bytes to open connections. Every token, code
// and assertion is distinct; refresh tokens go one generation further with each pass. The server is what `symbolon serve` runs:
// SQLite with synchronous=FULL on a real disk, SigV4, policies, assignments by group, an audit event per request; only the rate
// limits are off.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
)

// settings of a run.
type settings struct {
	users, requests, rounds int
	starts                  int  // on an empty folder
	unreleased              bool // measure the program as tests build it
	connections             []int
	only                    *regexp.Regexp
	folder, profile         string
	postgres                string // auto or off
	families                int    // for the crowd; 0 = none
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == childArgument {
		exit(runChild(os.Args[2:]))
	}
	s, err := parse()
	if err != nil {
		exit(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exit(run(ctx, s))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func parse() (s settings, err error) {
	quick := flag.Bool("quick", false, "a short run: 2,000 users, passes of 1,000 requests")
	flag.IntVar(&s.users, "users", 10_000, "users of the directory, each with a refresh token family")
	flag.IntVar(&s.requests, "requests", 10_000, "requests of a pass, at most one per user")
	flag.IntVar(&s.rounds, "rounds", 3, "rounds; the medians are printed")
	connections := flag.String("connections", "64,16", "numbers of connections, each a pass of every round")
	only := flag.String("only", "", "regular expression of the cases to run; the bare server always runs")
	flag.StringVar(&s.folder, "folder", "", "folder on the disk to measure; the system's for temporary files if empty")
	flag.StringVar(&s.profile, "profile", "", "file for a CPU profile of the server from the first round on; a profile of its memory goes beside it, FILE.memory")
	flag.IntVar(&s.families, "families", 0, "as many live families more in a copy of the embedded store, and up to a million expired ones; 0 leaves that out")
	flag.StringVar(&s.postgres, "postgres", "auto", "PostgreSQL beside the embedded store: auto starts a throw-away server if its programs are here, off")
	flag.Parse()
	if *quick {
		s.users, s.requests = 2_000, 1_000
	}
	s.requests, s.starts = min(s.requests, s.users), 5
	for _, text := range strings.Split(*connections, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1024 {
			return s, errors.New("-connections: numbers from 1 to 1024")
		}
		s.connections = append(s.connections, n)
	}
	if s.users < 1 || s.users > 100_000 || s.rounds < 1 || s.requests < 1 {
		return s, errors.New("-users, -requests or -rounds is out of range")
	}
	s.only, err = regexp.Compile(*only)
	return s, err
}

// run measures and prints.
func run(ctx context.Context, s settings) error {
	r, err := measure(ctx, s)
	if err != nil {
		return err
	}
	return r.print(os.Stdout)
}

// measure prepares both servers and goes through the rounds.
func measure(ctx context.Context, s settings) (r *report, err error) {
	folder, err := os.MkdirTemp(s.folder, "symbolon-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	r = &report{passes: map[sample][]figures{}}
	if r.machine, err = describe(folder); err != nil {
		return nil, err
	}
	l, err := newLab(s, folder)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if r.sizes, err = l.measureSizes(ctx); err != nil {
		return nil, err
	}
	worlds, err := l.worlds(ctx, r)
	for _, w := range worlds {
		defer w.close()
	}
	if err != nil {
		return nil, err
	}
	if err := l.measureRounds(ctx, r, worlds); err != nil {
		return nil, err
	}
	r.loaded = worlds[0].highest
	r.crowd, err = l.measureCrowd(ctx, worlds[0])
	return r, err
}

// worlds are the servers to compare: the embedded store's first, and PostgreSQL's where there is one.
func (l *lab) worlds(ctx context.Context, r *report) (list []*world, err error) {
	embedded, err := l.newWorld(ctx, "", nil)
	if err != nil {
		return nil, err
	}
	list = append(list, embedded)
	database, err := l.startDatabase()
	if database == nil || err != nil {
		r.noDatabase = "no PostgreSQL on this machine"
		return list, err
	}
	other, err := l.newWorld(ctx, "PostgreSQL", database)
	if err != nil {
		return list, errors.Join(err, database.Close())
	}
	return append(list, other), nil
}

// measureRounds drives the bare server and the worlds, each over every number of connections, as often as asked for.
func (l *lab) measureRounds(ctx context.Context, r *report, worlds []*world) error {
	for n := range l.rounds {
		for _, connections := range l.connections {
			if err := l.round(ctx, r, worlds, connections); err != nil {
				return err
			}
		}
		if err := l.round(ctx, r, worlds, 1); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "round %d of %d done\n", n+1, l.rounds)
	}
	return nil
}

// round is one over so many connections: every world, and before each case of the first one the bare server. A case that is compared
// with what the machine could do seconds ago would be compared with another machine.
func (l *lab) round(ctx context.Context, r *report, worlds []*world, connections int) error {
	if connections == 1 {
		if err := r.timeFlush(l.folder); err != nil {
			return err
		}
	}
	cases := func(w *world) []*benchCase {
		if connections == 1 {
			return w.alone()
		}
		return w.cases
	}
	bare := func(string) (*pass, error) { return l.yardstick(ctx, r, connections) }
	first, err := worlds[0].round(ctx, r, connections, cases(worlds[0]), bare)
	if err != nil {
		return err
	}
	for _, w := range worlds[1:] {
		if _, err := w.round(ctx, r, connections, cases(w), func(name string) (*pass, error) { return first[name], nil }); err != nil {
			return err
		}
	}
	return nil
}
