package symbolon

import (
	"net/url"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are the figures of one server, in a registry of their own. No label holds what a client has chosen: services, operations, grant
// types and tables are those of this program, error codes its own words, hosts those of configured issuers; and of codes and hosts there
// are at most maxCodes and maxHosts, whatever happens.
type metrics struct {
	registry *prometheus.Registry
	requests *requestMetrics

	batchCommits, batchTook prometheus.Histogram
	fetches                 *prometheus.CounterVec
	fetchTook               prometheus.Histogram
	rows                    *prometheus.GaugeVec
	clockJumps              prometheus.Counter
	clockJump               prometheus.Gauge
	tlsReloads              *prometheus.CounterVec
	tlsExpiry               prometheus.Gauge

	mu    sync.Mutex
	hosts map[string]bool
}

const maxHosts = 50

// other stands in a label for all that is beyond its bound.
const other = "other"

// The buckets of durations, in seconds: requests from half a millisecond up, commits from a tenth.
var (
	requestBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	commitBuckets  = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	fetchBuckets   = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
)

func newMetrics(version string) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), hosts: map[string]bool{}}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.requests = newRequestMetrics(m)
	m.batchCommits = m.histogram("symbolon_store_batch_commits", "Commits that shared one flush.", []float64{1, 2, 4, 8, 16, 32, 64, 128, 256})
	m.batchTook = m.histogram("symbolon_store_batch_duration_seconds", "Time the backend took for a batch of commits, its flush included.", commitBuckets)
	m.fetches = m.counters("symbolon_issuer_fetches_total",
		"Fetches of trusted token issuers' keys, by the issuer's host (at most 50, then \"other\").", "host", "outcome")
	m.fetchTook = m.histogram("symbolon_issuer_fetch_duration_seconds", "Time that fetches of issuers' keys took.", fetchBuckets)
	m.rows = m.gauges("symbolon_store_rows",
		"Rows that expire, by table: live ones, and expired ones that await the sweep (counted up to 100,000). Renewed every minute or less often.",
		"table", "state")
	m.clockJumps = m.counters("symbolon_clock_jumps_total", "Jumps of the wall clock by more than two seconds.").WithLabelValues()
	m.clockJump = m.gauges("symbolon_clock_last_jump_seconds", "The last jump of the wall clock; negative if it went back.").WithLabelValues()
	m.tlsReloads = m.counters("symbolon_tls_reloads_total",
		"Certificates read again after their files changed: ok, or failed, when the old one stays in use.", "outcome")
	m.tlsExpiry = m.gauges("symbolon_tls_certificate_expiry_timestamp_seconds", "When the certificate in use expires; 0 without TLS.").WithLabelValues()
	for _, outcome := range []string{"ok", "failed"} {
		m.tlsReloads.WithLabelValues(outcome)
	}
	m.gauges("symbolon_build_info", "The program; always 1.", "version", "go_version").WithLabelValues(version, runtime.Version()).Set(1)
	return m
}

func (m *metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(v)
	return v
}

func (m *metrics) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(v)
	return v
}

func (m *metrics) histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	m.registry.MustRegister(h)
	return h
}

// flushed is the store's hook.
func (m *metrics) flushed(commits int, took time.Duration, _ error) {
	m.batchCommits.Observe(float64(commits))
	m.batchTook.Observe(took.Seconds())
}

// fetched is the hook of token.Issuers.
func (m *metrics) fetched(issuer string, took time.Duration, err error) {
	outcome := "ok"
	if err != nil {
		outcome = "failed"
	}
	m.fetches.WithLabelValues(m.host(issuer), outcome).Inc()
	m.fetchTook.Observe(took.Seconds())
}

func (m *metrics) host(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" {
		return other
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.hosts[u.Host] && len(m.hosts) >= maxHosts {
		return other
	}
	m.hosts[u.Host] = true
	return u.Host
}
