package symbolon

import (
	"fmt"

	"github.com/goccy/go-yaml"
)

// Organization is an organization as a file: what `symbolon apply` declares. What it names is created or brought into the state
// written; what it does not name stays. Inside a declared thing a list that is given is exact (members, redirectUris, grants,
// scopes, assignments, attachedPolicies), one that is left out stays as it is.
type Organization struct {
	// Instance names the Identity Center instance; it is made at the first apply. There is one.
	Instance InstanceDeclaration  `yaml:"instance"`
	Accounts []AccountDeclaration `yaml:"accounts"`
	Users    []UserDeclaration    `yaml:"users"`
	Groups   []GroupDeclaration   `yaml:"groups"`
	// TrustedTokenIssuers and Applications are known by their names, which must be unique in the file and in the instance.
	TrustedTokenIssuers []TrustedTokenIssuerDeclaration `yaml:"trustedTokenIssuers"`
	Applications        []ApplicationDeclaration        `yaml:"applications"`
	IAM                 IAMDeclaration                  `yaml:"iam"`
}

// InstanceDeclaration is the instance and its identity store.
type InstanceDeclaration struct {
	Name    string `yaml:"name"`
	Account string `yaml:"account"` // the owner's 12 digits
	Region  string `yaml:"region"`  // default: the setting region
	// ARN and IdentityStoreID fix the ids of a new instance, so that several deployments agree; random if empty.
	ARN             string `yaml:"arn"`
	IdentityStoreID string `yaml:"identityStoreId"`
}

// AccountDeclaration is a member account.
type AccountDeclaration struct {
	ID    string `yaml:"id"`
	Name  string `yaml:"name"`
	Email string `yaml:"email"`
}

// UserDeclaration is a directory user, known by its user name.
type UserDeclaration struct {
	UserName    string `yaml:"userName"`
	DisplayName string `yaml:"displayName"`
	GivenName   string `yaml:"givenName"`
	FamilyName  string `yaml:"familyName"`
	Email       string `yaml:"email"`
	// ExternalIDs by issuer.
	ExternalIDs map[string]string `yaml:"externalIds"`
	// Password, if given, is set when it differs.
	Password string `yaml:"password"`
	// Enabled is true for a new user unless the file says otherwise.
	Enabled *bool `yaml:"enabled"`
}

// GroupDeclaration is a directory group, known by its display name.
type GroupDeclaration struct {
	Name        string    `yaml:"name"`
	Description string    `yaml:"description"`
	Members     *[]string `yaml:"members"` // user names
}

// TrustedTokenIssuerDeclaration is a trusted token issuer.
type TrustedTokenIssuerDeclaration struct {
	Name      string `yaml:"name"`
	IssuerURL string `yaml:"issuerUrl"`
	Claim     string `yaml:"claim"`     // default email
	Attribute string `yaml:"attribute"` // default emails.value
	// Algorithms replaces the allow-list RS256, ES256.
	Algorithms []string          `yaml:"algorithms"`
	Tags       map[string]string `yaml:"tags"`
}

// ApplicationDeclaration is an application with everything on it.
type ApplicationDeclaration struct {
	Name               string            `yaml:"name"`
	Description        string            `yaml:"description"`
	Enabled            *bool             `yaml:"enabled"`            // true for what is new
	AssignmentRequired *bool             `yaml:"assignmentRequired"` // true for what is new
	Tags               map[string]string `yaml:"tags"`
	// ActorPolicy is the IAM authentication method, a policy document; Actors is short for one that lets these principals do
	// everything an actor policy can allow.
	ActorPolicy any                     `yaml:"actorPolicy"`
	Actors      []string                `yaml:"actors"`
	Grants      *GrantsDeclaration      `yaml:"grants"`
	Scopes      *[]ScopeDeclaration     `yaml:"scopes"`
	Assignments *AssignmentsDeclaration `yaml:"assignments"`
}

