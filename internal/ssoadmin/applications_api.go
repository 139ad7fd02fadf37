package ssoadmin

import (
	"context"

	"github.com/symbolon/symbolon/internal/store"
)

func (s *Server) createApplication(ctx context.Context, in *CreateApplicationInput) (*CreateApplicationOutput, error) {
	tags, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	params := *in
	params.ClientToken = nil
	out := &CreateApplicationOutput{}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		i, err := ownedInstance(ctx, tx, in.InstanceArn)
		if err != nil {
			return err
		}
		arn, err := once(ctx, tx, "CreateApplication", in.ClientToken, params, func() (string, error) {
			a, err := s.PutApplication(tx, Application{
				InstanceARN:        i.ARN,
				AccountID:          i.OwnerAccountID,
				ProviderARN:        in.ApplicationProviderArn,
				Name:               in.Name,
				Description:        value(in.Description),
				Enabled:            value(in.Status) != disabled,
				Portal:             in.PortalOptions,
				AssignmentRequired: true,
				Tags:               tags,
			})
			if err != nil {
				return "", err
			}
			return a.ARN, s.authorizeReserved(ctx, tx, applicationTags, a.ARN, nil, tags)
		})
		*out = CreateApplicationOutput{ApplicationArn: &arn, InstanceArn: &i.ARN, IdentityStoreArn: new(i.identityStoreARN())}
		return err
	})
	return out, err
}

func (s *Server) describeApplication(ctx context.Context, in *DescribeApplicationInput) (*DescribeApplicationOutput, error) {
	out := &DescribeApplicationOutput{}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		a, i, err := visibleApplication(ctx, tx, in.ApplicationArn)
		if err != nil {
			return err
		}
		*out = DescribeApplicationOutput(a.item(i))
		return nil
	})
	return out, err
}

func (a Application) item(i Instance) ApplicationItem {
	return ApplicationItem{
		ApplicationArn:         &a.ARN,
		ApplicationProviderArn: &a.ProviderARN,
		Name:                   &a.Name,
		ApplicationAccount:     &a.AccountID,
		InstanceArn:            &a.InstanceARN,
		IdentityStoreArn:       new(i.identityStoreARN()),
		Status:                 status(a.Enabled),
		PortalOptions:          a.Portal.shown(),
		Description:            optional(a.Description),
		CreatedDate:            &a.CreatedAt,
		CreatedFrom:            &i.Region,
	}
}

// shown is the portal options with AWS's default: visible.
func (p *PortalOptions) shown() *PortalOptions {
	if p == nil {
		return &PortalOptions{Visibility: new(enabled)}
	}
	shown := *p
	if shown.Visibility == nil {
		shown.Visibility = new(enabled)
	}
	return &shown
}

func (s *Server) updateApplication(ctx context.Context, in *UpdateApplicationInput) (*UpdateApplicationOutput, error) {
	return &UpdateApplicationOutput{}, s.changeApplication(ctx, in.ApplicationArn, func(a *Application) {
		if in.Name != nil {
			a.Name = *in.Name
		}
		if in.Description != nil {
			a.Description = *in.Description
		}
		if in.Status != nil {
			a.Enabled = *in.Status == enabled
		}
		if in.PortalOptions != nil && in.PortalOptions.SignInOptions != nil {
			portal := a.Portal.shown()
			portal.SignInOptions = in.PortalOptions.SignInOptions
			a.Portal = portal
		}
	})
}

// changeApplication applies a change to an application that the caller's account owns.
func (s *Server) changeApplication(ctx context.Context, arn string, change func(*Application)) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		a, _, err := visibleApplication(ctx, tx, arn)
		if err != nil {
			return err
		}
		change(&a)
		_, err = s.PutApplication(tx, a)
		return err
	})
}

func (s *Server) deleteApplication(ctx context.Context, in *DeleteApplicationInput) (*DeleteApplicationOutput, error) {
	return &DeleteApplicationOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, _, err := visibleApplication(ctx, tx, in.ApplicationArn); err != nil {
			return err
		}
		return s.DeleteApplication(tx, in.ApplicationArn)
	})
}

func (s *Server) listApplications(ctx context.Context, in *ListApplicationsInput) (*ListApplicationsOutput, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, err
	}
	var filter ListApplicationsFilter
	if in.Filter != nil {
		filter = *in.Filter
	}
	list, err := s.listing(account, "ListApplications", in.MaxResults, 100, in.NextToken,
		in.InstanceArn, value(filter.ApplicationAccount), value(filter.ApplicationProvider))
	if err != nil {
		return nil, err
	}
	out := &ListApplicationsOutput{}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		i, err := ownedInstance(ctx, tx, in.InstanceArn)
		if err != nil {
			return err
		}
		query := store.Query{Index: "instance", Values: []string{i.ARN}, After: list.after}
		if in.Filter == nil {
			query.Limit = list.more()
		}
		rows, err := applications.List(tx, query)
		if err != nil {
			return err
		}
		rows, out.NextToken = cut(list, keep(rows, filter.matches), func(a Application) []string { return []string{a.ARN} })
		out.Applications = each(rows, func(a Application) ApplicationItem { return a.item(i) })
		return nil
	})
	return out, err
}

func (f ListApplicationsFilter) matches(a Application) bool {
	return (f.ApplicationAccount == nil || *f.ApplicationAccount == a.AccountID) &&
		(f.ApplicationProvider == nil || *f.ApplicationProvider == a.ProviderARN)
}

func (s *Server) putApplicationSessionConfiguration(ctx context.Context, in *PutApplicationSessionConfigurationInput) (*PutApplicationSessionConfigurationOutput, error) {
	return &PutApplicationSessionConfigurationOutput{}, s.changeApplication(ctx, in.ApplicationArn, func(a *Application) {
		if in.UserBackgroundSessionApplicationStatus != nil {
			a.BackgroundSessions = *in.UserBackgroundSessionApplicationStatus == enabled
		}
	})
}

func (s *Server) getApplicationSessionConfiguration(ctx context.Context, in *GetApplicationSessionConfigurationInput) (*GetApplicationSessionConfigurationOutput, error) {
	out := &GetApplicationSessionConfigurationOutput{}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		a, _, err := visibleApplication(ctx, tx, in.ApplicationArn)
		out.UserBackgroundSessionApplicationStatus = status(a.BackgroundSessions)
		return err
	})
	return out, err
}
