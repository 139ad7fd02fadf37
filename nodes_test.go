package symbolon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/sqlite"
)

// several are nodes on one database, as processes of their own would be.
type several struct {
	t       *testing.T
	backend store.Backend
}

// kept is a backend that outlives the node it is given to.
type kept struct{ store.Backend }

func (kept) Close() error { return nil }

func newSeveral(t *testing.T) *several {
	t.Helper()
	b, err := sqlite.Memory()
	fatal(t, err)
	t.Cleanup(func() { _ = b.Close() })
	return &several{t: t, backend: b}
}

// newcomer is a node that has not joined yet: its clock is ahead by some time.
type newcomer struct {
	db   *store.DB
	now  func() time.Time
	skew *atomic.Int64
	log  *bytes.Buffer
	node
}

func (s *several) newcomer(id string, ahead time.Duration) *newcomer {
	s.t.Helper()
	n := &newcomer{skew: new(atomic.Int64), log: new(bytes.Buffer), node: node{
		ID: id, Address: id + ".example", MasterKey: "one", Settings: map[string]string{"issuer": "https://sso.example.com", "code-ttl": "1m0s"},
	}}
	n.skew.Store(int64(ahead))
	n.now = func() time.Time { return time.Now().Add(time.Duration(n.skew.Load())) }
	var err error
	n.db, err = store.Open(s.t.Context(), kept{s.backend}, nodeTables(), store.Options{Now: n.now, Shared: true})
	fatal(s.t, err)
	s.t.Cleanup(func() { _ = n.db.Close() })
	return n
}

func (n *newcomer) join(ctx context.Context) (*nodes, error) {
	return joinNodes(ctx, n.db, n.node, n.now, slog.New(slog.NewTextHandler(n.log, nil)))
}

func (s *several) join(n *newcomer) *nodes {
	s.t.Helper()
	joined, err := n.join(s.t.Context())
	fatal(s.t, err)
	s.t.Cleanup(joined.leave)
	return joined
}

func (s *several) listed() []string {
	s.t.Helper()
	var ids []string
	db := s.newcomer("reader", 0).db
	fatal(s.t, db.View(s.t.Context(), func(tx *store.Tx) error {
		rows, err := nodeTable.List(tx, store.Query{})
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
		return err
	}))
	slices.Sort(ids)
	return ids
}

func TestNodesKnowEachOther(t *testing.T) {
	s := newSeveral(t)
	a, b := s.join(s.newcomer("a", 0)), s.join(s.newcomer("b", 20*time.Second))
	if len(b.alive) != 1 || b.alive[0].ID != "a" || len(a.alive) != 0 {
		t.Errorf("a knows %v, b knows %v", a.alive, b.alive)
	}
	fatal(t, a.report(t.Context()))
	if len(a.alive) != 1 || a.alive[0].ID != "b" || a.alive[0].ClockAhead < 19*time.Second || a.alive[0].ClockAhead > 21*time.Second {
		t.Errorf("a knows %v", a.alive)
	}
	if silence, cut := a.cutOff(); cut || silence > nodeSilence {
		t.Errorf("a is cut off for %v", silence)
	}
	if got := s.listed(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("listed: %v", got)
	}
	b.leave()
	if got := s.listed(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("after b has left: %v", got)
	}
	fatal(t, a.report(t.Context()))
	if len(a.alive) != 0 {
		t.Errorf("a knows %v after b has left", a.alive)
	}
}

// TestNodesRefuse: who does not fit those who serve does not join them; once they are gone it may.
func TestNodesRefuse(t *testing.T) {
	for name, c := range map[string]struct {
		ahead  time.Duration
		issuer string
		says   []string
	}{
		"another issuer":   {0, "https://other.example.com", []string{"https://other.example.com", "https://sso.example.com", "old.example", "set issuer"}},
		"a clock ahead":    {clockLimit + 2*time.Second, "", []string{"ahead of", "old.example", "clock"}},
		"a clock behind":   {-clockLimit - 2*time.Second, "", []string{"behind", "old.example", "clock"}},
		"a clock far away": {1000 * time.Hour, "", []string{"ahead of", "old.example", "clock"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSeveral(t)
			old := s.join(s.newcomer("old", 0))
			n := s.newcomer("new", c.ahead)
			if c.issuer != "" {
				n.Settings["issuer"] = c.issuer
			}
			_, err := n.join(t.Context())
			for _, says := range c.says {
				if err == nil || !strings.Contains(err.Error(), says) {
					t.Errorf("%v does not speak of %q", err, says)
				}
			}
			if got := s.listed(); !slices.Equal(got, []string{"old"}) {
				t.Errorf("listed: %v", got)
			}
			old.leave()
			s.join(n)
		})
	}
}

