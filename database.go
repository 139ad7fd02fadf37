package symbolon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/postgres"
	"github.com/symbolon/symbolon/internal/store/sqlite"
)

// ErrNoDatabase says that the settings name no database server: the embedded store makes its schema by itself.
var ErrNoDatabase = errors.New("database-url is not set; the embedded store needs no preparing")

// Migrate brings the schema of the database that database-url names to what this program needs, as the first start would, and returns the
// statements that took; none if all was there. Servers of this version and the one before go on meanwhile. Several calls at once do the
// work once.
func Migrate(ctx context.Context, c Config) ([]string, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	if c.DatabaseURL == "" {
		return nil, ErrNoDatabase
	}
	b, err := postgres.Open(ctx, c.DatabaseURL)
	if err != nil {
		return nil, err
	}
	return store.Migrate(ctx, b, tables())
}

// openStore opens the store that the settings name, and says whether other nodes may use it at the same time.
func (c Config) openStore(ctx context.Context) (b store.Backend, shared bool, err error) {
	switch {
	case c.Memory:
		b, err = sqlite.Memory()
	case c.DatabaseURL != "":
		shared = true
		b, err = postgres.Open(ctx, c.DatabaseURL)
	default:
		b, err = sqlite.Open(c.storeFile())
	}
	return b, shared, err
}

// openToRead opens the store that the settings name, which must be there, to look at it.
func (c Config) openToRead(ctx context.Context) (store.Backend, error) {
	if c.DatabaseURL != "" {
		return postgres.Open(ctx, c.DatabaseURL)
	}
	return sqlite.OpenReadOnly(c.storeFile())
}

// haveStore is an error if there is no store to work on. It makes nothing: an order about a store must never found one, least of all in a
// database whose name was mistyped.
func (c Config) haveStore(ctx context.Context) error {
	if c.DatabaseURL != "" {
		b, err := postgres.Open(ctx, c.DatabaseURL)
		if err != nil {
			return err
		}
		err = errors.Join(store.Made(ctx, b), b.Close())
		if errors.Is(err, store.ErrNone) {
			err = fmt.Errorf("there is no store in the database that database-url names, or its role may not see it: %w; the first start "+
				"of a server, or `symbolon migrate`, makes one", err)
		}
		return err
	}
	file, err := os.Stat(c.storeFile())
	if errors.Is(err, fs.ErrNotExist) || err == nil && file.Size() == 0 { // empty: a first start that was interrupted
		return fmt.Errorf("there is no store in %s; the settings (--config, or --data) say where it is", c.Data)
	}
	return err
}

// sharedMasterKey refuses to make a master key for a database: all its nodes need the same one, so that somebody must bring it.
func (c Config) sharedMasterKey() error {
	if _, err := os.Stat(c.masterKeyFile()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fmt.Errorf("master key: all nodes of a database share one, so that none is made by itself: set master-key-file, master-key-env or "+
		"master-key-command, or put it into %s (a new one for a new database: `head -c 32 /dev/urandom | base64`)", c.masterKeyFile())
}
