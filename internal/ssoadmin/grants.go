package ssoadmin

import (
	"context"
	"slices"

	"github.com/symbolon/symbolon/internal/store"
)

// GrantTypes, sso-admin's and OAuth's own names.
const (
	GrantAuthorizationCode = "authorization_code"
	GrantRefreshToken      = "refresh_token"
	GrantJWTBearer         = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	GrantTokenExchange     = "urn:ietf:params:oauth:grant-type:token-exchange"
)

// ApplicationGrant is one grant of an application.
type ApplicationGrant struct {
	ApplicationARN string                  `store:"application_arn,key"`
	GrantType      string                  `store:"grant_type,key"`
	RedirectURIs   []string                `store:"redirect_uris"` // authorization_code
	TokenIssuers   []AuthorizedTokenIssuer `store:"token_issuers"` // jwt-bearer
}

var grants = store.NewTable[ApplicationGrant](store.Spec{Name: "ssoadmin_application_grants", Cached: true})

// GetGrant returns a grant of an application; store.ErrNotFound when the application lacks it.
//
// It is not inlined: in another room the compiler would put its arguments on the heap.
//
//go:noinline
func GetGrant(tx *store.Tx, applicationARN, grantType string) (ApplicationGrant, error) {
	return grants.Get(tx, applicationARN, grantType)
}

// Grants returns the grants of an application, in the order of their types.
func Grants(tx *store.Tx, applicationARN string) ([]ApplicationGrant, error) {
	return grants.List(tx, store.Query{Values: []string{applicationARN}})
}

// Issuer returns what a jwt-bearer grant says about a trusted token issuer: the audiences its assertions may have.
func (g ApplicationGrant) Issuer(trustedTokenIssuerARN string) (audiences []string, ok bool) {
	for _, t := range g.TokenIssuers {
		if value(t.TrustedTokenIssuerArn) == trustedTokenIssuerARN {
			return t.AuthorizedAudiences, true
		}
	}
	return nil, false
}

// PutGrant adds or replaces a grant. It returns a *wire.Error for what is wrong.
func (s *Server) PutGrant(tx *store.Tx, g ApplicationGrant) error {
	a, err := GetApplication(tx, g.ApplicationARN)
	if err != nil {
		return orMissing(err, "Application", g.ApplicationARN)
	}
	switch g.GrantType {
	case GrantAuthorizationCode:
		g.TokenIssuers = nil
		err = checkRedirectURIs(g.RedirectURIs)
	case GrantJWTBearer:
		g.RedirectURIs = nil
		err = checkTokenIssuers(tx, a.InstanceARN, g.TokenIssuers)
	case GrantRefreshToken, GrantTokenExchange:
		g.RedirectURIs, g.TokenIssuers = nil, nil
	default:
		err = validation("Grant type: %s not supported", g.GrantType)
	}
	if err != nil {
		return err
	}
	return grants.Put(tx, g)
}

func checkRedirectURIs(uris []string) error {
	if len(uris) < 1 || len(uris) > 10 {
		return validation("AuthorizationCode.RedirectUris must have 1 to 10 members, not %d", len(uris))
	}
	for i, uri := range uris {
		if err := ValidateRedirectURI(uri); err != nil {
			return validation("AuthorizationCode.RedirectUris[%d]: %s", i, err)
		}
		if slices.Contains(uris[:i], uri) {
			return validation("AuthorizationCode.RedirectUris[%d] stands there twice", i)
		}
	}
	return nil
}

func checkTokenIssuers(tx *store.Tx, instanceARN string, issuers []AuthorizedTokenIssuer) error {
	if len(issuers) < 1 || len(issuers) > 10 {
		return validation("JwtBearer.AuthorizedTokenIssuers must have 1 to 10 members, not %d", len(issuers))
	}
	for i, issuer := range issuers {
		if issuer.TrustedTokenIssuerArn == nil {
			return validation("JwtBearer.AuthorizedTokenIssuers[%d].TrustedTokenIssuerArn is required", i)
		}
		arn := *issuer.TrustedTokenIssuerArn
		if _, twice := (ApplicationGrant{TokenIssuers: issuers[:i]}).Issuer(arn); twice {
			return validation("JwtBearer.AuthorizedTokenIssuers[%d] names %s a second time", i, arn)
		}
		t, err := GetTrustedTokenIssuer(tx, arn)
		if err != nil {
			return orMissing(err, "Trusted token issuer", arn)
		}
		if t.InstanceARN != instanceARN {
			return missing("Trusted token issuer", arn, "the issuer belongs to another instance")
		}
		if err := checkAudiences(i, issuer.AuthorizedAudiences); err != nil {
			return err
		}
	}
	return nil
}

