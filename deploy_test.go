package symbolon

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// What deploy/ and docs/operations.md say of metrics is held against a running server.

// known are the metrics of a server that has done a bit of everything, each with its labels; those of histograms by their series' names.
func known(t *testing.T) map[string][]string {
	t.Helper()
	d := openDoor(t, func(c *Config) { c.AdminListen, c.Limits = "127.0.0.1:0", "on" })
	address := startAdmin(t, d.Server)
	i := newIDP(t)
	analytics, _ := d.declare(t, i)
	d.create(t, map[string]string{"clientId": analytics, "grantType": jwtBearer, "assertion": i.assertion(t, "x")})
	counts, err := d.db.Census(t.Context(), censusStep, 0)
	fatal(t, err)
	for _, c := range counts {
		d.metrics.rows.WithLabelValues(c.Table, "live").Set(float64(c.Live))
	}
	metrics := map[string][]string{}
	for series := range scrape(t, address) {
		name, rest, _ := strings.Cut(series, "{")
		metrics[name] = nil
		for _, m := range labelName.FindAllStringSubmatch(rest, -1) {
			metrics[name] = append(metrics[name], m[1])
		}
	}
	return metrics
}

var (
	labelName  = regexp.MustCompile(`([a-z_]+)[=!]~?"`)
	metricUse  = regexp.MustCompile(`\b((?:symbolon|go|process)_[a-z0-9_]+)(\{[^}]*\})?`)
	grouping   = regexp.MustCompile(`\bby \(([^)]*)\)`)
	fromScrape = []string{"instance", "job", "le"} // labels that Prometheus or a histogram adds
)

// faultsOf is what an expression asks for and no server has.
func faultsOf(expression string, metrics map[string][]string) (faults []string) {
	uses := metricUse.FindAllStringSubmatch(grouping.ReplaceAllString(expression, ""), -1)
	if len(uses) == 0 && !strings.HasPrefix(expression, "up{") {
		faults = append(faults, "it asks for no metric")
	}
	labels := slices.Clone(fromScrape)
	for _, use := range uses {
		has, ok := metrics[use[1]]
		if !ok {
			faults = append(faults, "there is no metric "+use[1])
		}
		labels = append(labels, has...)
		for _, m := range labelName.FindAllStringSubmatch(use[2], -1) {
			if !slices.Contains(has, m[1]) && !slices.Contains(fromScrape, m[1]) {
				faults = append(faults, use[1]+" has no label "+m[1])
			}
		}
	}
	for _, g := range grouping.FindAllStringSubmatch(expression, -1) {
		for label := range strings.SplitSeq(g[1], ", ") {
			if !slices.Contains(labels, label) {
				faults = append(faults, "nothing in it has a label "+label)
			}
		}
	}
	return faults
}

// panelOf is a panel of a Grafana dashboard, as far as it matters here.
type panelOf struct {
	ID      int
	Title   string
	Type    string
	GridPos struct{ X, Y, W, H int }
	Targets []struct{ Expr, LegendFormat string }
}

func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("deploy/grafana/symbolon.json")
	fatal(t, err)
	var board struct {
		UID, Title string
		Panels     []panelOf
	}
	fatal(t, json.Unmarshal(text, &board))
	metrics := known(t)
	ids, asked := map[int]bool{}, map[string]bool{}
	for _, p := range board.Panels {
		if ids[p.ID] || p.Title == "" || p.GridPos.X+p.GridPos.W > 24 || p.GridPos.H == 0 {
			t.Errorf("panel %d %q stands wrong: %+v", p.ID, p.Title, p.GridPos)
		}
		ids[p.ID] = true
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			for _, fault := range faultsOf(target.Expr, metrics) {
				t.Errorf("%s: %s: %s", p.Title, target.Expr, fault)
			}
			for _, use := range metricUse.FindAllStringSubmatch(target.Expr, -1) {
				asked[family(use[1])] = true
			}
		}
	}
	for name := range metrics {
		if strings.HasPrefix(name, "symbolon_") && !asked[family(name)] {
			t.Errorf("%s is on no panel", name)
		}
	}
}

