package iam

import (
	"context"

	"github.com/symbolon/symbolon/internal/wire"
)

// Service is the sts table of operations.
func (s *Server) Service() *wire.Service {
	return &wire.Service{
		Name: "sts", Protocol: wire.AWSQuery, SigningName: "sts", EventSource: "sts.amazonaws.com", ActionPrefix: "sts",
		Version: "2011-06-15", Namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
		Operations: []wire.Operation{
			wire.Op(wire.Operation{Name: "AssumeRole", SelfAuthorizes: true, ReadOnly: true}, s.AssumeRole),
			wire.Op(wire.Operation{Name: "GetCallerIdentity", SelfAuthorizes: true, ReadOnly: true}, s.GetCallerIdentity),
		},
	}
}

// GetCallerIdentity tells callers who they are. It needs no permission, and no policy can forbid it (STS API Reference).
func (s *Server) GetCallerIdentity(ctx context.Context, _ *GetCallerIdentityInput) (*GetCallerIdentityOutput, error) {
	c := CallerFrom(ctx)
	if c == nil {
		return nil, accessDenied("The request is not signed.", "no caller")
	}
	return &GetCallerIdentityOutput{UserId: &c.UserID, Account: &c.AccountID, Arn: &c.ARN}, nil
}
