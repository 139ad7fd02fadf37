package symbolon

import (
	"os"
	"strings"
	"testing"

	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

// TestLostKeys: a store in use without its keys is no new one; making others would lose what the old ones sealed.
func TestLostKeys(t *testing.T) {
	at := postgrestest.Database(t)
	c := besideDatabase(t, at)
	s, err := New(t.Context(), c)
	fatal(t, err)
	fatal(t, s.Close())
	examined(t, c, "keys").has(t, "keys", StatusOK, "")
	b := openPostgres(t, at)
	fatal(t, b.Define(t.Context(), []string{"DELETE FROM token_keys"}))
	fatal(t, b.Close())
	examined(t, c, "keys").has(t, "keys", StatusFault, "not all keys are there")
}

// TestEmptyStoreFile: a file without tables is no store, and no order makes one of it.
func TestEmptyStoreFile(t *testing.T) {
	c := Config{Data: t.TempDir()}
	file := c.storeFile()
	fatal(t, os.WriteFile(file, nil, 0o600))
	orders := map[string]func() error{
		"restore --mark": func() error { _, err := MarkRestored(t.Context(), c); return err },
		"key list":       func() error { _, err := OrderKeys(t.Context(), c, KeyOrder{Verb: ListKeys}); return err },
		"key rotate":     func() error { _, err := OrderKeys(t.Context(), c, KeyOrder{Verb: RotateKeys}); return err },
	}
	for name, order := range orders {
		if err := order(); err == nil || !strings.Contains(err.Error(), "there is no store") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestListensOnNumbers: an address is judged as it was written, before the system is asked what it may mean.
func TestListensOnNumbers(t *testing.T) {
	for address, good := range map[string]bool{
		"127.0.0.1:8080": true, "127.0.0.1:0": true, "[::1]:8443": true, "localhost:80": true,
		"127.0.0.1:": false, "localhost:http-alt": false, "127.0.0.1": false, "127.0.0.1:99999": false, "": false,
	} {
		if err := CheckListen(address); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
}
