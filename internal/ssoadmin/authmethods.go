package ssoadmin

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/symbolon/symbolon/internal/policy"
	"github.com/symbolon/symbolon/internal/store"
)

// methodIAM is the one type of authentication method: the caller signs with IAM credentials.
const methodIAM = "IAM"

// authenticationMethod is how callers prove that they act for an application. Without one it admits nobody.
type authenticationMethod struct {
	ApplicationARN string `store:"application_arn,key"`
	Type           string `store:"type,key"`
	ActorPolicy    string `store:"actor_policy"`
}

var authenticationMethods = store.NewTable[authenticationMethod](store.Spec{
	Name:   "ssoadmin_application_authentication_methods",
	Cached: true,
})

// ActorPolicy is the compiled actor policy of the IAM authentication method; store.ErrNotFound when the application has
// none. Its resources are this application only: "*" (or the application's own ARN) is all that PutActorPolicy lets in.
func (s *Server) ActorPolicy(tx *store.Tx, applicationARN string) (*policy.Policy, error) {
	document, err := s.ActorPolicyDocument(tx, applicationARN)
	if err != nil {
		return nil, err
	}
	return s.actorPolicies.Parse(policy.Resource, actorPolicyName, document)
}

// ActorPolicyDocument is the actor policy as JSON text; store.ErrNotFound when the application has none.
func (s *Server) ActorPolicyDocument(tx *store.Tx, applicationARN string) (string, error) {
	m, err := authenticationMethods.Get(tx, applicationARN, methodIAM)
	return m.ActorPolicy, err
}

// PutActorPolicy sets the IAM authentication method of an application. It returns a *wire.Error for what is wrong.
func (s *Server) PutActorPolicy(tx *store.Tx, applicationARN, document string) error {
	if _, err := GetApplication(tx, applicationARN); err != nil {
		return orMissing(err, "Application", applicationARN)
	}
	compact, err := checkActorPolicy(tx, applicationARN, document)
	if err != nil {
		return err
	}
	return authenticationMethods.Put(tx, authenticationMethod{
		ApplicationARN: applicationARN, Type: methodIAM, ActorPolicy: compact,
	})
}

// DeleteActorPolicy deletes the IAM authentication method; a *wire.Error when the application has none.
func (s *Server) DeleteActorPolicy(tx *store.Tx, applicationARN string) error {
	return orMissing(authenticationMethods.Delete(tx, applicationARN, methodIAM), "Authentication method", methodIAM)
}

func (m authenticationMethod) union() *AuthenticationMethod {
	return &AuthenticationMethod{Iam: &IamAuthenticationMethod{ActorPolicy: jsontext.Value(m.ActorPolicy)}}
}

func (s *Server) putApplicationAuthenticationMethod(ctx context.Context, in *PutApplicationAuthenticationMethodInput) (*PutApplicationAuthenticationMethodOutput, error) {
	if in.AuthenticationMethod.Iam == nil {
		return nil, validation("The member of AuthenticationMethod is not the one that AuthenticationMethodType %s has", in.AuthenticationMethodType)
	}
	return &PutApplicationAuthenticationMethodOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, _, err := visibleApplication(ctx, tx, in.ApplicationArn); err != nil {
			return err
		}
		return s.PutActorPolicy(tx, in.ApplicationArn, string(in.AuthenticationMethod.Iam.ActorPolicy))
	})
}

func (s *Server) getApplicationAuthenticationMethod(ctx context.Context, in *GetApplicationAuthenticationMethodInput) (*GetApplicationAuthenticationMethodOutput, error) {
	out := &GetApplicationAuthenticationMethodOutput{}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		if _, _, err := visibleApplication(ctx, tx, in.ApplicationArn); err != nil {
			return err
		}
		m, err := authenticationMethods.Get(tx, in.ApplicationArn, in.AuthenticationMethodType)
		out.AuthenticationMethod = m.union()
		return orMissing(err, "Authentication method", in.AuthenticationMethodType)
	})
	return out, err
}

func (s *Server) listApplicationAuthenticationMethods(ctx context.Context, in *ListApplicationAuthenticationMethodsInput) (*ListApplicationAuthenticationMethodsOutput, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.listing(account, "ListApplicationAuthenticationMethods", nil, 100, in.NextToken, in.ApplicationArn)
	if err != nil {
		return nil, err
	}
	out := &ListApplicationAuthenticationMethodsOutput{}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		if _, _, err := visibleApplication(ctx, tx, in.ApplicationArn); err != nil {
			return err
		}
		rows, err := authenticationMethods.List(tx, store.Query{Values: []string{in.ApplicationArn}, After: list.after, Limit: list.more()})
		if err != nil {
			return err
		}
		rows, out.NextToken = cut(list, rows, func(m authenticationMethod) []string { return []string{m.ApplicationARN, m.Type} })
		out.AuthenticationMethods = each(rows, func(m authenticationMethod) AuthenticationMethodItem {
			return AuthenticationMethodItem{AuthenticationMethodType: &m.Type, AuthenticationMethod: m.union()}
		})
		return nil
	})
	return out, err
}

func (s *Server) deleteApplicationAuthenticationMethod(ctx context.Context, in *DeleteApplicationAuthenticationMethodInput) (*DeleteApplicationAuthenticationMethodOutput, error) {
	return &DeleteApplicationAuthenticationMethodOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, _, err := visibleApplication(ctx, tx, in.ApplicationArn); err != nil {
			return err
		}
		return s.DeleteActorPolicy(tx, in.ApplicationArn)
	})
}
