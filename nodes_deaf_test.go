package symbolon

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
	"github.com/symbolon/symbolon/internal/store/sqlite"
)

// line is a node's connection to the database.
type line struct {
	store.Backend
	stalled atomic.Bool
}

var errStalled = errors.New("no answer in time")

// wait is what a backend does whose database does not answer: it waits, for as long as its own deadlines let it.
func (l *line) wait(ctx context.Context) error {
	if !l.stalled.Load() {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Second):
		return errStalled
	}
}

func (l *line) Close() error { return nil }

func (l *line) Begin(ctx context.Context) (store.Snapshot, error) {
	if err := l.wait(ctx); err != nil {
		return nil, err
	}
	return l.Backend.Begin(ctx)
}

func (l *line) Commit(commits []*store.Commit) error {
	if err := l.wait(context.Background()); err != nil {
		return err
	}
	return l.Backend.Commit(commits)
}

// TestDeafNode: a node whose database does not answer decides nothing by what it remembers once that is a second old, says so, answers
// in time with an error that clients retry, and recovers by itself.
func TestDeafNode(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		backend, err := sqlite.Memory()
		fatal(t, err)
		t.Cleanup(func() { _ = backend.Close() })
		lines := []*line{{Backend: backend}, {Backend: backend}}
		nodes := openNodesOn(t, 2, func(i int) store.Backend { return lines[i] }, nil)
		deafNode(t, nodes[0], nodes[1], lines[1].stalled.Store)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		at := postgrestest.Database(t)
		u, err := url.Parse(at)
		fatal(t, err)
		p := newSlowProxy(t, u.Host)
		u.Host = p.address
		nodes := openNodesOn(t, 2, func(i int) store.Backend { return openPostgres(t, []string{at, u.String()}[i]) }, nil)
		deafNode(t, nodes[0], nodes[1], p.stall)
	})
}

// slowProxy stands between a node and its database, and may hold back all that passes: connections stay up and nothing comes.
type slowProxy struct {
	address string
	mu      sync.Mutex
	free    chan struct{} // closed while bytes pass
}

func newSlowProxy(t testing.TB, target string) *slowProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(t, err)
	p := &slowProxy{address: l.Addr().String(), free: make(chan struct{})}
	close(p.free)
	ended := make(chan struct{})
	t.Cleanup(func() {
		close(ended)
		_ = l.Close()
	})
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", target)
			if err != nil {
				_ = client.Close()
				continue
			}
			go p.pass(client, server, ended)
			go p.pass(server, client, ended)
		}
	}()
	return p
}

// pass copies until either side closes.
func (p *slowProxy) pass(to, from net.Conn, ended <-chan struct{}) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		free := p.free
		p.mu.Unlock()
		select {
		case <-free:
		case <-ended:
			return
		}
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *slowProxy) stall(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if on {
		p.free = make(chan struct{})
		return
	}
	close(p.free)
}

func deafNode(t *testing.T, a, deaf *door, stall func(bool)) {
	all := subjects(t, a, []string{"stays", "goes"})
	for _, n := range all {
		out, first := n.grant(t, deaf)
		if first.status != http.StatusOK {
			t.Fatalf("%d %s", first.status, first.text)
		}
		n.accessToken = out["accessToken"].(string)
	}
	stall(true)
	fatal(t, a.db.Update(t.Context(), func(tx *store.Tx) error {
		user, err := identitystore.GetUser(tx, a.IdentityStoreID, all["goes"].user)
		fatal(t, err)
		user.Enabled = false
		_, err = identitystore.PutUser(tx, user)
		return err
	}))
	time.Sleep(inForce + 100*time.Millisecond)
	together(6, func(i int) {
		n := all[[]string{"stays", "goes"}[i%2]]
		for round := range 1 {
			start := time.Now()
			_, refused := n.grant(t, deaf)
			if refused.status != http.StatusServiceUnavailable {
				t.Errorf("round %d: a deaf node answers a grant with %d %s", round, refused.status, refused.text)
			}
			introspection := deaf.form(t, "/oauth2/introspect", "token="+n.accessToken+"&client_id="+n.app)
			if introspection.status != http.StatusServiceUnavailable {
				t.Errorf("round %d: a deaf node answers an introspection with %d %s", round, introspection.status, introspection.text)
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("round %d: a deaf node took %v to refuse two requests", round, took)
			}
		}
	})
	p := probeOf(t, deaf.Handler(), "/readyz")
	if p.code != http.StatusServiceUnavailable || p.Checks["feed"] == "ok" || p.Checks["store"] == "ok" || p.Checks["audit"] != "ok" {
		t.Errorf("a deaf node's readiness: %+v", p)
	}
	if p := probeOf(t, deaf.Handler(), "/healthz"); p.code != http.StatusOK {
		t.Errorf("a deaf node is alive: %+v", p)
	}
	if p := probeOf(t, a.Handler(), "/readyz"); p.code != http.StatusOK {
		t.Errorf("the other node: %+v", p)
	}
	stall(false)
	for end := time.Now().Add(20 * time.Second); probeOf(t, deaf.Handler(), "/readyz").code != http.StatusOK; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the node does not recover: %+v", probeOf(t, deaf.Handler(), "/readyz"))
		}
	}
	if !all["stays"].granted(t, deaf) || !all["stays"].active(t, deaf) {
		t.Error("a node that has recovered does not serve")
	}
	if _, refused := all["goes"].grant(t, deaf); refused.status != http.StatusBadRequest || !strings.Contains(refused.text, "invalid_grant") {
		t.Errorf("the user that was disabled meanwhile: %d %s", refused.status, refused.text)
	}
}
