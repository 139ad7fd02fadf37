package symbolon

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/symbolon/symbolon/internal/oidc"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/wire"
)

// maxCodes bounds the error codes that get a label of their own, for each operation and grant type.
const maxCodes = 64

// unknown labels requests that reached no operation.
const unknown = "unknown"

// requestMetrics counts requests. What belongs to an operation is found by its address and lives on, so that a request costs some
// atomic additions and no allocation.
type requestMetrics struct {
	total  *prometheus.CounterVec
	took   *prometheus.HistogramVec
	grants *prometheus.CounterVec
	grant  *prometheus.HistogramVec

	operations map[*wire.Operation]*tally
	services   map[*wire.Service]*tally // requests for operations that the service does not have
	stray      *tally
	byGrant    map[string]*tally
	noGrant    *tally

	replays prometheus.Counter
	reuses  map[string]prometheus.Counter
}

// tally counts the requests of one kind. Its figures are made with the first request.
type tally struct {
	count  *prometheus.CounterVec
	times  *prometheus.HistogramVec
	labels []string

	once sync.Once
	ok   prometheus.Counter
	took prometheus.Observer

	mu      sync.RWMutex
	refused map[string]prometheus.Counter // by error code
}

func newRequestMetrics(m *metrics) *requestMetrics {
	r := &requestMetrics{
		total: m.counters("symbolon_requests_total",
			"Requests by outcome (ok, client_error, server_error) and error code.", "service", "operation", "outcome", "code"),
		grants: m.counters("symbolon_grants_total",
			"CreateTokenWithIAM requests by grant type, outcome and error code.", "grant_type", "outcome", "code"),
		operations: map[*wire.Operation]*tally{}, services: map[*wire.Service]*tally{}, byGrant: map[string]*tally{},
		reuses: map[string]prometheus.Counter{},
	}
	duration := func(name, help string, labels ...string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: requestBuckets}, labels)
		m.registry.MustRegister(v)
		return v
	}
	r.took = duration("symbolon_request_duration_seconds", "Time from a request's head to the last byte of its answer.", "service", "operation")
	r.grant = duration("symbolon_grant_duration_seconds", "The same of CreateTokenWithIAM, by grant type.", "grant_type")
	r.stray = r.operation(unknown, unknown)
	reuses := m.counters("symbolon_reuse_detected_total",
		"Codes, refresh tokens and assertions that were used again: theft, or a broken client.", "grant_type")
	for _, g := range []struct{ name, label string }{
		{ssoadmin.GrantAuthorizationCode, "authorization_code"}, {ssoadmin.GrantRefreshToken, "refresh_token"},
		{ssoadmin.GrantJWTBearer, "jwt_bearer"}, {ssoadmin.GrantTokenExchange, "token_exchange"},
	} {
		r.byGrant[g.name] = &tally{count: r.grants, times: r.grant, labels: []string{g.label}}
		r.reuses[g.name] = reuses.WithLabelValues(g.label)
	}
	r.noGrant = &tally{count: r.grants, times: r.grant, labels: []string{other}}
	r.replays = m.counters("symbolon_refresh_replays_total",
		"Superseded refresh tokens that got their successor again inside the grace window.").WithLabelValues()
	return r
}

func (r *requestMetrics) operation(service, name string) *tally {
	return &tally{count: r.total, times: r.took, labels: []string{service, name}}
}

// serve makes the operations of the services known, before any request.
func (r *requestMetrics) serve(services []*wire.Service) {
	for _, s := range services {
		r.services[s] = r.operation(s.Name, unknown)
		for i := range s.Operations {
			r.operations[&s.Operations[i]] = r.operation(s.Name, s.Operations[i].Name)
		}
	}
}

// observe counts a request of the APIs.
func (r *requestMetrics) observe(c *wire.Call, took time.Duration) {
	t := r.operations[c.Operation]
	if t == nil {
		t = r.services[c.Service]
	}
	if t == nil {
		t = r.stray
	}
	code, fault := outcomeOf(c.Err)
	t.add(code, fault, took)
	if in, ok := c.Input.(*oidc.CreateTokenWithIAMInput); ok {
		r.observeGrant(c, in.GrantType, code, fault, took)
	}
}

func (r *requestMetrics) observeGrant(c *wire.Call, grantType, code string, fault bool, took time.Duration) {
	t := r.byGrant[grantType]
	if t == nil {
		t = r.noGrant
	}
	t.add(code, fault, took)
	if reused, ok := c.Audit.Get("reuseDetected").(string); ok && r.reuses[reused] != nil {
		r.reuses[reused].Inc()
	}
	if c.Audit.Get("refreshReplay") == true {
		r.replays.Inc()
	}
}

// outcomeOf is the error code, "" for success, and whether the fault is ours.
func outcomeOf(e *wire.Error) (code string, fault bool) {
	if e == nil {
		return "", false
	}
	return e.Code, e.Status < 400 || e.Status >= 500
}

func (t *tally) add(code string, fault bool, took time.Duration) {
	t.once.Do(func() {
		t.ok = t.count.WithLabelValues(append(t.labels[:len(t.labels):len(t.labels)], "ok", "")...)
		t.took = t.times.WithLabelValues(t.labels...)
	})
	t.took.Observe(took.Seconds())
	if code == "" {
		t.ok.Inc()
		return
	}
	t.refusal(code, fault).Inc()
}

func (t *tally) refusal(code string, fault bool) prometheus.Counter {
	key := code
	if fault {
		key = "!" + code // a code may come with both kinds of status
	}
	t.mu.RLock()
	c := t.refused[key]
	t.mu.RUnlock()
	if c != nil {
		return c
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.refused) >= maxCodes {
		code = other
	}
	outcome := map[bool]string{false: "client_error", true: "server_error"}[fault]
	c = t.count.WithLabelValues(append(t.labels[:len(t.labels):len(t.labels)], outcome, code)...)
	if t.refused == nil {
		t.refused = map[string]prometheus.Counter{}
	}
	if code != other {
		t.refused[key] = c
	}
	return c
}
