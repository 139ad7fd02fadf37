package proof

import (
	"net"
	"sync"
	"testing"
	"time"
)

// network is what lies between one node and the database: a proxy that delays, falls silent and cuts.
type network struct {
	listener net.Listener
	target   string

	mu      sync.Mutex
	passing *sync.Cond
	silent  bool          // nothing passes, and nobody is told
	refuse  bool          // new connections end at once
	delay   time.Duration // of every read
	struck  int64         // reads held back or delayed
	open    map[net.Conn]bool
}

func newNetwork(t *testing.T, target string) *network {
	t.Helper()
	n := &network{target: target, open: map[net.Conn]bool{}}
	n.passing = sync.NewCond(&n.mu)
	var err error
	if n.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		n.listener.Close()
		n.cut()
	})
	go n.serve()
	return n
}

func (n *network) serve() {
	for {
		client, err := n.listener.Accept()
		if err != nil {
			return
		}
		go n.connect(client)
	}
}

// connect passes a connection on; a silent network opens it, as a load balancer in it would, and carries nothing.
func (n *network) connect(client net.Conn) {
	n.mu.Lock()
	refuse := n.refuse
	n.mu.Unlock()
	if refuse {
		client.Close()
		return
	}
	database, err := net.Dial("tcp", n.target)
	if err != nil {
		client.Close()
		return
	}
	n.mu.Lock()
	n.open[client], n.open[database] = true, true
	n.mu.Unlock()
	go n.copy(client, database)
	n.copy(database, client)
}

func (n *network) copy(from, to net.Conn) {
	defer func() {
		from.Close()
		to.Close()
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.open, from)
	}()
	buffer := make([]byte, 32<<10)
	for {
		read, err := from.Read(buffer)
		n.mu.Lock()
		if n.silent || n.delay > 0 {
			n.struck++
		}
		for n.silent {
			n.passing.Wait()
		}
		delay := n.delay
		n.mu.Unlock()
		time.Sleep(delay)
		if _, failed := to.Write(buffer[:read]); failed != nil || err != nil {
			return
		}
	}
}

// set changes what the network does from now on.
func (n *network) set(silent, refuse bool, delay time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.silent, n.refuse, n.delay = silent, refuse, delay
	n.passing.Broadcast()
}

// strike lasts so many milliseconds at most, and until something has been delayed or held back, and says how much was.
func (n *network) strike(r *round, most int) int64 {
	deadline := time.Now().Add(5 * time.Second)
	before := n.count()
	time.Sleep(milliseconds(r, most))
	for n.count() == before && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	return n.count() - before
}

func (n *network) count() int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.struck
}

// cut ends all connections, and says how many; what has not passed is lost.
func (n *network) cut() int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	cut := int64(len(n.open)) / 2 // each has two ends
	for c := range n.open {
		c.Close()
	}
	n.silent = false
	n.passing.Broadcast()
	return cut
}
