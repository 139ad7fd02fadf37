package symbolon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/symbolon/symbolon/internal/audit"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/sqlite"
	"github.com/symbolon/symbolon/internal/token"
)

// server finds the server that runs on the data folder and has it examine its store, or does that without one.
func (e *examination) server(ctx context.Context, c Config) {
	asked := slices.DeleteFunc([]string{"server", "audit", "store", "keys", "issuers", "clock"}, func(check string) bool { return !e.wants(check) })
	if len(asked) == 0 {
		return
	}
	response, err := askServer(ctx, c.Data, "/doctor", nil)
	if errors.Is(err, ErrNoServer) {
		e.ok("server", "no server runs on %s", c.Data)
		if !slices.Equal(asked, []string{"audit"}) { // which needs no store
			e.stopped(ctx, c)
		}
		return
	}
	if err != nil { // told whatever was asked for: nothing found is not nothing wrong
		e.fault(asked[0], "see the server's log", "a server runs on %s and does not answer: %v", c.Data, err)
		return
	}
	defer response.Body.Close()
	var found []Finding
	err = json.NewDecoder(io.LimitReader(response.Body, maxControlBody)).Decode(&found)
	if response.StatusCode != http.StatusOK || err != nil {
		e.fault(asked[0], "is it of another version? restart it with this one", "the server does not examine its store: %s", response.Status)
		return
	}
	for _, f := range found {
		e.add(f)
	}
}

// stopped examines the store without a server, and without changing it.
func (e *examination) stopped(ctx context.Context, c Config) {
	backend, err := c.openToRead(ctx)
	switch {
	case err != nil && c.DatabaseURL != "":
		e.fault("store", "see that the database runs and lets this server in", "%v", err)
		return
	case errors.Is(err, sqlite.ErrInterrupted):
		e.fault("store", "run `symbolon restore --replace` again", "%v", err)
		return
	case errors.Is(err, fs.ErrNotExist):
		e.warn("store", "nothing, if the server is to start here for the first time", "there is no store yet")
		return
	case errors.Is(err, sqlite.ErrInUse):
		e.fault("store", "find the process, and see that "+controlName+" of the data folder is its own", "%v, which cannot be asked", err)
		return
	case err != nil:
		e.fault("store", "restore a backup", "%v", err)
		return
	}
	s := &Server{config: c, issuer: c.Issuer}
	s.embedded, _ = backend.(*sqlite.Backend)
	if err := s.openReadOnly(ctx, backend); err != nil {
		e.unopened(err)
	}
	if s.db == nil {
		return
	}
	for _, f := range s.examine(ctx) {
		e.add(f)
	}
	if err := s.db.Close(); err != nil {
		e.fault("store", "see the reason", "%v", err)
	}
}

// openReadOnly opens store and keys to look at. After an error there may be a store without keys.
func (s *Server) openReadOnly(ctx context.Context, backend store.Backend) (err error) {
	if err := store.Made(ctx, backend); err != nil {
		return errors.Join(err, backend.Close())
	}
	if s.db, err = store.Open(ctx, backend, tables(), store.Options{Now: s.config.Now, Shared: s.embedded == nil, ReadOnly: true}); err != nil {
		s.db = nil
		return err
	}
	master, err := s.config.heldMasterKey(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", errNoMasterKey, err)
	}
	defer clear(master)
	s.keys, err = token.OpenKeyring(ctx, s.db, token.KeyringOptions{
		MasterKey: master, Now: s.config.Now, Log: slog.New(slog.DiscardHandler), Rotation: s.config.KeyRotation,
	})
	if errors.Is(err, store.ErrReadOnly) {
		return s.missingKeys(ctx)
	}
	return err
}

// missingKeys says what it means that not all keys are there.
func (s *Server) missingKeys(ctx context.Context) error {
	return s.db.View(ctx, func(tx *store.Tx) error {
		founded, err := token.Founded(tx)
		if err != nil {
			return err
		}
		if founded {
			return errKeysLost
		}
		return errKeysMissing
	})
}

// errKeysLost is of a store in which a server has run.
var errKeysLost = errors.New("not all keys are there, though a server has run on this store")

// errKeysMissing is of a store in which no server of this program has run.
var errKeysMissing = errors.New("keys are missing, which the next start of a server makes")

