package symbolon

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/symbolon/symbolon/internal/audit"
	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/oidc"
	"github.com/symbolon/symbolon/internal/wire"
)

// draft is the memory of one event, used by one request after the other: Write leaves nothing of it behind.
type draft struct {
	event     audit.Event
	tls       audit.TLSDetails
	resources []audit.Resource
	json      []byte // what went in and out, and the notes, one behind the other
}

// maxDraft bounds the JSON whose memory is kept; longer events are rare.
const maxDraft = 64 << 10

// record is wire's hook: the audit event of one API request, written before its answer. If it cannot be written, there is no answer.
func (s *Server) record(ctx context.Context, c *wire.Call) error {
	d, _ := s.drafts.Get().(*draft)
	if d == nil {
		d = new(draft)
	}
	defer func() {
		if cap(d.json) <= maxDraft {
			clear(d.resources)
			*d = draft{resources: d.resources[:0], json: d.json[:0]}
			s.drafts.Put(d)
		}
	}()
	e := d.begin(c.Request, c.Time)
	e.RequestID, e.AWSRegion = c.RequestID, c.Region
	if e.AWSRegion == "" {
		e.AWSRegion = s.config.Region
	}
	e.EventSource, e.EventName = "symbolon", "UnknownOperation"
	if c.Service != nil {
		e.EventSource = c.Service.EventSource
	}
	if c.Operation != nil {
		e.EventName, e.ReadOnly = c.Operation.Name, c.Operation.ReadOnly
	}
	e.UserIdentity = identityOf(c.Caller)
	e.RecipientAccountID = e.UserIdentity.AccountID
	for _, arn := range c.Resources {
		d.resources = append(d.resources, audit.Resource{Type: resourceType(arn), ARN: arn, AccountID: accountOf(arn)})
	}
	e.Resources = d.resources
	if c.Err != nil {
		e.ErrorCode, e.ErrorMessage = c.Err.Code, c.Err.Message
		c.Audit.Text("refusalReason", reasonOf(c.Err))
		if len(c.Err.Details) > 0 {
			c.Audit.Set(oidc.NoteRefusal, c.Err.Details)
		}
	}
	if err := d.recordValues(c); err != nil {
		return err
	}
	err := s.audit.Write(ctx, e)
	if err != nil && (c.Err != nil || e.ReadOnly) {
		return unrecorded("Try again.", err)
	}
	return err // of what has been done: its answer is withheld
}

// recordValues shows what went in, of a change what came out, and what was noted on the way.
func (d *draft) recordValues(c *wire.Call) (err error) {
	e := &d.event
	if e.RequestParameters, err = d.keep(c.AppendRequest(d.json)); err != nil {
		return err
	}
	if c.Operation != nil && !c.Operation.ReadOnly && c.Err == nil {
		if e.ResponseElements, err = d.keep(c.AppendResponse(d.json)); err != nil {
			return err
		}
	}
	notes, err := d.keep(c.Audit.AppendJSON(d.json))
	if notes != nil {
		e.AdditionalEventData = notes
	}
	return err
}

// keep takes what was appended to d.json: one JSON value; nil where there is nothing to say.
func (d *draft) keep(longer []byte, err error) (jsontext.Value, error) {
	start := len(d.json)
	if err != nil || len(longer) == start {
		return nil, err
	}
	d.json = longer
	return longer[start:], nil
}

// reasonOf is the exact reason of a refusal, which stands beside what the client was told.
func reasonOf(refusal *wire.Error) string {
	switch {
	case refusal.Reason != "":
		return refusal.Reason
	case refusal.Cause != nil:
		return cmp.Or(refusal.Cause.Error(), refusal.Message)
	}
	return refusal.Message
}

// begin fills in what every event says of its request.
func (d *draft) begin(r *http.Request, at time.Time) *audit.Event {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	d.tls = audit.TLSDetails{ClientProvidedHostHeader: r.Host[:min(len(r.Host), maxHost)]}
	if r.TLS != nil {
		d.tls.TLSVersion, d.tls.CipherSuite = tls.VersionName(r.TLS.Version), tls.CipherSuiteName(r.TLS.CipherSuite)
	}
	d.event = audit.Event{
		EventTime: at.UTC(), SourceIPAddress: host, UserAgent: r.UserAgent(), EventType: "AwsApiCall", EventCategory: "Management",
		TLSDetails: &d.tls, Encoded: true, // by wire's shapes and notes
	}
	return &d.event
}

// maxHost is the longest name the DNS has; what is longer is no host and not worth the disk.
const maxHost = 255

