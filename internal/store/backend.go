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
	// Commit applies the commits, each whole or not at all and independent of the others' fate, and sets each one's
	// Outcome. When it returns nil everything applied is durable. When it returns an error nothing was acknowledged,
	// though after a lost connection some may turn out to be applied. It may apply them in any order that fits the
	// outcomes, as calls at the same time may be: all of them together must be serializable. It does not depend on a
	// caller's context.
	Commit(commits []*Commit) error
	// Lanes is how many calls of Commit may usefully run at once.
	Lanes() int
	// Columns describes a table as it is now: column name to type as in Dialect.Types; empty if there is no table.
	// Key columns are listed in order.
	Columns(ctx context.Context, table string) (columns map[string]string, key []string, err error)
	// Define runs data definition statements, in one transaction where the database can.
	Define(ctx context.Context, statements []string) error
	// Alone calls fn, which may change the schema, while no other node is in Alone.
	Alone(ctx context.Context, fn func() error) error
	// Close releases everything. No call may be under way.
	Close() error
}

// Dialect is the spelling of one SQL database.
type Dialect struct {
	// Types are the column types by Kind, in upper case.
	Types [JSON + 1]string
	// Concurrent says that commits run beside each other and that a check keeps only the rows it looks at from changing
	// until the commit: counts of ranges then come again after the writes, when nobody can come between any more. Where it
	// is false, one commit is applied after the other in the order in which they are handed over.
	Concurrent bool
	// Clock is an expression: the time on the database's clock, in whole microseconds since 1970.
	Clock string
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
	// Form says what the text does, for a backend that does it in its own way; its zero value says that the text is all.
	Form Form
}

// Form is what a statement of a commit does, beside its text.
type Form struct {
	Act    Act
	Layout *Layout
	// Match are the columns of a Hold or an Absent that are compared with its parameters.
	Match []string
	// Set are the columns an Update writes, without rev.
	Set []string
}

// Act is the kind of a Form.
type Act uint8

// The acts, with their parameters in order.
const (
	Other Act = iota
	// Hold is a check that a row is as it was read: Match (the key), rev.
	Hold
	// Absent is a check that no live row has the values: Match (the key or a unique index), the time if rows expire.
	Absent
	// Insert makes a row unless a live one has its key: all columns, rev, the time if rows expire.
	Insert
	// Update changes the row with key and rev: Set, the new rev, the key, the old rev.
	Update
)

// Layout is a table as backends see it.
type Layout struct {
	Table   string
	Columns []string // without rev
	Kinds   []Kind   // of Columns
	Key     []string
	Expiry  string // the column with the time from which on a row is absent; empty if rows do not expire
	Unique  []UniqueIndex
}

// UniqueIndex is one of a table's; a Sparse one leaves out rows whose last column is empty.
type UniqueIndex struct {
	Columns []string
	Sparse  bool
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

// Commit is one transaction's conditions and effects. Its checks come before its writes, save those of ranges that
// Dialect.Concurrent asks for.
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
