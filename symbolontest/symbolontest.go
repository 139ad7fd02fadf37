// Package symbolontest runs a Symbolon server inside a Go test, in the manner of net/http/httptest: its own store in memory, its own
// address on loopback, its own clock that the test can move.
//
//	srv := symbolontest.Start(t)
//	cfg := aws.Config{BaseEndpoint: &srv.URL, Region: srv.Region, Credentials: credentials.NewStaticCredentialsProvider(srv.AccessKeyID, srv.SecretAccessKey, "")}
//
// It is the production server with other settings; nothing is mocked. Expiry follows the test's clock, while the freshness of
// signatures stays on the wall clock, since SDKs sign with theirs.
package symbolontest

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/symbolon/symbolon"
)

// Options of Start. The zero value works.
type Options struct {
	// Organization is the seed; nil = the built-in organization. Parse one with symbolon.ParseOrganization.
	Organization *symbolon.Organization
	// Config are settings to differ in. Listen, Data and Now are Start's own, unless OnDisk says otherwise.
	Config symbolon.Config
	// OnDisk, if set, is the folder of a durable store, for tests that stop and start again.
	OnDisk string
	// Handler, if set, wraps the server's: to count, delay or record requests.
	Handler func(http.Handler) http.Handler
}

// Server is a running server.
type Server struct {
	symbolon.Development
	// URL is the base address, the endpoint for SDKs and the issuer.
	URL string
	// Server is the server itself.
	Server *symbolon.Server
	// AuditLog is the path of the audit log.
	AuditLog string

	clock *clock
	http  *httptest.Server
}

// Start runs a server until the test ends. At most one Options may be given.
func Start(t testing.TB, options ...Options) *Server {
	t.Helper()
	var o Options
	if len(options) > 0 {
		o = options[0]
	}
	s, err := start(t, o)
	if err != nil {
		t.Fatalf("symbolontest: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("symbolontest: close: %v", err)
		}
	})
	return s
}

func start(t testing.TB, o Options) (*Server, error) {
	l, err := net.Listen("tcp", lastAddress(o.OnDisk))
	if err != nil {
		return nil, err
	}
	s := &Server{clock: &clock{}}
	c := o.Config
	c.Listen, c.Now, c.Development = l.Addr().String(), s.clock.now, true
	c.Data, c.Memory = o.OnDisk, o.OnDisk == ""
	if c.Memory {
		c.Data = t.TempDir()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(testWriter{t}, nil))
	}
	if s.Development, err = symbolon.PrepareDevelopment(c.Data); err != nil {
		return nil, err
	}
	if s.Server, err = symbolon.New(context.Background(), c); err != nil {
		return nil, err
	}
	if err := s.Server.Seed(context.Background(), o.Organization, &s.Development); err != nil {
		return nil, err
	}
	if err := s.Development.Write(c.Data); err != nil {
		return nil, err
	}
	handler := s.Server.Handler()
	if o.Handler != nil {
		handler = o.Handler(handler)
	}
	s.http = &httptest.Server{Listener: l, Config: &http.Server{Handler: handler}}
	s.http.Start()
	s.URL, s.AuditLog = s.Server.Issuer(), filepath.Join(c.Data, "audit.jsonl")
	return s, nil
}

// lastAddress is where the folder was served before, so that its tokens' issuer stays; else any free port.
func lastAddress(folder string) string {
	if d, err := symbolon.ReadDevelopment(folder); err == nil && d.Address != "" {
		return d.Address
	}
	return "127.0.0.1:0"
}

// Advance moves the server's clock forward (or, negative, back).
func (s *Server) Advance(d time.Duration) { s.clock.advance(d) }

// Now is the server's time.
func (s *Server) Now() time.Time { return s.clock.now() }

// Apply brings the server's organization into the state o declares.
func (s *Server) Apply(t testing.TB, o *symbolon.Organization) {
	t.Helper()
	if _, err := s.Server.Apply(context.Background(), o); err != nil {
		t.Fatalf("symbolontest: apply: %v", err)
	}
}

// Audit returns the audit log so far.
func (s *Server) Audit(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile(s.AuditLog)
	if err != nil {
		t.Fatalf("symbolontest: audit: %v", err)
	}
	return text
}

// Close stops the server; Start arranges it for the end of the test. A second call does nothing.
func (s *Server) Close() error {
	if s.http == nil {
		return nil
	}
	s.http.Close()
	s.http = nil
	return s.Server.Close()
}

// clock is the wall clock with an offset.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// testWriter sends the server's log to the test's.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", p)
	return len(p), nil
}
