package symbolon

import (
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
	"github.com/symbolon/symbolon/internal/token"
)

// besideDatabase are the settings of a folder with a master key and nothing else.
func besideDatabase(t testing.TB, at string) Config {
	t.Helper()
	c := Config{DatabaseURL: at, Data: t.TempDir(), Issuer: "https://sso.example.com", BehindProxy: true, Log: slog.New(slog.DiscardHandler)}
	fatal(t, os.WriteFile(filepath.Join(c.Data, "master.key"), []byte(base64.StdEncoding.EncodeToString(make([]byte, token.MasterKeySize))), 0o600))
	return c
}

// TestOrdersMakeNoStore: in an empty database, which may be one whose name was mistyped, orders about a store are refused and leave nothing.
func TestOrdersMakeNoStore(t *testing.T) {
	at := postgrestest.Database(t)
	c := besideDatabase(t, at)
	refused := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "there is no store in the database that database-url names") {
			t.Errorf("%s: %v", what, err)
		}
		if rows := allRows(t, at); len(rows) != 0 {
			t.Fatalf("%s made %d tables", what, len(rows))
		}
	}
	_, err := MarkRestored(t.Context(), c)
	refused("restore --mark", err)
	for _, o := range []KeyOrder{
		{Verb: ListKeys}, {Verb: RotateKeys}, {Verb: RetireKey, ID: "x"}, {Verb: Rewrap, NewMasterKey: make([]byte, token.MasterKeySize)},
		{Verb: FinishRewrap}, {Verb: CancelRewrap},
	} {
		_, err := OrderKeys(t.Context(), c, o)
		refused("key "+string(o.Verb), err)
	}
	d := examined(t, c, "store", "keys")
	d.has(t, "store", StatusWarning, "there is no store in it yet")
	if strings.Contains(d.String(), "older program") || d.Faults != 0 {
		t.Errorf("of an empty database:\n%s", d)
	}
	if rows := allRows(t, at); len(rows) != 0 {
		t.Errorf("doctor made %d tables", len(rows))
	}
}

// TestListingKeysChangesNothing: not the schema that is not whole, nor keys that are not made yet.
func TestListingKeysChangesNothing(t *testing.T) {
	at := postgrestest.Database(t)
	c := besideDatabase(t, at)
	_, err := Migrate(t.Context(), c)
	fatal(t, err)
	if _, err := OrderKeys(t.Context(), c, KeyOrder{Verb: ListKeys}); err == nil || !strings.Contains(err.Error(), errKeysMissing.Error()) {
		t.Errorf("without keys: %v", err)
	}
	examined(t, c, "keys").has(t, "keys", StatusWarning, "keys are missing")
	if rows := allRows(t, at)["token_keys"]; len(rows) != 0 {
		t.Errorf("a list made keys")
	}
	s, err := New(t.Context(), c)
	fatal(t, err)
	fatal(t, s.Close())
	before := allRows(t, at)
	report, err := OrderKeys(t.Context(), c, KeyOrder{Verb: ListKeys})
	fatal(t, err)
	if len(report.Keys) == 0 || len(report.MasterKeys) != 1 {
		t.Errorf("lists %+v", report)
	}
	b := openPostgres(t, at)
	fatal(t, b.Define(t.Context(), []string{"DROP TABLE web_sign_in_sessions"}))
	fatal(t, b.Close())
	if _, err := OrderKeys(t.Context(), c, KeyOrder{Verb: ListKeys}); err == nil || !strings.Contains(err.Error(), store.ErrOutdated.Error()) || !strings.Contains(err.Error(), "symbolon migrate") {
		t.Errorf("with an older schema: %v", err)
	}
	if after := allRows(t, at); len(after) != len(before)-1 {
		t.Errorf("a list changed the schema: %d tables, and %d before", len(after), len(before))
	}
	_, err = OrderKeys(t.Context(), c, KeyOrder{Verb: RotateKeys, Kinds: []string{"data"}, Now: true}) // which changes the store anyway
	fatal(t, err)
}
