package ssoadmin

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// The shapes of the service on the wire: names, constraints and secrets as AWS documents them, in the tag language of
// wire.Op. Keep them in step with AWS; test/golden notices what moved.

// ListInstancesInput is what ListInstances takes.
type ListInstancesInput struct {
	MaxResults  *int    `json:"MaxResults" range:"1..100"`
	NextToken   *string `json:"NextToken" len:"0..2048" pattern:"[-a-zA-Z0-9+=/_]*"`
	RegionScope *string `json:"RegionScope" enum:"CURRENT_REGION|ALL_REGIONS"`
}

// ListInstancesOutput is what ListInstances answers.
type ListInstancesOutput struct {
	Instances []InstanceMetadata `json:"Instances"`
	NextToken *string            `json:"NextToken"`
}

// DescribeInstanceInput is what DescribeInstance takes.
type DescribeInstanceInput struct {
	InstanceArn string `json:"InstanceArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso:::instance/(sso)?ins-[a-zA-Z0-9-.]{16}"`
}

// DescribeInstanceOutput is what DescribeInstance answers.
type DescribeInstanceOutput struct {
	InstanceArn                    *string                         `json:"InstanceArn"`
	IdentityStoreId                *string                         `json:"IdentityStoreId"`
	OwnerAccountId                 *string                         `json:"OwnerAccountId"`
	Name                           *string                         `json:"Name"`
	CreatedDate                    *time.Time                      `json:"CreatedDate"`
	Status                         *string                         `json:"Status"`
	StatusReason                   *string                         `json:"StatusReason"`
	EncryptionConfigurationDetails *EncryptionConfigurationDetails `json:"EncryptionConfigurationDetails"`
	PermissionSetsEnabled          *bool                           `json:"PermissionSetsEnabled"`
	IdentityStoreArn               *string                         `json:"IdentityStoreArn"`
	PrimaryRegion                  *string                         `json:"PrimaryRegion"`
	Regions                        []RegionMetadata                `json:"Regions"`
}

// CreateApplicationInput is what CreateApplication takes.
type CreateApplicationInput struct {
	InstanceArn            string         `json:"InstanceArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso:::instance/(sso)?ins-[a-zA-Z0-9-.]{16}"`
	ApplicationProviderArn string         `json:"ApplicationProviderArn" wire:"required" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::aws:applicationProvider/[a-zA-Z0-9-/]+"`
	Name                   string         `json:"Name" wire:"required" len:"1..100" pattern:"[\\S\\s]*"`
	Description            *string        `json:"Description" len:"1..128"`
	PortalOptions          *PortalOptions `json:"PortalOptions"`
	Tags                   []Tag          `json:"Tags" len:"0..75"`
	Status                 *string        `json:"Status" enum:"ENABLED|DISABLED"`
	ClientToken            *string        `json:"ClientToken" wire:"idempotency" len:"1..64" pattern:"[!-~]+"`
}

// CreateApplicationOutput is what CreateApplication answers.
type CreateApplicationOutput struct {
	ApplicationArn   *string `json:"ApplicationArn"`
	InstanceArn      *string `json:"InstanceArn"`
	IdentityStoreArn *string `json:"IdentityStoreArn"`
}

// DescribeApplicationInput is what DescribeApplication takes.
type DescribeApplicationInput struct {
	ApplicationArn string `json:"ApplicationArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
}

// DescribeApplicationOutput is what DescribeApplication answers.
type DescribeApplicationOutput struct {
	ApplicationArn         *string        `json:"ApplicationArn"`
	ApplicationProviderArn *string        `json:"ApplicationProviderArn"`
	Name                   *string        `json:"Name"`
	ApplicationAccount     *string        `json:"ApplicationAccount"`
	InstanceArn            *string        `json:"InstanceArn"`
	IdentityStoreArn       *string        `json:"IdentityStoreArn"`
	Status                 *string        `json:"Status"`
	PortalOptions          *PortalOptions `json:"PortalOptions"`
	Description            *string        `json:"Description"`
	CreatedDate            *time.Time     `json:"CreatedDate"`
	CreatedFrom            *string        `json:"CreatedFrom"`
}

// UpdateApplicationInput is what UpdateApplication takes.
type UpdateApplicationInput struct {
	ApplicationArn string                          `json:"ApplicationArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
	Name           *string                         `json:"Name" len:"1..100" pattern:"[\\S\\s]*"`
	Description    *string                         `json:"Description" len:"1..128"`
	Status         *string                         `json:"Status" enum:"ENABLED|DISABLED"`
	PortalOptions  *UpdateApplicationPortalOptions `json:"PortalOptions"`
}

// UpdateApplicationOutput is what UpdateApplication answers.
type UpdateApplicationOutput struct{}

