package symbolon

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/store"
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
	backend, err := sqlite.Memory()
	fatal(t, err)
	t.Cleanup(func() { _ = backend.Close() })
	var lines []*line
	nodes := openNodesOn(t, 2, func() store.Backend {
		lines = append(lines, &line{Backend: backend})
		return lines[len(lines)-1]
	}, nil)
	deafNode(t, nodes[0], nodes[1], lines[1].stalled.Store)
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
		for round := range 2 {
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