// identityOf is CloudTrail's userIdentity of a caller.
func identityOf(caller any) audit.UserIdentity {
	c, ok := caller.(*iam.Caller)
	if !ok || c == nil {
		return audit.UserIdentity{Type: "Unknown"}
	}
	u := audit.UserIdentity{Type: string(c.Type), PrincipalID: c.UserID, ARN: c.ARN, AccountID: c.AccountID, AccessKeyID: c.AccessKeyID}
	if c.Type == iam.IAMUser {
		u.UserName = c.Name
	}
	if c.Type == iam.AssumedRole {
		u.SessionContext = &audit.SessionContext{
			Attributes:    audit.SessionAttributes{CreationDate: c.IssuedAt.UTC().Format(time.RFC3339), MFAAuthenticated: "false"},
			SessionIssuer: audit.SessionIssuer{AccountID: c.AccountID, ARN: c.RoleARN, Type: "Role", UserName: c.Name},
		}
	}
	if c.OnBehalfOf != nil {
		u.OnBehalfOf = &audit.OnBehalfOf{UserID: c.OnBehalfOf.UserID, IdentityStoreARN: c.OnBehalfOf.IdentityStoreARN}
	}
	return u
}

// recordPage is web's hook: one event per step of a browser's sign-in, as CloudTrail's signin.amazonaws.com has them.
func (s *Server) recordPage(ctx context.Context, r *http.Request, name string, user identitystore.User, failure error, details map[string]any) error {
	e := new(draft).begin(r, s.config.Now())
	e.EventSource, e.EventName, e.EventType = "signin.amazonaws.com", name, "AwsServiceEvent"
	e.AWSRegion, e.RequestID = s.config.Region, pageRequestID(ctx)
	e.UserIdentity = audit.UserIdentity{Type: "Unknown"}
	if user.ID != "" {
		e.UserIdentity = audit.UserIdentity{Type: "IdentityCenterUser", PrincipalID: user.ID, UserName: user.UserName}
	}
	if failure != nil {
		e.ErrorCode, e.ErrorMessage = "Failure", fmt.Sprint(failure)
		if details = maps.Clone(details); details == nil {
			details = map[string]any{}
		}
		details["refusalReason"] = e.ErrorMessage
		if refused := (*oidc.AuthorizeError)(nil); errors.As(failure, &refused) && refused.Details != nil {
			details[oidc.NoteRefusal] = refused.Details
		}
	}
	e.AdditionalEventData = details
	return s.audit.Write(ctx, e)
}

// identified gives a page's request its id, in the answer's header and for its event.
func identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &wire.Call{RequestID: wire.NewRequestID(), Request: r}
		w.Header().Set("x-amzn-RequestId", c.RequestID)
		next.ServeHTTP(w, r.WithContext(wire.WithCall(r.Context(), c)))
	})
}

func pageRequestID(ctx context.Context) string {
	if c := wire.CallFrom(ctx); c != nil {
		return c.RequestID
	}
	return wire.NewRequestID()
}

// recordApply is the event of an organization file: what it changed, on the operator's own authority.
func (s *Server) recordApply(ctx context.Context, report *Report) error {
	changes := make([]string, len(report.Changes))
	for i, c := range report.Changes {
		changes[i] = c.Action + " " + c.Kind + " " + c.Name
	}
	return s.audit.Write(ctx, &audit.Event{
		EventTime: s.config.Now().UTC(), EventSource: "symbolon", EventName: "ApplyOrganization", EventType: "AwsServiceEvent",
		EventCategory: "Management", AWSRegion: s.config.Region, RequestID: wire.NewRequestID(), SourceIPAddress: "localhost",
		UserIdentity: audit.UserIdentity{Type: "Operator"}, AdditionalEventData: map[string]any{"changes": changes},
	})
}

// resourceTypes are CloudTrail's types of ARNs, by a part of them.
var resourceTypes = []struct{ part, name string }{
	{":application/", "AWS::SSO::Application"}, {":trustedTokenIssuer/", "AWS::SSO::TrustedTokenIssuer"}, {":instance/", "AWS::SSO::Instance"},
	{":identitystore/", "AWS::IdentityStore::IdentityStore"}, {":user/", "AWS::IdentityStore::User"}, {":group/", "AWS::IdentityStore::Group"},
	{":membership/", "AWS::IdentityStore::GroupMembership"}, {":role/", "AWS::IAM::Role"},
}

func resourceType(arn string) string {
	for _, t := range resourceTypes {
		if strings.Contains(arn, t.part) {
			return t.name
		}
	}
	return "AWS::SSO::Resource"
}
