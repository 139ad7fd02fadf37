package ssoadmin

import (
	"context"
	"slices"

	"github.com/symbolon/symbolon/internal/store"
)

// CustomProvider is the provider of OAuth customer managed applications, the only kind that CreateApplication makes.
const CustomProvider = "arn:aws:sso::aws:applicationProvider/custom"

// providers are the kinds of application there are, in the order of their ARNs. SAML applications (custom-saml) and
// AWS's own cannot be made here, so they are not listed either.
func providers() []ApplicationProvider {
	return []ApplicationProvider{{
		ApplicationProviderArn: CustomProvider,
		FederationProtocol:     new("OAUTH"),
		DisplayData: &DisplayData{
			DisplayName: new("Custom application"),
			Description: new("An OAuth 2.0 application of your own"),
		},
	}}
}

func (s *Server) listApplicationProviders(ctx context.Context, in *ListApplicationProvidersInput) (*ListApplicationProvidersOutput, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.listing(account, "ListApplicationProviders", in.MaxResults, 100, in.NextToken)
	if err != nil {
		return nil, err
	}
	rows := keep(providers(), func(p ApplicationProvider) bool {
		return list.after == nil || slices.Compare(list.after, []string{p.ApplicationProviderArn}) < 0
	})
	out := &ListApplicationProvidersOutput{}
	out.ApplicationProviders, out.NextToken = cut(list, rows, func(p ApplicationProvider) []string {
		return []string{p.ApplicationProviderArn}
	})
	return out, nil
}

func (s *Server) describeApplicationProvider(ctx context.Context, in *DescribeApplicationProviderInput) (*DescribeApplicationProviderOutput, error) {
	if _, err := callerAccount(ctx); err != nil {
		return nil, err
	}
	for _, p := range providers() {
		if p.ApplicationProviderArn == in.ApplicationProviderArn {
			return new(DescribeApplicationProviderOutput(p)), nil
		}
	}
	return nil, orMissing(store.ErrNotFound, "Application provider", in.ApplicationProviderArn)
}
