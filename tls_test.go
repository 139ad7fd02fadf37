package symbolon

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pairFiles are a certificate and a key on the disk, as an operator has them.
type pairFiles struct{ cert, key string }

func newPairFiles(t *testing.T) pairFiles {
	folder := t.TempDir()
	return pairFiles{filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")}
}

// makePair is a new certificate for name, PEM, and its key.
func makePair(t *testing.T, name string, from, until time.Time) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fatal(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: until,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	fatal(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	fatal(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

func (p pairFiles) write(t *testing.T, cert, key []byte) {
	t.Helper()
	for path, text := range map[string][]byte{p.cert: cert, p.key: key} {
		if text != nil {
			fatal(t, os.WriteFile(path+".new", text, 0o600))
			fatal(t, os.Rename(path+".new", path))
		}
	}
}

func (p pairFiles) renew(t *testing.T, name string) {
	t.Helper()
	cert, key := makePair(t, name, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	p.write(t, cert, key)
}

// serveTLS runs a server with the pair on a real listener.
func serveTLS(t *testing.T, p pairFiles) (s *Server, address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(t, err)
	s = testServer(t, Config{Listen: l.Addr().String(), TLSCert: p.cert, TLSKey: p.key})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		fatal(t, <-done)
	})
	for s.certificate.Load() == nil {
		time.Sleep(time.Millisecond)
	}
	return s, l.Addr().String()
}

// shown is the name in the certificate that a new connection sees.
func shown(t *testing.T, address string, change func(*tls.Config)) (string, error) {
	t.Helper()
	c := &tls.Config{InsecureSkipVerify: true}
	if change != nil {
		change(c)
	}
	conn, err := tls.Dial("tcp", address, c)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].Subject.CommonName, nil
}

// strict fails unless the listener refuses old versions and suites without forward secrecy or authentication, by handshake (M01).
func strict(t *testing.T, address string) {
	t.Helper()
	for name, change := range map[string]func(*tls.Config){
		"TLS 1.0":         func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10 },
		"TLS 1.1":         func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS11, tls.VersionTLS11 },
		"CBC":             cbcOnly,
		"RSA key, no ECC": func(c *tls.Config) { suitesOnly(c, tls.TLS_RSA_WITH_AES_128_GCM_SHA256) },
	} {
		if got, err := shown(t, address, change); err == nil {
			t.Errorf("%s was accepted (%s)", name, got)
		}
	}
	for name, change := range map[string]func(*tls.Config){
		"TLS 1.2": func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 },
		"TLS 1.3": func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 },
	} {
		if _, err := shown(t, address, change); err != nil {
			t.Errorf("%s was refused: %v", name, err)
		}
	}
}

func cbcOnly(c *tls.Config) { suitesOnly(c, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA) }

func suitesOnly(c *tls.Config, suites ...uint16) {
	c.MaxVersion, c.CipherSuites = tls.VersionTLS12, suites
}

// TestCertificateIsRenewed: new files are served without a restart, what is broken or does not fit together is not, and the strictness of
// the listener outlives both.
func TestCertificateIsRenewed(t *testing.T) {
	files := newPairFiles(t)
	files.renew(t, "first")
	s, address := serveTLS(t, files)
	look := func() error { return s.certificate.Load().load(false) } // what the watch does
	expect := func(what, name string, ok, failed float64) {
		t.Helper()
		got, err := shown(t, address, nil)
		if err != nil || got != name {
			t.Errorf("%s: %q is served (%v), not %q", what, got, err, name)
		}
		series := seriesOf(t, exposition(t, s.metrics))
		if o, f := series[`symbolon_tls_reloads_total{outcome="ok"}`], series[`symbolon_tls_reloads_total{outcome="failed"}`]; o != ok || f != failed {
			t.Errorf("%s: %v ok and %v failed, want %v and %v", what, o, f, ok, failed)
		}
	}
	fatal(t, look())
	expect("at the start", "first", 0, 0)
	strict(t, address)

	files.renew(t, "second")
	fatal(t, look())
	fatal(t, look())
	expect("after a change", "second", 1, 0)
	strict(t, address)

	cert, key := makePair(t, "third", time.Now().Add(-time.Hour), time.Now().Add(2*time.Hour))
	files.write(t, cert, nil)
	for range 2 { // counted once
		if look() == nil {
			t.Error("a certificate was taken without its key")
		}
	}
	expect("half of a pair", "second", 1, 1)
	strict(t, address)
	files.write(t, nil, key)
	fatal(t, look())
	expect("the other half", "third", 2, 1)
	if got := seriesOf(t, exposition(t, s.metrics))["symbolon_tls_certificate_expiry_timestamp_seconds"]; time.Until(time.Unix(int64(got), 0)) < 90*time.Minute {
		t.Errorf("it expires at %v", got)
	}

	files.write(t, []byte("not a certificate"), nil)
	if look() == nil {
		t.Error("a broken certificate was taken")
	}
	expect("broken", "third", 2, 2)
	fatal(t, os.Remove(files.key))
	if look() == nil {
		t.Error("a missing key was not missed")
	}
	expect("gone", "third", 2, 3)
	if err := s.Reload(); err == nil {
		t.Error("Reload says nothing")
	}
	files.renew(t, "fourth")
	fatal(t, s.Reload())
	expect("mended", "fourth", 3, 4)
	strict(t, address)
}

// TestInvalidCertificates: one that has expired, or is not valid yet, does not replace a valid one; at the start it is all there is.
func TestInvalidCertificates(t *testing.T) {
	files := newPairFiles(t)
	files.renew(t, "good")
	s, address := serveTLS(t, files)
	for says, validity := range map[string][2]time.Duration{"expired": {-2 * time.Hour, -time.Hour}, "not valid before": {time.Hour, 2 * time.Hour}} {
		cert, key := makePair(t, "bad", time.Now().Add(validity[0]), time.Now().Add(validity[1]))
		files.write(t, cert, key)
		if err := s.Reload(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
		if name, err := shown(t, address, nil); name != "good" {
			t.Errorf("%s: %q is served, %v", says, name, err)
		}
	}
	old := newPairFiles(t)
	cert, key := makePair(t, "old", time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour))
	old.write(t, cert, key)
	if _, address := serveTLS(t, old); address != "" {
		if name, err := shown(t, address, nil); name != "old" {
			t.Errorf("%q is served, %v", name, err)
		}
	}
}

func TestBrokenCertificateAtTheStart(t *testing.T) {
	files := newPairFiles(t)
	files.renew(t, "x")
	fatal(t, os.Remove(files.key))
	s := testServer(t, Config{TLSCert: files.cert, TLSKey: files.key})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(t, err)
	defer l.Close()
	if err := s.Serve(t.Context(), l); err == nil || !strings.Contains(err.Error(), "tls-cert") {
		t.Errorf("Serve: %v", err)
	}
}
