package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// hearing is how long other hosts may answer once one has that takes writes: one that was replaced while it was away answers as it
// always did, and only its successor knows better.
const hearing = 250 * time.Millisecond

// askLineage asks a server that takes writes what it continues. PostgreSQL's relatives refuse it, each host being as good as another there.
const askLineage = "SELECT system_identifier, pg_walfile_name(pg_current_wal_lsn()) FROM pg_control_system()"

// lineage is what PostgreSQL calls the history of a server: standbys are copies of the same system, and each promotion begins a new
// timeline with a higher number. The zero value is unknown.
type lineage struct {
	system   string
	timeline uint64
}

// before says that another server was promoted in place of this one.
func (l lineage) before(other lineage) bool {
	return l.system != "" && l.system == other.system && l.timeline < other.timeline
}

// newest is the lineage this node has met last, and of one system the highest timeline.
type newest struct {
	mu sync.Mutex
	lineage
}

func (n *newest) get() lineage {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lineage
}

// meet takes a server's, or says that it has been replaced.
func (n *newest) meet(l lineage) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l.before(n.lineage) {
		return fmt.Errorf("the server takes writes on timeline %d, but another was promoted in its place and began timeline %d: "+
			"make it a standby, or end it", l.timeline, n.timeline)
	}
	if l.system != "" {
		n.lineage = l
	}
	return nil
}

// hostsOf takes a configuration apart into the hosts that it names, each with all ways to reach it.
func hostsOf(config *pgconn.Config) (hosts []*pgconn.Config) {
	ways := append([]*pgconn.FallbackConfig{{Host: config.Host, Port: config.Port, TLSConfig: config.TLSConfig}}, config.Fallbacks...)
	for _, w := range ways {
		if n := len(hosts); n > 0 && hosts[n-1].Host == w.Host && hosts[n-1].Port == w.Port {
			hosts[n-1].Fallbacks = append(hosts[n-1].Fallbacks, w)
			continue
		}
		h := config.Copy()
		h.Host, h.Port, h.TLSConfig, h.Fallbacks = w.Host, w.Port, w.TLSConfig, nil
		hosts = append(hosts, h)
	}
	return hosts
}

// arrival is what came of asking one host.
type arrival struct {
	order int // of the host in the URL
	pg    *pgconn.PgConn
	lineage
	err error
}

// reach asks all hosts at once, so that one that is silent holds nobody up, and returns the connection to the one to write to: on the
// highest timeline, and of equals the first in the URL. The context ends what is still under way.
func (b *Backend) reach(ctx context.Context) (*pgconn.PgConn, lineage, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	came := make(chan arrival, len(b.hosts))
	for i, h := range b.hosts {
		go func() { came <- ask(ctx, i, h) }()
	}
	var best arrival
	var errs []error
	var enough <-chan time.Time
	left := len(b.hosts)
	for waiting := true; waiting && left > 0; {
		select {
		case a := <-came:
			left--
			if a.err != nil {
				errs = append(errs, a.err)
				break
			}
			if enough == nil {
				enough = time.After(hearing)
			}
			best = b.better(best, a)
		case <-enough:
			waiting = false
		}
	}
	go func() { // cancelled now, they end soon
		for range left {
			if a := <-came; a.pg != nil {
				leave(a.pg)
			}
		}
	}()
	if best.pg == nil {
		return nil, lineage{}, errors.Join(errs...)
	}
	if err := b.newest.meet(best.lineage); err != nil {
		leave(best.pg)
		return nil, lineage{}, errors.Join(append(errs, err)...)
	}
	return best.pg, best.lineage, nil
}

// better keeps one of two and leaves the other.
func (b *Backend) better(one, other arrival) arrival {
	if one.pg == nil {
		return other
	}
	if one.before(other.lineage) || other.order < one.order && !other.before(one.lineage) {
		one, other = other, one
	}
	go leave(other.pg)
	return one
}

// ask connects to one host and learns its lineage if it takes writes.
func ask(ctx context.Context, order int, host *pgconn.Config) (a arrival) {
	a.order = order
	if a.pg, a.err = pgconn.ConnectConfig(ctx, host); a.err != nil {
		return a
	}
	if a.lineage, a.err = lineageOf(ctx, a.pg); a.err != nil {
		go leave(a.pg)
		a.pg = nil
	}
	return a
}

func lineageOf(ctx context.Context, pg *pgconn.PgConn) (l lineage, err error) {
	results, err := pg.Exec(ctx, askLineage).ReadAll()
	var refused *pgconn.PgError
	if errors.As(err, &refused) && !fatal(refused) {
		return l, nil
	}
	if err != nil || len(results) != 1 || len(results[0].Rows) != 1 || len(results[0].Rows[0]) != 2 {
		return l, errors.Join(err, errors.New("no answer"))
	}
	return parseLineage(string(results[0].Rows[0][0]), string(results[0].Rows[0][1])), nil
}

// parseLineage takes the timeline from the name of a file of the write-ahead log, which begins with it in eight hexadecimal digits.
func parseLineage(system, file string) lineage {
	timeline, err := strconv.ParseUint(file[:min(8, len(file))], 16, 32)
	if err != nil || len(file) != 24 || strings.Trim(system, "0123456789") != "" {
		return lineage{}
	}
	return lineage{system, timeline}
}

// leave ends a connection that is not used.
func leave(pg *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = pg.Close(ctx)
}
