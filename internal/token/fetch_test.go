package token

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// E08: what a hostile or broken server may not do.
func TestFetchLimits(t *testing.T) {
	i := newIssuers(newClock())
	mux := http.NewServeMux()
	serve := func(path string, f http.HandlerFunc) { mux.HandleFunc(path, f) }
	server := httptest.NewServer(mux)
	defer server.Close()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.Error("another host was asked") }))
	defer elsewhere.Close()
	otherHost := strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)
	serve("/ok", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "fine")
	})
	serve("/full", func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, maxBody)) })
	serve("/large", func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, maxBody+1)) })
	serve("/error", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	serve("/created", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusCreated) })
	serve("/headers", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Large", strings.Repeat("x", 2*maxHeaderSize))
	})
	redirect := func(path, to string) {
		serve(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		})
	}
	redirect("/one", "/ok")
	redirect("/two", "/one")
	redirect("/three", "/two")
	redirect("/loop", "/loop")
	redirect("/away", otherHost+"/ok")
	redirect("/file", "file:///etc/passwd")
	redirect("/userinfo", strings.Replace(server.URL, "://", "://a@", 1)+"/ok")
	redirect("/junk", "http://[::1")
	serve("/nowhere", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusFound) })
	for path, want := range map[string]string{
		"/ok": "", "/full": "", "/one": "", "/two": "",
		"/large": "larger", "/error": "status 500", "/created": "status 201", "/headers": "cannot be fetched",
		"/three": "redirects", "/loop": "redirects", "/away": "another host", "/file": "cannot be used", "/userinfo": "user info", "/junk": "cannot be fetched", "/nowhere": "status 302",
	} {
		_, _, err := i.fetch(ctx, "it", server.URL+path)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestFetchTime(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush() // a header at once, then a body that never ends
		<-release
	}))
	defer server.Close()
	defer close(release)
	began := time.Now()
	_, _, err := newIssuers(newClock()).fetch(ctx, "it", server.URL)
	if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "within 2s") || took > fetchTimeout+time.Second {
		t.Errorf("after %s: %v", took, err)
	}
}

func TestPublicAddresses(t *testing.T) {
	for _, s := range []string{"8.8.8.8", "1.1.1.1", "52.94.236.248", "2600:1f18::1", "2a00:1450:4001::200e", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1"} {
		if !isPublic(netip.MustParseAddr(s)) {
			t.Errorf("%s is refused", s)
		}
	}
	for _, s := range []string{
		"127.0.0.1", "127.255.255.255", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
		"100.64.0.1", "100.100.100.200", "100.127.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
		"224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "168.63.129.16",
		"::", "::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::8.8.8.8", "64:ff9b::8.8.8.8", "64:ff9b:1::1", "100::1", "fe80::1", "fe80::1%eth0", "fec0::1",
		"fc00::1", "fd00:ec2::254", "ff02::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:0a00:1::1", "3fff::1", "5f00::1", "2600::1%eth0",
	} {
		if isPublic(netip.MustParseAddr(s)) {
			t.Errorf("%s is taken for public", s)
		}
	}
	if isPublic(netip.Addr{}) {
		t.Error("no address is taken for public")
	}
	for _, c := range []struct{ network, address string }{{"tcp4", "127.0.0.1:443"}, {"tcp6", "[::1]:443"}, {"tcp4", "x"}, {"udp4", "8.8.8.8:53"}, {"tcp4", "10.0.0.1:443"}} {
		if controlPublic(c.network, c.address, nil) == nil {
			t.Errorf("%v may be dialled", c)
		}
	}
	if err := controlPublic("tcp4", "8.8.8.8:443", nil); err != nil {
		t.Error(err)
	}
}

// The rule of judge: https and public, unless the exact origin is allowed.
func TestJudge(t *testing.T) {
	i := &Issuers{AllowedOrigins: []string{"http://10.0.0.5:8080", "https://inner.example", "not a URL"}}
	for raw, want := range map[string]string{
		"https://issuer.example/x": "public", "https://10.0.0.5/x": "public", "http://issuer.example/x": "refused",
		"http://10.0.0.5:8080/x": "exempt", "http://10.0.0.5:8081/x": "refused", "http://10.0.0.5/x": "refused", "https://10.0.0.5:8080/x": "public",
		"https://inner.example/x": "exempt", "https://INNER.example:443/x": "exempt", "https://inner.example:444/x": "public",
		"https://inner.example.evil.example/x": "public", "http://inner.example/x": "refused",
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		public, err := i.judge(u)
		got := map[bool]string{true: "public", false: "exempt"}[public]
		if err != nil {
			got = "refused"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
}

// tlsIssuer serves over TLS on loopback under the name example.com, which the resolver gives the addresses of answers,
// one after another.
func tlsIssuer(t *testing.T, h http.Handler, answers ...string) (*Issuers, *httptest.Server, string) {
	t.Helper()
	server := httptest.NewTLSServer(h)
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	var n atomic.Int32
	i := &Issuers{Now: newClock().now}
	i.rootCAs = roots
	i.resolver = fakeResolver(func() string { return answers[min(int(n.Add(1))-1, len(answers)-1)] })
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	return i, server, "https://example.com:" + port
}

// fakeResolver answers every A query with the address that answer gives, and every other with nothing.
func fakeResolver(answer func() string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer ours.Close()
			for {
				var size [2]byte
				if _, err := io.ReadFull(ours, size[:]); err != nil {
					return
				}
				query := make([]byte, binary.BigEndian.Uint16(size[:]))
				if _, err := io.ReadFull(ours, query); err != nil {
					return
				}
				reply := dnsReply(query, answer)
				ours.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
			}
		}()
		return theirs, nil
	}}
}

