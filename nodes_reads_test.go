package symbolon

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/sqlite"
)

// failing is a node's connection to the database, on which a number of reads still succeed. The change feed's never do.
type failing struct {
	store.Backend
	on   atomic.Bool
	left atomic.Int64
}

func (f *failing) Close() error { return nil }

func (f *failing) Begin(ctx context.Context) (store.Snapshot, error) {
	s, err := f.Backend.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return failingReads{s, f}, nil
}

type failingReads struct {
	store.Snapshot
	f *failing
}

func (r failingReads) Query(ctx context.Context, s *store.Statement, args []any, row func([]any) error) error {
	if r.f.on.Load() && (strings.Contains(s.SQL, "symbolon_feed") || r.f.left.Add(-1) < 0) {
		return errStalled
	}
	return r.Snapshot.Query(ctx, s, args, row)
}

// TestReadsFail: whichever read of a request fails, the answer is an error that clients repeat, and never that the caller, the client or
// what it brings is refused.
func TestReadsFail(t *testing.T) {
	backend, err := sqlite.Memory()
	fatal(t, err)
	t.Cleanup(func() { _ = backend.Close() })
	lines := []*failing{{Backend: backend}, {Backend: backend}}
	nodes := openNodesOn(t, 2, func(i int) store.Backend { return lines[i] }, nil)
	d, line := nodes[1], lines[1]
	n := subjects(t, nodes[0], []string{"stays"})["stays"]
	out, first := n.grant(t, d)
	if first.status != http.StatusOK {
		t.Fatalf("%d %s", first.status, first.text)
	}
	n.accessToken = out["accessToken"].(string)
	requests := map[string]func() reply{
		"ListInstances": func() reply {
			_, a := d.call(t, "sso", "SWBExternalService.ListInstances", map[string]any{})
			return a
		},
		"CreateTokenWithIAM": func() reply { _, a := n.grant(t, d); return a },
		"introspection": func() reply {
			return d.form(t, "/oauth2/introspect", "token="+n.accessToken+"&client_id="+n.app)
		},
		"AssumeRole": func() reply { _, a := d.assume(t, "made-up"); return a },
	}
	line.on.Store(true)
	time.Sleep(inForce + 100*time.Millisecond)
	for name, send := range requests {
		failures := 0
		for reads := int64(0); ; reads++ {
			line.left.Store(reads)
			a := send()
			if a.status == http.StatusServiceUnavailable {
				if failures++; failures == 300 {
					t.Fatalf("%s: never answered, last by %s", name, a.text)
				}
				continue
			}
			if line.left.Load() < 0 {
				t.Errorf("%s: after %d reads the database fails, and the answer is %d %s", name, reads, a.status, a.text)
				continue
			}
			if wrong := a.status != http.StatusOK && name != "AssumeRole"; wrong || strings.Contains(a.text, "AccessDenied") {
				t.Errorf("%s: with all reads the answer is %d %s", name, a.status, a.text)
			}
			break
		}
		if failures < 3 {
			t.Errorf("%s: the node read %d times", name, failures)
		}
	}
}
