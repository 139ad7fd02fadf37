package proof

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

var store = flag.String("store", "sqlite", "what the servers keep their data in: sqlite or postgres")

// cluster is the PostgreSQL server of all proofs, which flushes what it commits. They follow one another, and whoever kills it starts it
// again.
var cluster *postgrestest.Cluster

// database is a proof's own.
type database struct {
	*postgrestest.Cluster
	url string
}

func startDatabase(t *testing.T) *database {
	t.Helper()
	if cluster == nil {
		c, err := postgrestest.New(postgrestest.Options{Fsync: true, Folder: *folder})
		if errors.Is(err, postgrestest.ErrMissing) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		cluster = c
	}
	return &database{cluster, cluster.Database(t)}
}

// closeCluster ends the server, if a proof needed one.
func closeCluster() error {
	if cluster == nil {
		return nil
	}
	return cluster.Close()
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
func (s *server) environment(n *node) []string {
	if s.database == nil {
		return os.Environ()
	}
	at := s.database.url
	if n.network != nil {
		at = strings.Replace(at, fmt.Sprintf("127.0.0.1:%d", s.database.Port()), n.network.listener.Addr().String(), 1)
	}
	return append(os.Environ(), "SYMBOLON_CONFIG_DATABASE_URL="+at)
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
