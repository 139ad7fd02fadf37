package identitystore

import (
	"context"
	"errors"

	"github.com/symbolon/symbolon/internal/store"
)

// membership is the membership that a caller names by id or ARN within a store, or the API's errors.
func (s IdentityStore) membership(tx *store.Tx, given string) (Membership, error) {
	id, err := plainID(tx.Context(), kindMembership, given)
	if err != nil {
		return Membership{}, err
	}
	m, err := memberships.Get(tx, s.ID, id)
	return m, orNotFound(tx.Context(), err, typeMembership, id)
}

// member is the user that a MemberId names.
func (s IdentityStore) member(tx *store.Tx, m MemberId) (User, error) {
	if m.UserId == nil {
		return User{}, invalid(tx.Context(), "The member id must have a UserId.")
	}
	return s.user(tx, *m.UserId)
}

func (s *Server) createGroupMembership(ctx context.Context, in *CreateGroupMembershipInput) (out *CreateGroupMembershipOutput, err error) {
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		dir, err := openStore(tx, in.IdentityStoreId)
		if err != nil {
			return err
		}
		g, err := dir.group(tx, in.GroupId)
		if err != nil {
			return err
		}
		u, err := dir.member(tx, in.MemberId)
		if err != nil {
			return err
		}
		m, added, err := addMember(tx, dir.ID, g.ID, u.ID)
		if err != nil {
			return err
		}
		if !added {
			return duplicate(ctx, "Member and Group relationship already exists.")
		}
		out = &CreateGroupMembershipOutput{IdentityStoreId: dir.ID, MembershipId: m.ID, MembershipArn: arnOf(kindMembership, m.ID)}
		return nil
	})
	return out, err
}

func (s *Server) describeGroupMembership(ctx context.Context, in *DescribeGroupMembershipInput) (out *DescribeGroupMembershipOutput, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		dir, err := openStore(tx, in.IdentityStoreId)
		if err != nil {
			return err
		}
		m, err := dir.membership(tx, in.MembershipId)
		if err != nil {
			return err
		}
		out = &DescribeGroupMembershipOutput{
			IdentityStoreId: dir.ID, MembershipId: m.ID, GroupId: m.GroupID, MemberId: MemberId{UserId: &m.UserID},
			CreatedAt: &m.CreatedAt, CreatedBy: given(m.CreatedBy), UpdatedAt: &m.CreatedAt, UpdatedBy: given(m.CreatedBy),
			MembershipArn: arnOf(kindMembership, m.ID),
		}
		return nil
	})
	return out, err
}

func (s *Server) deleteGroupMembership(ctx context.Context, in *DeleteGroupMembershipInput) (*DeleteGroupMembershipOutput, error) {
	return &DeleteGroupMembershipOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		dir, err := openStore(tx, in.IdentityStoreId)
		if err != nil {
			return err
		}
		m, err := dir.membership(tx, in.MembershipId)
		if err != nil {
			return err
		}
		return memberships.Delete(tx, m.StoreID, m.ID)
	})
}

func (s *Server) listGroupMemberships(ctx context.Context, in *ListGroupMembershipsInput) (out *ListGroupMembershipsOutput, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		dir, err := openStore(tx, in.IdentityStoreId)
		if err != nil {
			return err
		}
		g, err := dir.group(tx, in.GroupId)
		if err != nil {
			return err
		}
		page, err := s.openPage("ListGroupMemberships", []string{dir.ID, g.ID}, in.MaxResults, in.NextToken)
		if err != nil {
			return err
		}
		items, next, err := page.memberships(tx, "of_group", dir.ID, g.ID)
		out = &ListGroupMembershipsOutput{GroupMemberships: items, NextToken: next}
		return err
	})
	return out, err
}

func (s *Server) listGroupMembershipsForMember(ctx context.Context, in *ListGroupMembershipsForMemberInput) (out *ListGroupMembershipsForMemberOutput, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		dir, err := openStore(tx, in.IdentityStoreId)
		if err != nil {
			return err
		}
		u, err := dir.member(tx, in.MemberId)
		if err != nil {
			return err
		}
		page, err := s.openPage("ListGroupMembershipsForMember", []string{dir.ID, u.ID}, in.MaxResults, in.NextToken)
		if err != nil {
			return err
		}
		items, next, err := page.memberships(tx, "member", dir.ID, u.ID)
		out = &ListGroupMembershipsForMemberOutput{GroupMemberships: items, NextToken: next}
		return err
	})
	return out, err
}

// memberships is the page of the memberships with those values in an index.
func (p page) memberships(tx *store.Tx, index string, values ...string) ([]GroupMembershipItem, *string, error) {
	rows, err := memberships.List(tx, p.query(index, values...))
	if err != nil {
		return nil, nil, err
	}
	rows, next := cutPage(p, rows, func(m Membership) []string { return []string{m.StoreID, m.ID} })
	items := make([]GroupMembershipItem, len(rows))
	for i := range rows {
		m := &rows[i]
		items[i] = GroupMembershipItem{
			IdentityStoreId: m.StoreID, MembershipId: &m.ID, GroupId: &m.GroupID, MemberId: &MemberId{UserId: &m.UserID},
			CreatedAt: &m.CreatedAt, CreatedBy: given(m.CreatedBy), UpdatedAt: &m.CreatedAt, UpdatedBy: given(m.CreatedBy),
			MembershipArn: arnOf(kindMembership, m.ID),
		}
	}
	return items, next, nil
}

func (s *Server) getGroupMembershipID(ctx context.Context, in *GetGroupMembershipIdInput) (out *GetGroupMembershipIdOutput, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		dir, err := openStore(tx, in.IdentityStoreId)
		if err != nil {
			return err
		}
		g, err := dir.group(tx, in.GroupId)
		if err != nil {
			return err
		}
		u, err := dir.member(tx, in.MemberId)
		if err != nil {
			return err
		}
		m, err := memberships.GetBy(tx, "pair", dir.ID, g.ID, u.ID)
		if err != nil {
			return orNotFound(ctx, err, typeMembership, "")
		}
		out = &GetGroupMembershipIdOutput{IdentityStoreId: dir.ID, MembershipId: m.ID, MembershipArn: arnOf(kindMembership, m.ID)}
		return nil
	})
	return out, err
}

func (s *Server) isMemberInGroups(ctx context.Context, in *IsMemberInGroupsInput) (out *IsMemberInGroupsOutput, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		dir, err := openStore(tx, in.IdentityStoreId)
		if err != nil {
			return err
		}
		u, err := dir.member(tx, in.MemberId)
		if err != nil {
			return err
		}
		out = &IsMemberInGroupsOutput{Results: make([]GroupMembershipExistenceResult, len(in.GroupIds))}
		for i, given := range in.GroupIds {
			g, err := dir.group(tx, given)
			if err != nil {
				return err
			}
			_, err = memberships.GetBy(tx, "pair", dir.ID, g.ID, u.ID)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			out.Results[i] = GroupMembershipExistenceResult{
				GroupId: &g.ID, MemberId: &MemberId{UserId: &u.ID}, MembershipExists: new(err == nil)}
		}
		return nil
	})
	return out, err
}