// DeleteApplicationInput is what DeleteApplication takes.
type DeleteApplicationInput struct {
	ApplicationArn string `json:"ApplicationArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
}

// DeleteApplicationOutput is what DeleteApplication answers.
type DeleteApplicationOutput struct{}

// ListApplicationsInput is what ListApplications takes.
type ListApplicationsInput struct {
	InstanceArn string                  `json:"InstanceArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso:::instance/(sso)?ins-[a-zA-Z0-9-.]{16}"`
	MaxResults  *int                    `json:"MaxResults" range:"1..100"`
	NextToken   *string                 `json:"NextToken" len:"0..2048" pattern:"[-a-zA-Z0-9+=/_]*"`
	Filter      *ListApplicationsFilter `json:"Filter"`
}

// ListApplicationsOutput is what ListApplications answers.
type ListApplicationsOutput struct {
	Applications []ApplicationItem `json:"Applications"`
	NextToken    *string           `json:"NextToken"`
}

// ListApplicationProvidersInput is what ListApplicationProviders takes.
type ListApplicationProvidersInput struct {
	MaxResults *int    `json:"MaxResults" range:"1..100"`
	NextToken  *string `json:"NextToken" len:"0..2048" pattern:"[-a-zA-Z0-9+=/_]*"`
}

// ListApplicationProvidersOutput is what ListApplicationProviders answers.
type ListApplicationProvidersOutput struct {
	ApplicationProviders []ApplicationProvider `json:"ApplicationProviders"`
	NextToken            *string               `json:"NextToken"`
}

// DescribeApplicationProviderInput is what DescribeApplicationProvider takes.
type DescribeApplicationProviderInput struct {
	ApplicationProviderArn string `json:"ApplicationProviderArn" wire:"required" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::aws:applicationProvider/[a-zA-Z0-9-/]+"`
}

// DescribeApplicationProviderOutput is what DescribeApplicationProvider answers.
type DescribeApplicationProviderOutput struct {
	ApplicationProviderArn string                `json:"ApplicationProviderArn" wire:"required"`
	FederationProtocol     *string               `json:"FederationProtocol"`
	DisplayData            *DisplayData          `json:"DisplayData"`
	ResourceServerConfig   *ResourceServerConfig `json:"ResourceServerConfig"`
}

// PutApplicationGrantInput is what PutApplicationGrant takes.
type PutApplicationGrantInput struct {
	ApplicationArn string `json:"ApplicationArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
	GrantType      string `json:"GrantType" wire:"required" enum:"authorization_code|refresh_token|urn:ietf:params:oauth:grant-type:jwt-bearer|urn:ietf:params:oauth:grant-type:token-exchange"`
	Grant          Grant  `json:"Grant" wire:"required" union:"true"`
}

// PutApplicationGrantOutput is what PutApplicationGrant answers.
type PutApplicationGrantOutput struct{}

// GetApplicationGrantInput is what GetApplicationGrant takes.
type GetApplicationGrantInput struct {
	ApplicationArn string `json:"ApplicationArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
	GrantType      string `json:"GrantType" wire:"required" enum:"authorization_code|refresh_token|urn:ietf:params:oauth:grant-type:jwt-bearer|urn:ietf:params:oauth:grant-type:token-exchange"`
}

// GetApplicationGrantOutput is what GetApplicationGrant answers.
type GetApplicationGrantOutput struct {
	Grant Grant `json:"Grant" wire:"required" union:"true"`
}

// ListApplicationGrantsInput is what ListApplicationGrants takes.
type ListApplicationGrantsInput struct {
	ApplicationArn string  `json:"ApplicationArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
	NextToken      *string `json:"NextToken" len:"0..2048" pattern:"[-a-zA-Z0-9+=/_]*"`
}

// ListApplicationGrantsOutput is what ListApplicationGrants answers.
type ListApplicationGrantsOutput struct {
	Grants    []GrantItem `json:"Grants" wire:"required"`
	NextToken *string     `json:"NextToken"`
}

// DeleteApplicationGrantInput is what DeleteApplicationGrant takes.
type DeleteApplicationGrantInput struct {
	ApplicationArn string `json:"ApplicationArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
	GrantType      string `json:"GrantType" wire:"required" enum:"authorization_code|refresh_token|urn:ietf:params:oauth:grant-type:jwt-bearer|urn:ietf:params:oauth:grant-type:token-exchange"`
}

// DeleteApplicationGrantOutput is what DeleteApplicationGrant answers.
type DeleteApplicationGrantOutput struct{}

