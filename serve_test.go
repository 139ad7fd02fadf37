package symbolon

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store/sqlite"
)

// served is a server behind its own listener, and how to tell it to end.
type served struct {
	*Server
	url  string
	end  context.CancelFunc
	done chan error
}

func serve(t *testing.T, c Config) *served {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(t, err)
	c.Listen = l.Addr().String()
	v := &served{Server: testServer(t, c), url: "http://" + c.Listen, done: make(chan error, 1)}
	ctx, end := context.WithCancel(context.Background())
	v.end = end
	go func() { v.done <- v.Serve(ctx, l) }()
	t.Cleanup(func() {
		end()
		_ = l.Close()
	})
	return v
}

func (v *served) ended(t *testing.T) error {
	t.Helper()
	select {
	case err := <-v.done:
		return err
	case <-time.After(30 * time.Second):
		t.Fatal("the server does not end")
		return nil
	}
}

// slow makes a handler that answers when told to.
func slow(next http.Handler, entered, release chan struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(entered)
			<-release
		}
		next.ServeHTTP(w, r)
	})
}

// TestDrain: told to end, a server says at once that it is going, serves on for the delay and closes every connection with its next
// answer; then it takes no more, ends what is under way, and ends itself.
func TestDrain(t *testing.T) {
	delay := 300 * time.Millisecond
	v := serve(t, Config{DrainDelay: &delay})
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	get := func(path string) (*http.Response, error) {
		response, err := client.Get(v.url + path)
		if err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		return response, err
	}
	response, err := get("/readyz")
	if err != nil || response.StatusCode != http.StatusOK || response.Close {
		t.Fatalf("%+v, %v", response, err)
	}
	v.end()
	for !v.health.draining.Load() {
		time.Sleep(time.Millisecond)
	}
	told := time.Now()
	response, err = get("/readyz")
	if err != nil || response.StatusCode != http.StatusServiceUnavailable || !response.Close {
		t.Errorf("draining: %+v, %v", response, err)
	}
	response, err = get("/.well-known/jwks.json")
	if err != nil || response.StatusCode != http.StatusOK || !response.Close {
		t.Errorf("draining: %+v, %v", response, err)
	}
	fatal(t, v.ended(t))
	if took := time.Since(told); took < delay-50*time.Millisecond {
		t.Errorf("it ended %v after it was told to", took)
	}
	if _, err := get("/healthz"); err == nil {
		t.Error("an ended server answers")
	}
}

// TestDrainWaits: a request under way is answered although the listener is closed, and one that does not end is cut off in time.
func TestDrainWaits(t *testing.T) {
	none := time.Duration(0)
	for _, ends := range []bool{true, false} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		fatal(t, err)
		s := testServer(t, Config{Listen: l.Addr().String(), DrainDelay: &none, DrainTimeout: time.Second})
		entered, release := make(chan struct{}), make(chan struct{})
		s.handler = slow(s.handler, entered, release)
		ctx, end := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Serve(ctx, l) }()
		conn, err := net.Dial("tcp", l.Addr().String())
		fatal(t, err)
		defer conn.Close()
		_, err = io.WriteString(conn, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
		fatal(t, err)
		<-entered
		end()
		if !ends {
			if err := <-done; err == nil || !strings.Contains(err.Error(), "drain-timeout") {
				t.Errorf("a request that does not end: %v", err)
			}
			close(release)
			continue
		}
		for { // until nobody listens any more
			other, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				break
			}
			other.Close()
			time.Sleep(time.Millisecond)
		}
		close(release)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || response.StatusCode != http.StatusNotFound || !response.Close {
			t.Errorf("%+v, %v", response, err)
		}
		fatal(t, <-done)
	}
}

// TestToldToEndBeforeItServes: a server that is told to end while it joins the others, or while the RS256 key is being made, goes without a
// complaint.
func TestToldToEndBeforeItServes(t *testing.T) {
	backend, err := sqlite.Memory()
	fatal(t, err)
	t.Cleanup(func() { _ = backend.Close() })
	folder := t.TempDir()
	for _, after := range []time.Duration{0, 100 * time.Millisecond, firstCalm, firstCalm + 20*time.Millisecond} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		fatal(t, err)
		var log lockedBuffer
		none := time.Duration(0)
		s, err := newServer(t.Context(), Config{
			Listen: l.Addr().String(), Issuer: "http://127.0.0.1:1", Data: folder, Development: true, DrainDelay: &none,
			Log: slog.New(slog.NewTextHandler(&log, nil)),
		}, kept{backend})
		fatal(t, err)
		ctx, end := context.WithCancel(t.Context())
		time.AfterFunc(after, end)
		if after == 0 {
			end()
		}
		if err := s.Serve(ctx, l); err != nil {
			t.Errorf("told to end after %v: %v", after, err)
		}
		fatal(t, s.Close())
		time.Sleep(300 * time.Millisecond) // for who is still at it
		if text := log.String(); strings.Contains(text, "level=WARN") || strings.Contains(text, "level=ERROR") {
			t.Errorf("told to end after %v:\n%s", after, text)
		}
		l.Close()
	}
}

// lockedBuffer is what was logged so far, from whatever goroutine.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// TestUnfinishedRequestIsGivenUp: whoever begins to send a request and does not go on is given up before a server that ends has to cut
// anybody off, and so cannot make it end with an error.
func TestUnfinishedRequestIsGivenUp(t *testing.T) {
	s := testServer(t, Config{})
	if h := s.httpServer(); h.ReadTimeout <= 0 || h.ReadTimeout >= s.config.DrainTimeout || h.ReadHeaderTimeout > h.ReadTimeout {
		t.Errorf("a request may take %v to arrive, drain-timeout is %v", h.ReadTimeout, s.config.DrainTimeout)
	}
}