// TestNodesBear: what is not yet dangerous is logged, once.
func TestNodesBear(t *testing.T) {
	s := newSeveral(t)
	s.join(s.newcomer("old", 0))
	n := s.newcomer("new", clockLimit-2*time.Second)
	n.Settings["code-ttl"], n.MasterKey = "30s", "two"
	joined := s.join(n)
	fatal(t, joined.report(t.Context()))
	fatal(t, joined.report(t.Context()))
	for _, says := range []string{"code-ttl", "30s", "1m0s", "another master key", "ahead of the database's", "ahead of that of the node old.example"} {
		if got := strings.Count(n.log.String(), says); got != 1 {
			t.Errorf("%d lines speak of %q:\n%s", got, says, n.log)
		}
	}
	quiet := s.newcomer("quiet", 2*time.Second)
	quiet.MasterKey = "one"
	joined.leave()
	s.join(quiet)
	if quiet.log.Len() > 0 {
		t.Errorf("a node that fits complains:\n%s", quiet.log)
	}
}

// TestSilentNodes: who has been silent for long counts no more, whatever it was, and hears of it itself.
func TestSilentNodes(t *testing.T) {
	s := newSeveral(t)
	old := s.newcomer("old", 0)
	old.Settings["issuer"] = "https://other.example.com"
	joined, err := old.join(t.Context())
	fatal(t, err)
	joined.stop() // as killed
	<-joined.done
	fatal(t, old.db.Update(t.Context(), func(tx *store.Tx) error {
		row, err := nodeTable.Get(tx, "old")
		if err != nil {
			return err
		}
		row.SeenAt = row.SeenAt.Add(-nodeSilence - time.Second)
		return nodeTable.Put(tx, row)
	}))
	n := s.join(s.newcomer("new", 0))
	if len(n.alive) != 0 {
		t.Errorf("the node knows %v", n.alive)
	}
	fatal(t, n.report(t.Context()))
	if got := s.listed(); !slices.Equal(got, []string{"new", "old"}) {
		t.Errorf("a silent node has gone from the list too early: %v", got)
	}
	fatal(t, old.db.Update(t.Context(), func(tx *store.Tx) error {
		row, err := nodeTable.Get(tx, "old")
		row.SeenAt = row.SeenAt.Add(-nodeLife)
		return errors.Join(err, nodeTable.Put(tx, row))
	}))
	fatal(t, n.report(t.Context()))
	if got := s.listed(); !slices.Equal(got, []string{"new"}) {
		t.Errorf("a node long gone is listed: %v", got)
	}
	joined.beat = joined.beat.Add(-nodeSilence - time.Second)
	if _, cut := joined.cutOff(); !cut {
		t.Error("it does not notice that it is cut off")
	}
}

// TestNodesJoinAtOnce: of nodes that do not fit each other and start together one serves.
func TestNodesJoinAtOnce(t *testing.T) {
	s := newSeveral(t)
	var group sync.WaitGroup
	var mu sync.Mutex
	outcomes := map[string]error{}
	for i := range 6 {
		n := s.newcomer(fmt.Sprint(i), 0)
		n.Settings["issuer"] = fmt.Sprintf("https://%d.example.com", i)
		group.Go(func() {
			joined, err := n.join(t.Context())
			if err == nil {
				defer joined.leave()
			}
			mu.Lock()
			outcomes[n.ID] = err
			mu.Unlock()
			<-t.Context().Done()
		})
	}
	// All but one end refused; the one stays, so that no other can join after it.
	for {
		mu.Lock()
		seen := len(outcomes)
		mu.Unlock()
		if seen == 6 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	served := slices.DeleteFunc(slices.Collect(maps.Keys(outcomes)), func(id string) bool { return outcomes[id] != nil })
	if len(served) != 1 || !slices.Equal(s.listed(), served) {
		t.Errorf("served %v, listed %v: %v", served, s.listed(), outcomes)
	}
}

// TestEverySettingIsDecided: whoever adds a setting says whether it must be the same on all nodes.
func TestEverySettingIsDecided(t *testing.T) {
	own := []string{
		"listen", "data", "master-key-file", "audit-log", "tls-cert", "tls-key", "behind-proxy", "admin-listen", "admin-allow-network",
		"drain-delay", "drain-timeout", "limit-caller", "limit-application", "limit-address", "limit-global", "limit-sign-in", "log-format", "log-level", "log-requests", "database-url", "master-key-env", "master-key-command",
	}
	for _, name := range Settings() {
		if slices.Contains(own, name) == slices.Contains(sharedSettings, name) {
			t.Errorf("%s: is it a node's own, or must all nodes have the same? Put it on one list", name)
		}
	}
	s := testServer(t, Config{})
	values := s.sharedValues()
	for _, name := range sharedSettings {
		if _, ok := values[name]; !ok {
			t.Errorf("%s is not compared", name)
		}
	}
	if values["issuer"] != s.Issuer() || values["refresh-grace"] != "30s" {
		t.Errorf("%v", values)
	}
	fatal(t, s.Join(t.Context()))
	if got := s.NodeStats(); got != (NodeStats{}) || s.health.nodes.Load() != nil {
		t.Errorf("a server on a store of its own joins others: %+v", got)
	}
}