// PutApplicationAuthenticationMethodInput is what PutApplicationAuthenticationMethod takes.
type PutApplicationAuthenticationMethodInput struct {
	ApplicationArn           string               `json:"ApplicationArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
	AuthenticationMethodType string               `json:"AuthenticationMethodType" wire:"required" enum:"IAM"`
	AuthenticationMethod     AuthenticationMethod `json:"AuthenticationMethod" wire:"required" union:"true"`
}

// PutApplicationAuthenticationMethodOutput is what PutApplicationAuthenticationMethod answers.
type PutApplicationAuthenticationMethodOutput struct{}

// GetApplicationAuthenticationMethodInput is what GetApplicationAuthenticationMethod takes.
type GetApplicationAuthenticationMethodInput struct {
	ApplicationArn           string `json:"ApplicationArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
	AuthenticationMethodType string `json:"AuthenticationMethodType" wire:"required" enum:"IAM"`
}

// GetApplicationAuthenticationMethodOutput is what GetApplicationAuthenticationMethod answers.
type GetApplicationAuthenticationMethodOutput struct {
	AuthenticationMethod *AuthenticationMethod `json:"AuthenticationMethod" union:"true"`
}

// ListApplicationAuthenticationMethodsInput is what ListApplicationAuthenticationMethods takes.
type ListApplicationAuthenticationMethodsInput struct {
	ApplicationArn string  `json:"ApplicationArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
	NextToken      *string `json:"NextToken" len:"0..2048" pattern:"[-a-zA-Z0-9+=/_]*"`
}

// ListApplicationAuthenticationMethodsOutput is what ListApplicationAuthenticationMethods answers.
type ListApplicationAuthenticationMethodsOutput struct {
	AuthenticationMethods []AuthenticationMethodItem `json:"AuthenticationMethods"`
	NextToken             *string                    `json:"NextToken"`
}

// DeleteApplicationAuthenticationMethodInput is what DeleteApplicationAuthenticationMethod takes.
type DeleteApplicationAuthenticationMethodInput struct {
	ApplicationArn           string `json:"ApplicationArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
	AuthenticationMethodType string `json:"AuthenticationMethodType" wire:"required" enum:"IAM"`
}

// DeleteApplicationAuthenticationMethodOutput is what DeleteApplicationAuthenticationMethod answers.
type DeleteApplicationAuthenticationMethodOutput struct{}

// PutApplicationAccessScopeInput is what PutApplicationAccessScope takes.
type PutApplicationAccessScopeInput struct {
	Scope             string   `json:"Scope" wire:"required" pattern:"([A-Za-z0-9_]{1,50})(:[A-Za-z0-9_]{1,50}){0,1}(:[A-Za-z0-9_]{1,50}){0,1}"`
	AuthorizedTargets []string `json:"AuthorizedTargets" len:"1..10" each-len:"1..100" each-pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::(\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}|:instance/(sso)?ins-[a-zA-Z0-9-.]{16})"`
	ApplicationArn    string   `json:"ApplicationArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
}

// PutApplicationAccessScopeOutput is what PutApplicationAccessScope answers.
type PutApplicationAccessScopeOutput struct{}

// GetApplicationAccessScopeInput is what GetApplicationAccessScope takes.
type GetApplicationAccessScopeInput struct {
	ApplicationArn string `json:"ApplicationArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
	Scope          string `json:"Scope" wire:"required" pattern:"([A-Za-z0-9_]{1,50})(:[A-Za-z0-9_]{1,50}){0,1}(:[A-Za-z0-9_]{1,50}){0,1}"`
}

// GetApplicationAccessScopeOutput is what GetApplicationAccessScope answers.
type GetApplicationAccessScopeOutput struct {
	Scope             string   `json:"Scope" wire:"required"`
	AuthorizedTargets []string `json:"AuthorizedTargets"`
}

// ListApplicationAccessScopesInput is what ListApplicationAccessScopes takes.
type ListApplicationAccessScopesInput struct {
	ApplicationArn string  `json:"ApplicationArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
	MaxResults     *int    `json:"MaxResults" range:"1..10"`
	NextToken      *string `json:"NextToken" len:"0..2048" pattern:"[-a-zA-Z0-9+=/_]*"`
}

// ListApplicationAccessScopesOutput is what ListApplicationAccessScopes answers.
type ListApplicationAccessScopesOutput struct {
	Scopes    []ScopeDetails `json:"Scopes" wire:"required"`
	NextToken *string        `json:"NextToken"`
}

// DeleteApplicationAccessScopeInput is what DeleteApplicationAccessScope takes.
type DeleteApplicationAccessScopeInput struct {
	ApplicationArn string `json:"ApplicationArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
	Scope          string `json:"Scope" wire:"required" pattern:"([A-Za-z0-9_]{1,50})(:[A-Za-z0-9_]{1,50}){0,1}(:[A-Za-z0-9_]{1,50}){0,1}"`
}

