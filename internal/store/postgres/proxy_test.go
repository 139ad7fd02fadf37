package postgres_test

import (
	"net"
	"net/url"
	"sync"
	"testing"
	"time"
)

// proxy stands between nodes and database, and does what networks do.
type proxy struct {
	listener net.Listener
	target   string

	mu      sync.Mutex
	passing *sync.Cond
	silent  bool // nothing passes, and nobody is told
	refuse  bool // new connections end at once
	pairs   map[net.Conn]net.Conn
	// cutAfter cuts a connection once so many bytes went to the database; 0 for never.
	cutAfter int
}

// newProxy returns a proxy before the database at a URL, and the URL through it.
func newProxy(t *testing.T, at string) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{target: u.Host, pairs: map[net.Conn]net.Conn{}}
	p.passing = sync.NewCond(&p.mu)
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.listener.Close()
		p.hush(false)
		p.cut()
	})
	go p.serve()
	u.Host = p.listener.Addr().String()
	return p, u.String()
}

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		refuse := p.refuse
		p.mu.Unlock()
		server, err := net.Dial("tcp", p.target)
		if err != nil || refuse {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.pairs[client] = server
		p.mu.Unlock()
		go p.copy(client, server, true)
		go p.copy(server, client, false)
	}
}

func (p *proxy) copy(from, to net.Conn, up bool) {
	defer from.Close()
	defer to.Close()
	buffer := make([]byte, 32<<10)
	total := 0
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		for p.silent {
			p.passing.Wait()
		}
		limit := p.cutAfter
		p.mu.Unlock()
		if total += n; up && limit > 0 && total > limit {
			_, _ = to.Write(buffer[:n/2]) // a message may end in its middle
			return
		}
		if _, failed := to.Write(buffer[:n]); failed != nil || err != nil {
			return
		}
	}
}

// hush makes the network silent, or ends that.
func (p *proxy) hush(silent bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = silent
	p.passing.Broadcast()
}

// gone refuses new connections and cuts the old, or lets new ones in again.
func (p *proxy) gone(gone bool) {
	p.mu.Lock()
	p.refuse = gone
	p.mu.Unlock()
	if gone {
		p.cut()
	}
}

// cut ends all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c, s := range p.pairs {
		_ = c.Close()
		_ = s.Close()
		delete(p.pairs, c)
	}
}

// cutSoon makes each connection end in the middle of what it sends.
func (p *proxy) cutSoon(after int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutAfter = after
}

// within fails the test if fn takes longer.
func within(t *testing.T, limit time.Duration, what string, fn func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	select {
	case <-done:
	case <-time.After(limit):
		t.Fatalf("%s hangs", what)
	}
}
