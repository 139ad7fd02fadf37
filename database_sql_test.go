package symbolon

import (
	"regexp"
	"strings"
	"testing"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/postgres"
)

// sharedSQL are the words that PostgreSQL 15, YugabyteDB and CockroachDB have in common as far as they are used, and names that are ours. What
// is not here is missing on purpose: LISTEN and NOTIFY, advisory locks, deferrable constraints, sequences and serial keys, LOCK TABLE,
// system columns and functions of one of them alone.
var sharedSQL = map[string]bool{}

func allow(words string) {
	for _, w := range strings.Fields(words) {
		sharedSQL[w] = true
	}
}

var (
	sqlWord   = regexp.MustCompile(`[A-Za-z_][A-Za-z_0-9]*|\$\d+|\d+|'(?:[^']|'')*'|"[^"]*"|::|<=|>=|<>|[][(),.=<>+*/;]|\s+|.`)
	sqlSymbol = regexp.MustCompile(`^(\$\d+|\d+|'(?:[^']|'')*'|"C"|::|<=|>=|<>|[][(),.=<>+*/]|\s+)$`)
	ownName   = regexp.MustCompile(`^([cs]\d+|symbolon_\w+)$`)
)

// TestSharedSQL: every text that kernel and backend can produce for our tables stays in what the three databases share.
func TestSharedSQL(t *testing.T) {
	allow("SELECT FROM WHERE AND OR NOT IN IS NULL ORDER BY LIMIT OFFSET AS INSERT INTO VALUES ON CONFLICT DO NOTHING UPDATE SET DELETE RETURNING WITH " +
		"CASE WHEN THEN ELSE END EXISTS CAST TRUE FALSE JOIN FOR SHARE NOWAIT count unnest excluded")
	allow("CREATE TABLE IF UNIQUE INDEX CONCURRENTLY PRIMARY KEY DEFAULT COLLATE ALTER ADD COLUMN DROP RENAME TO TEXT BIGINT BOOLEAN TIMESTAMPTZ BYTEA JSON " +
		"text bigint boolean timestamptz bytea json")
	allow("BEGIN COMMIT ROLLBACK SAVEPOINT RELEASE ISOLATION LEVEL REPEATABLE READ SHOW transaction_read_only EXTRACT EPOCH clock_timestamp set_config true")
	allow("information_schema columns table_constraints key_column_usage table_name column_name data_type table_schema constraint_name constraint_type " +
		"ordinal_position current_schema k t")
	allow("v u t m n rev done held placed counted live waiting id name value position part row_key changed_at")
	definitions, statements, err := store.Texts(store.Dialect{}, tables())
	fatal(t, err)
	for _, s := range statements {
		if l := s.Form.Layout; l != nil {
			allow(l.Table + " " + strings.Join(l.Columns, " "))
		}
	}
	for _, d := range definitions {
		if _, rest, ok := strings.Cut(d, " INDEX "); ok && strings.HasPrefix(d, "CREATE ") {
			name := strings.Fields(rest)[0]
			allow(name + " " + name + "_next")
		}
	}
	texts, err := postgres.Texts(tables())
	fatal(t, err)
	if len(texts) < 1000 {
		t.Errorf("only %d texts", len(texts))
	}
	for _, text := range texts {
		if w := strange(text); w != "" {
			t.Errorf("%q in %s", w, text)
		}
	}
	for _, bad := range []string{"LISTEN x", "SELECT pg_advisory_lock(1)", "SELECT ctid FROM t", "LOCK TABLE t", "CREATE TABLE t (id SERIAL)", "SELECT 1; SELECT 2", "SELECT id ~ 'x'"} {
		if strange(bad) == "" {
			t.Errorf("%q would pass", bad)
		}
	}
}

// strange is a word of the text that is not shared; empty if there is none.
func strange(text string) string {
	for _, w := range sqlWord.FindAllString(text, -1) {
		if !sqlSymbol.MatchString(w) && !sharedSQL[w] && !ownName.MatchString(w) {
			return w
		}
	}
	return ""
}
