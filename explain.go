package symbolon

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/symbolon/symbolon/internal/audit"
	"github.com/symbolon/symbolon/internal/oidc"
)

// RequestExplanation explains one event of the audit log.
type RequestExplanation struct {
	RequestID string `json:"requestId"`
	// File and Line are where the event stands.
	File string `json:"file"`
	Line int    `json:"line"`
	Time string `json:"time"`
	// Operation, By and On are what was asked, who asked, and of which resources.
	Operation string   `json:"operation"`
	By        string   `json:"by"`
	On        []string `json:"on,omitempty"`
	// Code and Message are what the client was told; both empty if the request was not refused.
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	// Check names the check that refused it, Asks is what that asks, and Because the exact reason.
	Check   string `json:"check,omitempty"`
	Asks    string `json:"asks,omitempty"`
	Because string `json:"because,omitempty"`
	// Statements are the policy statements that decided, or came nearest.
	Statements []string `json:"statements,omitempty"`
	// Allow is what would have let it pass.
	Allow []string `json:"allow,omitempty"`
}

// RequestExplanations are those of one request, which may have left several events.
type RequestExplanations []RequestExplanation

// ExplainRequest finds the events of a request in the audit log, rotated files included, and explains each. It is an error if there is
// none.
func ExplainRequest(ctx context.Context, c Config, requestID string) (RequestExplanations, error) {
	c.Development = IsDevelopment(c.Data)
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	found, err := audit.Find(ctx, c.auditLog(), requestID)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		hint := ""
		if c.DatabaseURL != "" {
			hint = ", and what another node answered stands in that node's audit log: ask there"
		}
		return nil, fmt.Errorf("no event in %s or the files rotated from it has the request id %q; requests that are turned away for their address leave none%s",
			c.auditLog(), requestID, hint)
	}
	list := make(RequestExplanations, len(found))
	for i, f := range found {
		if list[i], err = explainEvent(f); err != nil {
			return nil, fmt.Errorf("%s line %d: %w", f.Path, f.Line, err)
		}
	}
	return list, nil
}

// loggedEvent is what explaining reads of an event. The parameters are those that the request had, secrets hidden.
type loggedEvent struct {
	EventTime         string             `json:"eventTime"`
	EventSource       string             `json:"eventSource"`
	EventName         string             `json:"eventName"`
	RequestID         string             `json:"requestID"`
	SourceIPAddress   string             `json:"sourceIPAddress"`
	ErrorCode         string             `json:"errorCode"`
	ErrorMessage      string             `json:"errorMessage"`
	UserIdentity      audit.UserIdentity `json:"userIdentity"`
	Resources         []audit.Resource   `json:"resources"`
	RequestParameters map[string]any     `json:"requestParameters"`
	Additional        map[string]any     `json:"additionalEventData"`
}

func (e *loggedEvent) note(name string) string {
	text, _ := e.Additional[name].(string)
	return text
}

// explainEvent reads an event and explains it.
func explainEvent(f audit.Found) (RequestExplanation, error) {
	var e loggedEvent
	if err := json.Unmarshal(f.JSON, &e); err != nil {
		return RequestExplanation{}, err
	}
	x := RequestExplanation{
		RequestID: e.RequestID, File: f.Path, Line: f.Line, Time: e.EventTime, Operation: e.EventName + " (" + e.EventSource + ")",
		By: caller(&e), Code: e.ErrorCode, Message: e.ErrorMessage,
		Because: cmp.Or(e.note("refusalReason"), e.note("inactive"), e.note("nothingRevoked")),
	}
	if grant, ok := e.RequestParameters["grantType"].(string); ok {
		x.Operation += ", grantType " + grant
	}
	for _, r := range e.Resources {
		x.On = append(x.On, r.ARN)
	}
	details, _ := e.Additional[oidc.NoteRefusal].(map[string]any)
	if x.Code == "" && details == nil {
		return x, nil
	}
	x.explain(&e, details)
	return x, nil
}

