// Package postgres keeps the store in a PostgreSQL database, or one that speaks its protocol, for any number of nodes.
//
// A commit is serializable without the database's serializable transactions, which would refuse one batch for what
// another has read nearby: it runs as read committed, every row that it checks is locked until it ends, every key that it
// needs absent is taken for that time, and what it writes is conditional on the version that was read. Two such commits
// that need an order wait for each other; ranges are counted again after the writes.
//
// What arrives together travels together: the commits of a batch are one pipeline that ends in its COMMIT, single-row
// writes alike in it are one statement, and queries that begin together share a view and a round trip. A grant that reads
// one row and writes costs two round trips.
//
// Of several hosts all are asked at once, and the one that takes writes on the highest timeline is used: a server that died, was replaced
// by its standby and came back is known by its own, and left.
//
// Every wait has an end: connecting, queries and commits have deadlines on this side and shorter ones on the server's. A
// connection that fails, or leads to a server that cannot be written to any more, is dropped. A commit whose connection
// fails on the way has an unknown outcome: it is reported as failed and never repeated. What certainly has not
// happened (nothing was sent, or the server said so) is tried again for a moment.
//
// The SQL stays in what PostgreSQL 15 and later, YugabyteDB (with read committed enabled) and CockroachDB share; a test
// reads every text there is.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/symbolon/symbolon/internal/store"
)

const (
	lanes = 2 // connections that commit: while one flushes the other runs
	// defaultConnections is how many there are beside one for schema work: pool_max_conns in the URL replaces it.
	defaultConnections = 8
	minConnections     = lanes + 1
)

// Backend is one node's connections to the database. Open makes it.
type Backend struct {
	hosts  []*pgconn.Config // each with the ways to reach it, in the URL's order
	newest newest
	trips  atomic.Int64
	texts  dictionary
	away   absence

	lanes chan *conn // nil where the connection is yet to be made
	views views

	schema schemaCache
}

// Open prepares connections to the database at a URL such as postgres://user:password@host:5432/database, which may name
// several hosts, and makes the first of them. Beside libpq's parameters it knows pool_max_conns (8).
func Open(ctx context.Context, at string) (*Backend, error) {
	config, most, err := parseURL(at)
	if err != nil {
		return nil, err
	}
	b := &Backend{hosts: hostsOf(config), lanes: make(chan *conn, lanes)}
	b.views.eager = min(eagerViews, most-lanes)
	b.views.free = most - lanes - b.views.eager
	first, err := b.connect(ctx, time.Now().Add(openTimeout))
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	b.lanes <- first
	for range lanes - 1 {
		b.lanes <- nil
	}
	return b, nil
}

// Dialect implements store.Backend.
func (b *Backend) Dialect() store.Dialect {
	return store.Dialect{
		Types: [...]string{
			store.Text: textType, store.Int: "BIGINT", store.Bool: "BOOLEAN", store.Time: "TIMESTAMPTZ", store.Bytes: "BYTEA",
			store.JSON: "JSON",
		},
		Concurrent: true,
		Clock:      "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
	}
}

// RoundTrips is how often this node has waited for an answer of the database, since Open.
func (b *Backend) RoundTrips() int64 { return b.trips.Load() }

// Lanes implements store.Backend.
func (b *Backend) Lanes() int { return lanes }

// Close implements store.Backend.
func (b *Backend) Close() error {
	for range lanes {
		if c := <-b.lanes; c != nil {
			c.close()
		}
	}
	return b.views.close()
}

var errClosed = errors.New("postgres: closed")
