package iam

import (
	"time"
)

// The shapes of the service on the wire: names, constraints and secrets as AWS documents them, in the tag language of
// wire.Op. Keep them in step with AWS; test/golden notices what moved.

// GetCallerIdentityInput is what GetCallerIdentity takes.
type GetCallerIdentityInput struct{}

// GetCallerIdentityOutput is what GetCallerIdentity answers.
type GetCallerIdentityOutput struct {
	UserId  *string `json:"UserId"`
	Account *string `json:"Account"`
	Arn     *string `json:"Arn"`
}

// AssumeRoleInput is what AssumeRole takes.
type AssumeRoleInput struct {
	RoleArn                 string                 `json:"RoleArn" wire:"required,resource" len:"20..2048" pattern:"[\\x{0009}\\x{000A}\\x{000D}\\x{0020}-\\x{007E}\\x{0085}\\x{00A0}-\\x{D7FF}\\x{E000}-\\x{FFFD}\\x{10000}-\\x{10FFFF}]+"`
	RoleSessionName         string                 `json:"RoleSessionName" wire:"required" len:"2..64" pattern:"[\\w+=,.@-]*"`
	PolicyArns              []PolicyDescriptorType `json:"PolicyArns"`
	Policy                  *string                `json:"Policy" len:"1.." pattern:"[\\x{0009}\\x{000A}\\x{000D}\\x{0020}-\\x{00FF}]+"`
	DurationSeconds         *int                   `json:"DurationSeconds" range:"900..43200"`
	Tags                    []Tag                  `json:"Tags" len:"..50"`
	TransitiveTagKeys       []string               `json:"TransitiveTagKeys" len:"..50" each-len:"1..128" each-pattern:"[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+"`
	ExternalId              *string                `json:"ExternalId" len:"2..1224" pattern:"[\\w+=,.@:/-]*"`
	SerialNumber            *string                `json:"SerialNumber" len:"9..256" pattern:"[\\w+=/:,.@-]*"`
	TokenCode               *string                `json:"TokenCode" wire:"secret" len:"6..6" pattern:"[\\d]*"`
	SourceIdentity          *string                `json:"SourceIdentity" len:"2..64" pattern:"[\\w+=,.@-]*"`
	ProvidedContexts        []ProvidedContext      `json:"ProvidedContexts" len:"1..5"`
	MinimumSessionTokenSize *int                   `json:"MinimumSessionTokenSize" range:"0..4096"`
}

// AssumeRoleOutput is what AssumeRole answers.
type AssumeRoleOutput struct {
	Credentials             *Credentials     `json:"Credentials"`
	AssumedRoleUser         *AssumedRoleUser `json:"AssumedRoleUser"`
	PackedPolicySize        *int             `json:"PackedPolicySize"`
	SourceIdentity          *string          `json:"SourceIdentity"`
	SessionTokenSize        *int             `json:"SessionTokenSize"`
	SessionTokenUtilization *int             `json:"SessionTokenUtilization"`
}

// AssumedRoleUser names the principal that a role session is.
type AssumedRoleUser struct {
	AssumedRoleId string `json:"AssumedRoleId" wire:"required"`
	Arn           string `json:"Arn" wire:"required"`
}

// Credentials are the temporary credentials of a session.
type Credentials struct {
	AccessKeyId     string    `json:"AccessKeyId" wire:"required"`
	SecretAccessKey string    `json:"SecretAccessKey" wire:"required,secret"`
	SessionToken    string    `json:"SessionToken" wire:"required,secret"`
	Expiration      time.Time `json:"Expiration" wire:"required"`
}

// PolicyDescriptorType names a managed policy that limits the session.
type PolicyDescriptorType struct {
	Arn *string `json:"arn" len:"20..2048" pattern:"[\\x{0009}\\x{000A}\\x{000D}\\x{0020}-\\x{007E}\\x{0085}\\x{00A0}-\\x{D7FF}\\x{E000}-\\x{FFFD}\\x{10000}-\\x{10FFFF}]+"`
}

// ProvidedContext is a context assertion and the provider that made it.
type ProvidedContext struct {
	ProviderArn      *string `json:"ProviderArn" len:"20..2048" pattern:"[\\x{0009}\\x{000A}\\x{000D}\\x{0020}-\\x{007E}\\x{0085}\\x{00A0}-\\x{D7FF}\\x{E000}-\\x{FFFD}\\x{10000}-\\x{10FFFF}]+"`
	ContextAssertion *string `json:"ContextAssertion" wire:"secret" len:"4..2048"`
}

// Tag is one session tag.
type Tag struct {
	Key   string `json:"Key" wire:"required" len:"1..128" pattern:"[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+"`
	Value string `json:"Value" wire:"required" len:"0..256" pattern:"[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*"`
}
