package symbolon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/symbolon/symbolon/internal/token"
)

// fadeTime is how long the connections that wait in a listener's queue may take to be accepted before it closes.
const fadeTime = 50 * time.Millisecond

// newcomerTime is how long a connection that was just accepted may take to send its request. Browsers open some that they never use.
const newcomerTime = time.Second

// Serve answers requests on l until ctx ends, and then goes in a way that load balancers and clients do not notice: at once /readyz says
// that this server is going, and every answer asks its client for another connection; requests are still served for drain-delay, until
// whoever follows /readyz sends them elsewhere; then the listener closes and the requests under way end. Those that have not ended after
// drain-timeout are cut off, which is an error.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	if err := s.OpenCertificate(); err != nil {
		return err
	}
	h := s.httpServer()
	silent := &newcomers{}
	h.ConnState = silent.note
	if err := s.Join(ctx); err != nil {
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	}
	go s.prepareKeys(ctx)
	go s.watchClock(ctx)
	done := make(chan error, 1)
	go func() {
		if c := s.certificate.Load(); c != nil {
			go c.watch(ctx)
			h.TLSConfig = c.tlsConfig()
			done <- h.ServeTLS(l, "", "")
			return
		}
		done <- h.Serve(l)
	}()
	s.announce("serving", "listen", l.Addr().String(), "issuer", s.issuer, "version", s.config.Version)
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	return s.drain(h, l, silent, done)
}

// readTimeout is how long a request may take to arrive, body and all, and a handler may work. It is less than drain-timeout's default, so that
// one whose body does not come has been given up when a server that ends would cut off what is left.
const readTimeout = 15 * time.Second

func (s *Server) httpServer() *http.Server {
	return &http.Server{
		Handler: s.parting(s.handler), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: readTimeout, WriteTimeout: 60 * time.Second,
		IdleTimeout: 3 * time.Minute, DisableGeneralOptionsHandler: true, MaxHeaderBytes: 64 << 10,
		ErrorLog: quietLog(s.config.Log),
	}
}

// drain ends a server as Serve says; served hears of a listener that broke meanwhile.
func (s *Server) drain(h *http.Server, l net.Listener, silent *newcomers, served <-chan error) error {
	s.health.draining.Store(true)
	if *s.config.DrainDelay > 0 {
		s.config.Log.Info("ending: not ready any more, and serving on for a while", "delay", *s.config.DrainDelay)
	}
	select {
	case err := <-served:
		return err
	case <-time.After(*s.config.DrainDelay):
	}
	if *s.config.DrainDelay > 0 {
		fade(l)
		time.Sleep(fadeTime)
	}
	h.SetKeepAlivesEnabled(false) // who gets an answer from now on is told to connect anew, which nobody can do here once nobody listens
	// Shutdown drops what it has not seen a request of, even if that is under way. So the listener hands over all it has, first, and those
	// who have just come speak.
	_ = l.Close()
	<-served // says that the listener was closed
	silent.wait(newcomerTime)
	bounded, cancel := context.WithTimeout(context.Background(), s.config.DrainTimeout)
	defer cancel()
	err := h.Shutdown(bounded)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(fmt.Errorf("requests that had not ended after drain-timeout (%v) were cut off", s.config.DrainTimeout), h.Close())
	}
	if err == nil {
		s.announce("ended: no request was cut off")
	}
	return err
}

// announce logs a step in a server's life. On their own machines developers see its output instead.
func (s *Server) announce(what string, details ...any) {
	if !s.config.Development {
		s.config.Log.Info(what, details...)
	}
}

// newcomers are the connections that have not sent a request yet.
type newcomers struct{ conns sync.Map }

// note is the server's hook. It hears of a connection's first request once that is read.
func (n *newcomers) note(c net.Conn, state http.ConnState) {
	if state == http.StateNew {
		n.conns.Store(c, nil)
		return
	}
	n.conns.Delete(c)
}

// wait returns when all have spoken, and the server has had a moment to go on from there, or after the limit.
func (n *newcomers) wait(limit time.Duration) {
	const step, calm = 5 * time.Millisecond, 4
	quiet := 0
	for end := time.Now().Add(limit); quiet < calm && time.Now().Before(end); time.Sleep(step) {
		quiet++
		n.conns.Range(func(any, any) bool {
			quiet = 0
			return false
		})
	}
}

// parting makes every answer of a server that is going the last one on its connection: a client that keeps its connection for long, or a
// balancer that forwards connections and not requests, finds another server with its next request.
func (s *Server) parting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.health.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// firstCalm is how long a server serves before it makes the RS256 key: finding primes keeps a core busy for a tenth of a second or more, and
// those who have waited for the server to start come first.
const firstCalm = 250 * time.Millisecond

// prepareKeys makes the RS256 key, which takes a moment, before anybody asks for it: relying parties then find it in the key set they
// fetch first. Whoever needs it sooner has it made.
func (s *Server) prepareKeys(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-time.After(firstCalm):
	}
	if err := s.keys.Prepare(token.RS256); err != nil && ctx.Err() == nil {
		s.config.Log.Warn("the RS256 key is not made yet", "error", err)
	}
	debug.FreeOSMemory() // what the start has used is not needed again
}
