package symbolon

import (
	"errors"
	"io"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

// postgresTool is a program of PostgreSQL's.
func postgresTool(t testing.TB, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name) // the pattern is sound
	if len(found) == 0 {
		t.Skip("MISSING: " + name + ", of the Debian package postgresql-client")
	}
	return found[len(found)-1]
}

// TestRestoreOnPostgres is the documented way for a database server: pg_dump while it serves, pg_restore elsewhere, restore --mark.
func TestRestoreOnPostgres(t *testing.T) {
	at, elsewhere := postgrestest.Database(t), postgrestest.Database(t)
	on := func(url string) func(*Config) {
		return func(c *Config) { c.Memory, c.DatabaseURL, c.Issuer = false, url, restoreIssuer }
	}
	d, i := openDoorIn(t, t.TempDir(), on(at)), newIDP(t)
	p := live(t, d, i)
	dump := filepath.Join(t.TempDir(), "dump")
	tell(t, exec.Command(postgresTool(t, "pg_dump"), "--format=custom", "--file="+dump, at))
	p.use(t, d)

	c := Config{Data: d.folder, DatabaseURL: at, Issuer: restoreIssuer, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	if err := d.Backup(t.Context(), io.Discard); !errors.Is(err, ErrNotEmbedded) {
		t.Errorf("backup: %v", err)
	}
	if _, _, err := TakeBackup(t.Context(), c, filepath.Join(t.TempDir(), "b")); !errors.Is(err, ErrNotEmbedded) || !strings.Contains(err.Error(), "pg_dump") {
		t.Errorf("backup: %v", err)
	}
	if _, err := Restore(t.Context(), c, dump, RestoreOptions{}); !errors.Is(err, ErrNotEmbedded) {
		t.Errorf("restore: %v", err)
	}
	folder := d.moveIn(t)
	fatal(t, d.Server.Close())
	nextSecond(time.Now())

	tell(t, exec.Command(postgresTool(t, "pg_restore"), "--dbname="+elsewhere, dump))
	c.Data, c.DatabaseURL = folder, elsewhere
	r, err := MarkRestored(t.Context(), c)
	fatal(t, err)
	nextSecond(r.Time)
	restored := openDoorIn(t, folder, on(elsewhere))
	p.ended(t, restored)
	p.begins(t, restored, i)
	found := examined(t, c, "store", "keys", "clock")
	found.has(t, "store", StatusOK, "the database answers")
	found.has(t, "keys", StatusOK, "the store was restored at")
	if found.Faults != 0 {
		t.Errorf("faults:\n%s", found)
	}
	c.DatabaseURL = "postgres://127.0.0.1:1/none"
	examined(t, c, "store").has(t, "store", StatusFault, "127.0.0.1")
}

// tell runs a command and wants it to succeed.
func tell(t testing.TB, c *exec.Cmd) {
	t.Helper()
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(c.Path), err, out)
	}
}
