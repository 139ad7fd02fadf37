package postgres_test

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/postgres"
	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
	"github.com/symbolon/symbolon/internal/store/storetest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = f.Value.Set("8") // most cases wait: for the database, or for a second to pass
	}
	os.Exit(m.Run())
}

func open(t testing.TB, at string) *postgres.Backend {
	t.Helper()
	b, err := postgres.Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		at := postgrestest.Database(t)
		return storetest.Harness{
			Open:    func(t *testing.T) store.Backend { return open(t, at) },
			Restart: func(*testing.T) {},
		}
	})
}
