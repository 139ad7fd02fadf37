package identitystore

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// The shapes of the service on the wire: names, constraints and secrets as AWS documents them, in the tag language of
// wire.Op. Keep them in step with AWS; test/golden notices what moved.

// CreateUserInput is what CreateUser takes.
type CreateUserInput struct {
	IdentityStoreId   string                    `json:"IdentityStoreId" wire:"required" len:"1..93" pattern:"(arn:aws[a-z-]*:identitystore::\\d{12}:identitystore/)?(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"`
	UserName          *string                   `json:"UserName" wire:"secret" len:"1..128" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}]+"`
	Name              *Name                     `json:"Name"`
	DisplayName       *string                   `json:"DisplayName" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	NickName          *string                   `json:"NickName" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	ProfileUrl        *string                   `json:"ProfileUrl" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	Emails            []Email                   `json:"Emails" len:"1..1"`
	Addresses         []Address                 `json:"Addresses" len:"1..1"`
	PhoneNumbers      []PhoneNumber             `json:"PhoneNumbers" len:"1..1"`
	UserType          *string                   `json:"UserType" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	Title             *string                   `json:"Title" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	PreferredLanguage *string                   `json:"PreferredLanguage" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	Locale            *string                   `json:"Locale" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	Timezone          *string                   `json:"Timezone" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	Photos            []Photo                   `json:"Photos" len:"1..3"`
	Website           *string                   `json:"Website" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	Birthdate         *string                   `json:"Birthdate" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	Roles             []Role                    `json:"Roles" len:"1..1"`
	Extensions        map[string]jsontext.Value `json:"Extensions" len:"1..10" each-len:"1..50" each-pattern:"aws:identitystore:[a-z]{1,20}"`
}

// CreateUserOutput is what CreateUser answers.
type CreateUserOutput struct {
	IdentityStoreId string  `json:"IdentityStoreId" wire:"required"`
	UserId          string  `json:"UserId" wire:"required"`
	UserArn         *string `json:"UserArn"`
	Revision        *string `json:"Revision"`
}

// DescribeUserInput is what DescribeUser takes.
type DescribeUserInput struct {
	IdentityStoreId string   `json:"IdentityStoreId" wire:"required" len:"1..93" pattern:"(arn:aws[a-z-]*:identitystore::\\d{12}:identitystore/)?(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"`
	UserId          string   `json:"UserId" wire:"required" len:"1..100" pattern:"(arn:aws[a-z-]*:identitystore:::(user|group|membership)/)?([0-9a-f]{10}-|)[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"`
	Extensions      []string `json:"Extensions" len:"1..10" each-len:"1..50" each-pattern:"aws:identitystore:[a-z]{1,20}"`
}

// DescribeUserOutput is what DescribeUser answers.
type DescribeUserOutput UserItem

// UpdateUserInput is what UpdateUser takes.
type UpdateUserInput struct {
	IdentityStoreId string               `json:"IdentityStoreId" wire:"required" len:"1..93" pattern:"(arn:aws[a-z-]*:identitystore::\\d{12}:identitystore/)?(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"`
	UserId          string               `json:"UserId" wire:"required" len:"1..100" pattern:"(arn:aws[a-z-]*:identitystore:::(user|group|membership)/)?([0-9a-f]{10}-|)[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"`
	Operations      []AttributeOperation `json:"Operations" wire:"required" len:"1..100"`
	Revision        *string              `json:"Revision" len:"1..256"`
}

// UpdateUserOutput is what UpdateUser answers.
type UpdateUserOutput struct {
	IdentityStoreId *string `json:"IdentityStoreId"`
	UserId          *string `json:"UserId"`
	UserArn         *string `json:"UserArn"`
	Revision        *string `json:"Revision"`
}

// DeleteUserInput is what DeleteUser takes.
type DeleteUserInput struct {
	IdentityStoreId string  `json:"IdentityStoreId" wire:"required" len:"1..93" pattern:"(arn:aws[a-z-]*:identitystore::\\d{12}:identitystore/)?(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"`
	UserId          string  `json:"UserId" wire:"required" len:"1..100" pattern:"(arn:aws[a-z-]*:identitystore:::(user|group|membership)/)?([0-9a-f]{10}-|)[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"`
	Revision        *string `json:"Revision" len:"1..256"`
}

// DeleteUserOutput is what DeleteUser answers.
type DeleteUserOutput struct{}

