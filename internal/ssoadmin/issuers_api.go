package ssoadmin

import (
	"context"

	"github.com/symbolon/symbolon/internal/store"
)

// issuerType is the one type of trusted token issuer, retrievalOption the one way to its keys.
const (
	issuerType      = "OIDC_JWT"
	retrievalOption = "OPEN_ID_DISCOVERY"
)

func (s *Server) createTrustedTokenIssuer(ctx context.Context, in *CreateTrustedTokenIssuerInput) (*CreateTrustedTokenIssuerOutput, error) {
	tags, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	config := in.TrustedTokenIssuerConfiguration.OidcJwtConfiguration
	if config == nil {
		return nil, validation("TrustedTokenIssuerConfiguration.OidcJwtConfiguration is required")
	}
	params := *in
	params.ClientToken = nil
	out := &CreateTrustedTokenIssuerOutput{}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		i, err := ownedInstance(ctx, tx, in.InstanceArn)
		if err != nil {
			return err
		}
		arn, err := once(ctx, tx, "CreateTrustedTokenIssuer", in.ClientToken, params, func() (string, error) {
			t, err := s.PutTrustedTokenIssuer(tx, TrustedTokenIssuer{
				InstanceARN:                i.ARN,
				Name:                       in.Name,
				IssuerURL:                  config.IssuerUrl,
				ClaimAttributePath:         config.ClaimAttributePath,
				IdentityStoreAttributePath: config.IdentityStoreAttributePath,
				Tags:                       tags,
			})
			if err != nil {
				return "", err
			}
			return t.ARN, s.authorizeReserved(ctx, tx, issuerTags, t.ARN, nil, tags)
		})
		out.TrustedTokenIssuerArn = &arn
		return err
	})
	return out, err
}

func (s *Server) describeTrustedTokenIssuer(ctx context.Context, in *DescribeTrustedTokenIssuerInput) (*DescribeTrustedTokenIssuerOutput, error) {
	var t TrustedTokenIssuer
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		t, err = visibleIssuer(ctx, tx, in.TrustedTokenIssuerArn)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &DescribeTrustedTokenIssuerOutput{
		TrustedTokenIssuerArn:  &t.ARN,
		Name:                   &t.Name,
		TrustedTokenIssuerType: new(issuerType),
		TrustedTokenIssuerConfiguration: &TrustedTokenIssuerConfiguration{OidcJwtConfiguration: &OidcJwtConfiguration{
			IssuerUrl:                  t.IssuerURL,
			ClaimAttributePath:         t.ClaimAttributePath,
			IdentityStoreAttributePath: t.IdentityStoreAttributePath,
			JwksRetrievalOption:        retrievalOption,
		}},
	}, nil
}

func (s *Server) updateTrustedTokenIssuer(ctx context.Context, in *UpdateTrustedTokenIssuerInput) (*UpdateTrustedTokenIssuerOutput, error) {
	return &UpdateTrustedTokenIssuerOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		t, err := visibleIssuer(ctx, tx, in.TrustedTokenIssuerArn)
		if err != nil {
			return err
		}
		if in.Name != nil {
			t.Name = *in.Name
		}
		if c := in.TrustedTokenIssuerConfiguration; c != nil && c.OidcJwtConfiguration != nil {
			if path := c.OidcJwtConfiguration.ClaimAttributePath; path != nil {
				t.ClaimAttributePath = *path
			}
			if path := c.OidcJwtConfiguration.IdentityStoreAttributePath; path != nil {
				t.IdentityStoreAttributePath = *path
			}
		}
		_, err = s.PutTrustedTokenIssuer(tx, t)
		return err
	})
}

func (s *Server) deleteTrustedTokenIssuer(ctx context.Context, in *DeleteTrustedTokenIssuerInput) (*DeleteTrustedTokenIssuerOutput, error) {
	return &DeleteTrustedTokenIssuerOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := visibleIssuer(ctx, tx, in.TrustedTokenIssuerArn); err != nil {
			return err
		}
		return s.DeleteTrustedTokenIssuer(tx, in.TrustedTokenIssuerArn)
	})
}

func (s *Server) listTrustedTokenIssuers(ctx context.Context, in *ListTrustedTokenIssuersInput) (*ListTrustedTokenIssuersOutput, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.listing(account, "ListTrustedTokenIssuers", in.MaxResults, 100, in.NextToken, in.InstanceArn)
	if err != nil {
		return nil, err
	}
	out := &ListTrustedTokenIssuersOutput{}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		i, err := ownedInstance(ctx, tx, in.InstanceArn)
		if err != nil {
			return err
		}
		rows, err := trustedTokenIssuers.List(tx, store.Query{
			Index: "instance", Values: []string{i.ARN}, After: list.after, Limit: list.more(),
		})
		if err != nil {
			return err
		}
		rows, out.NextToken = cut(list, rows, func(t TrustedTokenIssuer) []string { return []string{t.ARN} })
		out.TrustedTokenIssuers = each(rows, func(t TrustedTokenIssuer) TrustedTokenIssuerMetadata {
			return TrustedTokenIssuerMetadata{
				TrustedTokenIssuerArn: &t.ARN, Name: &t.Name, TrustedTokenIssuerType: new(issuerType),
			}
		})
		return nil
	})
	return out, err
}
