package symbolon

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/symbolon/symbolon/internal/audit"
	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/wire"
)

// record is wire's hook: the audit event of one API request, written before its answer. If it cannot be written, there is no answer.
func (s *Server) record(ctx context.Context, c *wire.Call) error {
	e := s.event(c.Request, c.Time)
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
	if err := recordValues(e, c); err != nil {
		return err
	}
	e.UserIdentity = identityOf(c.Caller)
	e.RecipientAccountID = e.UserIdentity.AccountID
	e.AdditionalEventData = c.Audit
	for _, arn := range c.Resources {
		e.Resources = append(e.Resources, audit.Resource{Type: resourceType(arn), ARN: arn, AccountID: accountOf(arn)})
	}
	if c.Err != nil {
		refuseEvent(e, c.Err)
	}
	return s.audit.Write(ctx, e)
}

// recordValues shows what went in and, of a change, what came out.
func recordValues(e *audit.Event, c *wire.Call) error {
	in, err := c.RequestJSON()
	if err != nil {
		return err
	}
	e.RequestParameters = in
	if c.Operation == nil || c.Operation.ReadOnly || c.Err != nil {
		return nil
	}
	out, err := c.ResponseJSON()
	if err != nil {
		return err
	}
	e.ResponseElements = out
	return nil
}

// refuseEvent writes what the client was told and, beside it, the exact reason.
func refuseEvent(e *audit.Event, refusal *wire.Error) {
	e.ErrorCode, e.ErrorMessage = refusal.Code, refusal.Message
	reason := refusal.Reason
	if reason == "" && refusal.Cause != nil {
		reason = refusal.Cause.Error()
	}
	if reason == "" {
		reason = refusal.Message
	}
	if e.AdditionalEventData == nil {
		e.AdditionalEventData = map[string]any{}
	}
	e.AdditionalEventData["refusalReason"] = reason
}

// event is what every event says of its request.
func (s *Server) event(r *http.Request, at time.Time) *audit.Event {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return &audit.Event{
		EventTime: at.UTC(), SourceIPAddress: host, UserAgent: r.UserAgent(), EventType: "AwsApiCall", EventCategory: "Management",
		TLSDetails: tlsDetails(r),
	}
}

// maxHost is the longest name the DNS has; what is longer is no host and not worth the disk.
const maxHost = 255

func tlsDetails(r *http.Request) *audit.TLSDetails {
	d := &audit.TLSDetails{ClientProvidedHostHeader: r.Host[:min(len(r.Host), maxHost)]}
	if r.TLS != nil {
		d.TLSVersion, d.CipherSuite = tls.VersionName(r.TLS.Version), tls.CipherSuiteName(r.TLS.CipherSuite)
	}
	return d
}

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
	e := s.event(r, s.config.Now())
	e.EventSource, e.EventName, e.EventType = "signin.amazonaws.com", name, "AwsServiceEvent"
	e.AWSRegion, e.RequestID = s.config.Region, pageRequestID(ctx)
	e.UserIdentity = audit.UserIdentity{Type: "Unknown"}
	if user.ID != "" {
		e.UserIdentity = audit.UserIdentity{Type: "IdentityCenterUser", PrincipalID: user.ID, UserName: user.UserName}
	}
	e.AdditionalEventData = details
	if failure != nil {
		e.ErrorCode, e.ErrorMessage = "Failure", fmt.Sprint(failure)
		e.AdditionalEventData = maps.Clone(details)
		if e.AdditionalEventData == nil {
			e.AdditionalEventData = map[string]any{}
		}
		e.AdditionalEventData["refusalReason"] = e.ErrorMessage
	}
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

// resourceType is CloudTrail's type of an ARN.
func resourceType(arn string) string {
	for _, t := range []struct{ part, name string }{
		{":application/", "AWS::SSO::Application"}, {":trustedTokenIssuer/", "AWS::SSO::TrustedTokenIssuer"}, {":instance/", "AWS::SSO::Instance"},
		{":identitystore/", "AWS::IdentityStore::IdentityStore"}, {":user/", "AWS::IdentityStore::User"}, {":group/", "AWS::IdentityStore::Group"},
		{":membership/", "AWS::IdentityStore::GroupMembership"}, {":role/", "AWS::IAM::Role"},
	} {
		if strings.Contains(arn, t.part) {
			return t.name
		}
	}
	return "AWS::SSO::Resource"
}
