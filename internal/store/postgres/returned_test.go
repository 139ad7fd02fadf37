package postgres_test

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

// failedOver has a node write, its server killed, the standby promoted, the node write there, and the killed server started again as
// what it was. at names the killed server first, or as the only one.
func failedOver(t *testing.T) (old, serving *postgrestest.Cluster, at string) {
	t.Helper()
	old, serving, at = withStandby(t)
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = fmt.Sprintf("127.0.0.1:%d,127.0.0.1:%d", old.Port(), serving.Port())
	if err := putItem(node(t, u.String()), item{ID: "a", Count: 1}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(old.Set("synchronous_standby_names", ""), old.Kill(), serving.Promote()); err != nil {
		t.Fatal(err)
	}
	return old, serving, u.String()
}

// TestReturnedServerIsLeft: a server that died, was replaced by its standby and came back takes writes as ever. Nodes know it by its
// timeline, whether they saw the new one or start now.
func TestReturnedServerIsLeft(t *testing.T) {
	t.Parallel()
	old, serving, at := failedOver(t)
	running := node(t, at)
	if err := putItem(running, item{ID: "a", Count: 2}); err != nil {
		t.Fatal(err)
	}
	if err := old.Start(); err != nil {
		t.Fatal(err)
	}
	const all = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'symbolon'"
	if err := serving.Run(all); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a writer", func() error { return putItem(running, item{ID: "a", Count: 3}) })
	if i, err := getItem(running, "a"); err != nil || i.Count != 3 {
		t.Errorf("the running node reads %v, %v", i, err)
	}
	if i, err := getItem(node(t, at), "a"); err != nil || i.Count != 3 {
		t.Errorf("a new node reads %v, %v", i, err)
	}
	if i, err := getItem(node(t, standbyURL(t, at, serving)), "a"); err != nil || i.Count != 3 {
		t.Errorf("the new server has %v, %v", i, err)
	}
	// Better none than the old one.
	if err := serving.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := putItem(running, item{ID: "a", Count: 4}); err == nil {
		t.Error("a write was acknowledged that the old server took")
	}
	if i, err := getItem(running, "a"); err == nil {
		t.Errorf("the old server was asked, and said %v", i)
	}
}

// TestReplacedServerLosesConnections: a server lives on beside the standby that was promoted in its place. As soon as a node hears of that,
// connections to the old one are given up, though they are in order.
func TestReplacedServerLosesConnections(t *testing.T) {
	t.Parallel()
	old, serving, at := withStandby(t)
	db := node(t, at)
	for n := range int64(4) { // on all connections that commit
		if err := putItem(db, item{ID: "a", Count: n}); err != nil {
			t.Fatal(err)
		}
	}
	const one = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'symbolon' LIMIT 1"
	if err := errors.Join(old.Set("synchronous_standby_names", ""), serving.Promote(), old.Run(one)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a new connection", func() error {
		if err := putItem(db, item{ID: "b"}); err != nil {
			return err
		}
		_, err := getItem(node(t, standbyURL(t, at, serving)), "b")
		return err
	})
	for n := range int64(4) {
		if err := putItem(db, item{ID: fmt.Sprint("c", n)}); err != nil {
			t.Fatal(err)
		}
	}
	direct := node(t, standbyURL(t, at, serving))
	for n := range 4 {
		if _, err := getItem(direct, fmt.Sprint("c", n)); err != nil {
			t.Errorf("write %d went elsewhere: %v", n, err)
		}
	}
}

// TestSilentServer: a server that answers nothing holds nobody up who could use another.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // connections stand, and nothing is read
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	at := postgrestest.Database(t)
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = silent.Addr().String() + "," + u.Host
	u.RawQuery += "&connect_timeout=60"
	within(t, 20*time.Second, "opening and writing", func() {
		if err := putItem(node(t, u.String()), item{ID: "a"}); err != nil {
			t.Error(err)
		}
	})
}

// TestCancelledWait: an administrator ends a commit's wait for the standby. The server says that it is done, and warns that the standby may
// not have it: that is no acknowledgement.
func TestCancelledWait(t *testing.T) {
	t.Parallel()
	primary, standby, at := withStandby(t)
	db := node(t, at)
	if err := errors.Join(putItem(db, item{ID: "a", Count: 1}), standby.Kill()); err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func() error{
		"one statement": func() error { return putItem(db, item{ID: "a", Count: 2}) },
		"a transaction": func() error { return count(db, 1, 1) },
	} {
		came := make(chan error, 1)
		go func() { came <- write() }()
		const wait = " FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
		if err := errors.Join(primary.Await("SELECT count(*) > 0"+wait), primary.Run("SELECT pg_cancel_backend(pid)"+wait)); err != nil {
			t.Fatal(err)
		}
		if err := <-came; !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, store.ErrUncertain) {
			t.Errorf("%s answers %v", name, err)
		}
	}
}
