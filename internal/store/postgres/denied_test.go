package postgres_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

// A role that may not make the schema is told who must, as long as it cannot see that all is there; with rights on the tables it serves.
func TestRoleWithoutTheSchema(t *testing.T) {
	t.Parallel()
	at := postgrestest.Database(t)
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	role := "servant_" + strings.TrimPrefix(u.Path, "/")
	u.User = url.UserPassword(role, "password")
	run := func(sql string) {
		t.Helper()
		execute(t, at, fmt.Sprintf(sql, role))
	}
	run("CREATE ROLE %s LOGIN PASSWORD 'password'")
	t.Cleanup(func() { execute(t, at, "DROP OWNED BY "+role+"; DROP ROLE "+role) })
	refused := func(when string) {
		t.Helper()
		b := open(t, u.String())
		db, err := store.Open(t.Context(), b, []store.Definition{olderTable}, store.Options{Shared: true})
		if err == nil {
			db.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "symbolon migrate") || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: error %v", when, err)
		}
	}
	refused("on an empty database")
	openAll(t, at, 1, olderTable)
	refused("without rights on the tables")
	run("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO %s")
	openAll(t, u.String(), 1, olderTable)
}

// execute runs SQL on a database.
func execute(t *testing.T, at, sql string) {
	t.Helper()
	c, err := pgx.Connect(context.Background(), at)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec(context.Background(), sql); err != nil {
		t.Errorf("%s: %v", sql, err)
	}
	if err := c.Close(context.Background()); err != nil {
		t.Error(err)
	}
}
