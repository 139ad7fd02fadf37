package identitystore

import (
	"context"
	"errors"

	"github.com/symbolon/symbolon/internal/store"
)

// group is the group that a caller names by id or ARN within a store, or the API's errors.
func (s IdentityStore) group(tx *store.Tx, given string) (Group, error) {
	id, err := plainID(tx.Context(), kindGroup, given)
	if err != nil {
		return Group{}, err
	}
	g, err := groups.Get(tx, s.ID, id)
	return g, orNotFound(tx.Context(), err, typeGroup, id)
}

func (s *Server) createGroup(ctx context.Context, in *CreateGroupInput) (out *CreateGroupOutput, err error) {
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		dir, err := openStore(tx, in.IdentityStoreId)
		if err != nil {
			return err
		}
		if in.DisplayName == nil {
			return invalid(ctx, "displayName is required.")
		}
		g := Group{StoreID: dir.ID, DisplayName: *in.DisplayName}
		if in.Description != nil {
			g.Description = *in.Description
		}
		if g, err = PutGroup(tx, g); err != nil {
			return err
		}
		out = &CreateGroupOutput{IdentityStoreId: dir.ID, GroupId: g.ID, GroupArn: arnOf(kindGroup, g.ID), Revision: &g.Revision}
		return nil
	})
	return out, err
}

func (s *Server) describeGroup(ctx context.Context, in *DescribeGroupInput) (out *DescribeGroupOutput, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		dir, err := openStore(tx, in.IdentityStoreId)
		if err != nil {
			return err
		}
		g, err := dir.group(tx, in.GroupId)
		if err != nil {
			return err
		}
		out = new(DescribeGroupOutput(g.item()))
		return nil
	})
	return out, err
}

// item is the group as the API shows it.
func (g *Group) item() GroupItem {
	i := GroupItem{
		IdentityStoreId: g.StoreID, GroupId: g.ID, DisplayName: &g.DisplayName, Description: given(g.Description),
		CreatedAt: &g.CreatedAt, CreatedBy: given(g.CreatedBy), UpdatedAt: &g.UpdatedAt, UpdatedBy: given(g.UpdatedBy),
		GroupArn: arnOf(kindGroup, g.ID), Revision: &g.Revision,
	}
	if len(g.ExternalIDs) > 0 {
		i.ExternalIds = g.ExternalIDs
	}
	return i
}

func (s *Server) updateGroup(ctx context.Context, in *UpdateGroupInput) (out *UpdateGroupOutput, err error) {
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		dir, err := openStore(tx, in.IdentityStoreId)
		if err != nil {
			return err
		}
		g, err := dir.group(tx, in.GroupId)
		if err != nil {
			return err
		}
		if err := checkRevision(ctx, in.Revision, g.Revision); err != nil {
			return err
		}
		if err := editGroup(ctx, &g, in.Operations); err != nil {
			return err
		}
		if g, err = PutGroup(tx, g); err != nil {
			return err
		}
		out = &UpdateGroupOutput{IdentityStoreId: &dir.ID, GroupId: &g.ID, GroupArn: arnOf(kindGroup, g.ID), Revision: &g.Revision}
		return nil
	})
	return out, err
}

func (s *Server) deleteGroup(ctx context.Context, in *DeleteGroupInput) (*DeleteGroupOutput, error) {
	return &DeleteGroupOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		dir, err := openStore(tx, in.IdentityStoreId)
		if err != nil {
			return err
		}
		g, err := dir.group(tx, in.GroupId)
		if err != nil {
			return err
		}
		if err := checkRevision(ctx, in.Revision, g.Revision); err != nil {
			return err
		}
		return s.DeleteGroup(tx, dir.ID, g.ID)
	})
}

func (s *Server) listGroups(ctx context.Context, in *ListGroupsInput) (out *ListGroupsOutput, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		dir, err := openStore(tx, in.IdentityStoreId)
		if err != nil {
			return err
		}
		page, err := s.openPage("ListGroups", listScope(dir, in.Filters), in.MaxResults, in.NextToken)
		if err != nil {
			return err
		}
		out = &ListGroupsOutput{Groups: []GroupItem{}}
		rows, err := filteredOr(tx, in.Filters, pathDisplayName,
			func(name string) (Group, error) { return GetGroupByName(tx, dir.ID, name) },
			func() ([]Group, error) { return groups.List(tx, page.query("", dir.ID)) })
		if err != nil {
			return err
		}
		rows, out.NextToken = cutPage(page, rows, func(g Group) []string { return []string{g.StoreID, g.ID} })
		for i := range rows {
			out.Groups = append(out.Groups, rows[i].item())
		}
		return nil
	})
	return out, err
}

// atMostOne is the row as a list, empty when it was not found.
func atMostOne[T any](row T, err error) ([]T, error) {
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return []T{row}, err
}
