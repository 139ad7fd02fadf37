package test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The example configurations of deploy/, with other addresses: three nodes behind the real programs, which speak TLS and HTTP/2 with the
// clients, restart one by one under load, and no request fails.
func TestDeployedBalancers(t *testing.T) {
	for _, b := range []struct {
		program, file string
		edit          func(text, folder string) string
		arguments     func(file, folder string) []string
	}{
		{"haproxy", "haproxy.cfg",
			func(text, folder string) string {
				return strings.ReplaceAll(text, "/etc/haproxy/sso.example.com.pem", filepath.Join(folder, "both.pem"))
			},
			func(file, _ string) []string { return []string{"-db", "-f", file} },
		},
		{"nginx", "nginx.conf",
			func(text, folder string) string {
				text = strings.ReplaceAll(text, "/etc/nginx/sso.example.com.crt", filepath.Join(folder, "cert.pem"))
				text = strings.ReplaceAll(text, "/etc/nginx/sso.example.com.key", filepath.Join(folder, "key.pem"))
				var paths strings.Builder
				for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
					paths.WriteString("    " + name + "_temp_path " + filepath.Join(folder, name) + ";\n")
				}
				return strings.Replace(text, "http {\n", "http {\n    access_log off;\n"+paths.String(), 1)
			},
			func(file, folder string) []string {
				return []string{"-p", folder, "-c", file, "-g", "daemon off; error_log stderr; pid " + filepath.Join(folder, "pid") + ";"}
			},
		},
	} {
		t.Run(b.program, func(t *testing.T) {
			t.Parallel()
			path := tool(t, b.program, "the example deploy/"+b.file+" was not tried")
			folder := t.TempDir()
			address := lastingAddress(t)
			c := newCluster(t, 3, "https://"+address, certify(t, folder), "--drain-delay", "3s")
			text, err := os.ReadFile(filepath.Join("..", "deploy", b.file))
			if err != nil {
				t.Fatal(err)
			}
			_, port, _ := net.SplitHostPort(address)
			config := strings.NewReplacer("10.0.0.11:8080", c.addresses[0], "10.0.0.12:8080", c.addresses[1], "10.0.0.13:8080", c.addresses[2],
				"bind :443", "bind "+address, "listen 443", "listen 127.0.0.1:"+port, "sso.example.com;", "127.0.0.1;").Replace(b.edit(string(text), folder))
			if strings.Contains(config, "10.0.0.") || strings.Contains(config, "443") {
				t.Fatalf("the example is not what this test knows:\n%s", config)
			}
			file := filepath.Join(folder, b.file)
			if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			run(t, exec.Command(path, b.arguments(file, folder)...))
			c.start(t)
			w := newWorld(t, c.server, adminClients(t, c.server))
			l := startLoad(t, w)
			l.reach(t, 200)
			for i := range c.nodes {
				c.restart(t, i)
				time.Sleep(2 * time.Second) // until the balancer knows
				l.reach(t, l.count.Load()+200)
			}
			l.end(t)
			t.Logf("%d requests, %d failed", l.count.Load(), len(l.failures))
		})
	}
}

// run runs a program until the test ends.
func run(t *testing.T, c *exec.Cmd) {
	t.Helper()
	log := &lockedBuffer{}
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(os.Interrupt) // it may have ended before
		_ = c.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", c.Path, log)
		}
	})
}

// certify writes a certificate for loopback into a folder, in the forms that programs want, and returns a client that trusts it.
func certify(t *testing.T, folder string) *http.Client {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	secret := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	for name, text := range map[string][]byte{"cert.pem": certificate, "key.pem": secret, "both.pem": append(certificate, secret...)} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}
