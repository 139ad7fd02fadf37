package ssoadmin

import (
	"context"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
	"github.com/symbolon/symbolon/internal/wire"
)

// Reserved tags set what AWS's API has no member for, so that SDKs and Terraform can manage it unmodified. Changing one
// needs the noun's update action as well. None of them may widen anything by its absence.
const (
	reservedPrefix = "symbolon:"
	// tagAccessTokenFormat of an application: opaque or jwt.
	tagAccessTokenFormat = "symbolon:access-token-format"
	// tagSigningAlgorithm of an application's ID tokens and JWT access tokens: ES256 or RS256.
	tagSigningAlgorithm = "symbolon:signing-algorithm"
	// tagAdditionalAlgorithms of a trusted token issuer: what its assertions may be signed with beside its allow-list,
	// separated by blanks.
	tagAdditionalAlgorithms = "symbolon:additional-algorithms"
)

// tagRules say which reserved tags a kind of resource has and which action changing them needs.
type tagRules struct {
	updateAction string
	reserved     map[string]func(value string) error
}

var (
	instanceTags    = tagRules{}
	applicationTags = tagRules{"sso:UpdateApplication", map[string]func(string) error{
		tagAccessTokenFormat: oneOf(tagAccessTokenFormat, string(token.Opaque), string(token.JWT)),
		tagSigningAlgorithm:  oneOf(tagSigningAlgorithm, string(token.ES256), string(token.RS256)),
	}}
	issuerTags = tagRules{"sso:UpdateTrustedTokenIssuer", map[string]func(string) error{
		tagAdditionalAlgorithms: func(value string) error {
			for _, a := range strings.Fields(value) {
				if err := oneOf(tagAdditionalAlgorithms, ForeignAlgorithms()...)(a); err != nil {
					return err
				}
			}
			return nil
		},
	}}
)

func oneOf(key string, values ...string) func(string) error {
	return func(value string) error {
		if !slices.Contains(values, value) {
			return validation("Tag %s cannot be %q: known values are %s", key, value, strings.Join(values, ", "))
		}
		return nil
	}
}

var tagText = wire.NewPattern(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// checkTags judges all tags of a resource together. was are the tags it has had.
func checkTags(tags, was map[string]string, rules tagRules) error {
	user := 0
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if err := checkTag(key, tags[key]); err != nil {
			return err
		}
		if !isReserved(key) {
			user++
			continue
		}
		check, known := rules.reserved[key]
		if !known {
			return validation("Tag key %s is reserved and not known for this kind of resource", key)
		}
		if err := check(tags[key]); err != nil {
			return err
		}
	}
	if user > maxUserTags {
		return quotaExceeded("A resource has at most %d tags, not %d", maxUserTags, user)
	}
	return checkTwins(tags, was)
}

// checkTwins keeps tags apart whose keys policies could not tell apart. A row from before this rule may keep its twins as
// they are, so that they do not stand in the way of other changes.
func checkTwins(tags, was map[string]string) error {
	first := make(map[string]string, len(tags))
	stays := func(key string) bool { value, had := was[key]; return had && value == tags[key] }
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		other, taken := first[foldKey(key)]
		if taken && !(stays(key) && stays(other)) {
			return validation("Tag keys %s and %s differ only in case: a resource can have only one of them", other, key)
		}
		first[foldKey(key)] = key
	}
	return nil
}

// foldKey is the same for keys that a condition key could name alike: policies lower the case of condition keys, and
// compare them by Unicode simple case folding. It joins what either joins.
func foldKey(key string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, strings.ToLower(key))
}

func checkTag(key, value string) error {
	switch {
	case key == "" || utf8.RuneCountInString(key) > 128 || !tagText.MatchString(key):
		return validation("Tag key %q must have 1 to 128 letters, digits, blanks and _.:/=+-@", key)
	case utf8.RuneCountInString(value) > 256 || !tagText.MatchString(value):
		return validation("The value of tag %s must have at most 256 letters, digits, blanks and _.:/=+-@", key)
	case hasPrefixFold(key, "aws:"):
		return validation("Tag key %s is not allowed: the prefix aws: is reserved", key)
	}
	return nil
}

func isReserved(key string) bool { return hasPrefixFold(key, reservedPrefix) }

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// tagMap reads the API's list; a key must stand there once, whatever its case.
func tagMap(list []Tag) (map[string]string, error) {
	tags := make(map[string]string, len(list))
	for _, t := range list {
		if _, twice := tags[t.Key]; twice {
			return nil, validation("Tag key %s stands there twice", t.Key)
		}
		tags[t.Key] = t.Value
	}
	return tags, checkTwins(tags, nil)
}

// authorizeReserved asks for the noun's update action when a reserved tag differs between was and now. Otherwise
// somebody who may only tag could change how tokens are made or verified.
func (s *Server) authorizeReserved(ctx context.Context, tx *store.Tx, rules tagRules, arn string, was, now map[string]string) error {
	changed := false
	for key := range rules.reserved {
		old, had := was[key]
		value, has := now[key]
		changed = changed || had != has || old != value
	}
	if !changed {
		return nil
	}
	if s.Authorize == nil {
		return accessDenied("Changing a reserved tag needs "+rules.updateAction, "no authorizer is set")
	}
	return s.Authorize(ctx, tx, rules.updateAction, arn)
}

func (s *Server) tagResource(ctx context.Context, in *TagResourceInput) (*TagResourceOutput, error) {
	add, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	return &TagResourceOutput{}, s.changeTags(ctx, in.InstanceArn, in.ResourceArn, func(tags map[string]string) {
		maps.Copy(tags, add)
	})
}

func (s *Server) untagResource(ctx context.Context, in *UntagResourceInput) (*UntagResourceOutput, error) {
	return &UntagResourceOutput{}, s.changeTags(ctx, in.InstanceArn, in.ResourceArn, func(tags map[string]string) {
		maps.DeleteFunc(tags, func(key, _ string) bool { return slices.Contains(in.TagKeys, key) })
	})
}

func (s *Server) changeTags(ctx context.Context, instance *string, arn string, change func(map[string]string)) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		r, err := visibleTagged(ctx, tx, instance, arn)
		if err != nil {
			return err
		}
		tags := maps.Clone(r.tags)
		if tags == nil {
			tags = map[string]string{}
		}
		change(tags)
		if err := r.put(s, tx, tags); err != nil {
			return err
		}
		return s.authorizeReserved(ctx, tx, r.rules, arn, r.tags, tags)
	})
}

func (s *Server) listTagsForResource(ctx context.Context, in *ListTagsForResourceInput) (*ListTagsForResourceOutput, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.listing(account, "ListTagsForResource", nil, 100, in.NextToken, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &ListTagsForResourceOutput{}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		r, err := visibleTagged(ctx, tx, in.InstanceArn, in.ResourceArn)
		if err != nil {
			return err
		}
		keys := slices.Sorted(maps.Keys(r.tags))
		keys = keep(keys, func(key string) bool { return list.after == nil || key > list.after[0] })
		keys, out.NextToken = cut(list, keys, func(key string) []string { return []string{key} })
		out.Tags = each(keys, func(key string) Tag { return Tag{Key: key, Value: r.tags[key]} })
		return nil
	})
	return out, err
}
