package token

import (
	"testing"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/postgres"
	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

// newPostgresNodes are nodes on one PostgreSQL database, each with its own connections.
func newPostgresNodes(t *testing.T, n int) []house {
	t.Helper()
	at := postgrestest.Database(t)
	return nodesOn(t, n, func() store.Backend {
		b, err := postgres.Open(ctx, at)
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
}

func TestPostgresRotationsAtOnce(t *testing.T) { rotateAtOnce(t, newPostgresNodes(t, 2), 20) }

func TestPostgresUnheardKeys(t *testing.T) { unheardKeys(t, newPostgresNodes(t, 3)) }

func TestPostgresRewrapUnderLoad(t *testing.T) { rewrapUnderLoad(t, newPostgresNodes(t, 2)) }

func TestPostgresRetiredEverywhere(t *testing.T) { retiredEverywhere(t, newPostgresNodes(t, 2)) }
