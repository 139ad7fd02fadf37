package postgres

import (
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

// TestDefinerIsMissed: the server notices soon that a node has vanished which holds the lock of the schema, though it may hold it for long.
func TestDefinerIsMissed(t *testing.T) {
	t.Parallel()
	b, err := Open(t.Context(), postgrestest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	got := map[string]string{}
	err = b.withDefiner(t.Context(), forOthers, func(c *conn, deadline time.Time) error {
		clear(got)
		return c.all(deadline, &text{"SELECT name, setting FROM pg_settings WHERE name LIKE 'tcp%' OR name LIKE '%timeout' OR name LIKE 'client_connection%'"}, func(name, value, _ string) {
			got[name] = value
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3", "tcp_user_timeout": "10000",
		"client_connection_check_interval":    "2000",
		"idle_in_transaction_session_timeout": "0", "statement_timeout": "0", "lock_timeout": "2000",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %s", name, got[name], want)
		}
	}
}