// DeleteApplicationAccessScopeOutput is what DeleteApplicationAccessScope answers.
type DeleteApplicationAccessScopeOutput struct{}

// PutApplicationAssignmentConfigurationInput is what PutApplicationAssignmentConfiguration takes.
type PutApplicationAssignmentConfigurationInput struct {
	ApplicationArn     string `json:"ApplicationArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
	AssignmentRequired bool   `json:"AssignmentRequired" wire:"required"`
}

// PutApplicationAssignmentConfigurationOutput is what PutApplicationAssignmentConfiguration answers.
type PutApplicationAssignmentConfigurationOutput struct{}

// GetApplicationAssignmentConfigurationInput is what GetApplicationAssignmentConfiguration takes.
type GetApplicationAssignmentConfigurationInput struct {
	ApplicationArn string `json:"ApplicationArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
}

// GetApplicationAssignmentConfigurationOutput is what GetApplicationAssignmentConfiguration answers.
type GetApplicationAssignmentConfigurationOutput struct {
	AssignmentRequired bool `json:"AssignmentRequired" wire:"required"`
}

// CreateApplicationAssignmentInput is what CreateApplicationAssignment takes.
type CreateApplicationAssignmentInput struct {
	ApplicationArn string `json:"ApplicationArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
	PrincipalId    string `json:"PrincipalId" wire:"required" len:"1..47" pattern:"([0-9a-f]{10}-|)[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"`
	PrincipalType  string `json:"PrincipalType" wire:"required" enum:"USER|GROUP"`
}

// CreateApplicationAssignmentOutput is what CreateApplicationAssignment answers.
type CreateApplicationAssignmentOutput struct{}

// DescribeApplicationAssignmentInput is what DescribeApplicationAssignment takes.
type DescribeApplicationAssignmentInput struct {
	ApplicationArn string `json:"ApplicationArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
	PrincipalId    string `json:"PrincipalId" wire:"required" len:"1..47" pattern:"([0-9a-f]{10}-|)[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"`
	PrincipalType  string `json:"PrincipalType" wire:"required" enum:"USER|GROUP"`
}

// DescribeApplicationAssignmentOutput is what DescribeApplicationAssignment answers.
type DescribeApplicationAssignmentOutput struct {
	PrincipalType  *string `json:"PrincipalType"`
	PrincipalId    *string `json:"PrincipalId"`
	ApplicationArn *string `json:"ApplicationArn"`
}

// DeleteApplicationAssignmentInput is what DeleteApplicationAssignment takes.
type DeleteApplicationAssignmentInput struct {
	ApplicationArn string `json:"ApplicationArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
	PrincipalId    string `json:"PrincipalId" wire:"required" len:"1..47" pattern:"([0-9a-f]{10}-|)[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"`
	PrincipalType  string `json:"PrincipalType" wire:"required" enum:"USER|GROUP"`
}

// DeleteApplicationAssignmentOutput is what DeleteApplicationAssignment answers.
type DeleteApplicationAssignmentOutput struct{}

// ListApplicationAssignmentsInput is what ListApplicationAssignments takes.
type ListApplicationAssignmentsInput struct {
	ApplicationArn string  `json:"ApplicationArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
	MaxResults     *int    `json:"MaxResults" range:"1..100"`
	NextToken      *string `json:"NextToken" len:"0..2048" pattern:"[-a-zA-Z0-9+=/_]*"`
}

// ListApplicationAssignmentsOutput is what ListApplicationAssignments answers.
type ListApplicationAssignmentsOutput struct {
	ApplicationAssignments []ApplicationAssignment `json:"ApplicationAssignments"`
	NextToken              *string                 `json:"NextToken"`
}

// ListApplicationAssignmentsForPrincipalInput is what ListApplicationAssignmentsForPrincipal takes.
type ListApplicationAssignmentsForPrincipalInput struct {
	InstanceArn   string                            `json:"InstanceArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso:::instance/(sso)?ins-[a-zA-Z0-9-.]{16}"`
	PrincipalId   string                            `json:"PrincipalId" wire:"required" len:"1..47" pattern:"([0-9a-f]{10}-|)[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"`
	PrincipalType string                            `json:"PrincipalType" wire:"required" enum:"USER|GROUP"`
	Filter        *ListApplicationAssignmentsFilter `json:"Filter"`
	NextToken     *string                           `json:"NextToken" len:"0..2048" pattern:"[-a-zA-Z0-9+=/_]*"`
	MaxResults    *int                              `json:"MaxResults" range:"1..100"`
}

// ListApplicationAssignmentsForPrincipalOutput is what ListApplicationAssignmentsForPrincipal answers.
type ListApplicationAssignmentsForPrincipalOutput struct {
	ApplicationAssignments []ApplicationAssignmentForPrincipal `json:"ApplicationAssignments"`
	NextToken              *string                             `json:"NextToken"`
}

