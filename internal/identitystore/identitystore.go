// Package identitystore is the directory of an Identity Center instance: its users, groups and memberships, the
// passwords users sign in with, and the identitystore API (2020-06-15) over them.
//
// What it guarantees:
//
//   - Every read and write names its identity store, and an id of another one is not found: no operation reaches over
//     the border between two stores. The API serves the stores of the caller's account alone, whatever its policies
//     say; another account's is answered like one that does not exist.
//   - Names are unique within a store, in the folding that lookups use: what one lookup can find was unique when it was
//     written. FindUser returns exactly one user or an error, never one of several.
//   - Deleting a user or a group takes memberships, external ids and password with it, and whatever an upper room hangs
//     on it (Server.OnDelete), in the same transaction.
//   - A password is checked against guessing before it is hashed: failures are counted in the store, on the user a name
//     resolves to, and one who is locked out is refused even with the right password.
//   - A user says since when sign-ins count (User.SignedOut): changing a password ends what was signed in before.
//
// The API's operations are the lower-case methods of Server, in the file of their noun. The exported functions take a
// transaction and serve the rooms above and symbolon apply; they keep the same rules.
package identitystore

import (
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/wire"
)

// Server serves the identitystore API and signs users in.
type Server struct {
	DB    *store.DB
	Pages *wire.Pages
	// OnDelete, when set, runs in the transaction that deletes a user or a group.
	OnDelete OnDelete

	passwordChecks
}

// OnDelete lets upper rooms clean up what they hang on a user or a group (assignments) in the transaction that deletes
// it; an error cancels the deletion. principalType is USER or GROUP.
type OnDelete func(tx *store.Tx, storeID, principalType, principalID string) error

// The resource types of the API, which are also OnDelete's principal types.
const (
	typeStore      = "IDENTITY_STORE"
	typeUser       = "USER"
	typeGroup      = "GROUP"
	typeMembership = "GROUP_MEMBERSHIP"
)

// Tables are the tables of this room, for store.Open.
func Tables() []store.Definition {
	return []store.Definition{stores, users, groups, memberships, externalIDs, passwords}
}

// Service is the identitystore table of operations. UpdateIdentityStore is not among them: it sets network rules that
// nothing here would enforce.
func (s *Server) Service() *wire.Service {
	read := func(name string) wire.Operation { return wire.Operation{Name: name, ReadOnly: true} }
	write := func(name string) wire.Operation { return wire.Operation{Name: name} }
	return &wire.Service{
		Name:         "identitystore",
		Protocol:     wire.AWSJSON11,
		SigningName:  "identitystore",
		EventSource:  "identitystore.amazonaws.com",
		ActionPrefix: "identitystore",
		TargetPrefix: "AWSIdentityStore",
		Resources:    s.resources,
		Operations: []wire.Operation{
			wire.Op(read("DescribeIdentityStore"), s.describeIdentityStore),
			wire.Op(read("ListIdentityStores"), s.listIdentityStores),
			wire.Op(write("CreateUser"), s.createUser),
			wire.Op(read("DescribeUser"), s.describeUser),
			wire.Op(write("UpdateUser"), s.updateUser),
			wire.Op(write("DeleteUser"), s.deleteUser),
			wire.Op(read("ListUsers"), s.listUsers),
			wire.Op(read("GetUserId"), s.getUserID),
			wire.Op(write("CreateGroup"), s.createGroup),
			wire.Op(read("DescribeGroup"), s.describeGroup),
			wire.Op(write("UpdateGroup"), s.updateGroup),
			wire.Op(write("DeleteGroup"), s.deleteGroup),
			wire.Op(read("ListGroups"), s.listGroups),
			wire.Op(read("GetGroupId"), s.getGroupID),
			wire.Op(write("CreateGroupMembership"), s.createGroupMembership),
			wire.Op(read("DescribeGroupMembership"), s.describeGroupMembership),
			wire.Op(write("DeleteGroupMembership"), s.deleteGroupMembership),
			wire.Op(read("ListGroupMemberships"), s.listGroupMemberships),
			wire.Op(read("ListGroupMembershipsForMember"), s.listGroupMembershipsForMember),
			wire.Op(read("GetGroupMembershipId"), s.getGroupMembershipID),
			wire.Op(read("IsMemberInGroups"), s.isMemberInGroups),
		},
	}
}
