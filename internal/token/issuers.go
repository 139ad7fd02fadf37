package token

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

// Issuers verifies JWTs of foreign issuers by OIDC discovery and JWKS. Its keys are cached per issuer:
//
//   - A set is used for the Cache-Control max-age of its answer, between 1 and 10 minutes, 10 if none is given, and
//     renewed in the background in the last fifth of it: a key removed at the issuer is gone here within 10 minutes.
//   - An unknown key renews it too, and so does a signature that the known one did not make, since an issuer may come back with a new
//     key under its old kid: both together at most once a minute for an issuer. Callers whose assertion verifies never wait for that.
//   - One fetch per issuer is under way at a time and outlives the callers that wait for it. After a failed one the
//     next waits 5 seconds.
//   - While the issuer fails, the last set serves for up to 24 hours.
//
// jwks_uri may be on another host than the issuer (as Google's is) if that host passes the same rule: https to a public
// address, or an allowed origin. Redirects never leave their host.
type Issuers struct {
	// AllowInsecure permits http and loopback/private addresses (dev and symbolontest).
	AllowInsecure bool
	// AllowedOrigins are exact origins ("http://10.0.0.5:8080") exempt from the https/public-address rule.
	AllowedOrigins []string
	// MaxLifetime bounds how far away exp may be; 0 = 24 h.
	MaxLifetime time.Duration
	Now         func() time.Time
	Log         *slog.Logger
	// Fetched, if set, hears of every attempt to fetch an issuer's keys. Issuers are those that somebody has configured.
	Fetched func(issuer string, took time.Duration, err error)
	issuers
}

type issuers struct {
	mu       sync.Mutex
	sets     map[string]*keySet
	resolver *net.Resolver  // tests
	rootCAs  *x509.CertPool // tests; nil = the system's
}

// ErrIssuerUnavailable wraps faults of the issuer's side (network, bad document); the client sees InvalidGrantException with the reason.
var ErrIssuerUnavailable = errors.New("token: issuer unavailable")

const (
	maxSetAge       = 10 * time.Minute
	minSetAge       = time.Minute
	maxStale        = 24 * time.Hour
	unknownCooldown = time.Minute
	freshSet        = 5 * time.Second // a set so young is not fetched again over a signature
	failureCooldown = 5 * time.Second
	maxIssuers      = 256
)

// keySet is what is known of one issuer's keys.
type keySet struct {
	issuer string

	mu        sync.Mutex
	keys      []foreignKey
	fetchedAt time.Time     // of keys; zero = never had any
	maxAge    time.Duration // of keys
	triedAt   time.Time     // last attempt
	unknownAt time.Time     // last attempt that an unknown key or a bad signature asked for
	err       error         // of the last attempt, nil if it succeeded
	flight    chan struct{} // closed when the attempt under way ends; nil if there is none
	usedAt    time.Time
}

func (i *Issuers) now() time.Time {
	if i.Now == nil {
		return time.Now()
	}
	return i.Now()
}

// set finds or adds the record of an issuer. When there are too many, the one unused for longest is forgotten.
func (i *Issuers) set(issuer string, now time.Time) *keySet {
	i.mu.Lock()
	defer i.mu.Unlock()
	if s := i.sets[issuer]; s != nil {
		s.usedAt = now
		return s
	}
	if i.sets == nil {
		i.sets = map[string]*keySet{}
	}
	if len(i.sets) >= maxIssuers {
		var oldest *keySet
		for _, s := range i.sets {
			if oldest == nil || s.usedAt.Before(oldest.usedAt) {
				oldest = s
			}
		}
		delete(i.sets, oldest.issuer)
	}
	s := &keySet{issuer: issuer, usedAt: now}
	i.sets[issuer] = s
	return s
}

// withKeys verifies with the issuer's keys, fetching them where the rules above say so. An error of verify that is errUnknownKey or
// errBadSignature may be the set's fault: verify is then called once more, if there is a later set.
func (i *Issuers) withKeys(ctx context.Context, issuer string, verify func([]foreignKey) error) error {
	s := i.set(issuer, i.now())
	keys, flight, err := i.usable(s)
	if flight != nil {
		keys, err = s.wait(ctx, flight, i.now)
	}
	if err != nil {
		return err
	}
	err = verify(keys)
	if flight != nil || !errors.Is(err, errUnknownKey) && !errors.Is(err, errBadSignature) {
		return err // after a flight: the set was fetched for this very caller
	}
	later, flight := i.renewFor(s, keys, err)
	if flight != nil {
		var failed error
		if later, failed = s.wait(ctx, flight, i.now); failed != nil {
			return failed
		}
	}
	if later == nil {
		return err
	}
	return verify(later)
}

// usable gives the keys to use now, or the attempt to wait for, or why there are none.
func (i *Issuers) usable(s *keySet) (keys []foreignKey, flight <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := i.now()
	age := now.Sub(s.fetchedAt)
	have := !s.fetchedAt.IsZero() && age < maxStale && age >= 0
	if have && age < s.maxAge {
		if age >= s.maxAge*4/5 && !s.coolingDown(now) {
			i.start(s, now) // nobody waits for it
		}
		return s.keys, nil, nil
	}
	down := s.err != nil && s.triedAt.Sub(s.fetchedAt) >= s.maxAge // since the set went stale
	if !s.coolingDown(now) {
		flight = i.start(s, now)
	}
	switch {
	case have && down: // do not wait for it again and again
		return s.keys, nil, nil
	case flight != nil:
		return nil, flight, nil
	case s.flight != nil:
		return nil, s.flight, nil
	}
	return nil, nil, s.err
}