// PutApplicationSessionConfigurationInput is what PutApplicationSessionConfiguration takes.
type PutApplicationSessionConfigurationInput struct {
	ApplicationArn                         string  `json:"ApplicationArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
	UserBackgroundSessionApplicationStatus *string `json:"UserBackgroundSessionApplicationStatus" enum:"ENABLED|DISABLED"`
}

// PutApplicationSessionConfigurationOutput is what PutApplicationSessionConfiguration answers.
type PutApplicationSessionConfigurationOutput struct{}

// GetApplicationSessionConfigurationInput is what GetApplicationSessionConfiguration takes.
type GetApplicationSessionConfigurationInput struct {
	ApplicationArn string `json:"ApplicationArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
}

// GetApplicationSessionConfigurationOutput is what GetApplicationSessionConfiguration answers.
type GetApplicationSessionConfigurationOutput struct {
	UserBackgroundSessionApplicationStatus *string `json:"UserBackgroundSessionApplicationStatus"`
}

// CreateTrustedTokenIssuerInput is what CreateTrustedTokenIssuer takes.
type CreateTrustedTokenIssuerInput struct {
	InstanceArn                     string                          `json:"InstanceArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso:::instance/(sso)?ins-[a-zA-Z0-9-.]{16}"`
	Name                            string                          `json:"Name" wire:"required" len:"1..255" pattern:"[\\w+=,.@-]+"`
	TrustedTokenIssuerType          string                          `json:"TrustedTokenIssuerType" wire:"required" enum:"OIDC_JWT"`
	TrustedTokenIssuerConfiguration TrustedTokenIssuerConfiguration `json:"TrustedTokenIssuerConfiguration" wire:"required" union:"true"`
	ClientToken                     *string                         `json:"ClientToken" wire:"idempotency" len:"1..64" pattern:"[!-~]+"`
	Tags                            []Tag                           `json:"Tags" len:"0..75"`
}

// CreateTrustedTokenIssuerOutput is what CreateTrustedTokenIssuer answers.
type CreateTrustedTokenIssuerOutput struct {
	TrustedTokenIssuerArn *string `json:"TrustedTokenIssuerArn"`
}

// DescribeTrustedTokenIssuerInput is what DescribeTrustedTokenIssuer takes.
type DescribeTrustedTokenIssuerInput struct {
	TrustedTokenIssuerArn string `json:"TrustedTokenIssuerArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:trustedTokenIssuer/(sso)?ins-[a-zA-Z0-9-.]{16}/tti-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}"`
}

// DescribeTrustedTokenIssuerOutput is what DescribeTrustedTokenIssuer answers.
type DescribeTrustedTokenIssuerOutput struct {
	TrustedTokenIssuerArn           *string                          `json:"TrustedTokenIssuerArn"`
	Name                            *string                          `json:"Name"`
	TrustedTokenIssuerType          *string                          `json:"TrustedTokenIssuerType"`
	TrustedTokenIssuerConfiguration *TrustedTokenIssuerConfiguration `json:"TrustedTokenIssuerConfiguration" union:"true"`
}

// UpdateTrustedTokenIssuerInput is what UpdateTrustedTokenIssuer takes.
type UpdateTrustedTokenIssuerInput struct {
	TrustedTokenIssuerArn           string                                 `json:"TrustedTokenIssuerArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:trustedTokenIssuer/(sso)?ins-[a-zA-Z0-9-.]{16}/tti-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}"`
	Name                            *string                                `json:"Name" len:"1..255" pattern:"[\\w+=,.@-]+"`
	TrustedTokenIssuerConfiguration *TrustedTokenIssuerUpdateConfiguration `json:"TrustedTokenIssuerConfiguration" union:"true"`
}

// UpdateTrustedTokenIssuerOutput is what UpdateTrustedTokenIssuer answers.
type UpdateTrustedTokenIssuerOutput struct{}

// DeleteTrustedTokenIssuerInput is what DeleteTrustedTokenIssuer takes.
type DeleteTrustedTokenIssuerInput struct {
	TrustedTokenIssuerArn string `json:"TrustedTokenIssuerArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:trustedTokenIssuer/(sso)?ins-[a-zA-Z0-9-.]{16}/tti-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}"`
}

// DeleteTrustedTokenIssuerOutput is what DeleteTrustedTokenIssuer answers.
type DeleteTrustedTokenIssuerOutput struct{}

// ListTrustedTokenIssuersInput is what ListTrustedTokenIssuers takes.
type ListTrustedTokenIssuersInput struct {
	InstanceArn string  `json:"InstanceArn" wire:"required,resource" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso:::instance/(sso)?ins-[a-zA-Z0-9-.]{16}"`
	MaxResults  *int    `json:"MaxResults" range:"1..100"`
	NextToken   *string `json:"NextToken" len:"0..2048" pattern:"[-a-zA-Z0-9+=/_]*"`
}

