package postgres

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/symbolon/symbolon/internal/store"
)

// fatal says that the server ends the connection.
func fatal(e *pgconn.PgError) bool {
	return e.SeverityUnlocalized == "FATAL" || e.SeverityUnlocalized == "PANIC" || e.Severity == "FATAL" || e.Severity == "PANIC"
}

// code is the SQLSTATE of a server's error; empty for others.
func code(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// Codes with a meaning here. The first two characters are the class.
const (
	generalWarning  = "01000" // that of a commit which no longer waits for its standby has no code of its own
	divisionByZero  = "22012" // how a guard says that a step did not come to what it must
	uniqueViolation = "23505"
	readOnly        = "25006" // a standby, or a primary that was demoted
	denied          = "42501" // the role lacks a right
	serialization   = "40001"
	deadlock        = "40P01"
	lockTimeout     = "55P03"
)

// contended says that the database refused for the sake of other transactions: the same may go through now.
func contended(err error) bool {
	switch code(err) {
	case serialization, deadlock, lockTimeout:
		return true
	}
	return false
}

// misplaced says that the connection leads to a server that is not, or no longer, the one to write to, or that goes away.
func misplaced(err error) bool {
	c := code(err)
	return errors.Is(err, errLost) || c == readOnly || strings.HasPrefix(c, "08") || strings.HasPrefix(c, "57P")
}

// own says that the fault lies with the commit's values and not with the database.
func own(err error) bool {
	c := code(err)
	return strings.HasPrefix(c, "22") || strings.HasPrefix(c, "23") || c == "21000" // that: two of a bulk want one row
}

// raced says that another node changed the schema at the same time.
func raced(err error) bool {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case "42P07", "42710", "42701": // a table, index, column is there already
		return true
	case uniqueViolation: // of a name; any other is the data's
		return e.SchemaName == "pg_catalog"
	case "XX000":
		return strings.Contains(e.Message, "tuple concurrently")
	}
	return contended(err)
}

// outcomeOf is what an error of one step means for its commit, all others being untouched.
func outcomeOf(step int, err error) store.Outcome {
	switch {
	case code(err) == divisionByZero, contended(err):
		return store.Outcome{Verdict: store.Lost, Step: step}
	case code(err) == uniqueViolation:
		return store.Outcome{Verdict: store.Collided, Step: step}
	case own(err):
		return store.Outcome{Verdict: store.Failed, Step: step, Err: err}
	}
	return store.Outcome{Verdict: store.Failed, Step: step, Err: fmt.Errorf("%w: %w", store.ErrUnavailable, err)}
}
