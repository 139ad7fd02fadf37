package ssoadmin

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/wire"
)

// Instance is an IAM Identity Center instance.
type Instance struct {
	ARN             string            `store:"instance_arn,key"` // arn:aws:sso:::instance/ssoins-…
	Name            string            `store:"name"`
	OwnerAccountID  string            `store:"owner_account_id"`
	IdentityStoreID string            `store:"identity_store_id"`
	Region          string            `store:"region"`
	Tags            map[string]string `store:"tags"`
	CreatedAt       time.Time         `store:"created_at"`
}

var instances = store.NewTable[Instance](store.Spec{
	Name:   "ssoadmin_instances",
	Cached: true,
	Indexes: []store.Index{
		{Name: "owner", Columns: []string{"owner_account_id"}},
		{Name: "identity_store", Columns: []string{"identity_store_id"}, Unique: true},
	},
})

var (
	instanceARN     = wire.NewPattern(`^arn:aws(-[a-z]{1,5}){0,3}:sso:::instance/(sso)?ins-[a-zA-Z0-9-.]{16}$`)
	instanceName    = wire.NewPattern(`^[\w+=,.@-]*$`)
	accountID       = wire.NewPattern(`^[0-9]{12}$`)
	identityStoreID = wire.NewPattern(`^[a-zA-Z0-9-]{1,64}$`)
	regionName      = wire.NewPattern(`^([a-z]+-){2,3}[0-9]$`)
)

// NewInstanceARN makes the ARN of a new instance.
func NewInstanceARN() string { return "arn:aws:sso:::instance/ssoins-" + randomHex(8) }

// id is the instance's name within ARNs: ssoins-….
func (i Instance) id() string { return i.ARN[strings.LastIndexByte(i.ARN, '/')+1:] }

func (i Instance) partition() string { return strings.SplitN(i.ARN, ":", 3)[1] }

// identityStoreARN is the ARN of the directory of the instance.
func (i Instance) identityStoreARN() string {
	return identitystore.IdentityStore{ID: i.IdentityStoreID, AccountID: i.OwnerAccountID}.ARN()
}

// GetInstance returns an instance; store.ErrNotFound.
//
// It is not inlined: in another room the compiler would put its arguments on the heap.
//
//go:noinline
func GetInstance(tx *store.Tx, arn string) (Instance, error) { return instances.Get(tx, arn) }

// ListInstances returns all instances, in the order of their ARNs.
func ListInstances(tx *store.Tx) ([]Instance, error) { return instances.List(tx, store.Query{}) }

// PutInstance writes an instance, setting CreatedAt when it is new. Its owner, identity store and Region never change. It returns a *wire.Error for what is wrong.
func PutInstance(tx *store.Tx, i Instance) error {
	switch {
	case !instanceARN.MatchString(i.ARN):
		return validation("InstanceArn %q is not the ARN of an instance", i.ARN)
	case len(i.Name) > 255 || !instanceName.MatchString(i.Name):
		return validation("The name of an instance has at most 255 letters, digits and _+=,.@-")
	case !accountID.MatchString(i.OwnerAccountID):
		return validation("OwnerAccountId %q is not an account id of 12 digits", i.OwnerAccountID)
	case !identityStoreID.MatchString(i.IdentityStoreID):
		return validation("IdentityStoreId %q is not the id of an identity store", i.IdentityStoreID)
	case !regionName.MatchString(i.Region):
		return validation("Region %q is not the name of a Region", i.Region)
	}
	old, err := instances.Get(tx, i.ARN)
	isNew := errors.Is(err, store.ErrNotFound)
	if err != nil && !isNew {
		return err
	}
	if err := checkTags(i.Tags, old.Tags, instanceTags); err != nil {
		return err
	}
	switch {
	case isNew:
		if i.CreatedAt.IsZero() {
			i.CreatedAt = tx.Now()
		}
	case old.OwnerAccountID != i.OwnerAccountID || old.IdentityStoreID != i.IdentityStoreID || old.Region != i.Region:
		return validation("The owner, the identity store and the Region of instance %s cannot change", i.ARN)
	default:
		i.CreatedAt = old.CreatedAt
	}
	return orConflict(instances.Put(tx, i), "Identity store %s belongs to another instance", i.IdentityStoreID)
}

func (s *Server) listInstances(ctx context.Context, in *ListInstancesInput) (*ListInstancesOutput, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.listing(account, "ListInstances", in.MaxResults, 100, in.NextToken, value(in.RegionScope))
	if err != nil {
		return nil, err
	}
	out := &ListInstancesOutput{}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		rows, err := instances.List(tx, store.Query{Index: "owner", Values: []string{account}, After: list.after})
		if err != nil {
			return err
		}
		here := wire.CallFrom(ctx).Region
		rows = keep(rows, func(i Instance) bool { return value(in.RegionScope) != "CURRENT_REGION" || i.Region == here })
		rows, out.NextToken = cut(list, rows, func(i Instance) []string { return []string{i.ARN} })
		out.Instances = each(rows, Instance.metadata)
		return nil
	})
	return out, err
}

func (i Instance) metadata() InstanceMetadata {
	return InstanceMetadata{
		InstanceArn:      &i.ARN,
		IdentityStoreId:  &i.IdentityStoreID,
		OwnerAccountId:   &i.OwnerAccountID,
		Name:             optional(i.Name),
		CreatedDate:      &i.CreatedAt,
		Status:           new("ACTIVE"),
		PrimaryRegion:    &i.Region,
		Regions:          i.regions(),
		IdentityStoreArn: new(i.identityStoreARN()),
	}
}

func (i Instance) regions() []RegionMetadata {
	return []RegionMetadata{{
		RegionName: &i.Region, Status: new("ACTIVE"), AddedDate: &i.CreatedAt, IsPrimaryRegion: new(true),
	}}
}

func (s *Server) describeInstance(ctx context.Context, in *DescribeInstanceInput) (*DescribeInstanceOutput, error) {
	var i Instance
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		i, err = ownedInstance(ctx, tx, in.InstanceArn)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &DescribeInstanceOutput{
		InstanceArn:      &i.ARN,
		IdentityStoreId:  &i.IdentityStoreID,
		OwnerAccountId:   &i.OwnerAccountID,
		Name:             optional(i.Name),
		CreatedDate:      &i.CreatedAt,
		Status:           new("ACTIVE"),
		IdentityStoreArn: new(i.identityStoreARN()),
		PrimaryRegion:    &i.Region,
		Regions:          i.regions(),
	}, nil
}
