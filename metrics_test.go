package symbolon

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/symbolon/symbolon/internal/oidc"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/wire"
)

// scrape reads /metrics: every series, as the text has it, with its value.
func scrape(t testing.TB, address string) map[string]float64 {
	t.Helper()
	a, err := adminClient(address).Get("http://" + address + "/metrics")
	fatal(t, err)
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	fatal(t, err)
	if a.StatusCode != http.StatusOK {
		t.Fatalf("HTTP %d: %s", a.StatusCode, text)
	}
	return seriesOf(t, string(text))
}

func seriesOf(t testing.TB, text string) map[string]float64 {
	t.Helper()
	series := map[string]float64{}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		i := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(strings.TrimSpace(line[i:]), 64)
		fatal(t, err)
		series[line[:i]] = value
	}
	return series
}

// exposition is what a scrape of m would read.
func exposition(t testing.TB, m *metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("HTTP %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// TestMetricsCount: what the server does shows, by operation, outcome and code, and in the rooms' own figures.
func TestMetricsCount(t *testing.T) {
	d := openDoor(t, func(c *Config) { c.AdminListen, c.Version = "127.0.0.1:0", "v1.2.3" })
	address := startAdmin(t, d.Server)
	before := scrape(t, address)
	for range 3 {
		d.send(t, d.tokenRequest(t)) // the client is unknown
	}
	d.send(t, d.request(t, "POST", tokenTarget, "{}", "Content-Type", "application/json"))
	d.send(t, d.signed(d.request(t, "POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", "Content-Type", "application/x-www-form-urlencoded"), "sts"))
	d.send(t, d.request(t, "GET", "/signin", ""))
	d.send(t, d.request(t, "GET", "/.well-known/openid-configuration", ""))
	d.send(t, d.request(t, "GET", "/nowhere", ""))
	after := scrape(t, address)
	for series, want := range map[string]float64{
		`symbolon_requests_total{code="InvalidClientException",operation="CreateTokenWithIAM",outcome="client_error",service="sso-oidc"}`:              3,
		`symbolon_requests_total{code="MissingAuthenticationTokenException",operation="CreateTokenWithIAM",outcome="client_error",service="sso-oidc"}`: 1,
		`symbolon_request_duration_seconds_count{operation="CreateTokenWithIAM",service="sso-oidc"}`:                                                   4,
		`symbolon_grants_total{check="client-known",code="InvalidClientException",grant_type="refresh_token",outcome="client_error"}`:                  3,
		`symbolon_grant_duration_seconds_count{grant_type="refresh_token"}`:                                                                            3,
		`symbolon_requests_total{code="",operation="GetCallerIdentity",outcome="ok",service="sts"}`:                                                    1,
		`symbolon_requests_total{code="",operation="signin",outcome="ok",service="web"}`:                                                               1,
		`symbolon_requests_total{code="",operation="discovery",outcome="ok",service="web"}`:                                                            1,
		`symbolon_requests_total{code="UnknownOperationException",operation="unknown",outcome="client_error",service="unknown"}`:                       1,
		`symbolon_sigv4_keys_total{source="derived"}`:                                                                                                  2,
		`symbolon_sigv4_keys_total{source="memory"}`:                                                                                                   2,
		`symbolon_audit_events_total`: 6,
	} {
		if got := after[series] - before[series]; got != want {
			t.Errorf("%s rose by %v, not %v", series, got, want)
		}
	}
	for _, series := range []string{
		`symbolon_store_commits_total{outcome="applied"}`, `symbolon_store_cached_reads_total{source="memory"}`, "symbolon_store_feed_position",
		"symbolon_audit_bytes_total", "symbolon_sigv4_cached_keys", `symbolon_keys{kind="signing-es256",state="current"}`,
		`symbolon_key_first_use_timestamp_seconds{kind="signing-es256"}`, "go_goroutines", "process_start_time_seconds",
		"symbolon_store_batch_commits_count", "symbolon_store_batch_duration_seconds_count",
	} {
		if after[series] <= 0 {
			t.Errorf("%s is %v", series, after[series])
		}
	}
	first, next := after[`symbolon_key_first_use_timestamp_seconds{kind="signing-es256"}`], after[`symbolon_key_next_rotation_timestamp_seconds{kind="signing-es256"}`]
	if next-first != (90 * 24 * time.Hour).Seconds() {
		t.Errorf("the key in use since %v is due at %v", first, next)
	}
	if after[`symbolon_build_info{go_version="`+runtime.Version()+`",version="v1.2.3"}`] != 1 {
		t.Error("the version is not shown")
	}
}

// TestMetricsAreBounded: a hostile client, whatever it sends and asks for, creates no label values: no value that it chose appears, and
// the second round of the same mischief adds no series.
func TestMetricsAreBounded(t *testing.T) {
	d := openDoor(t, func(c *Config) { c.AdminListen = "127.0.0.1:0" })
	address := startAdmin(t, d.Server)
	mischief := func(round int) {
		for i := range 20 {
			evil := fmt.Sprintf("evil%d-%d", round, i)
			for _, r := range []*http.Request{
				d.request(t, "GET", "/"+evil, ""), d.request(t, "GET", "/signin/"+evil, ""), d.request(t, "GET", "/.well-known/"+evil, ""),
				d.request(t, "POST", "/", "{}", "X-Amz-Target", evil+"."+evil), d.request(t, "POST", "/", "{}", "X-Amz-Target", "SWBExternalService."+evil),
				d.request(t, "POST", "/", "Action="+evil, "Content-Type", "application/x-www-form-urlencoded"),
				d.request(t, "POST", tokenTarget, `{"grantType":"`+evil+`","clientId":"`+evil+`"}`, "Content-Type", "application/json"),
				d.signed(d.request(t, "POST", tokenTarget, `{"grantType":"`+evil+`","clientId":"`+evil+`"}`, "Content-Type", "application/json"), "sso-oauth"),
				d.signed(d.request(t, "POST", tokenTarget, `{"grantType":"refresh_token","refreshToken":"x","clientId":"`+evil+`"}`, "Content-Type", "application/json"), "sso-oauth"),
				d.signed(d.request(t, "GET", "/"+evil, ""), evil), d.request(t, "PURGE", "/token", ""),
				d.request(t, "GET", "/authorize?client_id="+evil+"&response_type="+evil, ""),
			} {
				d.send(t, r)
			}
		}
	}
	rowsCounted(t, address)
	mischief(0)
	first := scrape(t, address)
	mischief(1)
	second := scrape(t, address)
	for series := range second {
		if strings.Contains(series, "evil") {
			t.Errorf("a client's own words are a label: %s", series)
		}
		if _, ok := first[series]; !ok && strings.HasPrefix(series, "symbolon_") {
			t.Errorf("the same again made a new series: %s", series)
		}
	}
}

// TestCodesAreBounded: even if a room made up codes, there would be an end.
func TestCodesAreBounded(t *testing.T) {
	m := newMetrics("")
	c := &wire.Call{}
	for i := range 1000 {
		c.Err = &wire.Error{Code: fmt.Sprint("Code", i), Status: []int{400, 500}[i%2]}
		m.requests.observe(c, time.Millisecond)
		m.fetched(fmt.Sprintf("https://idp%d.example.com/x", i), time.Second, errors.New("x"))
	}
	for name, most := range map[string]int{"symbolon_requests_total": maxCodes + 3, "symbolon_issuer_fetches_total": maxHosts + 1} {
		n, total := 0, 0.0
		for series, value := range seriesOf(t, exposition(t, m)) {
			if strings.HasPrefix(series, name+"{") {
				n, total = n+1, total+value
			}
		}
		if n > most || total != 1000 {
			t.Errorf("%s has %d series and counts %v", name, n, total)
		}
	}
}

func TestReusesAndReplaysAreCounted(t *testing.T) {
	m := newMetrics("")
	call := func(grant string, audit map[string]any) {
		c := &wire.Call{Input: &oidc.CreateTokenWithIAMInput{GrantType: grant}}
		for name, value := range audit {
			c.Audit.Set(name, value)
		}
		m.requests.observe(c, time.Millisecond)
	}
	call(ssoadmin.GrantRefreshToken, map[string]any{"reuseDetected": ssoadmin.GrantRefreshToken})
	call(ssoadmin.GrantRefreshToken, map[string]any{"refreshReplay": true})
	call(ssoadmin.GrantJWTBearer, map[string]any{"reuseDetected": "what nobody knows"})
	call("what nobody knows", nil)
	series := seriesOf(t, exposition(t, m))
	for name, want := range map[string]float64{
		"symbolon_refresh_replays_total":                                                      1,
		`symbolon_reuse_detected_total{grant_type="refresh_token"}`:                           1,
		`symbolon_reuse_detected_total{grant_type="jwt_bearer"}`:                              0,
		`symbolon_grants_total{check="",code="",grant_type="other",outcome="ok"}`:             1,
		`symbolon_grants_total{check="",code="",grant_type="refresh_token",outcome="ok"}`:     2,
		`symbolon_grants_total{check="",code="",grant_type="what nobody knows",outcome="ok"}`: 0,
	} {
		if got := series[name]; got != want {
			t.Errorf("%s is %v, not %v", name, got, want)
		}
	}
}

// TestCountingCostsNoAllocation: neither success nor a refusal that has been seen before.
func TestCountingCostsNoAllocation(t *testing.T) {
	m := newMetrics("")
	service := &wire.Service{Name: "s", Operations: []wire.Operation{{Name: "O"}}}
	m.requests.serve([]*wire.Service{service})
	ok := &wire.Call{
		Service: service, Operation: &service.Operations[0],
		Input: &oidc.CreateTokenWithIAMInput{GrantType: ssoadmin.GrantJWTBearer},
	}
	refused := &wire.Call{Service: service, Operation: &service.Operations[0], Err: &wire.Error{Code: "X", Status: 400}}
	n := testing.AllocsPerRun(100, func() {
		m.requests.observe(ok, time.Millisecond)
		m.requests.observe(refused, time.Millisecond)
		m.flushed(3, time.Millisecond, nil)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// typeLine is the head of a metric in the exposition.
var typeLine = regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`)

// metricName is Prometheus's own rule, and ours: the program's name first.
var metricName = regexp.MustCompile(`^(symbolon|go|process|promhttp)_[a-z0-9_]+$`)

func TestMetricNames(t *testing.T) {
	text := exposition(t, testServer(t, Config{}).metrics)
	found := typeLine.FindAllStringSubmatch(text, -1)
	if len(found) < 50 {
		t.Errorf("only %d metrics", len(found))
	}
	for _, m := range found {
		name, kind := m[1], m[2]
		if !metricName.MatchString(name) || !strings.Contains(text, "# HELP "+name+" ") {
			t.Errorf("%s is no name, or has no help", name)
		}
		if strings.HasPrefix(name, "symbolon_") && (kind == "counter") != strings.HasSuffix(name, "_total") {
			t.Errorf("%s is a %s", name, kind)
		}
	}
}

// TestRowsAreCounted: the census runs beside, and shows what lives.
func TestRowsAreCounted(t *testing.T) {
	d := openDoor(t, func(c *Config) { c.AdminListen = "127.0.0.1:0" })
	rowsCounted(t, startAdmin(t, d.Server))
}

// rowsCounted waits for the first census, whose series come all at its end.
func rowsCounted(t *testing.T, address string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		series := scrape(t, address)
		if _, ok := series[`symbolon_store_rows{state="expired",table="web_sign_in_sessions"}`]; ok { // the last by name
			return
		}
		if time.Now().After(end) {
			t.Fatal("no rows were counted")
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	m := newMetrics("")
	service := &wire.Service{Name: "s", Operations: []wire.Operation{{Name: "O"}}}
	m.requests.serve([]*wire.Service{service})
	c := &wire.Call{Service: service, Operation: &service.Operations[0], Input: &oidc.CreateTokenWithIAMInput{GrantType: ssoadmin.GrantJWTBearer}}
	b.ReportAllocs()
	for b.Loop() {
		m.requests.observe(c, time.Millisecond)
	}
}
