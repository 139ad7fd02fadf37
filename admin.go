package symbolon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// unixPrefix begins an admin-listen that is a path.
const unixPrefix = "unix:"

// adminRoutes are what the private listener serves, and the public one never.
func (s *Server) adminRoutes() map[string]http.Handler {
	return map[string]http.Handler{
		"GET /metrics": promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{
			MaxRequestsInFlight: 4, Timeout: 10 * time.Second, ErrorLog: quietLog(s.config.Log),
		}),
		"GET /debug/pprof/":        http.HandlerFunc(pprof.Index),
		"GET /debug/pprof/profile": http.HandlerFunc(pprof.Profile),
		"GET /debug/pprof/trace":   http.HandlerFunc(pprof.Trace),
		"GET /debug/pprof/symbol":  http.HandlerFunc(pprof.Symbol),
		"GET /healthz":             http.HandlerFunc(s.health.alive),
		"GET /readyz":              http.HandlerFunc(s.health.ready),
	}
}

// adminHandler serves the operators' routes to those who may ask.
func (s *Server) adminHandler() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range s.adminRoutes() {
		mux.Handle(pattern, h)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if !s.config.AdminAllowNetwork && !direct(r) {
			http.Error(w, "The private listener answers no pages of other sites.", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// direct refuses what a browser on this machine was made to send by somebody else's page: such a request says so, or names the page's
// own host, which it has had resolved to this address.
func direct(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "none" && site != "same-origin" {
		return false
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || host == "localhost" || isUnix(r)
}

func isUnix(r *http.Request) bool {
	a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && a.Network() == "unix"
}

// StartAdmin opens the private listener of admin-listen for metrics, profiles and health, and begins to count the store's rows for it.
// Without the setting there is none. stop closes it; address is where it is, for logs and tests.
func (s *Server) StartAdmin() (address string, stop func() error, err error) {
	if s.config.AdminListen == "" {
		return "", func() error { return nil }, nil
	}
	l, err := s.config.adminListener()
	if err != nil {
		return "", nil, fmt.Errorf("admin-listen: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go s.census(ctx)
	server := &http.Server{Handler: s.adminHandler(), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, ErrorLog: quietLog(s.config.Log)}
	go server.Serve(l) //nolint:errcheck // ends with stop
	s.config.Log.Info("private listener for metrics and profiles", "address", l.Addr().String())
	return l.Addr().String(), func() error {
		cancel()
		return server.Close()
	}, nil
}

// adminListener opens the listener. A socket is its owner's alone; one that a killed server has left over is replaced.
func (c Config) adminListener() (net.Listener, error) {
	path, ok := strings.CutPrefix(c.AdminListen, unixPrefix)
	if !ok {
		return net.Listen("tcp", c.AdminListen)
	}
	l, err := net.Listen("unix", path)
	if errors.Is(err, syscall.EADDRINUSE) && abandoned(path) {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
		l, err = net.Listen("unix", path)
	}
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// abandoned says that the path is a socket on which nobody listens.
func abandoned(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != os.ModeSocket {
		return false
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		_ = conn.Close() // only asked whether somebody is there
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// checkAdmin refuses a private listener that others could reach.
func (c Config) checkAdmin() error {
	if c.AdminListen == "" {
		return nil
	}
	if path, ok := strings.CutPrefix(c.AdminListen, unixPrefix); ok {
		if !filepath.IsAbs(path) {
			return fmt.Errorf("admin-listen is %s: the path of a socket must be absolute", c.AdminListen)
		}
		return nil
	}
	host, port, err := splitListen("admin-listen", c.AdminListen)
	if err != nil {
		return err
	}
	if c.AdminListen == c.Listen && port != "0" {
		return fmt.Errorf("admin-listen is %s, the address of the public listener", c.AdminListen)
	}
	if host != "localhost" && !net.ParseIP(host).IsLoopback() && (!c.AdminAllowNetwork || c.Development) {
		return fmt.Errorf("admin-listen is %s, not a loopback address: whoever reaches it sees metrics and profiles without a password; "+
			"admin-allow-network says that your network guards it", c.AdminListen)
	}
	return nil
}