// ListUsersInput is what ListUsers takes.
type ListUsersInput struct {
	IdentityStoreId string   `json:"IdentityStoreId" wire:"required" len:"1..93" pattern:"(arn:aws[a-z-]*:identitystore::\\d{12}:identitystore/)?(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"`
	Extensions      []string `json:"Extensions" len:"1..10" each-len:"1..50" each-pattern:"aws:identitystore:[a-z]{1,20}"`
	MaxResults      *int     `json:"MaxResults" range:"1..100"`
	NextToken       *string  `json:"NextToken" len:"1..65535" pattern:"[-a-zA-Z0-9+=/:_]*"`
	Filters         []Filter `json:"Filters" len:"0..1"`
}

// ListUsersOutput is what ListUsers answers.
type ListUsersOutput struct {
	Users     []UserItem `json:"Users" wire:"required"`
	NextToken *string    `json:"NextToken"`
}

// CreateGroupInput is what CreateGroup takes.
type CreateGroupInput struct {
	IdentityStoreId string  `json:"IdentityStoreId" wire:"required" len:"1..93" pattern:"(arn:aws[a-z-]*:identitystore::\\d{12}:identitystore/)?(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"`
	DisplayName     *string `json:"DisplayName" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0]+"`
	Description     *string `json:"Description" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
}

// CreateGroupOutput is what CreateGroup answers.
type CreateGroupOutput struct {
	GroupId         string  `json:"GroupId" wire:"required"`
	IdentityStoreId string  `json:"IdentityStoreId" wire:"required"`
	GroupArn        *string `json:"GroupArn"`
	Revision        *string `json:"Revision"`
}

// DescribeGroupInput is what DescribeGroup takes.
type DescribeGroupInput struct {
	IdentityStoreId string `json:"IdentityStoreId" wire:"required" len:"1..93" pattern:"(arn:aws[a-z-]*:identitystore::\\d{12}:identitystore/)?(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"`
	GroupId         string `json:"GroupId" wire:"required" len:"1..100" pattern:"(arn:aws[a-z-]*:identitystore:::(user|group|membership)/)?([0-9a-f]{10}-|)[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"`
}

// DescribeGroupOutput is what DescribeGroup answers.
type DescribeGroupOutput GroupItem

// UpdateGroupInput is what UpdateGroup takes.
type UpdateGroupInput struct {
	IdentityStoreId string               `json:"IdentityStoreId" wire:"required" len:"1..93" pattern:"(arn:aws[a-z-]*:identitystore::\\d{12}:identitystore/)?(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"`
	GroupId         string               `json:"GroupId" wire:"required" len:"1..100" pattern:"(arn:aws[a-z-]*:identitystore:::(user|group|membership)/)?([0-9a-f]{10}-|)[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"`
	Operations      []AttributeOperation `json:"Operations" wire:"required" len:"1..100"`
	Revision        *string              `json:"Revision" len:"1..256"`
}

// UpdateGroupOutput is what UpdateGroup answers.
type UpdateGroupOutput struct {
	IdentityStoreId *string `json:"IdentityStoreId"`
	GroupId         *string `json:"GroupId"`
	GroupArn        *string `json:"GroupArn"`
	Revision        *string `json:"Revision"`
}

// DeleteGroupInput is what DeleteGroup takes.
type DeleteGroupInput struct {
	IdentityStoreId string  `json:"IdentityStoreId" wire:"required" len:"1..93" pattern:"(arn:aws[a-z-]*:identitystore::\\d{12}:identitystore/)?(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"`
	GroupId         string  `json:"GroupId" wire:"required" len:"1..100" pattern:"(arn:aws[a-z-]*:identitystore:::(user|group|membership)/)?([0-9a-f]{10}-|)[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"`
	Revision        *string `json:"Revision" len:"1..256"`
}

// DeleteGroupOutput is what DeleteGroup answers.
type DeleteGroupOutput struct{}

// ListGroupsInput is what ListGroups takes.
type ListGroupsInput struct {
	IdentityStoreId string   `json:"IdentityStoreId" wire:"required" len:"1..93" pattern:"(arn:aws[a-z-]*:identitystore::\\d{12}:identitystore/)?(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"`
	MaxResults      *int     `json:"MaxResults" range:"1..100"`
	NextToken       *string  `json:"NextToken" len:"1..65535" pattern:"[-a-zA-Z0-9+=/:_]*"`
	Filters         []Filter `json:"Filters" len:"0..1"`
}

// ListGroupsOutput is what ListGroups answers.
type ListGroupsOutput struct {
	Groups    []GroupItem `json:"Groups" wire:"required"`
	NextToken *string     `json:"NextToken"`
}

// CreateGroupMembershipInput is what CreateGroupMembership takes.
type CreateGroupMembershipInput struct {
	IdentityStoreId string   `json:"IdentityStoreId" wire:"required" len:"1..93" pattern:"(arn:aws[a-z-]*:identitystore::\\d{12}:identitystore/)?(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"`
	GroupId         string   `json:"GroupId" wire:"required" len:"1..100" pattern:"(arn:aws[a-z-]*:identitystore:::(user|group|membership)/)?([0-9a-f]{10}-|)[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"`
	MemberId        MemberId `json:"MemberId" wire:"required" union:"true"`
}

// CreateGroupMembershipOutput is what CreateGroupMembership answers.
type CreateGroupMembershipOutput struct {
	MembershipId    string  `json:"MembershipId" wire:"required"`
	IdentityStoreId string  `json:"IdentityStoreId" wire:"required"`
	MembershipArn   *string `json:"MembershipArn"`
}

// DescribeGroupMembershipInput is what DescribeGroupMembership takes.
type DescribeGroupMembershipInput struct {
	IdentityStoreId string `json:"IdentityStoreId" wire:"required" len:"1..93" pattern:"(arn:aws[a-z-]*:identitystore::\\d{12}:identitystore/)?(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"`
	MembershipId    string `json:"MembershipId" wire:"required" len:"1..100" pattern:"(arn:aws[a-z-]*:identitystore:::(user|group|membership)/)?([0-9a-f]{10}-|)[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"`
}

// DescribeGroupMembershipOutput is what DescribeGroupMembership answers.
type DescribeGroupMembershipOutput struct {
	IdentityStoreId string     `json:"IdentityStoreId" wire:"required"`
	MembershipId    string     `json:"MembershipId" wire:"required"`
	GroupId         string     `json:"GroupId" wire:"required"`
	MemberId        MemberId   `json:"MemberId" wire:"required" union:"true"`
	CreatedAt       *time.Time `json:"CreatedAt"`
	UpdatedAt       *time.Time `json:"UpdatedAt"`
	CreatedBy       *string    `json:"CreatedBy"`
	UpdatedBy       *string    `json:"UpdatedBy"`
	MembershipArn   *string    `json:"MembershipArn"`
}

// DeleteGroupMembershipInput is what DeleteGroupMembership takes.
type DeleteGroupMembershipInput struct {
	IdentityStoreId string `json:"IdentityStoreId" wire:"required" len:"1..93" pattern:"(arn:aws[a-z-]*:identitystore::\\d{12}:identitystore/)?(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"`
	MembershipId    string `json:"MembershipId" wire:"required" len:"1..100" pattern:"(arn:aws[a-z-]*:identitystore:::(user|group|membership)/)?([0-9a-f]{10}-|)[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"`
}

// DeleteGroupMembershipOutput is what DeleteGroupMembership answers.
type DeleteGroupMembershipOutput struct{}

// ListGroupMembershipsInput is what ListGroupMemberships takes.
type ListGroupMembershipsInput struct {
	IdentityStoreId string  `json:"IdentityStoreId" wire:"required" len:"1..93" pattern:"(arn:aws[a-z-]*:identitystore::\\d{12}:identitystore/)?(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"`
	GroupId         string  `json:"GroupId" wire:"required" len:"1..100" pattern:"(arn:aws[a-z-]*:identitystore:::(user|group|membership)/)?([0-9a-f]{10}-|)[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"`
	MaxResults      *int    `json:"MaxResults" range:"1..100"`
	NextToken       *string `json:"NextToken" len:"1..65535" pattern:"[-a-zA-Z0-9+=/:_]*"`
}

// ListGroupMembershipsOutput is what ListGroupMemberships answers.
type ListGroupMembershipsOutput struct {
	GroupMemberships []GroupMembershipItem `json:"GroupMemberships" wire:"required"`
	NextToken        *string               `json:"NextToken"`
}

// ListGroupMembershipsForMemberInput is what ListGroupMembershipsForMember takes.
type ListGroupMembershipsForMemberInput struct {
	IdentityStoreId string   `json:"IdentityStoreId" wire:"required" len:"1..93" pattern:"(arn:aws[a-z-]*:identitystore::\\d{12}:identitystore/)?(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"`
	MemberId        MemberId `json:"MemberId" wire:"required" union:"true"`
	MaxResults      *int     `json:"MaxResults" range:"1..100"`
	NextToken       *string  `json:"NextToken" len:"1..65535" pattern:"[-a-zA-Z0-9+=/:_]*"`
}

// ListGroupMembershipsForMemberOutput is what ListGroupMembershipsForMember answers.
type ListGroupMembershipsForMemberOutput struct {
	GroupMemberships []GroupMembershipItem `json:"GroupMemberships" wire:"required"`
	NextToken        *string               `json:"NextToken"`
}

// IsMemberInGroupsInput is what IsMemberInGroups takes.
type IsMemberInGroupsInput struct {
	IdentityStoreId string   `json:"IdentityStoreId" wire:"required" len:"1..93" pattern:"(arn:aws[a-z-]*:identitystore::\\d{12}:identitystore/)?(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"`
	MemberId        MemberId `json:"MemberId" wire:"required" union:"true"`
	GroupIds        []string `json:"GroupIds" wire:"required" len:"1..100" each-len:"1..100" each-pattern:"(arn:aws[a-z-]*:identitystore:::(user|group|membership)/)?([0-9a-f]{10}-|)[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"`
}

// IsMemberInGroupsOutput is what IsMemberInGroups answers.
type IsMemberInGroupsOutput struct {
	Results []GroupMembershipExistenceResult `json:"Results" wire:"required"`
}

// GetUserIdInput is what GetUserId takes.
type GetUserIdInput struct {
	IdentityStoreId     string              `json:"IdentityStoreId" wire:"required" len:"1..93" pattern:"(arn:aws[a-z-]*:identitystore::\\d{12}:identitystore/)?(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"`
	AlternateIdentifier AlternateIdentifier `json:"AlternateIdentifier" wire:"required" union:"true"`
}

// GetUserIdOutput is what GetUserId answers.
type GetUserIdOutput struct {
	IdentityStoreId string  `json:"IdentityStoreId" wire:"required"`
	UserId          string  `json:"UserId" wire:"required"`
	UserArn         *string `json:"UserArn"`
}

// GetGroupIdInput is what GetGroupId takes.
type GetGroupIdInput struct {
	IdentityStoreId     string              `json:"IdentityStoreId" wire:"required" len:"1..93" pattern:"(arn:aws[a-z-]*:identitystore::\\d{12}:identitystore/)?(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"`
	AlternateIdentifier AlternateIdentifier `json:"AlternateIdentifier" wire:"required" union:"true"`
}

// GetGroupIdOutput is what GetGroupId answers.
type GetGroupIdOutput struct {
	GroupId         string  `json:"GroupId" wire:"required"`
	IdentityStoreId string  `json:"IdentityStoreId" wire:"required"`
	GroupArn        *string `json:"GroupArn"`
}

// GetGroupMembershipIdInput is what GetGroupMembershipId takes.
type GetGroupMembershipIdInput struct {
	IdentityStoreId string   `json:"IdentityStoreId" wire:"required" len:"1..93" pattern:"(arn:aws[a-z-]*:identitystore::\\d{12}:identitystore/)?(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"`
	GroupId         string   `json:"GroupId" wire:"required" len:"1..100" pattern:"(arn:aws[a-z-]*:identitystore:::(user|group|membership)/)?([0-9a-f]{10}-|)[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"`
	MemberId        MemberId `json:"MemberId" wire:"required" union:"true"`
}

// GetGroupMembershipIdOutput is what GetGroupMembershipId answers.
type GetGroupMembershipIdOutput struct {
	MembershipId    string  `json:"MembershipId" wire:"required"`
	IdentityStoreId string  `json:"IdentityStoreId" wire:"required"`
	MembershipArn   *string `json:"MembershipArn"`
}

// DescribeIdentityStoreInput is what DescribeIdentityStore takes.
type DescribeIdentityStoreInput struct {
	IdentityStoreId string `json:"IdentityStoreId" wire:"required" len:"1..93" pattern:"(arn:aws[a-z-]*:identitystore::\\d{12}:identitystore/)?(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"`
}

// DescribeIdentityStoreOutput is what DescribeIdentityStore answers.
type DescribeIdentityStoreOutput struct {
	IdentityStoreId      *string                      `json:"IdentityStoreId"`
	IdentityStoreArn     *string                      `json:"IdentityStoreArn"`
	NetworkConfiguration *NetworkConfigurationDetails `json:"NetworkConfiguration"`
}

// ListIdentityStoresInput is what ListIdentityStores takes.
type ListIdentityStoresInput struct {
	MaxResults *int    `json:"MaxResults" range:"1..100"`
	NextToken  *string `json:"NextToken" len:"1..65535" pattern:"[-a-zA-Z0-9+=/:_]*"`
}

// ListIdentityStoresOutput is what ListIdentityStores answers.
type ListIdentityStoresOutput struct {
	IdentityStores []IdentityStoreItem `json:"IdentityStores"`
	NextToken      *string             `json:"NextToken"`
}

// Address is one postal address of a user.
type Address struct {
	StreetAddress *string `json:"StreetAddress" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	Locality      *string `json:"Locality" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	Region        *string `json:"Region" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	PostalCode    *string `json:"PostalCode" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	Country       *string `json:"Country" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	Formatted     *string `json:"Formatted" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	Type          *string `json:"Type" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	Primary       *bool   `json:"Primary"`
}

