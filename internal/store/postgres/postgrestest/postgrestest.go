// Package postgrestest starts throw-away PostgreSQL clusters for tests and benchmarks: real servers on loopback, in a
// folder of their own that goes with them.
//
// It needs initdb and postgres, 15 or newer, in PATH or where Debian puts them; as root it runs them as the user
// postgres or nobody. Whatever becomes of the process that started a cluster, the server ends soon after it. Without the
// programs a test that needs only a database uses the server of SYMBOLON_TEST_DATABASE_URL, and every other test skips
// with a line that begins with MISSING and says what to install.
package postgrestest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// URLVariable names the environment variable with the URL of a superuser on a server where databases may be made, for
// machines without the programs.
const URLVariable = "SYMBOLON_TEST_DATABASE_URL"

// ErrMissing says that the machine has no PostgreSQL programs; its text says what to do.
var ErrMissing = errors.New("MISSING: PostgreSQL: no initdb and postgres 15 or newer in PATH or /usr/lib/postgresql/*/bin; " +
	"install the Debian package postgresql, or name a server's superuser URL in " + URLVariable)

// Options of a cluster. The zero value works.
type Options struct {
	// Fsync makes commits durable, as in production. Without it a test runs faster and survives a kill, not a power loss.
	Fsync bool
	// Settings go into postgresql.conf.
	Settings map[string]string
	// Folder is where the cluster's folder is made; the system's temporary folder if empty.
	Folder string
}

// Start starts a cluster that ends with the test. The test skips if the programs are missing.
func Start(tb testing.TB, o Options) *Cluster {
	tb.Helper()
	c, err := New(o)
	skipIfMissing(tb, err)
	tb.Cleanup(func() {
		if err := c.Close(); err != nil {
			tb.Error(err)
		}
	})
	return c
}

func skipIfMissing(tb testing.TB, err error) {
	tb.Helper()
	if errors.Is(err, ErrMissing) {
		tb.Skip(ErrMissing)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// shared is the cluster that the tests of this process share. It ends with the process.
var shared = sync.OnceValues(func() (*Cluster, error) { return New(Options{}) })

// Database makes an empty database on a server that this process's tests share, and returns its URL. The database goes
// with the test. The server must not be stopped: Start is for tests that do.
func Database(tb testing.TB) string {
	tb.Helper()
	c, err := shared()
	if at := os.Getenv(URLVariable); errors.Is(err, ErrMissing) && at != "" {
		c, err = &Cluster{address: at}, nil
	}
	skipIfMissing(tb, err)
	return c.Database(tb)
}

// Database makes an empty database that goes with the test, and returns its URL.
func (c *Cluster) Database(tb testing.TB) string {
	tb.Helper()
	at, err := c.NewDatabase()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if !c.Running() {
			return
		}
		u, err := url.Parse(at)
		if err == nil {
			err = c.Run("DROP DATABASE IF EXISTS " + strings.TrimPrefix(u.Path, "/") + " WITH (FORCE)")
		}
		if err != nil {
			tb.Error(err)
		}
	})
	return at
}

// NewDatabase makes an empty database and returns its URL.
func (c *Cluster) NewDatabase() (string, error) {
	name := "test_" + strings.ToLower(rand.Text())
	if err := c.Run("CREATE DATABASE " + name); err != nil {
		return "", err
	}
	u, err := url.Parse(c.URL())
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}

// Run runs a statement as superuser in the database postgres.
func (c *Cluster) Run(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.URL())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}
