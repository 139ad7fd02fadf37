package ssoadmin

import (
	"context"
	"strings"

	"github.com/symbolon/symbolon/internal/store"
)

// tagged is a resource as the tag operations see it.
type tagged struct {
	instanceARN string
	tags        map[string]string // shared with the store: not to be changed in place
	rules       tagRules
	put         func(s *Server, tx *store.Tx, tags map[string]string) error
}

// visibleTagged returns a resource that the caller's account owns; instance, when given, must be the one it belongs to.
func visibleTagged(ctx context.Context, tx *store.Tx, instance *string, arn string) (tagged, error) {
	r, err := findTagged(ctx, tx, arn)
	if err == nil && instance != nil && *instance != r.instanceARN {
		err = missing("Resource", arn, "the resource belongs to another instance than "+*instance)
	}
	return r, err
}

func findTagged(ctx context.Context, tx *store.Tx, arn string) (tagged, error) {
	switch {
	case strings.Contains(arn, ":instance/"):
		i, err := ownedInstance(ctx, tx, arn)
		return tagged{i.ARN, i.Tags, instanceTags, func(_ *Server, tx *store.Tx, tags map[string]string) error {
			i.Tags = tags
			return PutInstance(tx, i)
		}}, err
	case strings.Contains(arn, ":application/"):
		a, i, err := visibleApplication(ctx, tx, arn)
		return tagged{i.ARN, a.Tags, applicationTags, func(s *Server, tx *store.Tx, tags map[string]string) error {
			a.Tags = tags
			_, err := s.PutApplication(tx, a)
			return err
		}}, err
	case strings.Contains(arn, ":trustedTokenIssuer/"):
		t, err := visibleIssuer(ctx, tx, arn)
		return tagged{t.InstanceARN, t.Tags, issuerTags, func(s *Server, tx *store.Tx, tags map[string]string) error {
			t.Tags = tags
			_, err := s.PutTrustedTokenIssuer(tx, t)
			return err
		}}, err
	}
	return tagged{}, missing("Resource", arn, "this kind of resource does not exist here")
}
