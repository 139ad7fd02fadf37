//go:build unix

package postgrestest_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

// orphan tells a child process to start a cluster and wait to be killed.
const orphan = "SYMBOLON_POSTGRESTEST_ORPHAN"

func TestMain(m *testing.M) {
	if os.Getenv(orphan) != "" {
		c, err := postgrestest.New(postgrestest.Options{})
		if err != nil {
			fmt.Println("failed", err)
			os.Exit(1)
		}
		fmt.Println("started", c.PID())
		select {}
	}
	os.Exit(m.Run())
}

func count(t *testing.T, at, query string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDatabasesAreApart(t *testing.T) {
	a, b := postgrestest.Database(t), postgrestest.Database(t)
	if a == b {
		t.Fatal("one database twice")
	}
	for _, at := range []string{a, b} {
		count(t, at, "WITH made AS (SELECT 1) SELECT count(*) FROM made")
		if n := count(t, at, "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"); n != 0 {
			t.Errorf("%d tables in a new database", n)
		}
	}
}

func TestKillAndRestart(t *testing.T) {
	c := postgrestest.Start(t, postgrestest.Options{Fsync: true, Settings: map[string]string{"work_mem": "7MB"}})
	at := c.Database(t)
	conn, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "CREATE TABLE t (a int); INSERT INTO t VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	port := c.Port()
	for name, end := range map[string]func() error{"kill": c.Kill, "stop": c.Stop} {
		if err := end(); err != nil {
			t.Fatal(name, err)
		}
		if _, err := pgx.Connect(t.Context(), at); err == nil {
			t.Errorf("%s: it answers still", name)
		}
		if err := c.Start(); err != nil {
			t.Fatal(name, err)
		}
		if n := count(t, at, "SELECT count(*) FROM t"); n != 1 || c.Port() != port {
			t.Errorf("%s: %d rows, port %d", name, n, c.Port())
		}
	}
	if n := count(t, at, "SELECT count(*) FROM pg_settings WHERE name = 'work_mem' AND setting = '7168'"); n != 1 {
		t.Error("the setting was not taken")
	}
}

// TestKilledOwner: a process that is killed leaves no server behind.
func TestKilledOwner(t *testing.T) {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), orphan+"=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if strings.Contains(line, "MISSING") {
		_ = child.Wait()
		t.Skip(postgrestest.ErrMissing)
	}
	var pid int
	if _, scan := fmt.Sscanf(line, "started %d", &pid); err != nil || scan != nil {
		t.Fatal(line, err)
	}
	if err := errors.Join(child.Process.Kill(), syscall.Kill(pid, 0)); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	for deadline := time.Now().Add(20 * time.Second); syscall.Kill(pid, 0) == nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the server runs on")
		}
	}
}