func checkAudiences(issuer int, audiences []string) error {
	if len(audiences) < 1 || len(audiences) > 10 {
		return validation("JwtBearer.AuthorizedTokenIssuers[%d].AuthorizedAudiences must have 1 to 10 members, not %d", issuer, len(audiences))
	}
	for i, audience := range audiences {
		if err := checkText("Each of JwtBearer.AuthorizedTokenIssuers.AuthorizedAudiences", audience, 1, 512); err != nil {
			return err
		}
		if slices.Contains(audiences[:i], audience) {
			return validation("JwtBearer.AuthorizedTokenIssuers[%d].AuthorizedAudiences[%d] stands there twice", issuer, i)
		}
	}
	return nil
}

// DeleteGrant deletes a grant; a *wire.Error when the application lacks it.
func (s *Server) DeleteGrant(tx *store.Tx, applicationARN, grantType string) error {
	return orMissing(grants.Delete(tx, applicationARN, grantType), "Application grant", grantType)
}

// union is the grant as the API shows it: the member its type names.
func (g ApplicationGrant) union() Grant {
	switch g.GrantType {
	case GrantAuthorizationCode:
		return Grant{AuthorizationCode: &AuthorizationCodeGrant{RedirectUris: g.RedirectURIs}}
	case GrantJWTBearer:
		return Grant{JwtBearer: &JwtBearerGrant{AuthorizedTokenIssuers: g.TokenIssuers}}
	case GrantRefreshToken:
		return Grant{RefreshToken: &RefreshTokenGrant{}}
	}
	return Grant{TokenExchange: &TokenExchangeGrant{}}
}

// grantFrom reads the API's union: the member must be the one that the type names.
func grantFrom(applicationARN, grantType string, u Grant) (ApplicationGrant, error) {
	g := ApplicationGrant{ApplicationARN: applicationARN, GrantType: grantType}
	var ok bool
	switch grantType {
	case GrantAuthorizationCode:
		if ok = u.AuthorizationCode != nil; ok {
			g.RedirectURIs = u.AuthorizationCode.RedirectUris
		}
	case GrantJWTBearer:
		if ok = u.JwtBearer != nil; ok {
			g.TokenIssuers = u.JwtBearer.AuthorizedTokenIssuers
		}
	case GrantRefreshToken:
		ok = u.RefreshToken != nil
	case GrantTokenExchange:
		ok = u.TokenExchange != nil
	}
	if !ok {
		return g, validation("The member of Grant is not the one that GrantType %s has", grantType)
	}
	return g, nil
}

func (s *Server) putApplicationGrant(ctx context.Context, in *PutApplicationGrantInput) (*PutApplicationGrantOutput, error) {
	g, err := grantFrom(in.ApplicationArn, in.GrantType, in.Grant)
	if err != nil {
		return nil, err
	}
	return &PutApplicationGrantOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, _, err := visibleApplication(ctx, tx, in.ApplicationArn); err != nil {
			return err
		}
		return s.PutGrant(tx, g)
	})
}

func (s *Server) getApplicationGrant(ctx context.Context, in *GetApplicationGrantInput) (*GetApplicationGrantOutput, error) {
	out := &GetApplicationGrantOutput{}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		if _, _, err := visibleApplication(ctx, tx, in.ApplicationArn); err != nil {
			return err
		}
		g, err := GetGrant(tx, in.ApplicationArn, in.GrantType)
		out.Grant = g.union()
		return orMissing(err, "Application grant", in.GrantType)
	})
	return out, err
}

func (s *Server) listApplicationGrants(ctx context.Context, in *ListApplicationGrantsInput) (*ListApplicationGrantsOutput, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.listing(account, "ListApplicationGrants", nil, 100, in.NextToken, in.ApplicationArn)
	if err != nil {
		return nil, err
	}
	out := &ListApplicationGrantsOutput{}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		if _, _, err := visibleApplication(ctx, tx, in.ApplicationArn); err != nil {
			return err
		}
		rows, err := grants.List(tx, store.Query{Values: []string{in.ApplicationArn}, After: list.after, Limit: list.more()})
		if err != nil {
			return err
		}
		rows, out.NextToken = cut(list, rows, func(g ApplicationGrant) []string { return []string{g.ApplicationARN, g.GrantType} })
		out.Grants = each(rows, func(g ApplicationGrant) GrantItem { return GrantItem{GrantType: g.GrantType, Grant: g.union()} })
		return nil
	})
	return out, err
}

func (s *Server) deleteApplicationGrant(ctx context.Context, in *DeleteApplicationGrantInput) (*DeleteApplicationGrantOutput, error) {
	return &DeleteApplicationGrantOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, _, err := visibleApplication(ctx, tx, in.ApplicationArn); err != nil {
			return err
		}
		return s.DeleteGrant(tx, in.ApplicationArn, in.GrantType)
	})
}