// ListTrustedTokenIssuersOutput is what ListTrustedTokenIssuers answers.
type ListTrustedTokenIssuersOutput struct {
	TrustedTokenIssuers []TrustedTokenIssuerMetadata `json:"TrustedTokenIssuers"`
	NextToken           *string                      `json:"NextToken"`
}

// TagResourceInput is what TagResource takes.
type TagResourceInput struct {
	InstanceArn *string `json:"InstanceArn" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso:::instance/(sso)?ins-[a-zA-Z0-9-.]{16}"`
	ResourceArn string  `json:"ResourceArn" wire:"required,resource" len:"10..2048" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::((:instance/(sso)?ins-[a-zA-Z0-9-.]{16})|(:permissionSet/(sso)?ins-[a-zA-Z0-9-.]{16}/ps-[a-zA-Z0-9-./]{16})|(\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16})|(\\d{12}:trustedTokenIssuer/(sso)?ins-[a-zA-Z0-9-.]{16}/tti-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}))"`
	Tags        []Tag   `json:"Tags" wire:"required" len:"0..75"`
}

// TagResourceOutput is what TagResource answers.
type TagResourceOutput struct{}

// UntagResourceInput is what UntagResource takes.
type UntagResourceInput struct {
	InstanceArn *string  `json:"InstanceArn" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso:::instance/(sso)?ins-[a-zA-Z0-9-.]{16}"`
	ResourceArn string   `json:"ResourceArn" wire:"required,resource" len:"10..2048" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::((:instance/(sso)?ins-[a-zA-Z0-9-.]{16})|(:permissionSet/(sso)?ins-[a-zA-Z0-9-.]{16}/ps-[a-zA-Z0-9-./]{16})|(\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16})|(\\d{12}:trustedTokenIssuer/(sso)?ins-[a-zA-Z0-9-.]{16}/tti-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}))"`
	TagKeys     []string `json:"TagKeys" wire:"required" len:"1..75" each-len:"1..128" each-pattern:"([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)"`
}

// UntagResourceOutput is what UntagResource answers.
type UntagResourceOutput struct{}

// ListTagsForResourceInput is what ListTagsForResource takes.
type ListTagsForResourceInput struct {
	InstanceArn *string `json:"InstanceArn" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso:::instance/(sso)?ins-[a-zA-Z0-9-.]{16}"`
	ResourceArn string  `json:"ResourceArn" wire:"required,resource" len:"10..2048" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::((:instance/(sso)?ins-[a-zA-Z0-9-.]{16})|(:permissionSet/(sso)?ins-[a-zA-Z0-9-.]{16}/ps-[a-zA-Z0-9-./]{16})|(\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16})|(\\d{12}:trustedTokenIssuer/(sso)?ins-[a-zA-Z0-9-.]{16}/tti-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}))"`
	NextToken   *string `json:"NextToken" len:"0..2048" pattern:"[-a-zA-Z0-9+=/_]*"`
}

// ListTagsForResourceOutput is what ListTagsForResource answers.
type ListTagsForResourceOutput struct {
	Tags      []Tag   `json:"Tags"`
	NextToken *string `json:"NextToken"`
}

// ApplicationAssignment is one principal assigned to one application.
type ApplicationAssignment struct {
	ApplicationArn string `json:"ApplicationArn" wire:"required"`
	PrincipalId    string `json:"PrincipalId" wire:"required"`
	PrincipalType  string `json:"PrincipalType" wire:"required"`
}

// ApplicationAssignmentForPrincipal is one application a principal is assigned to.
type ApplicationAssignmentForPrincipal struct {
	ApplicationArn *string `json:"ApplicationArn"`
	PrincipalId    *string `json:"PrincipalId"`
	PrincipalType  *string `json:"PrincipalType"`
}

// ApplicationItem is an application as ListApplications shows it.
type ApplicationItem struct {
	ApplicationArn         *string        `json:"ApplicationArn"`
	ApplicationProviderArn *string        `json:"ApplicationProviderArn"`
	Name                   *string        `json:"Name"`
	ApplicationAccount     *string        `json:"ApplicationAccount"`
	InstanceArn            *string        `json:"InstanceArn"`
	IdentityStoreArn       *string        `json:"IdentityStoreArn"`
	Status                 *string        `json:"Status"`
	PortalOptions          *PortalOptions `json:"PortalOptions"`
	Description            *string        `json:"Description"`
	CreatedDate            *time.Time     `json:"CreatedDate"`
	CreatedFrom            *string        `json:"CreatedFrom"`
}