// AlternateIdentifier names a user or group by something else than its id; exactly one member is set.
type AlternateIdentifier struct {
	ExternalId      *ExternalId      `json:"ExternalId"`
	UniqueAttribute *UniqueAttribute `json:"UniqueAttribute"`
}

// AttributeOperation sets one attribute of a user or group, or removes it when the value is absent.
type AttributeOperation struct {
	AttributePath  string         `json:"AttributePath" wire:"required" len:"1..255" pattern:"(?:\\p{L}+:\\p{L}+:\\p{L}+(?:\\.\\p{L}+){0,3}|\\p{L}+(?:\\.\\p{L}+){0,2})"`
	AttributeValue jsontext.Value `json:"AttributeValue"`
}

// Email is one email address of a user.
type Email struct {
	Value   *string `json:"Value" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	Type    *string `json:"Type" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	Primary *bool   `json:"Primary"`
}

// ExternalId is the id an external identity provider gave to a user or group.
type ExternalId struct {
	Issuer string `json:"Issuer" wire:"required,secret" len:"1..256" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}]+"`
	Id     string `json:"Id" wire:"required,secret" len:"1..256" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}]+"`
}

// Filter narrows ListUsers or ListGroups to one attribute value.
type Filter struct {
	AttributePath  string `json:"AttributePath" wire:"required" len:"1..255" pattern:"(?:\\p{L}+:\\p{L}+:\\p{L}+(?:\\.\\p{L}+){0,3}|\\p{L}+(?:\\.\\p{L}+){0,2})"`
	AttributeValue string `json:"AttributeValue" wire:"required,secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
}

// GroupItem is a group as it is listed and described.
type GroupItem struct {
	GroupId         string       `json:"GroupId" wire:"required"`
	DisplayName     *string      `json:"DisplayName" wire:"secret"`
	ExternalIds     []ExternalId `json:"ExternalIds"`
	Description     *string      `json:"Description" wire:"secret"`
	CreatedAt       *time.Time   `json:"CreatedAt"`
	UpdatedAt       *time.Time   `json:"UpdatedAt"`
	CreatedBy       *string      `json:"CreatedBy"`
	UpdatedBy       *string      `json:"UpdatedBy"`
	IdentityStoreId string       `json:"IdentityStoreId" wire:"required"`
	GroupArn        *string      `json:"GroupArn"`
	Revision        *string      `json:"Revision"`
}

// GroupMembershipExistenceResult says whether a member is in one group.
type GroupMembershipExistenceResult struct {
	GroupId          *string   `json:"GroupId"`
	MemberId         *MemberId `json:"MemberId" union:"true"`
	MembershipExists *bool     `json:"MembershipExists"`
}

// GroupMembershipItem is one member of one group.
type GroupMembershipItem struct {
	IdentityStoreId string     `json:"IdentityStoreId" wire:"required"`
	MembershipId    *string    `json:"MembershipId"`
	GroupId         *string    `json:"GroupId"`
	MemberId        *MemberId  `json:"MemberId" union:"true"`
	CreatedAt       *time.Time `json:"CreatedAt"`
	UpdatedAt       *time.Time `json:"UpdatedAt"`
	CreatedBy       *string    `json:"CreatedBy"`
	UpdatedBy       *string    `json:"UpdatedBy"`
	MembershipArn   *string    `json:"MembershipArn"`
}

// IdentityStoreItem is an identity store as ListIdentityStores shows it.
type IdentityStoreItem struct {
	IdentityStoreId  *string `json:"IdentityStoreId"`
	IdentityStoreArn *string `json:"IdentityStoreArn"`
}

// MemberId names a member of a group; exactly one member is set.
type MemberId struct {
	UserId *string `json:"UserId" len:"1..100" pattern:"(arn:aws[a-z-]*:identitystore:::(user|group|membership)/)?([0-9a-f]{10}-|)[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"`
}

// Name is a user's name in its parts.
type Name struct {
	Formatted       *string `json:"Formatted" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	FamilyName      *string `json:"FamilyName" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	GivenName       *string `json:"GivenName" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	MiddleName      *string `json:"MiddleName" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	HonorificPrefix *string `json:"HonorificPrefix" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	HonorificSuffix *string `json:"HonorificSuffix" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
}

// NetworkConfigurationDetails says from which networks an identity store can be reached.
type NetworkConfigurationDetails struct {
	VpceAccessRequired    *bool    `json:"VpceAccessRequired"`
	ApiRestrictSourceVpcs []string `json:"ApiRestrictSourceVpcs"`
	ApiAllowSourceIps     []string `json:"ApiAllowSourceIps"`
	ScimAllowSourceIps    []string `json:"ScimAllowSourceIps"`
}

// PhoneNumber is one phone number of a user.
type PhoneNumber struct {
	Value   *string `json:"Value" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	Type    *string `json:"Type" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	Primary *bool   `json:"Primary"`
}

// Photo is one photo of a user, by URL.
type Photo struct {
	Value   string  `json:"Value" wire:"required,secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	Type    *string `json:"Type" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	Display *string `json:"Display" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	Primary *bool   `json:"Primary"`
}

