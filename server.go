package symbolon

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/symbolon/symbolon/internal/audit"
	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/oidc"
	"github.com/symbolon/symbolon/internal/sigv4"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/sqlite"
	"github.com/symbolon/symbolon/internal/token"
	"github.com/symbolon/symbolon/internal/web"
	"github.com/symbolon/symbolon/internal/wire"
)

// Server is a running token service: its rooms over one store. Make it with New, close it with Close.
type Server struct {
	config Config
	issuer string

	db        *store.DB
	embedded  *sqlite.Backend // below db, when the store is the embedded one on a disk
	copying   sync.Mutex      // held while a backup is taken
	audit     *audit.Log
	keys      *token.Keyring
	minter    *token.Minter
	verifier  *sigv4.Verifier
	iam       *iam.Server
	directory *identitystore.Server
	admin     *ssoadmin.Server
	oidc      *oidc.Server
	web       *web.Server
	limits    *limits
	drafts    sync.Pool // of *draft
	health    *health
	masterKey string        // its fingerprint
	given     store.Backend // for tests of several nodes in memory; nil otherwise
	metrics   *metrics

	certificate atomic.Pointer[certificate] // set by Serve; nil without TLS

	handler http.Handler
}

// New opens the store, making the folder, the schema and the keys if need be, and builds the rooms. It serves nothing yet.
// Config faults, an unreadable master key, a store that another process holds, a newer schema are errors.
func New(ctx context.Context, c Config) (*Server, error) { return newServer(ctx, c, nil) }

// newServer is New on a backend of which other nodes have a part, too; nil for the one that the configuration names.
func newServer(ctx context.Context, c Config, given store.Backend) (*Server, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, issuer: c.Issuer, metrics: newMetrics(c.Version), given: given}
	if s.issuer == "" {
		s.issuer = c.origin(c.Listen)
	}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.build()
	s.health = newHealth(s.db, s.audit, s.keys, c.Log)
	s.handler = s.routes()
	return s, nil
}

// origin is the issuer of a listener at addr.
func (c Config) origin(addr string) string {
	if c.TLSCert != "" {
		return "https://" + addr
	}
	return "http://" + addr
}

// open opens what lasts: store, keys, audit log.
func (s *Server) open(ctx context.Context) error {
	if err := s.config.asServersUser(); err != nil {
		return err
	}
	if err := makeFolder(s.config.Data); err != nil {
		return err
	}
	// The key comes before the store it seals: a store without its key is then a loss to report, never an interrupted first start.
	master, err := s.config.masterKey(ctx)
	if err != nil {
		return err
	}
	backend, shared, err := s.backend(ctx)
	if err != nil {
		return err
	}
	s.embedded, _ = backend.(*sqlite.Backend)
	if s.db, err = store.Open(ctx, backend, tables(), store.Options{Now: s.config.Now, Shared: shared, Flushed: s.metrics.flushed}); err != nil {
		return err
	}
	s.masterKey = token.Fingerprint(master)
	if s.keys, err = token.OpenKeyring(ctx, s.db, token.KeyringOptions{
		MasterKey: master, Now: s.config.Now, Log: s.config.Log, Rotation: s.config.KeyRotation,
	}); err != nil {
		return err
	}
	clear(master)
	s.audit, err = audit.Open(s.config.auditLog())
	return err
}

// tables are those of all rooms.
func tables() []store.Definition {
	return slices.Concat(token.Tables(), iam.Tables(), identitystore.Tables(), ssoadmin.Tables(), oidc.Tables(), web.Tables(), nodeTables())
}

// backend is the store to work on, and whether other nodes may use it at the same time.
func (s *Server) backend(ctx context.Context) (b store.Backend, shared bool, err error) {
	if s.given != nil {
		return s.given, true, nil
	}
	return s.config.openStore(ctx)
}

// build makes the rooms and introduces them to each other.
func (s *Server) build() {
	c := s.config
	s.minter = &token.Minter{Keys: s.keys, Issuer: s.issuer, Now: c.Now}
	pages := &wire.Pages{Keys: s.pagingKeys}
	s.iam = &iam.Server{DB: s.db, Keys: s.keys, Minter: s.minter, Now: c.Now, Log: c.Log, UserEnabled: userEnabled}
	if len(c.IdentityContextActions) > 0 {
		s.iam.IdentityContextActions = c.IdentityContextActions
	}
	s.directory = &identitystore.Server{DB: s.db, Pages: pages}
	s.directory.OnDelete = ssoadmin.ForgetPrincipal
	s.admin = &ssoadmin.Server{DB: s.db, Pages: pages, Authorize: s.authorizeInside}
	s.verifier = &sigv4.Verifier{Lookup: s.iam.Credential}
	s.oidc = &oidc.Server{
		DB: s.db, IAM: s.iam, Admin: s.admin, Minter: s.minter, Log: c.Log,
		Issuers: &token.Issuers{
			AllowInsecure: c.Development, AllowedOrigins: c.AllowedIssuerOrigins, MaxLifetime: c.AssertionMaxLifetime, Now: c.Now, Log: c.Log,
			Fetched: s.metrics.fetched,
		},
		AccessTokenTTL: c.AccessTokenTTL, CodeTTL: c.CodeTTL, RefreshGrace: *c.RefreshGrace,
		RefreshTTL: c.RefreshTTL, RefreshIdleTTL: c.RefreshIdleTTL,
	}
	s.iam.ContextStands = s.oidc.ContextStands
	s.web = &web.Server{
		DB: s.db, OIDC: s.oidc, Directory: s.directory, Keys: s.keys, Issuer: s.issuer, Audit: s.recordPage,
		SessionTTL: c.SignInTTL, IdleTTL: c.SignInIdleTTL, Log: c.Log,
	}
	if c.Limits == "on" {
		s.limits = newLimits(c, time.Now)
		s.oidc.Limit = s.limits.admitApplication
	}
	s.readRooms()
}

