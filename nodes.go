package symbolon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

const (
	nodeBeat = 2 * time.Second
	// nodeSilence is how long a node may be silent before the others take it for gone, and it takes itself for cut off.
	nodeSilence = 10 * time.Second
	// nodeLife is how long a node is silent when another deletes its row.
	nodeLife = 2 * time.Minute
	// nodePatience bounds a heartbeat, and saying good-bye.
	nodePatience = 3 * time.Second

	// Expiry, not-before and signatures are judged by each node's own clock. clockWarning is a difference to look into, and clockLimit
	// one with which a node must not begin to serve: it would take what others no longer do, and refuse what they have just issued.
	clockWarning = 5 * time.Second
	clockLimit   = 30 * time.Second
)

// node is the row of one running server. It does not expire by itself: a node whose clock is wrong must see it, too.
type node struct {
	ID        string            `store:"id,key"`
	Address   string            `store:"address"` // host and listener, for people
	Version   string            `store:"program_version"`
	MasterKey string            `store:"master_key_fingerprint"`
	Settings  map[string]string `store:"settings"` // those that must be the same on all nodes
	StartedAt time.Time         `store:"started_at"`
	// SeenAt is the last heartbeat, on the database's clock.
	SeenAt time.Time `store:"seen_at"`
	// ClockAhead is by how much the node's clock was ahead of the database's then.
	ClockAhead time.Duration `store:"clock_ahead"`
}

// roster is one row that every node which joins changes, so that of two that join at once the later one sees the earlier.
type roster struct {
	ID    string `store:"id,key"`
	Joins int64  `store:"joins"`
}

const rosterID = "nodes"

var (
	nodeTable   = store.NewTable[node](store.Spec{Name: "nodes"})
	rosterTable = store.NewTable[roster](store.Spec{Name: "node_rosters"})
)

func nodeTables() []store.Definition { return []store.Definition{nodeTable, rosterTable} }

// nodes is this server among the others on its database.
type nodes struct {
	db   *store.DB
	log  *slog.Logger
	now  func() time.Time
	self node

	stop func()        // ends the heartbeats
	done chan struct{} // they have ended

	mu     sync.Mutex
	beat   time.Time // the last heartbeat, by the monotonic clock
	alive  []node    // as of then, without this one
	warned string    // what was last warned of
}

// joinNodes announces a server to the others, and refuses what does not fit them: another issuer, or a clock that is more than
// clockLimit away from theirs. What is merely suspicious is logged. The heartbeats go on until leave.
func joinNodes(ctx context.Context, db *store.DB, self node, now func() time.Time, log *slog.Logger) (*nodes, error) {
	n := &nodes{db: db, log: log, now: now, self: self, done: make(chan struct{})}
	ahead, within, err := db.ClockOffset(ctx)
	if err != nil {
		return nil, err
	}
	var alive []node
	err = db.Update(ctx, func(tx *store.Tx) error {
		if alive, _, err = n.others(tx, ahead); err != nil {
			return err
		}
		if err := fits(self, ahead, within, alive); err != nil {
			return err
		}
		r, err := rosterTable.Get(tx, rosterID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := rosterTable.Put(tx, roster{ID: rosterID, Joins: r.Joins + 1}); err != nil {
			return err
		}
		return nodeTable.Put(tx, n.row(ahead))
	})
	if err != nil {
		return nil, err
	}
	n.heard(alive, ahead, within)
	loop, stop := context.WithCancel(context.Background())
	n.stop = stop
	go n.run(loop)
	return n, nil
}

// row is this node's as of now.
func (n *nodes) row(ahead time.Duration) node {
	row := n.self
	row.ClockAhead, row.SeenAt = ahead, n.now().Add(-ahead)
	return row
}

// others are the live nodes beside this one, and those that have been silent for so long that their rows may go.
func (n *nodes) others(tx *store.Tx, ahead time.Duration) (alive, gone []node, err error) {
	rows, err := nodeTable.List(tx, store.Query{})
	now := n.now().Add(-ahead)
	for _, r := range rows {
		switch silence := now.Sub(r.SeenAt); {
		case r.ID == n.self.ID:
		case silence <= nodeSilence:
			alive = append(alive, r)
		case silence > nodeLife:
			gone = append(gone, r)
		}
	}
	return alive, gone, err
}

// fits refuses a node that would not act as the others do.
func fits(self node, ahead, within time.Duration, alive []node) error {
	for _, other := range alive {
		if mine, theirs := self.Settings["issuer"], other.Settings["issuer"]; mine != theirs {
			return fmt.Errorf("the issuer here is %s, and %s on the node %s, which serves the same database: set issuer to the same public "+
				"address on all nodes", mine, theirs, other.Address)
		}
		if apart := ahead - other.ClockAhead; apart.Abs()-within > clockLimit {
			return fmt.Errorf("the clock here is %s that of the node %s, which serves the same database; at most %v are borne: "+
				"synchronize the clocks", aheadOf(apart), other.Address, clockLimit)
		}
	}
	return nil
}

func aheadOf(d time.Duration) string {
	if d < 0 {
		return fmt.Sprint((-d).Truncate(time.Millisecond), " behind")
	}
	return fmt.Sprint(d.Truncate(time.Millisecond), " ahead of")
}

// run sends the heartbeats.
func (n *nodes) run(ctx context.Context) {
	defer close(n.done)
	tick := time.NewTicker(nodeBeat)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := n.report(ctx)
		switch {
		case err != nil && !failing && ctx.Err() == nil:
			n.log.Warn("this node cannot report to the others", "error", err)
		case err == nil && failing:
			n.log.Info("this node reports to the others again")
		}
		failing = err != nil
	}
}

