package identitystore

import (
	"context"
	"errors"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/wire"
)

// Where an action is not about one user, group or membership it is about all of them.
const all = "*"

// resources are the ARNs a call acts on, as AWS's service authorization reference lists them for the service: always
// the identity store, whose ARN has the caller's account, and the users, groups and memberships the call names. The caller must
// be allowed on each. ARNs of users, groups and memberships name neither account nor store: on their own they must
// never be enough.
func (s *Server) resources(ctx context.Context, c *wire.Call) ([]string, error) {
	t, err := targetOf(ctx, c.Input)
	if err != nil || t.store == "" {
		return t.arns, err
	}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		id := storeIDOf(t.store)
		dir, err := ownStore(tx, id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		// A store that is not there belongs to nobody, and another account's looks the same, down to the answer: whoever
		// may do this to all stores hears from the operation that it is not found, everybody else that it is denied.
		t.arns = append([]string{storeARN(dir.AccountID, id)}, t.arns...)
		if err != nil || t.membership == "" {
			return nil
		}
		// A membership is also its group's and its user's.
		if m, err := memberships.Get(tx, id, t.membership); err == nil {
			t.arns = append(t.arns, arn(kindGroup, m.GroupID), arn(kindUser, m.UserID))
		}
		return nil
	})
	return t.arns, err
}

// target is what a call acts on.
type target struct {
	ctx        context.Context
	err        error
	store      string // as given; empty when the call names none
	arns       []string
	membership string
}

// add notes a resource that the caller names by id or ARN, or all of a kind.
func (t *target) add(kind, given string) {
	id, err := plainID(t.ctx, kind, given)
	if err != nil && t.err == nil {
		t.err = err
	}
	t.arns = append(t.arns, arn(kind, id))
}

func (t *target) member(m MemberId) {
	if m.UserId != nil {
		t.add(kindUser, *m.UserId)
	}
}

func (t *target) ofMembership(given string) {
	t.add(kindMembership, given)
	t.membership, _ = plainID(t.ctx, kindMembership, given)
}

func targetOf(ctx context.Context, input any) (target, error) {
	t := target{ctx: ctx}
	switch in := input.(type) {
	case *ListIdentityStoresInput:
		t.arns = []string{all}
	case *DescribeIdentityStoreInput:
		t.store = in.IdentityStoreId
	case *CreateUserInput:
		t.store = in.IdentityStoreId
	case *CreateGroupInput:
		t.store = in.IdentityStoreId
	case *ListUsersInput:
		t.store = in.IdentityStoreId
		t.add(kindUser, all)
	case *ListGroupsInput:
		t.store = in.IdentityStoreId
		t.add(kindGroup, all)
	case *GetUserIdInput:
		t.store = in.IdentityStoreId
		t.add(kindUser, all)
	case *GetGroupIdInput:
		t.store = in.IdentityStoreId
		t.add(kindGroup, all)
	case *DescribeUserInput:
		t.store = in.IdentityStoreId
		t.add(kindUser, in.UserId)
	case *UpdateUserInput:
		t.store = in.IdentityStoreId
		t.add(kindUser, in.UserId)
	case *DeleteUserInput:
		t.store = in.IdentityStoreId
		t.add(kindUser, in.UserId)
	case *DescribeGroupInput:
		t.store = in.IdentityStoreId
		t.add(kindGroup, in.GroupId)
	case *UpdateGroupInput:
		t.store = in.IdentityStoreId
		t.add(kindGroup, in.GroupId)
	case *DeleteGroupInput:
		t.store = in.IdentityStoreId
		t.add(kindGroup, in.GroupId)
	default:
		t.ofMemberships(input)
	}
	return t, t.err
}

// ofMemberships is the part of targetOf about memberships. A call that is not known here acts on everything, so that a
// new operation is denied to all but the widest policies until it is told.
func (t *target) ofMemberships(input any) {
	switch in := input.(type) {
	case *CreateGroupMembershipInput:
		t.store = in.IdentityStoreId
		t.add(kindGroup, in.GroupId)
		t.member(in.MemberId)
	case *DescribeGroupMembershipInput:
		t.store = in.IdentityStoreId
		t.ofMembership(in.MembershipId)
	case *DeleteGroupMembershipInput:
		t.store = in.IdentityStoreId
		t.ofMembership(in.MembershipId)
	case *GetGroupMembershipIdInput:
		t.store = in.IdentityStoreId
		t.add(kindGroup, in.GroupId)
		t.member(in.MemberId)
		t.add(kindMembership, all)
	case *ListGroupMembershipsInput:
		t.store = in.IdentityStoreId
		t.add(kindGroup, in.GroupId)
		t.add(kindMembership, all)
	case *ListGroupMembershipsForMemberInput:
		t.store = in.IdentityStoreId
		t.member(in.MemberId)
		t.add(kindMembership, all)
	case *IsMemberInGroupsInput:
		t.store = in.IdentityStoreId
		t.member(in.MemberId)
		for _, id := range in.GroupIds {
			t.add(kindGroup, id)
		}
		t.add(kindMembership, all)
	default:
		t.arns = []string{all}
	}
}
