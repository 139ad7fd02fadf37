package ssoadmin

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/wire"
)

// resources says what a call acts on, as policies name it, and what their conditions can ask about.
//
// Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS IAM Identity Center":
// operations on an application and all that hangs on it act on the application; CreateApplication on the instance and
// the application provider; those on trusted token issuers on the issuer, creating and listing on the instance; those on
// tags on the tagged resource; listing instances and providers on "*".
func (s *Server) resources(ctx context.Context, c *wire.Call) ([]string, error) {
	if c.Context == nil {
		c.Context = map[string][]string{}
	}
	requestTags(c)
	arns := resourceARNs(c.Input)
	if len(arns) == 0 {
		return []string{"*"}, nil
	}
	return arns, s.DB.View(ctx, func(tx *store.Tx) error { return resourceContext(tx, c, arns[0]) })
}

// resourceARNs reads the members that name resources: the most special one, and the provider beside an instance.
func resourceARNs(input any) []string {
	v := reflect.Indirect(reflect.ValueOf(input))
	member := func(name string) string {
		if f := v.FieldByName(name); f.IsValid() && f.Kind() == reflect.String {
			return f.String()
		}
		return ""
	}
	for _, name := range []string{"ApplicationArn", "TrustedTokenIssuerArn", "ResourceArn"} {
		if arn := member(name); arn != "" {
			return []string{arn}
		}
	}
	var arns []string
	for _, name := range []string{"InstanceArn", "ApplicationProviderArn"} {
		if arn := member(name); arn != "" {
			arns = append(arns, arn)
		}
	}
	return arns
}

// requestTags fills aws:RequestTag/… and aws:TagKeys from the tags a request sets or removes.
func requestTags(c *wire.Call) {
	var add []Tag
	var keys []string
	switch in := c.Input.(type) {
	case *CreateApplicationInput:
		add = in.Tags
	case *CreateTrustedTokenIssuerInput:
		add = in.Tags
	case *TagResourceInput:
		add = in.Tags
	case *UntagResourceInput:
		keys = in.TagKeys
	}
	for _, t := range add {
		keys = append(keys, t.Key)
	}
	tagContext(c, "aws:requesttag/", add)
	if len(keys) > 0 {
		c.Context["aws:tagkeys"] = keys
	}
}

// resourceContext fills aws:ResourceTag/… and sso:ApplicationAccount from the resource; a resource that is not there
// leaves them absent.
func resourceContext(tx *store.Tx, c *wire.Call, arn string) error {
	var tags map[string]string
	var err error
	switch {
	case strings.Contains(arn, ":application/"):
		var a Application
		if a, err = GetApplication(tx, arn); err == nil {
			c.Context["sso:applicationaccount"] = []string{a.AccountID}
			tags = a.Tags
		}
	case strings.Contains(arn, ":trustedTokenIssuer/"):
		var t TrustedTokenIssuer
		t, err = GetTrustedTokenIssuer(tx, arn)
		tags = t.Tags
	case strings.Contains(arn, ":instance/"):
		var i Instance
		i, err = GetInstance(tx, arn)
		tags = i.Tags
	}
	list := make([]Tag, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, Tag{Key: key, Value: tags[key]})
	}
	tagContext(c, "aws:resourcetag/", list)
	return ignoreMissing(err)
}

// tagContext puts tags where conditions look for them. Where keys fold together each has the values of all, whichever a
// policy names: then no condition that compares with one value is believed, and what is denied stays denied.
func tagContext(c *wire.Call, prefix string, tags []Tag) {
	values := make(map[string][]string, len(tags))
	for _, t := range tags {
		values[foldKey(t.Key)] = append(values[foldKey(t.Key)], t.Value)
	}
	for _, t := range tags {
		c.Context[prefix+strings.ToLower(t.Key)] = values[foldKey(t.Key)]
	}
}
