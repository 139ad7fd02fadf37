package proof

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

var store = flag.String("store", "sqlite", "what the servers keep their data in: sqlite or postgres")

// database is a PostgreSQL server of a proof's own, which flushes what it commits.
type database struct {
	*postgrestest.Cluster
	url string
}

func startDatabase(t *testing.T) *database {
	t.Helper()
	d := &database{Cluster: postgrestest.Start(t, postgrestest.Options{Fsync: true, Folder: *folder})}
	var err error
	if d.url, err = d.NewDatabase(); err != nil {
		t.Fatal(err)
	}
	return d
}

// settle returns once no process of the database works for a client any more: what a client that was killed has sent is then done, or
// never will be.
func (d *database) settle() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, d.url)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	for others := 1; others > 0; time.Sleep(time.Millisecond) {
		err := c.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "+
			"AND backend_type = 'client backend'").Scan(&others)
		if err != nil {
			return err
		}
	}
	return nil
}

// environment of a node: where the store is. The URL holds a password, and arguments are there for everybody to see.
func (s *server) environment() []string {
	if s.database == nil {
		return os.Environ()
	}
	return append(os.Environ(), "SYMBOLON_CONFIG_DATABASE_URL="+s.database.url)
}

// masterKeyFile is the one key of all nodes.
func (s *server) masterKeyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(s.dir, "master.key")
	if err := os.WriteFile(path, []byte("cHJvb2Zwcm9vZnByb29mcHJvb2Zwcm9vZnByb29mISE=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