// explain finds what the refused check asks: by its name, else by what the client was told.
func (x *RequestExplanation) explain(e *loggedEvent, details map[string]any) {
	statements, _ := details["statements"].([]any)
	for _, s := range statements {
		if s, ok := s.(map[string]any); ok {
			x.Statements = append(x.Statements, describeStatement(s))
		}
	}
	if found, ok := oidc.Explain(details, facts(e)); ok {
		x.Check, x.Asks, x.Allow = found.Check, found.Asks, found.Allow
		return
	}
	name, _ := details["check"].(string)
	for _, r := range doorRefusals {
		if name != "" && r.name == name || name == "" && slices.Contains(r.codes, strings.TrimSuffix(x.Code, "Exception")) {
			x.Check, x.Asks = r.name, oidc.Fill(r.asks, details, facts(e))
			for _, text := range r.allow {
				x.Allow = append(x.Allow, oidc.Fill(text, details, facts(e)))
			}
			return
		}
	}
	x.Asks = "this program knows no more of " + x.Code + " than the reason"
	x.Allow = []string{"see the reason"}
}

// facts are what an event says by itself.
func facts(e *loggedEvent) map[string]string {
	f := map[string]string{
		"caller": e.UserIdentity.ARN, "principal": e.UserIdentity.ARN, "address": e.SourceIPAddress, "accessKey": e.UserIdentity.AccessKeyID,
		"operation": e.EventName,
	}
	if e.UserIdentity.SessionContext != nil {
		f["principal"] = e.UserIdentity.SessionContext.SessionIssuer.ARN
	}
	if len(e.Resources) > 0 {
		f["application"] = e.Resources[0].ARN
	}
	maps.DeleteFunc(f, func(_, v string) bool { return v == "" })
	return f
}

// caller says who asked.
func caller(e *loggedEvent) string {
	u := e.UserIdentity
	text := cmp.Or(strings.TrimSpace(u.Type+" "+cmp.Or(u.ARN, u.UserName, u.PrincipalID)), "nobody known")
	if u.AccessKeyID != "" {
		text += ", access key " + u.AccessKeyID
	}
	if u.OnBehalfOf != nil {
		text += ", on behalf of user " + u.OnBehalfOf.UserID
	}
	return text + ", from " + e.SourceIPAddress
}

func describeStatement(s map[string]any) string {
	text := func(name string) string { t, _ := s[name].(string); return t }
	var b strings.Builder
	if effect := text("effect"); effect != "" {
		b.WriteString(effect + " ")
	}
	if statement := text("statement"); statement != "" {
		fmt.Fprintf(&b, "statement %q of ", statement)
	}
	if policy := text("policy"); policy != "" {
		fmt.Fprintf(&b, "policy %q: ", policy)
	}
	return b.String() + text("detail")
}

// String explains for people.
func (l RequestExplanations) String() string {
	var b strings.Builder
	for i, x := range l {
		if i > 0 {
			b.WriteByte('\n')
		}
		x.write(&b)
	}
	return b.String()
}

// visible leaves out what a terminal would obey: some of the text is a client's.
func visible(r rune) rune {
	if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
		return unicode.ReplacementChar
	}
	return r
}

func (x *RequestExplanation) write(b *strings.Builder) {
	line := func(label, text string) {
		if text != "" {
			fmt.Fprintf(b, "%-10s %s\n", label, strings.Map(visible, text))
		}
	}
	line("request", x.RequestID)
	line("event", fmt.Sprintf("%s line %d, %s", x.File, x.Line, x.Time))
	line("operation", x.Operation)
	line("by", x.By)
	line("on", strings.Join(x.On, ", "))
	switch {
	case x.Code != "":
		line("refused", x.Code+": "+x.Message)
	case x.Check != "":
		line("answered", "as if there were nothing: the token is not in force")
	default:
		line("answered", "it was not refused")
		return
	}
	line("check", strings.TrimPrefix(x.Check+": "+x.Asks, ": "))
	line("because", x.Because)
	for _, s := range x.Statements {
		line("statement", s)
	}
	for _, a := range x.Allow {
		line("to allow", a)
	}
}
