package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	connectTimeout   = 3 * time.Second  // for one host; connect_timeout in the URL replaces it
	openTimeout      = 15 * time.Second // for all hosts, at the start
	reconnectTimeout = 8 * time.Second  // for all hosts, in work
	queryTimeout     = 5 * time.Second  // of a view's queries
	commitTimeout    = 5 * time.Second  // of one attempt to commit
	// lockLimit is how long a commit waits for others' rows: longer than their commits take, shorter than a deadlock lasts.
	lockLimit = 500 * time.Millisecond
	// carefulLimit is how long all members of a batch wait for others' rows together, when each goes for itself.
	carefulLimit = 2 * time.Second
)

// settings go with every connection. The server gives up before this side does, so that what is cut off is over there, too,
// and a node that vanishes in the middle of a transaction does not keep its locks.
var settings = map[string]string{
	"application_name":                    "symbolon",
	"client_encoding":                     "UTF8",
	"default_transaction_isolation":       "read committed",
	"statement_timeout":                   "4s",
	"lock_timeout":                        strconv.Itoa(int(lockLimit/time.Millisecond)) + "ms",
	"idle_in_transaction_session_timeout": "10s",
}

// tuning are PostgreSQL's own settings, which its relatives may refuse one by one. Every statement here has one good plan,
// by an index, whatever the statistics of a young table say; planning it anew would cost more than running it.
var tuning = []string{
	"SET plan_cache_mode = 'force_generic_plan'",
	"SET enable_seqscan = off",
	"SET enable_hashjoin = off",
	"SET enable_mergejoin = off",
	"SET jit = off",
	// What was acknowledged is durable, whatever the server's default.
	"SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
}

// keepalive makes the server notice within some ten seconds that a node has vanished, whose locks end with its connection.
var keepalive = []string{
	"SET tcp_keepalives_idle = 5",
	"SET tcp_keepalives_interval = 2",
	"SET tcp_keepalives_count = 3",
	"SET tcp_user_timeout = 10000",
}

// attention makes the server look at its node while it works for it, too, which may take long where an index is built: one that nobody waits for
// any more ends, and does not stand in the way of whoever builds it next.
var attention = []string{"SET client_connection_check_interval = 2000"}

// CheckURL says what is wrong with a URL for Open, without repeating it.
func CheckURL(at string) error {
	_, _, err := parseURL(at)
	return err
}

var (
	errNotURL = errors.New("not a PostgreSQL URL such as postgres://user:password@host:5432/database?sslmode=verify-full")
	errPlain  = errors.New("the database is on another machine, and the sslmode allows plain text: say sslmode=verify-full in the URL (or require, which takes any certificate, " +
		"or disable where the network itself is trusted)")
)

// parseURL reads a connection URL. Its errors do not repeat it, since it holds the password.
func parseURL(at string) (config *pgconn.Config, most int, err error) {
	if !strings.HasPrefix(at, "postgres://") && !strings.HasPrefix(at, "postgresql://") {
		return nil, 0, errNotURL
	}
	config, err = pgconn.ParseConfig(at)
	if err != nil {
		return nil, 0, errNotURL // what pgconn says may quote it
	}
	if fallsBack(config) {
		return nil, 0, errPlain
	}
	most = defaultConnections
	if text, ok := config.RuntimeParams["pool_max_conns"]; ok {
		if most, err = strconv.Atoi(text); err != nil || most < minConnections || most > 1000 {
			return nil, 0, fmt.Errorf("pool_max_conns is %q, not a number from %d to 1000", text, minConnections)
		}
		delete(config.RuntimeParams, "pool_max_conns")
	}
	for name, value := range settings {
		if name != "application_name" || config.RuntimeParams[name] == "" {
			config.RuntimeParams[name] = value
		}
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}}
	config.DialFunc = dialer.DialContext
	return config, most, nil
}

// fallsBack says whether another machine may be spoken to in plain text though nobody asked for it: where some ways to such machines are
// encrypted and others are not. That is what no sslmode, prefer and allow come to, wherever they stand (URL, environment, service file); with
// disable, which has to be said, no way is encrypted.
func fallsBack(config *pgconn.Config) bool {
	var plain, encrypted bool
	ways := append([]*pgconn.FallbackConfig{{Host: config.Host, TLSConfig: config.TLSConfig}}, config.Fallbacks...)
	for _, w := range ways {
		if remote(w.Host) {
			plain = plain || w.TLSConfig == nil
			encrypted = encrypted || w.TLSConfig != nil
		}
	}
	return plain && encrypted
}

// remote says whether a host is not this machine.
func remote(host string) bool {
	return host != "localhost" && !strings.HasPrefix(host, "/") && !net.ParseIP(host).IsLoopback()
}

// connect opens a connection to the host of the URL that is to be written to.
func (b *Backend) connect(ctx context.Context, deadline time.Time) (*conn, error) {
	c, err := b.connectPlain(ctx, deadline)
	if err != nil {
		return nil, err
	}
	if err := c.tune(deadline, slices.Concat(tuning, keepalive)); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// connectPlain opens a connection with the server's own settings for planning.
func (b *Backend) connectPlain(ctx context.Context, deadline time.Time) (*conn, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	pg, of, err := b.reach(ctx)
	if err != nil {
		return nil, err
	}
	h, err := pg.Hijack()
	if err != nil {
		return nil, errors.Join(err, pg.Close(ctx))
	}
	return &conn{net: h.Conn, in: h.Frontend, prepared: map[*text]*prepared{}, trips: &b.trips, texts: &b.texts, of: of}, nil
}

// tune applies those of the settings that the server knows.
func (c *conn) tune(deadline time.Time, settings []string) error {
	if err := c.start(deadline); err != nil {
		return err
	}
	for _, sql := range settings {
		c.simple(sql)
	}
	if _, err := c.send(); err != nil {
		return err
	}
	for range settings {
		if err := c.ready(); errors.Is(err, errLost) {
			return err
		}
	}
	return nil
}
