package symbolon

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/wire"
)

// Every node judges by a memory of the configuration that is up to a second old; yet clients that change something through one node and
// go on through the next must find it changed. So a node catches up before it shows or changes configuration, or answers a browser, and
// before it refuses anything. Tokens are issued from memory, without a question to the database.

// learnSpacing bounds how often refusals make a node ask the database: whoever sends nonsense does not make it busy.
const learnSpacing = 10 * time.Millisecond

// learnTimeout is how long catching up may take. A node that has not caught up goes on: what it remembers is at most a second old.
const learnTimeout = 2 * time.Second

// knowledge is what a node remembers of a database that it shares with others.
type knowledge struct {
	db    *store.DB
	mu    sync.Mutex
	began time.Time // when a refusal last had it ask
}

// version changes with what the node remembers.
func (k *knowledge) version() int64 { return k.db.Stats().Position }

// learn catches up with what was acknowledged on any node before the call, and gives the new version. All who come while another asks
// share the next asking.
func (k *knowledge) learn(ctx context.Context) int64 {
	arrived := time.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.began.After(arrived) {
		return k.version()
	}
	time.Sleep(learnSpacing - time.Since(k.began))
	k.began = time.Now()
	catchUp(ctx, k.db)
	return k.version()
}

// catchUp brings a node's memory up to date as far as the database answers.
func catchUp(ctx context.Context, db *store.DB) {
	ctx, cancel := context.WithTimeout(ctx, learnTimeout)
	defer cancel()
	_ = db.Sync(ctx)
}

// managing are the signing names of the services that show and change configuration.
var managing = []string{"sso", "identitystore", "iam"}

// catchUpFor catches up before operations that show or change configuration. It comes after the signature: strangers cannot ask for it.
func (s *Server) catchUpFor(ctx context.Context, c *wire.Call) {
	if s.db.Shared() && slices.Contains(managing, c.Service.SigningName) {
		catchUp(ctx, s.db)
	}
}

// upToDate catches up before a browser's request: people go from page to page, and so from node to node.
func (s *Server) upToDate(next http.Handler) http.Handler {
	if !s.db.Shared() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		catchUp(r.Context(), s.db)
		next.ServeHTTP(w, r)
	})
}
