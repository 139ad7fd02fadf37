package proof

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

var asynchronous = flag.Bool("asynchronous", false, "commits do not wait for the standby, so that TestFailOver has to find what is lost")

// pair is a PostgreSQL server and its standby, without which nothing is acknowledged. They change places.
type pair struct {
	servers [2]*postgrestest.Cluster
	primary int      // which of them
	link    *network // over which the standby follows
}

func newPair(t *testing.T) *pair {
	t.Helper()
	o := postgrestest.Options{Fsync: true, Folder: *folder}
	first := postgrestest.Start(t, o)
	second, err := first.Standby(o, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := second.Close(); err != nil {
			t.Error(err)
		}
	})
	return &pair{servers: [2]*postgrestest.Cluster{first, second}}
}

// database makes one whose URL names both servers.
func (p *pair) database(t *testing.T) *database {
	t.Helper()
	at, err := p.servers[p.primary].NewDatabase() // it goes with the servers
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = fmt.Sprintf("127.0.0.1:%d,127.0.0.1:%d", p.servers[0].Port(), p.servers[1].Port())
	return &database{p.servers[p.primary], u.String() + "&target_session_attrs=read-write"}
}

// join returns once the server that is not the primary is its standby, over a link that lags, and every commit waits for it.
func (p *pair) join(t *testing.T, r *round) {
	t.Helper()
	primary, standby := p.servers[p.primary], p.servers[1-p.primary]
	if standby.Running() && p.link != nil { // as what it was before it was killed
		if err := standby.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	if !standby.Running() {
		if err := standby.Follow(primary); err != nil {
			t.Fatal(err)
		}
	}
	p.link = newNetwork(t, fmt.Sprintf("127.0.0.1:%d", primary.Port()))
	p.link.set(false, false, time.Duration(r.IntN(10))*time.Millisecond)
	u, err := url.Parse(primary.URL())
	if err != nil {
		t.Fatal(err)
	}
	u.Host = p.link.listener.Addr().String()
	err = errors.Join(standby.Set("primary_conninfo", u.String()), standby.Await(fmt.Sprintf(
		"SELECT status = 'streaming' AND sender_port = %s FROM pg_stat_wal_receiver", u.Port())))
	if err == nil && !*asynchronous {
		err = primary.Synchronize()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// change kills the primary and promotes the standby, a little later; what had not reached it by the kill it never gets.
func (p *pair) change(t *testing.T, r *round) (killed, promoted int64) {
	t.Helper()
	if r.IntN(2) == 0 {
		p.link.set(true, false, 0) // the standby falls behind
		time.Sleep(milliseconds(r, 300))
	}
	p.link.set(true, true, 0)
	p.link.cut()
	if err := p.servers[p.primary].Kill(); err != nil {
		t.Fatal(err)
	}
	killed = moment()
	time.Sleep(milliseconds(r, 3000))
	p.primary = 1 - p.primary
	next := p.servers[p.primary]
	if err := errors.Join(next.Run("SELECT pg_promote(false)"), next.Await("SELECT NOT pg_is_in_recovery()")); err != nil {
		t.Fatal(err)
	}
	return killed, moment()
}

// haunt starts the server that was killed again, as what it was, and ends all connections to the one in its place: now there are two that
// take writes.
func (p *pair) haunt(t *testing.T) {
	t.Helper()
	err := errors.Join(p.servers[1-p.primary].Start(), p.servers[p.primary].Run(
		"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'symbolon'"))
	if err != nil {
		t.Fatal(err)
	}
}

// outage is how long a fail-over took.
type outage struct {
	promotion  time.Duration // from the kill until the standby takes writes
	first, all time.Duration // from then until the first grant of any node, and of the last one
	returned   bool          // the old primary came back
}

func (o outage) String() string {
	return fmt.Sprintf("promoted %v after the kill; the first grant %v after the promotion, of every node %v; the old primary came back: %v",
		o.promotion.Round(time.Millisecond), o.first.Round(time.Millisecond), o.all.Round(time.Millisecond), o.returned)
}

// failOver changes the servers under load, and returns when every node grants again.
func (l *load) failOver(p *pair, r *round) (o outage) {
	l.persist(func() {
		for enough := l.atLeast(int(l.deeds.Load()) + 30 + r.IntN(300)); !enough() && !l.t.Failed(); time.Sleep(time.Millisecond) {
		}
		l.excused.Store(true)
		killed, promoted := p.change(l.t, r)
		granted := l.granted()
		o.promotion = time.Duration(promoted - killed)
		o.first, o.all = time.Duration(slices.Min(granted)-promoted), time.Duration(slices.Max(granted)-promoted)
		if o.returned = r.IntN(2) == 0; o.returned {
			p.haunt(l.t)
			l.granted()
		}
		l.s.ready(l.t)
	})
	return o
}

// granted has clients ask every node for tokens, over and over, and says when each was the first to get some.
func (l *load) granted() []int64 {
	first := make([]int64, len(l.s.nodes))
	deadline := time.Now().Add(30 * time.Second)
	var wg sync.WaitGroup
	for i := range l.s.nodes {
		var mu sync.Mutex
		for range 4 {
			wg.Go(func() {
				for done := false; !done && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
					ask := l.s.bearer(l.s.issuer.assertion(l.t, "alice@example.com"))
					a := ask.sendTo(i, nil)
					mu.Lock()
					if a.status == http.StatusOK && first[i] == 0 {
						first[i] = a.back
					}
					done = first[i] != 0
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	for i, at := range first {
		if at == 0 {
			l.t.Fatalf("node %d grants nothing within 30 s of the promotion", i)
		}
	}
	return first
}

// The primary dies under load, whatever has not reached the standby with it, and the standby is promoted: nothing that was acknowledged is
// lost, revived or doubled, and the nodes go on by themselves, also if the old primary comes back as if nothing had happened. The servers
// change places in every round; nodes of even seeds have no grace window.
func TestFailOver(t *testing.T) {
	p := newPair(t)
	servers := map[bool]*server{}
	var all []outage
	for i := range asked(1) {
		n := *seed + uint64(i)
		grace := n%2 == 1
		if servers[grace] == nil {
			s := newServerOn(t, p.database(t), 2, map[bool]string{true: "--refresh-grace=300s", false: "--refresh-grace=0s"}[grace], "--code-ttl=10m")
			s.start(t)
			s.seed(t)
			servers[grace] = s
		}
		t.Run(fmt.Sprintf("seed=%d", n), func(t *testing.T) {
			s, r := servers[grace], newRound(n)
			s.chance = newDice(r)
			p.join(t, r)
			s.ready(t)
			l := &load{t: t, s: s, grace: grace}
			o := l.failOver(p, r)
			l.run(l.atLeast(int(l.deeds.Load())+100), nil) // with nothing excused
			t.Logf("%v; %d calls", o, l.deeds.Load())
			s.heard()
			l.verify(cut{moment(), func(a answer) bool { return a.status != 0 && a.status < 500 }}, l.things)
			all = append(all, o)
		})
		if t.Failed() {
			return
		}
	}
	summarize(t, all)
}

// asked is how many rounds were asked for, or else so many.
func asked(otherwise int) int {
	flag.Visit(func(f *flag.Flag) {
		if f.Name == "rounds" {
			otherwise = *rounds
		}
	})
	return otherwise
}

// summarize prints how long the outages took.
func summarize(t *testing.T, all []outage) {
	for _, part := range []struct {
		name string
		of   func(outage) time.Duration
	}{
		{"from the kill to the promotion", func(o outage) time.Duration { return o.promotion }},
		{"from the promotion to the first grant", func(o outage) time.Duration { return o.first }},
		{"from the promotion to the first grant of every node", func(o outage) time.Duration { return o.all }},
		{"from the kill to the first grant", func(o outage) time.Duration { return o.promotion + o.first }},
	} {
		var took []time.Duration
		for _, o := range all {
			took = append(took, part.of(o))
		}
		slices.Sort(took)
		t.Logf("%d fail-overs, %s: median %v, worst %v", len(took), part.name, took[len(took)/2].Round(time.Millisecond),
			took[len(took)-1].Round(time.Millisecond))
	}
}