// Role is one role of a user: a word of the directory, not an IAM role.
type Role struct {
	Value   *string `json:"Value" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	Type    *string `json:"Type" wire:"secret" len:"1..1024" pattern:"[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r \u00a0\u3000]+"`
	Primary *bool   `json:"Primary"`
}

// UniqueAttribute names a user or group by an attribute that is unique in the store.
type UniqueAttribute struct {
	AttributePath  string         `json:"AttributePath" wire:"required" len:"1..255" pattern:"(?:\\p{L}+:\\p{L}+:\\p{L}+(?:\\.\\p{L}+){0,3}|\\p{L}+(?:\\.\\p{L}+){0,2})"`
	AttributeValue jsontext.Value `json:"AttributeValue" wire:"required"`
}

// UserItem is a user as it is listed and described.
type UserItem struct {
	IdentityStoreId   string                    `json:"IdentityStoreId" wire:"required"`
	UserId            string                    `json:"UserId" wire:"required"`
	UserName          *string                   `json:"UserName" wire:"secret"`
	ExternalIds       []ExternalId              `json:"ExternalIds"`
	Name              *Name                     `json:"Name"`
	DisplayName       *string                   `json:"DisplayName" wire:"secret"`
	NickName          *string                   `json:"NickName" wire:"secret"`
	ProfileUrl        *string                   `json:"ProfileUrl" wire:"secret"`
	Emails            []Email                   `json:"Emails"`
	Addresses         []Address                 `json:"Addresses"`
	PhoneNumbers      []PhoneNumber             `json:"PhoneNumbers"`
	UserType          *string                   `json:"UserType" wire:"secret"`
	Title             *string                   `json:"Title" wire:"secret"`
	PreferredLanguage *string                   `json:"PreferredLanguage" wire:"secret"`
	Locale            *string                   `json:"Locale" wire:"secret"`
	Timezone          *string                   `json:"Timezone" wire:"secret"`
	UserStatus        *string                   `json:"UserStatus"`
	Photos            []Photo                   `json:"Photos"`
	Website           *string                   `json:"Website" wire:"secret"`
	Birthdate         *string                   `json:"Birthdate" wire:"secret"`
	Roles             []Role                    `json:"Roles"`
	CreatedAt         *time.Time                `json:"CreatedAt"`
	CreatedBy         *string                   `json:"CreatedBy"`
	UpdatedAt         *time.Time                `json:"UpdatedAt"`
	UpdatedBy         *string                   `json:"UpdatedBy"`
	Extensions        map[string]jsontext.Value `json:"Extensions"`
	UserArn           *string                   `json:"UserArn"`
	Revision          *string                   `json:"Revision"`
}