// errNoMasterKey says that the keys were not looked at, for want of the master key; examination.masterKey tells what to do about that.
var errNoMasterKey = errors.New("the keys cannot be examined")

func (e *examination) unopened(err error) {
	switch {
	case errors.Is(err, errNoMasterKey):
		e.warn("keys", "see what is said of the master key among the files", "%v", err)
	case errors.Is(err, store.ErrNone):
		e.warn("store", "nothing, if a server is to start on it for the first time; else see that database-url names the right database and a role that may read its tables",
			"there is no store in it yet: %v", err)
	case errors.Is(err, errKeysLost):
		e.fault("keys", "if they were lost, restore a backup: a start would make others, with which nothing sealed opens; if this program is newer than the one "+
			"that served last, a start makes what is new", "%v", err)
	case errors.Is(err, errKeysMissing):
		e.warn("keys", "nothing, if no server has run on this store yet", "%v", err)
	case errors.Is(err, store.ErrOutdated):
		e.warn("store", "nothing: the next start of this program brings it up to date; back it up before", "%v", err)
	case errors.Is(err, token.ErrMasterKey):
		e.fault("keys", "give the master key that the store was last used with", "%v", err)
	default:
		e.fault("store", "see the reason; restore a backup if the store is damaged", "%v", err)
	}
}

// controlDoctor answers with what the server finds.
func (s *Server) controlDoctor(w http.ResponseWriter, r *http.Request) {
	controlAnswer(w, http.StatusOK, s.examine(r.Context()))
}

// examine looks at what only who has the store open can see.
func (s *Server) examine(ctx context.Context) []Finding {
	e := &examination{findings: []Finding{}}
	s.examineAudit(e)
	s.examineStore(ctx, e)
	if s.keys != nil {
		s.examineKeys(ctx, e)
	}
	s.examineIssuers(ctx, e)
	s.examineClock(ctx, e)
	return e.findings
}

func (s *Server) examineAudit(e *examination) {
	if s.audit == nil {
		return
	}
	e.ok("server", "a server runs, and serves %s", s.issuer)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.audit.Check(ctx); err != nil {
		e.fault("audit", "make the log writable again: without an audit event nothing is issued", "%v", err)
	}
	if err := s.audit.Standing(); err != nil && !errors.Is(err, audit.ErrClosed) {
		e.fault("audit", "after a rotation send SIGHUP; rename a file that was cut off before that; if nobody rotated, find out who could write the file", "%v", err)
	}
}

func (s *Server) examineStore(ctx context.Context, e *examination) {
	if s.embedded == nil {
		if err := s.db.Ping(ctx); err != nil {
			e.fault("store", "see that the database runs and can be reached", "%v", err)
			return
		}
		e.ok("store", "the database answers; schema version %d", store.SchemaVersion)
		return
	}
	if err := s.embedded.Check(ctx, false); err != nil {
		e.fault("store", "stop the server and restore a backup", "%v", err)
		return
	}
	size, err := s.embedded.Size(ctx)
	if err != nil {
		e.fault("store", "see the reason", "%v", err)
		return
	}
	e.ok("store", "the store's structure is whole: %d KiB, schema version %d", size>>10, store.SchemaVersion)
}

func (s *Server) examineKeys(ctx context.Context, e *examination) {
	keys, err := s.keys.Inventory(ctx)
	if err != nil {
		e.fault("keys", "see the reason", "%v", err)
		return
	}
	byKind := map[token.Purpose][]Key{}
	for _, k := range keys {
		byKind[k.Purpose] = append(byKind[k.Purpose], k)
	}
	overdue := 0
	for _, kind := range token.Purposes() {
		// A server rotates by itself within minutes; a day late means that it cannot.
		due := s.keys.NextRotation(byKind[kind])
		if late := s.config.Now().Sub(due); !due.IsZero() && late > 24*time.Hour && s.audit != nil {
			overdue++
			e.warn("keys", "see the server's log; `symbolon key rotate "+string(kind)+"` does it now", "the rotation of %s is due for %s", kind, told(late))
		}
	}
	masters, err := s.keys.MasterKeys(ctx)
	if err != nil {
		e.fault("keys", "see the reason", "%v", err)
		return
	}
	if len(masters) > 1 {
		e.warn("keys", "`symbolon key rewrap --finish` once every node runs with the new one", "the change of the master key from %s to %s is not finished",
			masters[0].Fingerprint, masters[1].Fingerprint)
	}
	if overdue == 0 {
		e.ok("keys", "%s, all open under the master key %s", count(len(keys), "key"), masters[len(masters)-1].Fingerprint)
	}
	if _, since := s.keys.Epoch(); !since.IsZero() {
		e.ok("keys", "the store was restored at %s: assertions issued before are refused for a day", since.Format(time.RFC3339))
	}
}

