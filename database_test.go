package symbolon

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/postgres"
	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
	"github.com/symbolon/symbolon/internal/token"
)

// TestStoryOnPostgres: assertion, refresh, exchange and a replay, on a database server; what was issued stands a restart.
func TestStoryOnPostgres(t *testing.T) {
	at, folder := postgrestest.Database(t), t.TempDir()
	onDatabase := func(c *Config) { c.Memory, c.DatabaseURL, c.Issuer = false, at, "http://127.0.0.1:1" }
	d := openDoorIn(t, folder, onDatabase)
	i := newIDP(t)
	analytics, data := d.declare(t, i)
	assertion := i.assertion(t, "one")
	first, a := d.create(t, map[string]string{"clientId": analytics, "grantType": jwtBearer, "assertion": assertion})
	if a.status != 200 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	second, a := d.create(t, map[string]string{"clientId": analytics, "grantType": "refresh_token", "refreshToken": first["refreshToken"].(string)})
	if a.status != 200 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	fatal(t, d.Server.Close())
	if _, err := os.Stat(filepath.Join(folder, "symbolon.db")); err == nil {
		t.Error("there is an embedded store, too")
	}

	d = openDoorIn(t, folder, onDatabase)
	_, a = d.create(t, map[string]string{"clientId": data, "grantType": tokenExchange, "subjectToken": second["accessToken"].(string), "subjectTokenType": accessToken})
	if a.status != 200 {
		t.Errorf("%d %s", a.status, a.text)
	}
	_, a = d.create(t, map[string]string{"clientId": analytics, "grantType": "refresh_token", "refreshToken": second["refreshToken"].(string)})
	if a.status != 200 {
		t.Errorf("%d %s", a.status, a.text)
	}
	if _, a = d.create(t, map[string]string{"clientId": analytics, "grantType": jwtBearer, "assertion": assertion}); a.code() != "InvalidGrantException" {
		t.Errorf("a replay: %s", a.text)
	}
}

func TestMigrate(t *testing.T) {
	c := Config{DatabaseURL: postgrestest.Database(t), Data: t.TempDir()}
	done, err := Migrate(t.Context(), c)
	fatal(t, err)
	if text := strings.Join(done, "\n"); !strings.Contains(text, "CREATE TABLE IF NOT EXISTS oidc_refresh_families ") {
		t.Errorf("did %s", text)
	}
	if done, err = Migrate(t.Context(), c); err != nil || len(done) != 0 {
		t.Errorf("the second time: %v, %v", done, err)
	}
	if _, err := Migrate(t.Context(), Config{}); err != ErrNoDatabase {
		t.Errorf("without a database: %v", err)
	}
}

// TestDatabaseNeedsItsMasterKey: a production server makes no master key beside a database, which others may share.
func TestDatabaseNeedsItsMasterKey(t *testing.T) {
	c := Config{DatabaseURL: postgrestest.Database(t), Data: t.TempDir(), Log: slog.New(slog.DiscardHandler)}
	if _, err := New(t.Context(), c); err == nil || !strings.Contains(err.Error(), "master key") {
		t.Fatalf("answers %v", err)
	}
	path := filepath.Join(c.Data, "master.key")
	if _, err := os.Stat(path); err == nil {
		t.Fatal("a master key was made")
	}
	key := make([]byte, token.MasterKeySize)
	rand.Read(key)
	fatal(t, os.WriteFile(path, []byte(base64.StdEncoding.EncodeToString(key)), 0o600))
	s, err := New(t.Context(), c)
	fatal(t, err)
	fatal(t, s.Close())
}

// TestDatabasePasswordStaysSecret: neither faults of the URL nor a server that refuses or is not there bring it to light.
func TestDatabasePasswordStaysSecret(t *testing.T) {
	const password = "hunter-secret-22"
	good := postgrestest.Database(t)
	user, rest, _ := strings.Cut(strings.TrimPrefix(good, "postgres://"), "@")
	name, _, _ := strings.Cut(user, ":")
	var log bytes.Buffer
	for _, at := range []string{
		"postgres://" + name + ":" + password + "@" + rest, // refused by the server
		"postgres://u:" + password + "@127.0.0.1:1/db?sslmode=disable",
		"postgres://u:" + password + "@db.example.com/db",
		"postgres://u:" + password + "@127.0.0.1:port/db",
		"postgres://u:" + password + "%zz@127.0.0.1/db",
		"postgres://u:" + password + "@127.0.0.1/db?sslmode=" + password,
		"postgres://u:" + password + "@127.0.0.1/db?pool_max_conns=1",
		"postgres://127.0.0.1/db?password=" + password + "&sslmode=no",
		"mysql://u:" + password + "@127.0.0.1/db",
		"host=127.0.0.1 password=" + password,
		password,
	} {
		c := Config{DatabaseURL: at, Data: t.TempDir(), Development: true, Log: slog.New(slog.NewTextHandler(&log, nil))}
		s, err := New(t.Context(), c)
		if err == nil {
			t.Errorf("opened by a bad URL")
			fatal(t, s.Close())
			continue
		}
		if strings.Contains(err.Error(), password) || strings.Contains(fmt.Sprintf("%+v %#v", err, err), password) {
			t.Errorf("the password is in: %v", err)
		}
	}
	if strings.Contains(log.String(), password) {
		t.Errorf("the password is in the log")
	}
}