// dnsReply is the answer to one question (RFC 1035 §4).
func dnsReply(query []byte, answer func() string) []byte {
	end := 12 + bytes.IndexByte(query[12:], 0) + 1
	question := query[12 : end+4]
	isA := binary.BigEndian.Uint16(query[end:]) == 1
	reply := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question...)
	if isA {
		reply[7] = 1
		reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		reply = append(reply, netip.MustParseAddr(answer()).AsSlice()...)
	}
	return reply
}

// E08: a name that leads inside is refused when dialled, whatever it is called and whatever the DNS said before.
func TestRebinding(t *testing.T) {
	asked := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.Error("an inner server was asked") })
	i, _, at := tlsIssuer(t, asked, "127.0.0.1")
	_, _, err := i.fetch(ctx, "it", at+"/x")
	if !errors.Is(err, errNotPublic) || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("a name of loopback: %v", err)
	}
	for _, raw := range []string{"https://127.0.0.1:" + strings.Split(at, ":")[2], "https://localhost:" + strings.Split(at, ":")[2], "https://[::1]:1", "https://[::ffff:127.0.0.1]:1",
		"https://2130706433:1", "https://0x7f.1:1", "https://0177.0.0.1:1", "http://127.0.0.1:1", "https://169.254.169.254/latest/meta-data"} {
		plain := &Issuers{}
		if _, _, err := plain.fetch(ctx, "it", raw); err == nil {
			t.Errorf("%s was fetched", raw)
		}
	}
	// Each fetch looks again: a name that was public at the first is refused at the second.
	i, _, at = tlsIssuer(t, asked, "203.0.113.7", "127.0.0.1")
	for range 2 {
		if _, _, err := i.fetch(ctx, "it", at+"/x"); !errors.Is(err, errNotPublic) {
			t.Errorf("rebound: %v", err)
		}
	}
}

func TestAllowedOrigin(t *testing.T) {
	i, _, at := tlsIssuer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/down":
			http.Redirect(w, r, "http://example.com"+r.Host[strings.Index(r.Host, ":"):]+"/x", http.StatusFound)
		default:
			io.WriteString(w, "fine")
		}
	}), "127.0.0.1")
	i.AllowedOrigins = []string{at}
	if body, _, err := i.fetch(ctx, "it", at+"/x"); err != nil || string(body) != "fine" {
		t.Errorf("an allowed origin: %v", err)
	}
	// The redirect's own origin, http this time, is not an allowed one.
	if _, _, err := i.fetch(ctx, "it", at+"/down"); err == nil || !strings.Contains(err.Error(), "not https") {
		t.Errorf("a redirect to http: %v", err)
	}
	i.AllowedOrigins = []string{at + "1"}
	if _, _, err := i.fetch(ctx, "it", at+"/x"); !errors.Is(err, errNotPublic) {
		t.Errorf("another port: %v", err)
	}
}

// The proxy of the environment is not ours to use: it would dial for us, past the address rule.
func TestNoProxy(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	for _, public := range []bool{true, false} {
		if (&Issuers{}).client(public).Transport.(*http.Transport).Proxy != nil {
			t.Error("a proxy is asked")
		}
	}
}

// What the client reads names no inner address or cause; the log does.
func TestFailuresAreToldTwice(t *testing.T) {
	var log bytes.Buffer
	c := newClock()
	i := &Issuers{AllowInsecure: true, Now: c.now, Log: slog.New(slog.NewTextHandler(&log, nil))}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	issuer := "http://" + listener.Addr().String()
	listener.Close()
	jwt := signForeign(t, signingKeys()["p256"], "ES256", "e", goodClaims(issuer, c.now(), nil), nil)
	_, err = verify(ctx, i, issuer, allAlgorithms, jwt, c.now())
	if !errors.Is(err, ErrIssuerUnavailable) || strings.Contains(err.Error(), "refused") {
		t.Errorf("%v", err)
	}
	if !strings.Contains(log.String(), "connection refused") {
		t.Errorf("the log says %s", log.String())
	}
}