// ApplicationProvider is a kind of application that can be created.
type ApplicationProvider struct {
	ApplicationProviderArn string                `json:"ApplicationProviderArn" wire:"required"`
	FederationProtocol     *string               `json:"FederationProtocol"`
	DisplayData            *DisplayData          `json:"DisplayData"`
	ResourceServerConfig   *ResourceServerConfig `json:"ResourceServerConfig"`
}

// AuthenticationMethod holds the settings of one method; exactly one member is set.
type AuthenticationMethod struct {
	Iam *IamAuthenticationMethod `json:"Iam"`
}

// AuthenticationMethodItem is an authentication method with its type.
type AuthenticationMethodItem struct {
	AuthenticationMethodType *string               `json:"AuthenticationMethodType"`
	AuthenticationMethod     *AuthenticationMethod `json:"AuthenticationMethod" union:"true"`
}

// AuthorizationCodeGrant holds the authorization code grant's settings (RFC 6749 section 4.1).
type AuthorizationCodeGrant struct {
	RedirectUris []string `json:"RedirectUris" len:"1..10"`
}

// AuthorizedTokenIssuer names a trusted token issuer and the audiences its assertions may have.
type AuthorizedTokenIssuer struct {
	TrustedTokenIssuerArn *string  `json:"TrustedTokenIssuerArn" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:trustedTokenIssuer/(sso)?ins-[a-zA-Z0-9-.]{16}/tti-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}"`
	AuthorizedAudiences   []string `json:"AuthorizedAudiences" len:"1..10" each-len:"1..512"`
}

// DisplayData is how the portal shows an application provider.
type DisplayData struct {
	DisplayName *string `json:"DisplayName"`
	IconUrl     *string `json:"IconUrl"`
	Description *string `json:"Description"`
}

// EncryptionConfigurationDetails is the state of an instance's encryption at rest.
type EncryptionConfigurationDetails struct {
	KeyType                *string `json:"KeyType"`
	KmsKeyArn              *string `json:"KmsKeyArn"`
	EncryptionStatus       *string `json:"EncryptionStatus"`
	EncryptionStatusReason *string `json:"EncryptionStatusReason"`
}

// Grant holds the settings of one grant type; exactly one member is set, the one the GrantType names.
type Grant struct {
	AuthorizationCode *AuthorizationCodeGrant `json:"AuthorizationCode"`
	JwtBearer         *JwtBearerGrant         `json:"JwtBearer"`
	RefreshToken      *RefreshTokenGrant      `json:"RefreshToken"`
	TokenExchange     *TokenExchangeGrant     `json:"TokenExchange"`
}

// GrantItem is a grant with its type.
type GrantItem struct {
	GrantType string `json:"GrantType" wire:"required"`
	Grant     Grant  `json:"Grant" wire:"required" union:"true"`
}

// IamAuthenticationMethod holds the actor policy: the resource policy that says which IAM principals may call as the application.
type IamAuthenticationMethod struct {
	ActorPolicy jsontext.Value `json:"ActorPolicy" wire:"required"`
}

// InstanceMetadata is an instance as ListInstances shows it.
type InstanceMetadata struct {
	InstanceArn      *string          `json:"InstanceArn"`
	IdentityStoreId  *string          `json:"IdentityStoreId"`
	OwnerAccountId   *string          `json:"OwnerAccountId"`
	Name             *string          `json:"Name"`
	CreatedDate      *time.Time       `json:"CreatedDate"`
	Status           *string          `json:"Status"`
	StatusReason     *string          `json:"StatusReason"`
	PrimaryRegion    *string          `json:"PrimaryRegion"`
	Regions          []RegionMetadata `json:"Regions"`
	IdentityStoreArn *string          `json:"IdentityStoreArn"`
}

// JwtBearerGrant holds the JWT bearer grant's settings (RFC 7523).
type JwtBearerGrant struct {
	AuthorizedTokenIssuers []AuthorizedTokenIssuer `json:"AuthorizedTokenIssuers" len:"1..10"`
}

// ListApplicationAssignmentsFilter narrows ListApplicationAssignmentsForPrincipal to one application.
type ListApplicationAssignmentsFilter struct {
	ApplicationArn *string `json:"ApplicationArn" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}"`
}

// ListApplicationsFilter narrows ListApplications to an account or a provider.
type ListApplicationsFilter struct {
	ApplicationAccount  *string `json:"ApplicationAccount" len:"12..12" pattern:"\\d{12}"`
	ApplicationProvider *string `json:"ApplicationProvider" len:"10..1224" pattern:"arn:aws(-[a-z]{1,5}){0,3}:sso::aws:applicationProvider/[a-zA-Z0-9-/]+"`
}