// coolingDown says whether the last attempt failed so recently that the next must wait.
func (s *keySet) coolingDown(now time.Time) bool {
	since := now.Sub(s.triedAt)
	return s.err != nil && since >= 0 && since < failureCooldown
}

// renewFor is what to do for a caller whom these keys did not serve: use the set that came meanwhile; or wait for the attempt under way, or for
// one it starts, if the last that was started so is long enough ago. Neither means that the set must do as it is.
func (i *Issuers) renewFor(s *keySet, keys []foreignKey, fault error) (later []foreignKey, flight <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.keys) != len(keys) || len(keys) > 0 && &s.keys[0] != &keys[0] {
		return s.keys, nil
	}
	if s.flight != nil {
		return nil, s.flight
	}
	now := i.now()
	since := now.Sub(s.unknownAt)
	if s.coolingDown(now) || (since >= 0 && since < unknownCooldown) {
		return nil, nil
	}
	if errors.Is(fault, errBadSignature) && now.Sub(s.fetchedAt) < freshSet {
		return nil, nil
	}
	s.unknownAt = now
	return nil, i.start(s, now)
}

// start begins an attempt unless one is under way. The caller holds s.mu.
func (i *Issuers) start(s *keySet, now time.Time) <-chan struct{} {
	if s.flight != nil {
		return s.flight
	}
	flight := make(chan struct{})
	s.flight, s.triedAt = flight, now
	go func() {
		began := time.Now()
		keys, maxAge, err := i.fetchKeys(s.issuer)
		if i.Fetched != nil {
			i.Fetched(s.issuer, time.Since(began), err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.err = err
		if err == nil {
			s.keys, s.maxAge, s.fetchedAt = keys, maxAge, now
		}
		s.flight = nil
		close(flight)
	}()
	return flight
}

// wait waits for an attempt and gives the keys to use after it: also the old ones, if it failed and they still serve.
func (s *keySet) wait(ctx context.Context, flight <-chan struct{}, now func() time.Time) ([]foreignKey, error) {
	select {
	case <-flight:
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrIssuerUnavailable, context.Cause(ctx))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil && (s.fetchedAt.IsZero() || now().Sub(s.fetchedAt) >= maxStale) {
		return nil, s.err
	}
	return s.keys, nil
}

// Probe fetches an issuer's keys as a grant would, but anew and with nothing remembered, and says how many there are and by how much the
// issuer's clock is ahead of ours, by its answer's Date header; 0 where it has none. The error is for operators: it has the cause, too.
func (i *Issuers) Probe(ctx context.Context, issuer string) (keys int, ahead time.Duration, err error) {
	uri, err := i.discover(ctx, issuer)
	if err != nil {
		return 0, 0, told(err)
	}
	body, header, err := i.fetch(ctx, "the issuer's key set", uri)
	if err != nil {
		return 0, 0, told(err)
	}
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		ahead = time.Until(date)
	}
	usable, err := parseKeySet(body)
	return len(usable), ahead, told(err)
}

// told is an error with its cause in words, for operators.
func told(err error) error {
	if f, ok := errors.AsType[*fetchError](err); ok {
		return errors.New(f.detail())
	}
	return err
}

// fetchKeys gets the issuer's discovery document and the key set it names. A panic over what a stranger sent is a failed
// fetch: this runs in a goroutine of its own, where it would end the process.
func (i *Issuers) fetchKeys(issuer string) (keys []foreignKey, maxAge time.Duration, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &fetchError{"the issuer's answer cannot be read", fmt.Errorf("panic: %v", p)}
		}
		if err != nil {
			i.logFailure(issuer, err)
			err = fmt.Errorf("%w: %w", ErrIssuerUnavailable, err)
		}
	}()
	ctx := context.Background() // the callers that wait may go, others profit
	uri, err := i.discover(ctx, issuer)
	if err != nil {
		return nil, 0, err
	}
	body, header, err := i.fetch(ctx, "the issuer's key set", uri)
	if err != nil {
		return nil, 0, err
	}
	keys, err = parseKeySet(body)
	return keys, cacheAge(header), err
}

func (i *Issuers) logFailure(issuer string, err error) {
	if i.Log == nil {
		return
	}
	detail := err.Error()
	if f, ok := errors.AsType[*fetchError](err); ok {
		detail = f.detail()
	}
	i.Log.Warn("an issuer's keys cannot be fetched", "issuer", issuer, "error", detail)
}

// discover reads jwks_uri from the discovery document (OpenID Connect Discovery §4), whose issuer must be exactly ours.
func (i *Issuers) discover(ctx context.Context, issuer string) (jwksURI string, err error) {
	if _, err := parseIssuerURL(issuer); err != nil {
		return "", &fetchError{reason: "the issuer's URL cannot be used: " + err.Error()}
	}
	const what = "the issuer's discovery document"
	body, _, err := i.fetch(ctx, what, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return "", err
	}
	var document struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(body, &document); err != nil {
		return "", &fetchError{what + " is not valid JSON", err}
	}
	if document.Issuer != issuer {
		return "", &fetchError{reason: fmt.Sprintf("%s names the issuer %.200q, not %q", what, document.Issuer, issuer)}
	}
	if document.JWKSURI == "" {
		return "", &fetchError{reason: what + " has no jwks_uri"}
	}
	return document.JWKSURI, nil
}

// cacheAge is how long a key set may be used: its max-age (RFC 9111 §5.2.2.1) within our bounds.
func cacheAge(h http.Header) time.Duration {
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return minSetAge
		case "max-age":
			seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
			if err != nil {
				return minSetAge
			}
			return min(max(time.Duration(seconds)*time.Second, minSetAge), maxSetAge)
		}
	}
	return maxSetAge
}
