package ssoadmin

import (
	"context"

	"github.com/symbolon/symbolon/internal/store"
)

func (s *Server) putApplicationAssignmentConfiguration(ctx context.Context, in *PutApplicationAssignmentConfigurationInput) (*PutApplicationAssignmentConfigurationOutput, error) {
	return &PutApplicationAssignmentConfigurationOutput{}, s.changeApplication(ctx, in.ApplicationArn, func(a *Application) {
		a.AssignmentRequired = in.AssignmentRequired
	})
}

func (s *Server) getApplicationAssignmentConfiguration(ctx context.Context, in *GetApplicationAssignmentConfigurationInput) (*GetApplicationAssignmentConfigurationOutput, error) {
	out := &GetApplicationAssignmentConfigurationOutput{}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		a, _, err := visibleApplication(ctx, tx, in.ApplicationArn)
		out.AssignmentRequired = a.AssignmentRequired
		return err
	})
	return out, err
}

func (s *Server) createApplicationAssignment(ctx context.Context, in *CreateApplicationAssignmentInput) (*CreateApplicationAssignmentOutput, error) {
	return &CreateApplicationAssignmentOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, _, err := visibleApplication(ctx, tx, in.ApplicationArn); err != nil {
			return err
		}
		added, err := s.Assign(tx, in.ApplicationArn, in.PrincipalType, in.PrincipalId)
		if err == nil && !added {
			err = conflict("%s %s is already assigned to application %s", in.PrincipalType, in.PrincipalId, in.ApplicationArn)
		}
		return err
	})
}

func (s *Server) describeApplicationAssignment(ctx context.Context, in *DescribeApplicationAssignmentInput) (*DescribeApplicationAssignmentOutput, error) {
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		if _, _, err := visibleApplication(ctx, tx, in.ApplicationArn); err != nil {
			return err
		}
		_, err := assignments.Get(tx, in.ApplicationArn, in.PrincipalType, in.PrincipalId)
		return orMissing(err, "Assignment of "+in.PrincipalType, in.PrincipalId)
	})
	if err != nil {
		return nil, err
	}
	return &DescribeApplicationAssignmentOutput{
		ApplicationArn: &in.ApplicationArn, PrincipalType: &in.PrincipalType, PrincipalId: &in.PrincipalId,
	}, nil
}

func (s *Server) deleteApplicationAssignment(ctx context.Context, in *DeleteApplicationAssignmentInput) (*DeleteApplicationAssignmentOutput, error) {
	return &DeleteApplicationAssignmentOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, _, err := visibleApplication(ctx, tx, in.ApplicationArn); err != nil {
			return err
		}
		removed, err := s.Unassign(tx, in.ApplicationArn, in.PrincipalType, in.PrincipalId)
		if err == nil && !removed {
			err = missing("Assignment of "+in.PrincipalType, in.PrincipalId, "the principal is not assigned")
		}
		return err
	})
}

func (s *Server) listApplicationAssignments(ctx context.Context, in *ListApplicationAssignmentsInput) (*ListApplicationAssignmentsOutput, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.listing(account, "ListApplicationAssignments", in.MaxResults, 100, in.NextToken, in.ApplicationArn)
	if err != nil {
		return nil, err
	}
	out := &ListApplicationAssignmentsOutput{}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		if _, _, err := visibleApplication(ctx, tx, in.ApplicationArn); err != nil {
			return err
		}
		rows, err := assignments.List(tx, store.Query{Values: []string{in.ApplicationArn}, After: list.after, Limit: list.more()})
		if err != nil {
			return err
		}
		rows, out.NextToken = cut(list, rows, Assignment.key)
		out.ApplicationAssignments = each(rows, func(a Assignment) ApplicationAssignment {
			return ApplicationAssignment{ApplicationArn: a.ApplicationARN, PrincipalId: a.PrincipalID, PrincipalType: a.PrincipalType}
		})
		return nil
	})
	return out, err
}

// listApplicationAssignmentsForPrincipal lists direct assignments: those of a user's groups are the groups' own.
func (s *Server) listApplicationAssignmentsForPrincipal(ctx context.Context, in *ListApplicationAssignmentsForPrincipalInput) (*ListApplicationAssignmentsForPrincipalOutput, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, err
	}
	var only string
	if in.Filter != nil {
		only = value(in.Filter.ApplicationArn)
	}
	list, err := s.listing(account, "ListApplicationAssignmentsForPrincipal", in.MaxResults, 100, in.NextToken,
		in.InstanceArn, in.PrincipalType, in.PrincipalId, only)
	if err != nil {
		return nil, err
	}
	out := &ListApplicationAssignmentsForPrincipalOutput{}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		i, err := ownedInstance(ctx, tx, in.InstanceArn)
		if err != nil {
			return err
		}
		if err := principalExists(tx, i.IdentityStoreID, in.PrincipalType, in.PrincipalId); err != nil {
			return err
		}
		rows, err := assignments.List(tx, store.Query{
			Index: "principal", Values: []string{i.IdentityStoreID, in.PrincipalType, in.PrincipalId}, After: list.after,
		})
		if err != nil {
			return err
		}
		rows = keep(rows, func(a Assignment) bool { return only == "" || a.ApplicationARN == only })
		rows, out.NextToken = cut(list, rows, Assignment.key)
		out.ApplicationAssignments = each(rows, func(a Assignment) ApplicationAssignmentForPrincipal {
			return ApplicationAssignmentForPrincipal{ApplicationArn: &a.ApplicationARN, PrincipalId: &a.PrincipalID, PrincipalType: &a.PrincipalType}
		})
		return nil
	})
	return out, err
}