// GrantsDeclaration are the grants of an application; nil or false means that it does not have the grant.
type GrantsDeclaration struct {
	AuthorizationCode *struct {
		RedirectURIs []string `yaml:"redirectUris"`
	} `yaml:"authorizationCode"`
	JWTBearer []struct {
		Issuer    string   `yaml:"issuer"` // a trusted token issuer's name
		Audiences []string `yaml:"audiences"`
	} `yaml:"jwtBearer"`
	RefreshToken  bool `yaml:"refreshToken"`
	TokenExchange bool `yaml:"tokenExchange"`
}

// ScopeDeclaration is an access scope; Targets are application names, ARNs, or "instance".
type ScopeDeclaration struct {
	Scope   string   `yaml:"scope"`
	Targets []string `yaml:"targets"`
}

// AssignmentsDeclaration are who may use an application: user names and group names.
type AssignmentsDeclaration struct {
	Users  []string `yaml:"users"`
	Groups []string `yaml:"groups"`
}

// IAMDeclaration are the principals that call, and their policies.
type IAMDeclaration struct {
	Policies []ManagedPolicyDeclaration `yaml:"policies"`
	Users    []IAMUserDeclaration       `yaml:"users"`
	Roles    []RoleDeclaration          `yaml:"roles"`
	// RootAccessKeys are keys of account root users.
	RootAccessKeys []RootAccessKeyDeclaration `yaml:"rootAccessKeys"`
}

// ManagedPolicyDeclaration is a customer managed policy. Account defaults to the instance's everywhere in this section.
type ManagedPolicyDeclaration struct {
	Account     string `yaml:"account"`
	Name        string `yaml:"name"`
	Path        string `yaml:"path"`
	Description string `yaml:"description"`
	Document    any    `yaml:"document"`
}

// IAMUserDeclaration is an IAM user.
type IAMUserDeclaration struct {
	Account          string                 `yaml:"account"`
	Name             string                 `yaml:"name"`
	Path             string                 `yaml:"path"`
	Boundary         string                 `yaml:"permissionsBoundary"` // an ARN, or none to remove it
	InlinePolicies   map[string]any         `yaml:"inlinePolicies"`
	AttachedPolicies []string               `yaml:"attachedPolicies"` // ARNs, or names of policies of the account
	Tags             map[string]string      `yaml:"tags"`
	AccessKeys       []AccessKeyDeclaration `yaml:"accessKeys"`
}

// AccessKeyDeclaration is an access key; with neither ID nor Secret one is made, and reported, when the user has none. An ID alone is
// that of a key which the user has, and which keeps its secret.
type AccessKeyDeclaration struct {
	ID     string `yaml:"id"`
	Secret string `yaml:"secret"`
	Status string `yaml:"status"` // Active or Inactive; if left out, as it is, and Active at first
}

// RootAccessKeyDeclaration is an access key of an account's root user.
type RootAccessKeyDeclaration struct {
	Account              string `yaml:"account"`
	AccessKeyDeclaration `yaml:",inline"`
}

// RoleDeclaration is an IAM role.
type RoleDeclaration struct {
	Account            string            `yaml:"account"`
	Name               string            `yaml:"name"`
	Path               string            `yaml:"path"`
	Description        string            `yaml:"description"`
	TrustPolicy        any               `yaml:"trustPolicy"`
	MaxSessionDuration int64             `yaml:"maxSessionDuration"`  // seconds, default 3600
	Boundary           string            `yaml:"permissionsBoundary"` // an ARN, or none to remove it
	InlinePolicies     map[string]any    `yaml:"inlinePolicies"`
	AttachedPolicies   []string          `yaml:"attachedPolicies"`
	Tags               map[string]string `yaml:"tags"`
}

// ParseOrganization reads an organization file (YAML or JSON). Unknown and repeated keys are errors with their line; name stands in them.
func ParseOrganization(name string, text []byte) (*Organization, error) {
	var o Organization
	if err := readDocument(text, &o, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &o, nil
}