// family is a metric's name without what a histogram appends to it.
func family(name string) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && (strings.HasSuffix(base, "_seconds") || strings.HasSuffix(base, "_commits")) {
			return base
		}
	}
	return name
}

func TestAlerts(t *testing.T) {
	text, err := os.ReadFile("deploy/prometheus/alerts.yml")
	fatal(t, err)
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert       string
				Expr        string
				For         string
				Labels      map[string]string
				Annotations map[string]string
			}
		}
	}
	fatal(t, yaml.UnmarshalWithOptions(text, &file, yaml.Strict()))
	metrics := known(t)
	seen := map[string]bool{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if seen[r.Alert] || r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("alert %q is there twice, or says too little", r.Alert)
			}
			seen[r.Alert] = true
			for _, fault := range faultsOf(r.Expr, metrics) {
				t.Errorf("%s: %s: %s", r.Alert, r.Expr, fault)
			}
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %d alerts", len(seen))
	}
}

// TestExpressionsAreJudged makes sure that the judge can say no.
func TestExpressionsAreJudged(t *testing.T) {
	metrics := map[string][]string{"symbolon_a_total": {"outcome"}}
	for expression, want := range map[string]bool{
		`sum by (instance, outcome) (rate(symbolon_a_total{outcome="ok",instance=~"x"}[5m]))`: true,
		`symbolon_b_total`:                             false,
		`symbolon_a_total{code="x"}`:                   false,
		`sum by (code) (symbolon_a_total)`:             false,
		`vector(1)`:                                    false,
		`time() - symbolon_a_total{outcome!~"ok"} > 1`: true,
	} {
		if faults := faultsOf(expression, metrics); (len(faults) == 0) != want {
			t.Errorf("%s: %v", expression, faults)
		}
	}
}

// TestMetricsAreDocumented: docs/operations.md has every metric, and none that is not there.
func TestMetricsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("docs/operations.md")
	fatal(t, err)
	_, section, _ := strings.Cut(string(text), "\n## Metrics\n")
	section, _, _ = strings.Cut(section, "\n## ")
	told := map[string]bool{}
	for line := range strings.Lines(section) {
		if first, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " |"); ok && strings.HasPrefix(line, "| `") {
			for _, m := range regexp.MustCompile("`([a-z0-9_]+)`").FindAllStringSubmatch(first, -1) {
				told["symbolon_"+m[1]] = true
			}
		}
	}
	there := map[string]bool{}
	for name := range known(t) {
		if strings.HasPrefix(name, "symbolon_") {
			there[family(name)] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(there)) {
		if !told[name] {
			t.Errorf("%s is not in docs/operations.md", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(told)) {
		if !there[name] {
			t.Errorf("docs/operations.md tells of %s, which is not there", name)
		}
	}
}

// TestSystemdUnit has systemd read the unit, where there is one.
func TestSystemdUnit(t *testing.T) {
	text, err := os.ReadFile("deploy/systemd/symbolon.service")
	fatal(t, err)
	for _, line := range []string{"Type=notify", "ExecReload=/bin/kill -HUP $MAINPID", "DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "StateDirectory=symbolon", "UMask=0077",
		"LoadCredential=symbolon.yaml:/etc/symbolon/symbolon.yaml"} {
		if !slices.Contains(strings.Split(string(text), "\n"), line) {
			t.Errorf("the unit lacks %s", line)
		}
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("MISSING: systemd-analyze, so that the unit was not verified")
	}
	unit := filepath.Join(t.TempDir(), "symbolon.service")
	fatal(t, os.WriteFile(unit, []byte(strings.Replace(string(text), "/usr/local/bin/symbolon", "/bin/true", 1)), 0o600))
	if out, err := exec.CommandContext(t.Context(), analyze, "verify", unit).CombinedOutput(); err != nil || strings.Contains(string(out), "symbolon.service") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