// examineIssuers fetches the keys of each trusted token issuer as a grant would.
func (s *Server) examineIssuers(ctx context.Context, e *examination) {
	urls := map[string]string{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		instances, err := ssoadmin.ListInstances(tx)
		for _, i := range instances {
			list, err := ssoadmin.ListTrustedTokenIssuers(tx, i.ARN)
			if err != nil {
				return err
			}
			for _, t := range list {
				urls[t.IssuerURL] = t.Name
			}
		}
		return err
	})
	if err != nil {
		e.fault("issuers", "see the reason", "%v", err)
		return
	}
	probe := &token.Issuers{AllowInsecure: s.config.Development, AllowedOrigins: s.config.AllowedIssuerOrigins, Now: s.config.Now}
	for _, url := range slices.Sorted(maps.Keys(urls)) {
		keys, ahead, err := probe.Probe(ctx, url)
		switch {
		case err != nil:
			e.fault("issuers", "assertions of this issuer are refused: see that this machine can reach it; for http or a private address name its origin in allowed-issuer-origins",
				"%s (%s): %v", urls[url], url, err)
		case keys == 0:
			e.fault("issuers", "have the issuer publish a signing key", "%s (%s) publishes no key that can be used", urls[url], url)
		default:
			e.ok("issuers", "%s (%s) publishes %s", urls[url], url, count(keys, "key"))
		}
		if ahead.Abs() > clockTells {
			e.warn("clock", "set both clocks right (NTP): from a minute on its assertions are refused", "the clock of %s is %s", urls[url], clockOf(ahead))
		}
	}
}

func clockOf(ahead time.Duration) string {
	if ahead < 0 {
		return fmt.Sprintf("%s behind this one", (-ahead).Round(time.Second))
	}
	return fmt.Sprintf("%s ahead of this one", ahead.Round(time.Second))
}

// examineClock compares with the database's, if that is another, and with that of whoever answers under the issuer's name.
func (s *Server) examineClock(ctx context.Context, e *examination) {
	if s.db.Shared() {
		ahead, _, err := s.db.ClockOffset(ctx)
		switch {
		case err != nil:
			e.fault("clock", "see the reason", "%v", err)
		case ahead.Abs() > clockTells:
			e.warn("clock", "set both clocks right (NTP)", "the clock of the database is %s", clockOf(-ahead))
		}
	}
	if s.audit == nil || !strings.HasPrefix(s.issuer, "http") {
		return
	}
	ahead, err := publicDate(ctx, s.issuer)
	switch {
	case err != nil:
		e.warn("issuers", "see that the proxy passes the name on, and that this machine may reach it; clients must", "our own issuer does not answer: %v", err)
	case ahead.Abs() > clockTells:
		e.warn("clock", "set both clocks right (NTP)", "the clock of %s is %s", s.issuer, clockOf(ahead))
	default:
		e.ok("clock", "the clock agrees with that of %s", s.issuer)
	}
}

// publicDate asks whoever answers under the issuer's name, a proxy perhaps, for its discovery document, and says by how much its clock is ahead.
func publicDate(ctx context.Context, issuer string) (ahead time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, issuer+"/.well-known/openid-configuration", nil)
	if err != nil {
		return 0, err
	}
	client := &http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s answers %s", r.URL, response.Status)
	}
	var document struct{ Issuer string }
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&document); err != nil || document.Issuer != issuer {
		return 0, fmt.Errorf("%s answers as the issuer %q", r.URL, document.Issuer)
	}
	if date, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		ahead = time.Until(date)
	}
	return ahead, nil
}
