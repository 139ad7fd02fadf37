package store

import "context"

// Backend is a SQL database as the kernel sees it: consistent reads, and commits that apply whole or not at all.
// It is implemented by store/sqlite and store/postgres, and is safe for concurrent use.
//
// Statements use "?" for parameters, each used once and in order. Values are nil, string, int64, bool and []byte; a
// backend may return int64 for bool.
type Backend interface {
	// Dialect says how this database spells what databases spell differently.
	Dialect() Dialect
	// Begin opens a read-only view of one moment: everything acknowledged before Begin is in it, and nothing that
	// commits after its first Query.
	Begin(ctx context.Context) (Snapshot, error)
	// Commit applies the commits in order, each whole or not at all and independent of the others' fate, and sets
	// each one's Outcome. When it returns nil everything applied is durable. When it returns an error nothing was
	// acknowledged, though after a lost connection some may turn out to be applied. Statements see the effects of
	// earlier commits in the slice; concurrent calls must be serializable. It does not depend on a caller's context.
	Commit(commits []*Commit) error
	// Lanes is how many calls of Commit may usefully run at once.
	Lanes() int
	// Columns describes a table as it is now: column name to type as in Dialect.Types; empty if there is no table.
	// Key columns are listed in order.
	Columns(ctx context.Context, table string) (columns map[string]string, key []string, err error)
	// Define runs data definition statements in one transaction where the database can. Several nodes may do so at once.
	Define(ctx context.Context, statements []string) error
	// Close releases everything. No call may be under way.
	Close() error
}

// Dialect is the spelling of one SQL database.
type Dialect struct {
	// Types are the column types by Kind, in upper case.
	Types [JSON + 1]string
	// TableSuffix ends every CREATE TABLE.
	TableSuffix string
}

// Snapshot is a read-only view of one moment, used by one goroutine at a time.
type Snapshot interface {
	// Query calls row with each row's values, which row may keep. It must not query in turn.
	Query(ctx context.Context, s *Statement, args []any, row func(values []any) error) error
	// Release ends the view.
	Release()
}

// Statement is one SQL text. Backends prepare it once per connection, by its address.
type Statement struct {
	SQL string
	// Columns is the number of columns a query returns.
	Columns int
}

// Step is one statement of a commit and what it must come to.
type Step struct {
	Statement *Statement
	Args      []any
	// Check marks a query for one count, which must equal Want. Otherwise it is a write, which must affect Want rows,
	// or any number if Want is negative.
	Check bool
	Want  int64
}

// Commit is one transaction's conditions and effects. Its checks come before its writes.
type Commit struct {
	Steps   []Step
	Outcome Outcome
}

// Outcome is what became of a commit.
type Outcome struct {
	Verdict Verdict
	// Step is the one that decided against the commit.
	Step int
	// Rows is how many rows the last write affected.
	Rows int64
	// Err is the cause of Failed.
	Err error
}

// Verdict is the kind of an Outcome.
type Verdict uint8

// The verdicts on a commit.
const (
	Applied Verdict = iota
	// Lost: a step did not come to what it must, or the database refused for the sake of other transactions.
	Lost
	// Collided: a write would have duplicated a value of a unique index.
	Collided
	// Failed: the commit itself cannot be carried out, while others can.
	Failed
	verdicts // how many there are
)
