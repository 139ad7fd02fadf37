package symbolon

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// client speaks to the address of a private listener.
func adminClient(address string) *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			if strings.HasPrefix(address, "/") {
				return d.DialContext(ctx, "unix", address)
			}
			return d.DialContext(ctx, "tcp", address)
		},
	}}
}

func startAdmin(t testing.TB, s *Server) string {
	t.Helper()
	address, stop, err := s.StartAdmin()
	fatal(t, err)
	t.Cleanup(func() { fatal(t, stop()) })
	return address
}

// TestPrivateRoutesStayPrivate: metrics and profiles are never reachable on the main listener, whatever the issuer's path and whoever
// asks (K02). The private listener has all of them.
func TestPrivateRoutesStayPrivate(t *testing.T) {
	for _, issuer := range []string{"", "https://sso.example.com/some/path"} {
		d := openDoor(t, func(c *Config) { c.Issuer, c.AdminListen = issuer, "127.0.0.1:0" })
		address := startAdmin(t, d.Server)
		n := 0
		for pattern := range d.adminRoutes() {
			path := strings.TrimPrefix(pattern, "GET ")
			if path == "/healthz" || path == "/readyz" {
				continue
			}
			n++
			for _, target := range []string{path, strings.TrimSuffix(path, "/"), path + "heap", "/some/path" + path, "/" + path, path + "?debug=1"} {
				for _, method := range []string{"GET", "POST", "HEAD"} {
					for name, r := range map[string]*http.Request{
						"stranger": d.request(t, method, target, ""), "administrator": d.signed(d.request(t, method, target, ""), "sso"),
					} {
						if a := d.send(t, r); a.status < 400 || strings.Contains(a.text, "goroutine") || strings.Contains(a.text, "symbolon_") {
							t.Errorf("%s %s as %s on the public listener: %d %.80s", method, target, name, a.status, a.text)
						}
					}
				}
			}
			if issuer != "" {
				continue // once is enough: profiles take their time
			}
			if strings.Contains(path, "profile") || strings.Contains(path, "trace") {
				path += "?seconds=1"
			}
			a, err := adminClient(address).Get("http://" + address + path)
			fatal(t, err)
			a.Body.Close()
			if a.StatusCode != http.StatusOK {
				t.Errorf("%s on the private listener: %d", path, a.StatusCode)
			}
		}
		if n < 5 {
			t.Errorf("only %d private routes found", n)
		}
	}
}

// TestPrivateListenerKnowsNoOperation: what the public listener serves is not on the private one.
func TestPrivateListenerKnowsNoOperation(t *testing.T) {
	d := openDoor(t, func(c *Config) { c.AdminListen = "127.0.0.1:0" })
	address := startAdmin(t, d.Server)
	for _, target := range []string{"/", "/token?aws_iam=t", "/signin", "/.well-known/openid-configuration", "/debug/vars"} {
		a, err := adminClient(address).Get("http://" + address + target)
		fatal(t, err)
		a.Body.Close()
		if a.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", target, a.StatusCode)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		a, err := adminClient(address).Get("http://" + address + path)
		fatal(t, err)
		a.Body.Close()
		if a.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
}

// TestPrivateListenerRefusesPages: a page in a browser on this machine cannot make use of the listener, by its address or by a name it
// has resolved to it.
func TestPrivateListenerRefusesPages(t *testing.T) {
	d := openDoor(t, func(c *Config) { c.AdminListen = "127.0.0.1:0" })
	address := startAdmin(t, d.Server)
	for name, c := range map[string]struct {
		host, site string
		status     int
	}{
		"curl":             {address, "", http.StatusOK},
		"by name":          {"localhost", "", http.StatusOK},
		"IPv6":             {"[::1]:9090", "", http.StatusOK},
		"typed by hand":    {address, "none", http.StatusOK},
		"another site":     {address, "cross-site", http.StatusForbidden},
		"another port":     {address, "same-site", http.StatusForbidden},
		"a rebound name":   {"evil.example:9090", "same-origin", http.StatusForbidden},
		"a name, no fetch": {"evil.example", "", http.StatusForbidden},
	} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+address+"/healthz", nil)
		fatal(t, err)
		r.Host = c.host
		if c.site != "" {
			r.Header.Set("Sec-Fetch-Site", c.site)
		}
		a, err := adminClient(address).Do(r)
		fatal(t, err)
		a.Body.Close()
		if a.StatusCode != c.status {
			t.Errorf("%s: %d, want %d", name, a.StatusCode, c.status)
		}
	}
}

func TestAdminSocket(t *testing.T) {
	folder, err := os.MkdirTemp("", "admin") // t.TempDir may be too long for a socket
	fatal(t, err)
	t.Cleanup(func() { os.RemoveAll(folder) })
	path := filepath.Join(folder, "admin.sock")
	s := testServer(t, Config{AdminListen: "unix:" + path})
	address := startAdmin(t, s)
	info, err := os.Stat(path)
	fatal(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the socket has mode %v", info.Mode())
	}
	a, err := adminClient(address).Get("http://anything/metrics")
	fatal(t, err)
	a.Body.Close()
	if a.StatusCode != http.StatusOK {
		t.Errorf("HTTP %d", a.StatusCode)
	}
	if _, _, err := testServer(t, Config{AdminListen: "unix:" + path}).StartAdmin(); err == nil {
		t.Error("the socket of a running server was taken")
	}
}

// TestAdminSocketLeftOver: the socket of a killed server is replaced, and no other file is.
func TestAdminSocketLeftOver(t *testing.T) {
	folder, err := os.MkdirTemp("", "admin")
	fatal(t, err)
	t.Cleanup(func() { os.RemoveAll(folder) })
	path := filepath.Join(folder, "admin.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	fatal(t, err)
	l.SetUnlinkOnClose(false)
	fatal(t, l.Close())
	startAdmin(t, testServer(t, Config{AdminListen: "unix:" + path}))

	file := filepath.Join(folder, "file")
	fatal(t, os.WriteFile(file, []byte("mine"), 0o600))
	if _, _, err := testServer(t, Config{AdminListen: "unix:" + file}).StartAdmin(); err == nil {
		t.Error("a file was taken for a socket")
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "mine" {
		t.Errorf("the file is %q, %v", text, err)
	}
}

func TestAdminAddresses(t *testing.T) {
	for address, c := range map[string]struct {
		network bool
		says    string
	}{
		"":                     {false, ""},
		"127.0.0.1:9090":       {false, ""},
		"localhost:9090":       {false, ""},
		"[::1]:9090":           {false, ""},
		"unix:/run/admin.sock": {false, ""},
		"0.0.0.0:9090":         {false, "admin-allow-network"},
		":9090":                {false, "admin-allow-network"},
		"10.0.0.1:9090":        {false, "admin-allow-network"},
		"10.0.0.2:9090":        {true, ""},
		"unix:admin.sock":      {false, "absolute"},
		"9090":                 {false, "admin-listen"},
		"127.0.0.1:8080":       {false, "public listener"},
	} {
		_, err := Config{AdminListen: address, AdminAllowNetwork: c.network}.withDefaults()
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := (Config{AdminListen: "10.0.0.1:9090", AdminAllowNetwork: true, Development: true}).withDefaults(); err == nil {
		t.Error("a development server opened its private listener to the network")
	}
}
