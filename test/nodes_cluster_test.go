package test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

// drainDelay is that of the nodes here. The balancer notices within a tenth of it.
const drainDelay = time.Second

// cluster is a number of nodes on one PostgreSQL database behind something that is their issuer's address.
type cluster struct {
	*server   // as clients see it: that address, an administrator's credentials
	addresses []string
	nodes     []*server
	folders   []string
	flags     [][]string

	balancer *balancer // ours, if it is that
}

// startBalanced starts nodes behind the balancer below, which goes from one to the next.
func startBalanced(t *testing.T, n int) *cluster {
	t.Helper()
	b := startBalancer(t)
	c := newCluster(t, n, b.url, nil, "--drain-delay", drainDelay.String())
	c.balancer = b
	for _, address := range c.addresses {
		b.add(t, "http://"+address)
	}
	c.start(t)
	b.await(t, n)
	return c
}

// newCluster prepares nodes, each with a folder of its own, and a database. client reaches the issuer.
func newCluster(t *testing.T, n int, issuer string, client *http.Client, flags ...string) *cluster {
	t.Helper()
	database := postgrestest.Database(t)
	folder := t.TempDir()
	master := filepath.Join(folder, "master.key")
	key := make([]byte, 32)
	rand.Read(key)
	if err := os.WriteFile(master, []byte(base64.StdEncoding.EncodeToString(key)), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &cluster{server: &server{url: issuer, http: client}}
	for i := range n {
		address := lastingAddress(t)
		c.addresses = append(c.addresses, address)
		c.folders = append(c.folders, filepath.Join(folder, fmt.Sprint("node-", i)))
		c.flags = append(c.flags, append([]string{
			"--listen", address, "--issuer", issuer, "--database-url", database, "--master-key-file", master, "--behind-proxy", "true",
		}, flags...))
	}
	return c
}

// start starts the nodes, one after the other, as processes of their own that have the same administrator.
func (c *cluster) start(t *testing.T) {
	t.Helper()
	for i := range c.addresses {
		if i > 0 {
			text, err := os.ReadFile(filepath.Join(c.folders[0], "dev.json"))
			if err == nil {
				err = os.MkdirAll(c.folders[i], 0o700)
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(c.folders[i], "dev.json"), text, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		c.nodes = append(c.nodes, startServerBehind(t, c.http, c.folders[i], c.flags[i]...))
	}
	c.folder, c.env, c.log = c.folders[0], c.nodes[0].env, c.nodes[0].log
}

// restart ends a node as an operator does, and starts it again.
func (c *cluster) restart(t *testing.T, i int) {
	t.Helper()
	c.nodes[i].stop(t)
	c.nodes[i] = startServerBehind(t, c.http, c.folders[i], c.flags[i]...)
}

// balancer sends each request to the next of the nodes that say they are ready, and repeats none. It keeps connections to them.
type balancer struct {
	url     string
	nodes   []*balanced
	next    atomic.Uint64
	mu      sync.Mutex
	losses  []string // requests without a whole answer
	ctx     context.Context
	polling sync.WaitGroup
}

type balanced struct {
	url    *url.URL
	ready  atomic.Bool
	served atomic.Int64
}

func startBalancer(t *testing.T) *balancer {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	b := &balancer{ctx: ctx}
	s := httptest.NewServer(http.HandlerFunc(b.serve))
	b.url = s.URL
	t.Cleanup(func() {
		s.Close()
		stop()
		b.polling.Wait()
	})
	return b
}

// add follows the readiness of one more node.
func (b *balancer) add(t *testing.T, at string) {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	n := &balanced{url: u}
	b.mu.Lock()
	b.nodes = append(b.nodes, n)
	b.mu.Unlock()
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	b.polling.Go(func() {
		for b.ctx.Err() == nil {
			answer, err := client.Get(at + "/readyz")
			if err == nil {
				answer.Body.Close()
			}
			n.ready.Store(err == nil && answer.StatusCode == http.StatusOK)
			time.Sleep(drainDelay / 20)
		}
	})
}

// await waits until so many nodes are ready.
func (b *balancer) await(t *testing.T, want int) {
	t.Helper()
	for end := time.Now().Add(startLimit); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if len(b.ready()) == want {
			return
		}
	}
	t.Fatalf("%d nodes do not become ready", want)
}

func (b *balancer) ready() (ready []*balanced) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range b.nodes {
		if n.ready.Load() {
			ready = append(ready, n)
		}
	}
	return ready
}

var toNodes = &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute}

func (b *balancer) serve(w http.ResponseWriter, r *http.Request) {
	ready := b.ready()
	if len(ready) == 0 {
		http.Error(w, "no node is ready", http.StatusServiceUnavailable)
		return
	}
	n := ready[b.next.Add(1)%uint64(len(ready))]
	// The whole request first, as nginx does: the transport may give up a connection whose answer comes while it still looks for the end.
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	proxy := &httputil.ReverseProxy{
		Transport: toNodes,
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(n.url)
			p.Out.Host = p.In.Host
			p.SetXForwarded()
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			b.lose(r, n, err)
			w.WriteHeader(http.StatusBadGateway)
		},
	}
	defer func() {
		if p := recover(); p != nil { // the answer broke off
			b.lose(r, n, p)
			panic(p)
		}
	}()
	proxy.ServeHTTP(w, r)
	n.served.Add(1)
}

// lose notes a request that has no whole answer.
func (b *balancer) lose(r *http.Request, n *balanced, why any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.losses = append(b.losses, fmt.Sprintf("%s %s at %s at %s: %v", r.Method, r.URL.Path, n.url, time.Now().Format("15:04:05.000"), why))
}