// pagingKeys are the keys of NextToken values. Without one, a request that pages ends as an internal error.
func (s *Server) pagingKeys() [][]byte {
	keys, err := s.keys.Secrets(token.PagingMAC)
	if err != nil {
		s.config.Log.Error("no paging key", "error", err)
		return [][]byte{nil}
	}
	return keys
}

// Reload takes up what operators have changed beside the running server: it goes on in a new audit log under the old name, if the old one
// was renamed (the chain goes on, too), and reads the TLS certificate again. What cannot be taken up stays as it was.
func (s *Server) Reload() error {
	err := s.audit.Reopen()
	if err == nil {
		s.config.Log.Info("the audit log goes on in the file that has its name", "file", s.config.auditLog())
	}
	if c := s.certificate.Load(); c != nil {
		err = errors.Join(err, c.load(true))
	}
	return err
}

// userEnabled is iam's question to the directory, which it does not know.
func userEnabled(tx *store.Tx, identityStoreID, userID string) (bool, error) {
	user, err := identitystore.GetUser(tx, identityStoreID, userID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return user.Enabled, err
}

// routes hangs the browser's routes and the APIs on one handler. They share no mux entry: a page cannot end up on an SDK path,
// and whatever no page claims is answered by wire, in JSON or XML.
func (s *Server) routes() http.Handler {
	api := &wire.Server{
		Services: s.services(), Admit: s.limits.admitAddress, Authenticate: s.authenticate, Authorize: s.authorize, Finish: s.record, MapError: mapError,
		Observe: s.observe, Now: s.config.Now, Log: s.config.Log,
	}
	if s.db.Shared() {
		k := &knowledge{db: s.db}
		api.Knowledge, api.Learn = k.version, k.learn
	}
	s.metrics.requests.serve(api.Services)
	apiHandler := api.Handler()
	handler := secure(s.below(apiHandler, api.Services), apiHandler, closing(api.Refusing(badFraming)), s.config.TLSCert != "" || strings.HasPrefix(s.issuer, "https:"))
	if s.config.BehindProxy {
		handler = throughProxy(handler)
	}
	return handler
}

// below are the routes as an issuer that is a bare origin has them; one with a path has them below that path too. Signatures are judged
// over the target as it was sent, so that only the routes need to forget the path.
func (s *Server) below(api http.Handler, services []*wire.Service) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.health.alive)
	mux.HandleFunc("GET /readyz", s.health.ready)
	for _, pattern := range s.web.Patterns() {
		pages := s.limits.pages(identified(s.upToDate(s.web.Handler())))
		mux.Handle(pattern, s.observed("web", strings.Trim(pattern, "/"), pages))
	}
	discovery := s.documents(api)
	mux.Handle("/.well-known/", discovery)
	mux.Handle("/", api)
	for path := range paths(services) {
		mux.Handle(path, api) // where "/" would do as well, but a match of its wildcard costs memory
	}
	base := issuerPath(s.issuer)
	if base == "" {
		return mux
	}
	outer := http.NewServeMux()
	outer.Handle("/", mux)
	outer.Handle(base, api)
	outer.Handle(base+"/", http.StripPrefix(base, mux)) // once: mux does not know the path
	outer.Handle(base+"/.well-known/", discovery)
	return outer
}

// paths are those that operations have of their own.
func paths(services []*wire.Service) map[string]bool {
	all := map[string]bool{"/{$}": true}
	for _, service := range services {
		for i := range service.Operations {
			if path := service.Operations[i].Path; path != "" {
				all[path] = true
			}
		}
	}
	return all
}

// services are the APIs, each a room's table of operations.
func (s *Server) services() []*wire.Service {
	return []*wire.Service{s.oidc.Service(), s.oidc.TokenService(), s.admin.Service(), s.directory.Service(), s.iam.Service()}
}

// documents serves the discovery documents, and leaves what is none of them to the API's refusal.
func (s *Server) documents(api http.Handler) http.Handler {
	discovery := s.oidc.Discovery()
	counted := s.observed("web", "discovery", s.limits.pages(discovery))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := discovery.Handler(r); pattern == "" {
			api.ServeHTTP(w, r)
			return
		}
		counted.ServeHTTP(w, r)
	})
}

// issuerPath is the path below which an issuer such as https://example.com/sso has its endpoints; "" for a bare origin.
func issuerPath(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return ""
	}
	return u.EscapedPath()
}

// Handler serves everything: APIs, pages, discovery, health.
func (s *Server) Handler() http.Handler { return s.handler }

// Issuer is the `iss` of the tokens and the base URL of the endpoints.
func (s *Server) Issuer() string { return s.issuer }

// Close takes the server off the list of nodes, flushes the audit log and closes the store.
func (s *Server) Close() error {
	var faults []error
	if s.health != nil && s.health.nodes.Load() != nil {
		s.health.nodes.Load().leave()
	}
	if s.db != nil {
		faults = append(faults, s.db.Close())
	}
	if s.audit != nil {
		faults = append(faults, s.audit.Close())
	}
	return errors.Join(faults...)
}