// report is one heartbeat.
func (n *nodes) report(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, nodePatience)
	defer cancel()
	ahead, within, err := n.db.ClockOffset(ctx)
	if err != nil {
		return err
	}
	if err := n.db.Update(ctx, func(tx *store.Tx) error { return nodeTable.Put(tx, n.row(ahead)) }); err != nil {
		return err
	}
	var alive, gone []node
	if err := n.db.View(ctx, func(tx *store.Tx) (err error) {
		alive, gone, err = n.others(tx, ahead)
		return err
	}); err != nil {
		return err
	}
	n.heard(alive, ahead, within)
	for _, g := range gone {
		if err := n.remove(ctx, g.ID); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes a node's row; it may be gone already.
func (n *nodes) remove(ctx context.Context, id string) error {
	err := n.db.Update(ctx, func(tx *store.Tx) error { return nodeTable.Delete(tx, id) })
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// heard remembers what a heartbeat found, and logs what became suspicious by it.
func (n *nodes) heard(alive []node, ahead, within time.Duration) {
	doubts := suspicions(n.self, ahead, within, alive)
	n.mu.Lock()
	news := strings.Join(slices.Sorted(maps.Keys(doubts)), "; ") != n.warned
	n.warned = strings.Join(slices.Sorted(maps.Keys(doubts)), "; ")
	n.beat, n.alive, n.self.ClockAhead = time.Now(), alive, ahead
	n.mu.Unlock()
	if !news {
		return
	}
	for _, text := range slices.Sorted(maps.Values(doubts)) {
		n.log.Warn(text)
	}
}

// suspicions are what an operator should look into, by a key that stays the same as long as the trouble does.
func suspicions(self node, ahead, within time.Duration, alive []node) map[string]string {
	found := map[string]string{}
	if ahead.Abs()-within > clockWarning {
		found["clock"] = "the clock here is " + aheadOf(ahead) + " the database's"
	}
	for _, other := range alive {
		if apart := ahead - other.ClockAhead; apart.Abs()-within > clockWarning {
			found["clock "+other.ID] = "the clock here is " + aheadOf(apart) + " that of the node " + other.Address
		}
		if other.MasterKey != self.MasterKey {
			found["key "+other.ID] = "the node " + other.Address + " was started with another master key; restart it once the keys are rewrapped"
		}
		for _, name := range slices.Sorted(maps.Keys(self.Settings)) {
			if theirs, ok := other.Settings[name]; ok && theirs != self.Settings[name] {
				found[name+" "+other.ID] = fmt.Sprintf("%s is %q here and %q on the node %s", name, self.Settings[name], theirs, other.Address)
			}
		}
	}
	return found
}

// cutOff says how long the others have not heard of this node, if that is long enough for them to take it for gone.
func (n *nodes) cutOff() (silence time.Duration, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	silence = time.Since(n.beat)
	return silence, silence > nodeSilence
}

// leave takes this node off the list, as far as the database lets it.
func (n *nodes) leave() {
	n.stop()
	<-n.done
	ctx, cancel := context.WithTimeout(context.Background(), nodePatience)
	defer cancel()
	if err := n.remove(ctx, n.self.ID); err != nil {
		n.log.Warn("this node stays on the list of nodes for two minutes", "error", err)
	}
}

// hostname is the machine's name, for people.
func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}