// TestDatabaseGoneAndBack: requests are refused at once and cleanly while the database is away, and answered again after.
func TestDatabaseGoneAndBack(t *testing.T) {
	cluster := postgrestest.Start(t, postgrestest.Options{})
	at := cluster.Database(t)
	d := openDoor(t, func(c *Config) {
		c.Memory, c.DatabaseURL, c.Log = false, at, slog.New(slog.NewTextHandler(io.Discard, nil))
	})
	i := newIDP(t)
	analytics, _ := d.declare(t, i)
	grant := func(jti string) reply {
		_, a := d.create(t, map[string]string{"clientId": analytics, "grantType": jwtBearer, "assertion": i.assertion(t, jti)})
		return a
	}
	if a := grant("before"); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	fatal(t, cluster.Kill())
	// Backends outlive their killed server by a moment: what they still acknowledge counts.
	acknowledged, deadline := []string{"before"}, time.Now().Add(20*time.Second)
	for n := 0; ; n++ {
		jti := fmt.Sprint("during ", n)
		a := grant(jti)
		if a.status == 503 {
			break
		}
		if a.status != 200 || time.Now().After(deadline) {
			t.Fatalf("without a database: %d %s", a.status, a.code())
		}
		acknowledged = append(acknowledged, jti)
	}
	fatal(t, cluster.Start())
	deadline = time.Now().Add(20 * time.Second)
	for a := grant("after"); a.status != 200; a = grant("after") {
		if time.Now().After(deadline) {
			t.Fatalf("%d %s", a.status, a.code())
		}
	}
	for _, jti := range acknowledged {
		if a := grant(jti); a.code() != "InvalidGrantException" {
			t.Errorf("a replay of %q, acknowledged before the end of the database: %d %s", jti, a.status, a.code())
		}
	}
}

// TestRoundTrips: a grant costs two round trips to the database at most, one of them the commit. Polls come in between, so that the least of
// some calls counts.
func TestRoundTrips(t *testing.T) {
	backend := openPostgres(t, postgrestest.Database(t)).(*postgres.Backend)
	d := openNodesOn(t, 1, func(int) store.Backend { return backend }, nil)[0]
	i := newIDP(t)
	analytics, data := d.declare(t, i)
	var tokens map[string]any
	grant := func(in map[string]string) {
		out, a := d.create(t, in)
		if tokens = out; a.status != 200 {
			t.Fatalf("%d %s", a.status, a.text)
		}
	}
	least := func(what string, most int64, fn func()) {
		t.Helper()
		fewest := int64(1 << 62)
		for range 15 {
			before := backend.RoundTrips()
			fn()
			fewest = min(fewest, backend.RoundTrips()-before)
		}
		if t.Logf("%s: %d", what, fewest); fewest > most {
			t.Errorf("%s costs %d round trips, more than %d", what, fewest, most)
		}
	}
	n := 0
	least("jwt-bearer", 2, func() {
		n++
		grant(map[string]string{"clientId": analytics, "grantType": jwtBearer, "assertion": i.assertion(t, fmt.Sprint(n))})
	})
	least("refresh", 2, func() {
		grant(map[string]string{"clientId": analytics, "grantType": "refresh_token", "refreshToken": tokens["refreshToken"].(string)})
	})
	subject := tokens["accessToken"].(string)
	least("exchange", 2, func() {
		grant(map[string]string{"clientId": data, "grantType": tokenExchange, "subjectToken": subject, "subjectTokenType": accessToken})
	})
	least("reading configuration, after a look at the feed", 1, func() {
		if a := d.send(t, d.signed(d.request(t, "POST", "/", `{}`, "Content-Type", "application/x-amz-json-1.1", "X-Amz-Target", "SWBExternalService.ListInstances"), "sso")); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.text)
		}
	})
}
