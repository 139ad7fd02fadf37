// Package store keeps Symbolon's records: optimistic transactions over typed tables.
//
// A room declares its nouns as tables (NewTable) of plain structs; each is a real SQL table an operator can read.
// View and Update run a function against one consistent view with one timestamp. Reads remember the version of what
// they saw, writes are buffered, and the commit is one conditional batch that applies whole or not at all. When Update
// returns nil the change is durable. Concurrent commits share one disk flush.
//
// What a caller may rely on:
//
//   - Update may run its function again after a conflict: it must have no effect outside the transaction
//     (reset captured variables at its top), and must not start another Update.
//   - A transaction that wrote something committed only if every uncached row it read, and every row it looked up and
//     found absent, was still so at commit: no lost update, no write skew.
//   - Tables declared Cached are served from memory. A transaction that writes any Cached row is serializable in whole,
//     its scans included. A transaction that only reads Cached rows sees all changes acknowledged on this node before
//     it began, and those of other nodes no later than one second after their acknowledgement. On its own node a change
//     of a Cached row is never overtaken: what commits after it was decided in its knowledge.
//   - Expiry is judged by the transaction's timestamp: an expired row is absent, whether or not it has been swept.
//
// The kernel here knows SQL; a Backend (store/sqlite, store/postgres) only runs it. storetest is the suite that every
// backend passes.
package store

import "errors"

// ErrNotFound says that no live row has the key asked for.
var ErrNotFound = errors.New("store: not found")

// ErrExists says that a live row already has the key, or the unique index value, that a write wants. The concrete error
// is an *ExistsError.
var ErrExists = errors.New("store: already exists")

// ErrConflict says that Update gave up after many attempts because others kept changing what it had read. It is
// retryable.
var ErrConflict = errors.New("store: conflict")

// ErrUnavailable says that the backend cannot serve now (disk full, database gone, closed). Nothing was acknowledged.
var ErrUnavailable = errors.New("store: unavailable")

// ErrUncertain says of a commit that failed as ErrUnavailable that it may have been applied all the same, wholly or not at all.
var ErrUncertain = errors.New("store: whether it was applied is not known")

// ErrOutdated says that the database has the schema of an older program, and may not be changed. Opened for writing it is brought up to date.
var ErrOutdated = errors.New("store: the schema is of an older program")

// ExistsError names what a write collided with; errors.Is(err, ErrExists) holds.
type ExistsError struct {
	Table string
	Index string // empty for the primary key
}

func (e *ExistsError) Error() string {
	if e.Index == "" {
		return "store: table " + e.Table + ": the row already exists"
	}
	return "store: table " + e.Table + ": another row has this value of index " + e.Index
}

// Unwrap makes errors.Is(err, ErrExists) hold.
func (e *ExistsError) Unwrap() error { return ErrExists }
