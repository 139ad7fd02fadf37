package iam

import (
	"maps"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/symbolon/symbolon/internal/policy"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
	"github.com/symbolon/symbolon/internal/wire"
)

// values are condition values under lower-case keys.
type values policy.Values

// conditionValues are the keys a policy can ask about (IAM User Guide, "AWS global condition context keys"). What other rooms say, for the
// call or in the question, can never replace what we know of the caller. A key we know nothing of is absent, not empty: that is what
// Null and …IfExists test.
func conditionValues(tx *store.Tx, c *Caller, own map[string]string, a Access) policy.Values {
	v := make(values, 32)
	v.merge(a.Context)
	if call := wire.CallFrom(tx.Context()); call != nil {
		v.merge(call.Context)
		v.ofCall(call)
	}
	v.ofTime(tx.Now())
	v.ofCaller(c, own)
	if c.OnBehalfOf != nil {
		v.ofUser("", c.OnBehalfOf)
	}
	account := a.ResourceAccount
	if account == "" {
		account = c.AccountID
	}
	v.set("aws:resourceaccount", account)
	maps.Copy(v, a.asked)
	return policy.Values(v)
}

func (v values) set(key string, value ...string) { v[key] = value }

// setSome leaves the key absent when there is nothing to say.
func (v values) setSome(key, value string) {
	if value != "" {
		v[key] = []string{value}
	}
}

// merge takes over what is said of request and resource: their tags and their service's own keys, never a key of ours.
func (v values) merge(more map[string][]string) {
	for key, list := range more {
		key = strings.ToLower(key)
		service, name, _ := strings.Cut(key, ":")
		switch service {
		case "aws":
			if name != "tagkeys" && !strings.HasPrefix(name, "requesttag/") && !strings.HasPrefix(name, "resourcetag/") {
				continue
			}
		case "identitycenter", "identitystore", "sts":
			continue
		}
		v[key] = list
	}
}

func (v values) ofCall(call *wire.Call) {
	v.setSome("aws:requestedregion", call.Region)
	r := call.Request
	if r == nil {
		return
	}
	v.set("aws:securetransport", strconv.FormatBool(r.TLS != nil))
	v.setSome("aws:useragent", r.UserAgent())
	v.setSome("aws:referer", r.Referer())
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil && net.ParseIP(host) != nil {
		v.set("aws:sourceip", host)
	}
}

func (v values) ofTime(now time.Time) {
	v.set("aws:currenttime", now.UTC().Format(time.RFC3339))
	v.set("aws:epochtime", strconv.FormatInt(now.Unix(), 10))
}

// principalTypes are the values of aws:PrincipalType.
var principalTypes = map[CallerType]string{Root: "Account", IAMUser: "User", AssumedRole: "AssumedRole"}

// ofCaller: own are the tags of the user or role itself.
func (v values) ofCaller(c *Caller, own map[string]string) {
	arn := c.ARN
	if c.Type == AssumedRole {
		arn = c.RoleARN
	}
	v.set("aws:principalarn", arn)
	v.set("aws:principalaccount", c.AccountID)
	v.set("aws:principaltype", principalTypes[c.Type])
	v.set("aws:principalisawsservice", "false")
	v.set("aws:viaawsservice", "false")
	v.set("aws:userid", c.UserID)
	if c.Type == IAMUser {
		v.set("aws:username", c.Name)
	}
	v.ofSession(c)
	for key, value := range own {
		v.set("aws:principaltag/"+strings.ToLower(key), value)
	}
	for key, value := range c.Tags {
		v.set("aws:principaltag/"+strings.ToLower(key), value)
	}
}

// ofSession: long-term keys have none of these. No session of ours is made with MFA.
func (v values) ofSession(c *Caller) {
	if c.Type != AssumedRole {
		return
	}
	v.set("aws:tokenissuetime", c.IssuedAt.UTC().Format(time.RFC3339))
	v.set("aws:multifactorauthpresent", "false")
	v.setSome("aws:sourceidentity", c.SourceIdentity)
}

// ofUser are the keys of an Identity Center user, under a prefix such as "sts:requestcontext/" or none.
func (v values) ofUser(prefix string, u *token.IdentityContext) {
	v.setSome(prefix+"identitystore:userid", u.UserID)
	v.setSome(prefix+"identitystore:identitystorearn", u.IdentityStoreARN)
	v.setSome(prefix+"identitycenter:instancearn", u.InstanceARN)
	v.setSome(prefix+"identitycenter:applicationarn", u.ApplicationARN)
	v.setSome(prefix+"identitycenter:credentialid", u.CredentialID)
}