// OidcJwtConfiguration is how an OpenID Connect issuer's assertions are verified and mapped to users.
type OidcJwtConfiguration struct {
	IssuerUrl                  string `json:"IssuerUrl" wire:"required" len:"1..512" pattern:"https?://[-a-zA-Z0-9+&@/%=~_|!:,.;]*[-a-zA-Z0-9+&@/%=~_|]"`
	ClaimAttributePath         string `json:"ClaimAttributePath" wire:"required" len:"1..255" pattern:"\\p{L}+(?:(\\.|_)\\p{L}+){0,2}"`
	IdentityStoreAttributePath string `json:"IdentityStoreAttributePath" wire:"required" len:"1..255" pattern:"\\p{L}+(?:\\.\\p{L}+){0,2}"`
	JwksRetrievalOption        string `json:"JwksRetrievalOption" wire:"required" enum:"OPEN_ID_DISCOVERY"`
}

// OidcJwtUpdateConfiguration is what can be changed of an OidcJwtConfiguration; absent members stay.
type OidcJwtUpdateConfiguration struct {
	ClaimAttributePath         *string `json:"ClaimAttributePath" len:"1..255" pattern:"\\p{L}+(?:(\\.|_)\\p{L}+){0,2}"`
	IdentityStoreAttributePath *string `json:"IdentityStoreAttributePath" len:"1..255" pattern:"\\p{L}+(?:\\.\\p{L}+){0,2}"`
	JwksRetrievalOption        *string `json:"JwksRetrievalOption" enum:"OPEN_ID_DISCOVERY"`
}

// PortalOptions is how an application appears in the access portal.
type PortalOptions struct {
	SignInOptions *SignInOptions `json:"SignInOptions"`
	Visibility    *string        `json:"Visibility" enum:"ENABLED|DISABLED"`
}

// RefreshTokenGrant switches the refresh token grant on; it has no settings (RFC 6749 section 6).
type RefreshTokenGrant struct{}

// RegionMetadata is one Region an instance is enabled in.
type RegionMetadata struct {
	RegionName      *string    `json:"RegionName"`
	Status          *string    `json:"Status"`
	AddedDate       *time.Time `json:"AddedDate"`
	IsPrimaryRegion *bool      `json:"IsPrimaryRegion"`
}

// ResourceServerConfig lists the scopes a provider offers as a resource server.
type ResourceServerConfig struct {
	Scopes map[string]ResourceServerScopeDetails `json:"Scopes"`
}

// ResourceServerScopeDetails describes one scope of a resource server.
type ResourceServerScopeDetails struct {
	LongDescription *string `json:"LongDescription"`
	DetailedTitle   *string `json:"DetailedTitle"`
}

// ScopeDetails is an access scope of an application and the targets it is good for.
type ScopeDetails struct {
	Scope             string   `json:"Scope" wire:"required"`
	AuthorizedTargets []string `json:"AuthorizedTargets"`
}

// SignInOptions says where a sign-in to the application starts.
type SignInOptions struct {
	Origin         string  `json:"Origin" wire:"required" enum:"IDENTITY_CENTER|APPLICATION"`
	ApplicationUrl *string `json:"ApplicationUrl" len:"1..512" pattern:"http(s)?://[-a-zA-Z0-9+&@#/%?=~_|!:,.;]*[-a-zA-Z0-9+&@#/%?=~_|]"`
}

// Tag is one tag on a resource.
type Tag struct {
	Key   string `json:"Key" wire:"required" len:"1..128" pattern:"([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)"`
	Value string `json:"Value" wire:"required" len:"0..256" pattern:"([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)"`
}

// TokenExchangeGrant switches the token exchange grant on; it has no settings (RFC 8693).
type TokenExchangeGrant struct{}

// TrustedTokenIssuerConfiguration holds the settings of an issuer by its type; exactly one member is set.
type TrustedTokenIssuerConfiguration struct {
	OidcJwtConfiguration *OidcJwtConfiguration `json:"OidcJwtConfiguration"`
}

// TrustedTokenIssuerMetadata is a trusted token issuer as ListTrustedTokenIssuers shows it.
type TrustedTokenIssuerMetadata struct {
	TrustedTokenIssuerArn  *string `json:"TrustedTokenIssuerArn"`
	Name                   *string `json:"Name"`
	TrustedTokenIssuerType *string `json:"TrustedTokenIssuerType"`
}

// TrustedTokenIssuerUpdateConfiguration holds the changed settings of an issuer by its type; exactly one member is set.
type TrustedTokenIssuerUpdateConfiguration struct {
	OidcJwtConfiguration *OidcJwtUpdateConfiguration `json:"OidcJwtConfiguration"`
}

// UpdateApplicationPortalOptions is what can be changed of PortalOptions.
type UpdateApplicationPortalOptions struct {
	SignInOptions *SignInOptions `json:"SignInOptions"`
}
