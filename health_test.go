package symbolon

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// probed is what an answer of a health endpoint says.
type probed struct {
	code   int
	Status string
	Checks map[string]string
}

func probeOf(t testing.TB, h http.Handler, path string) probed {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	p := probed{code: w.Code}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("%s: %v: %q", path, err, w.Body)
	}
	if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%s: headers %v", path, w.Header())
	}
	return p
}

func TestReady(t *testing.T) {
	s := testServer(t, Config{})
	for range 2 {
		p := probeOf(t, s.Handler(), "/readyz")
		if p.code != http.StatusOK || p.Status != "ready" || len(p.Checks) != 6 {
			t.Fatalf("%+v", p)
		}
	}
	if p := probeOf(t, s.Handler(), "/healthz"); p.code != http.StatusOK || p.Status != "ok" {
		t.Fatalf("%+v", p)
	}
	s.health.draining.Store(true)
	p := probeOf(t, s.Handler(), "/readyz")
	if p.code != http.StatusServiceUnavailable || p.Status != "unavailable" || p.Checks["drain"] == "ok" || p.Checks["store"] != "ok" {
		t.Errorf("draining: %+v", p)
	}
	if p := probeOf(t, s.Handler(), "/healthz"); p.code != http.StatusOK {
		t.Errorf("a server that drains is alive: %+v", p)
	}
}

func TestNotReadyOnceClosed(t *testing.T) {
	s := testServer(t, Config{})
	fatal(t, s.Close())
	if p := probeOf(t, s.Handler(), "/readyz"); p.code != http.StatusServiceUnavailable || p.Checks["store"] == "ok" || p.Checks["audit"] == "ok" {
		t.Errorf("%+v", p)
	}
	if p := probeOf(t, s.Handler(), "/healthz"); p.code != http.StatusServiceUnavailable {
		t.Errorf("%+v", p)
	}
}

// TestReadinessNeverHangs: whoever is asked and does not answer is a fault after a second, and is not asked again before it comes back;
// all who ask meanwhile share the answer.
func TestReadinessNeverHangs(t *testing.T) {
	s := testServer(t, Config{})
	release, asked := make(chan struct{}), make(chan struct{}, 10)
	secret := errors.New("dial tcp 10.0.0.7: password=hunter2")
	h := newHealth(s.db, s.audit, s.keys, slog.New(slog.NewTextHandler(io.Discard, nil)))
	h.probes = append(h.probes, &probe{name: "feed", says: "hangs", ask: func(context.Context) error {
		asked <- struct{}{}
		<-release // heeds no context
		return secret
	}})
	mux := http.HandlerFunc(h.ready)
	for range 2 {
		answers := make(chan probed)
		for range 3 {
			go func() { answers <- probeOf(t, mux, "/readyz") }()
		}
		for range 3 {
			select {
			case p := <-answers:
				if p.code != http.StatusServiceUnavailable || p.Checks["feed"] != "hangs" || p.Checks["store"] != "ok" {
					t.Errorf("%+v", p)
				}
			case <-time.After(30 * time.Second):
				t.Fatal("no answer")
			}
		}
		time.Sleep(checkKept)
	}
	if len(asked) != 1 {
		t.Errorf("asked %d times while the first asking hung", len(asked))
	}
	close(release)
}
