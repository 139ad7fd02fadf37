package postgres_test

import (
	"errors"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

// withStandby starts a server and a synchronous standby of it, and returns a URL that names both.
func withStandby(t *testing.T) (primary, standby *postgrestest.Cluster, at string) {
	t.Helper()
	primary = postgrestest.Start(t, postgrestest.Options{})
	at, err := primary.NewDatabase() // it goes with the servers
	if err != nil {
		t.Fatal(err)
	}
	if standby, err = primary.Standby(postgrestest.Options{}, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standby.Close(); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	// The standby comes first, so that the one to write to has to be looked for.
	u.Host = fmt.Sprintf("127.0.0.1:%d,127.0.0.1:%d", standby.Port(), primary.Port())
	return primary, standby, u.String()
}

// TestFailOver: the primary is killed under load and its standby promoted. What was acknowledged is there, and the nodes
// go on by themselves.
func TestFailOver(t *testing.T) {
	t.Parallel()
	primary, standby, at := withStandby(t)
	db := node(t, at)
	const workers = 8
	acked := make([]map[int]bool, workers)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range workers {
		acked[w] = map[int]bool{}
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				switch err := count(db, w, n); {
				case err == nil:
					acked[w][n] = true
				case !errors.Is(err, store.ErrUnavailable) && !errors.Is(err, store.ErrConflict):
					t.Error(err)
				}
			}
		})
	}
	time.Sleep(500 * time.Millisecond)
	if err := errors.Join(primary.Kill(), standby.Promote()); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	eventually(t, "after the promotion", func() error { return putItem(db, item{ID: "z"}) })
	t.Logf("served again %v after the promotion", time.Since(began).Round(time.Millisecond))
	time.Sleep(200 * time.Millisecond)
	close(stop)
	within(t, 30*time.Second, "a writer", wg.Wait)
	checkCounters(t, db, acked)
}

// TestDemotedServerIsLeft: a server that is told to take no more writes answers still, and what it says may be old. Readers
// leave it as well as writers.
func TestDemotedServerIsLeft(t *testing.T) {
	t.Parallel()
	primary, standby, at := withStandby(t)
	db := node(t, at)
	if err := putItem(db, item{ID: "a", Count: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := getItem(db, "a"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(standby.Promote(), primary.Set("synchronous_standby_names", ""), primary.Set("default_transaction_read_only", "on")); err != nil {
		t.Fatal(err)
	}
	direct := node(t, standbyURL(t, at, standby))
	if err := putItem(direct, item{ID: "a", Count: 2}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a reader", func() error {
		i, err := getItem(db, "a")
		if err == nil && i.Count != 2 {
			return fmt.Errorf("reads %v", i)
		}
		return err
	})
	eventually(t, "a writer", func() error { return putItem(db, item{ID: "a", Count: 3}) })
	if i, err := getItem(direct, "a"); err != nil || i.Count != 3 {
		t.Errorf("the new server has %v, %v", i, err)
	}
}

func standbyURL(t *testing.T, at string, standby *postgrestest.Cluster) string {
	t.Helper()
	u, err := url.Parse(standby.URL())
	if err != nil {
		t.Fatal(err)
	}
	v, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = v.Path
	return u.String()
}
