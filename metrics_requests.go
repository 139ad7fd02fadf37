package symbolon

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/symbolon/symbolon/internal/oidc"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/wire"
)

// maxCodes bounds the error codes, with the checks behind them, that get a series of their own, for each operation and grant type.
const maxCodes = 100

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

// ending is how a request ended: the zero value is success.
type ending struct {
	code  string // the error's
	check string // that refused a grant
	fault bool   // ours
}

// tally counts the requests of one kind. Its figures are made with the first request.
type tally struct {
	count  *prometheus.CounterVec
	times  *prometheus.HistogramVec
	labels []string
	checks bool // it has a label for the check, too

	once sync.Once
	ok   prometheus.Counter
	took prometheus.Observer

	mu      sync.RWMutex
	refused map[ending]prometheus.Counter
}

func newRequestMetrics(m *metrics) *requestMetrics {
	r := &requestMetrics{
		total: m.counters("symbolon_requests_total",
			"Requests by outcome (ok, client_error, server_error) and error code.", "service", "operation", "outcome", "code"),
		grants: m.counters("symbolon_grants_total",
			"CreateTokenWithIAM requests by grant type, outcome, error code and the check that refused.", "grant_type", "outcome", "code", "check"),
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
		r.byGrant[g.name] = &tally{count: r.grants, times: r.grant, labels: []string{g.label}, checks: true}
		r.reuses[g.name] = reuses.WithLabelValues(g.label)
	}
	r.noGrant = &tally{count: r.grants, times: r.grant, labels: []string{other}, checks: true}
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
	end := endingOf(c.Err)
	t.add(end, took)
	if in, ok := c.Input.(*oidc.CreateTokenWithIAMInput); ok {
		r.observeGrant(c, in.GrantType, end, took)
	}
}

func (r *requestMetrics) observeGrant(c *wire.Call, grantType string, end ending, took time.Duration) {
	t := r.byGrant[grantType]
	if t == nil {
		t = r.noGrant
	}
	if c.Err != nil {
		end.check = oidc.CheckOf(c.Err.Details)
	}
	t.add(end, took)
	if reused, ok := c.Audit.Get("reuseDetected").(string); ok && r.reuses[reused] != nil {
		r.reuses[reused].Inc()
	}
	if c.Audit.Get("refreshReplay") == true {
		r.replays.Inc()
	}
}

func endingOf(e *wire.Error) ending {
	if e == nil {
		return ending{}
	}
	return ending{code: e.Code, fault: e.Status < 400 || e.Status >= 500}
}

func (t *tally) add(end ending, took time.Duration) {
	t.once.Do(func() {
		t.ok = t.counter(ending{})
		t.took = t.times.WithLabelValues(t.labels...)
	})
	t.took.Observe(took.Seconds())
	if end == (ending{}) {
		t.ok.Inc()
		return
	}
	t.refusal(end).Inc()
}

// refusal is the counter of an ending; beyond maxCodes they share one.
func (t *tally) refusal(end ending) prometheus.Counter {
	t.mu.RLock()
	c := t.refused[end]
	t.mu.RUnlock()
	if c != nil {
		return c
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.refused) >= maxCodes {
		return t.counter(ending{code: other, fault: end.fault})
	}
	if t.refused == nil {
		t.refused = map[ending]prometheus.Counter{}
	}
	t.refused[end] = t.counter(end)
	return t.refused[end]
}

func (t *tally) counter(end ending) prometheus.Counter {
	outcome := "ok"
	switch {
	case end.fault:
		outcome = "server_error"
	case end.code != "":
		outcome = "client_error"
	}
	labels := append(t.labels[:len(t.labels):len(t.labels)], outcome, end.code)
	if t.checks {
		labels = append(labels, end.check)
	}
	return t.count.WithLabelValues(labels...)
}
