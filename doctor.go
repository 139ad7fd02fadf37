package symbolon

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Status is how a Finding stands.
type Status string

// A fault keeps, or will keep, something from working or being safe; a warning is something to look into.
const (
	StatusOK      Status = "ok"
	StatusWarning Status = "warning"
	StatusFault   Status = "fault"
)

// Finding is one line of a Diagnosis.
type Finding struct {
	// Check is the group it belongs to, one of DoctorChecks.
	Check  string `json:"check"`
	Status Status `json:"status"`
	Detail string `json:"detail"`
	// Do is what to do about it; empty where all is well.
	Do string `json:"do,omitempty"`
}

// Diagnosis is what Doctor found, in the order of the checks.
type Diagnosis struct {
	Findings []Finding `json:"findings"`
	Faults   int       `json:"faults"`
	Warnings int       `json:"warnings"`
}

// DoctorChecks are the groups of checks, in their order: the settings; the files they name; the certificate; the audit log and its chain;
// the server that runs; the store; its keys; the trusted token issuers; the clock.
func DoctorChecks() []string {
	return []string{"config", "files", "tls", "audit", "server", "store", "keys", "issuers", "clock"}
}

// Doctor examines what c describes, and changes nothing: alone or beside the server that runs on the data folder, which then examines the
// store for it. faults are those of reading c, if any. only limits it to some of DoctorChecks; nil means all.
func Doctor(ctx context.Context, c Config, faults error, only []string) (*Diagnosis, error) {
	for _, name := range only {
		if !slices.Contains(DoctorChecks(), name) {
			return nil, fmt.Errorf("there is no check called %q; there are %s", name, strings.Join(DoctorChecks(), ", "))
		}
	}
	c.Development = IsDevelopment(c.Data)
	e := &examination{only: only}
	c = e.config(c, faults)
	e.files(ctx, c)
	e.tls(c)
	e.audit(ctx, c)
	e.server(ctx, c)
	return e.diagnosis(), nil
}

// examination gathers findings.
type examination struct {
	only     []string
	findings []Finding
}

func (e *examination) wants(check string) bool {
	return len(e.only) == 0 || slices.Contains(e.only, check)
}

func (e *examination) add(f Finding) {
	if e.wants(f.Check) {
		e.findings = append(e.findings, f)
	}
}

func (e *examination) ok(check, format string, args ...any) {
	e.add(Finding{Check: check, Status: StatusOK, Detail: fmt.Sprintf(format, args...)})
}

func (e *examination) warn(check, do, format string, args ...any) {
	e.add(Finding{Check: check, Status: StatusWarning, Detail: fmt.Sprintf(format, args...), Do: do})
}

func (e *examination) fault(check, do, format string, args ...any) {
	e.add(Finding{Check: check, Status: StatusFault, Detail: fmt.Sprintf(format, args...), Do: do})
}

// diagnosis puts the findings in the order of the checks.
func (e *examination) diagnosis() *Diagnosis {
	order := DoctorChecks()
	slices.SortStableFunc(e.findings, func(a, b Finding) int { return slices.Index(order, a.Check) - slices.Index(order, b.Check) })
	d := &Diagnosis{Findings: append([]Finding{}, e.findings...)}
	for _, f := range d.Findings {
		switch f.Status {
		case StatusFault:
			d.Faults++
		case StatusWarning:
			d.Warnings++
		}
	}
	return d
}

// String is one line for each finding, and one below it for what to do.
func (d *Diagnosis) String() string {
	var b strings.Builder
	for _, f := range d.Findings {
		fmt.Fprintf(&b, "%-8s %-8s %s\n", f.Status, f.Check, strings.ReplaceAll(f.Detail, "\n", "; "))
		if f.Do != "" {
			fmt.Fprintf(&b, "%-17s → %s\n", "", f.Do)
		}
	}
	fmt.Fprintf(&b, "%s, %s\n", count(d.Faults, "fault"), count(d.Warnings, "warning"))
	return b.String()
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
