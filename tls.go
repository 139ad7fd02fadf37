package symbolon

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// tlsEvery is how often the files of the certificate are looked at.
const tlsEvery = 10 * time.Second

// tlsSuites are the suites of TLS 1.2: forward secret and authenticated ones. TLS 1.3 has no others.
var tlsSuites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// certificate is the listener's, read again when its files change. A pair is taken whole or not at all: while the files do not fit
// together, cannot be read or hold a certificate that is not valid now, the one in use stays.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	metrics           *metrics

	current atomic.Pointer[tls.Certificate]
	mu      sync.Mutex
	tried   pair   // the files as the last attempt found them
	fault   string // of the last attempt, "" if it succeeded
}

// pair is what tells two states of the files apart.
type pair [2]os.FileInfo

func (p pair) same(o pair) bool {
	for i := range p {
		if p[i] == nil || o[i] == nil || !os.SameFile(p[i], o[i]) || p[i].Size() != o[i].Size() || !p[i].ModTime().Equal(o[i].ModTime()) {
			return false
		}
	}
	return true
}

// OpenCertificate reads the certificate and its key, if there is to be TLS, so that a server is not announced that cannot serve. Serve does it
// otherwise.
func (s *Server) OpenCertificate() error {
	if s.config.TLSCert == "" || s.certificate.Load() != nil {
		return nil
	}
	c := &certificate{certFile: s.config.TLSCert, keyFile: s.config.TLSKey, log: s.config.Log, metrics: s.metrics}
	if err := c.load(true); err != nil {
		return fmt.Errorf("tls-cert, tls-key: %w", err)
	}
	s.certificate.Store(c)
	return nil
}

// tlsConfig is the listener's for as long as it lives. Only the certificate is asked for anew with each handshake: what else counts
// here, above all the least version, cannot get lost when it is renewed (CVE-2024-23656).
func (c *certificate) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, CipherSuites: tlsSuites,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
	}
}

// watch looks after the files until ctx ends.
func (c *certificate) watch(ctx context.Context) {
	tick := time.NewTicker(tlsEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = c.load(false) // logged and counted; the old one stays
		}
	}
}

// load reads the files if they are not those of the pair in use, or if forced. An attempt that fails is repeated the next time, and
// logged and counted when it is forced or something about it is new.
func (c *certificate) load(force bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, err := c.files()
	changed := force || !now.same(c.tried)
	if err == nil && !changed && c.fault == "" {
		return nil
	}
	var next *tls.Certificate
	if err == nil {
		next, err = c.read()
	}
	c.tried = now
	if err != nil && c.current.Load() == nil {
		return err
	}
	if err != nil {
		if changed || c.fault != err.Error() {
			c.metrics.tlsReloads.WithLabelValues("failed").Inc()
			c.log.Error("the TLS certificate cannot be renewed; the one in use stays", "error", err)
		}
		c.fault = err.Error()
		return err
	}
	c.fault = ""
	first := c.current.Swap(next) == nil
	c.metrics.tlsExpiry.Set(float64(next.Leaf.NotAfter.Unix()))
	if !first {
		c.metrics.tlsReloads.WithLabelValues("ok").Inc()
		c.log.Info("TLS certificate read again", "subject", next.Leaf.Subject.String(), "expires", next.Leaf.NotAfter)
	}
	return nil
}

func (c *certificate) files() (p pair, err error) {
	var certErr, keyErr error
	p[0], certErr = os.Stat(c.certFile)
	p[1], keyErr = os.Stat(c.keyFile)
	return p, errors.Join(certErr, keyErr)
}

// read makes the pair of what the files hold now. One that is not valid is refused as long as there is a better one.
func (c *certificate) read() (*tls.Certificate, error) {
	next, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if used := c.current.Load(); used != nil && now.Before(used.Leaf.NotAfter) {
		if now.After(next.Leaf.NotAfter) {
			return nil, fmt.Errorf("%s expired at %s", c.certFile, next.Leaf.NotAfter)
		}
		if now.Before(next.Leaf.NotBefore) {
			return nil, fmt.Errorf("%s is not valid before %s", c.certFile, next.Leaf.NotBefore)
		}
	}
	return &next, nil
}
