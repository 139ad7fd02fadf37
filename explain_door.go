package symbolon

// doorRefusal is a kind of refusal outside the token service's own checks: it is known by the check that the event names, or by what the
// client was told.
type doorRefusal struct {
	name  string
	codes []string // without "Exception"
	asks  string
	allow []string
}

// doorRefusals are searched in order.
var doorRefusals = []doorRefusal{
	{"access", nil, "the policies of {caller} must allow {action} on {resource}", []string{
		`organization file, for the user or role of {principal}: inlinePolicies: { more: { Version: "2012-10-17", Statement: ` +
			`[{ Effect: Allow, Action: "{action}", Resource: "{resource}" }] } }`,
		"a permissions boundary, the policies of a role session and the list for identity-enhanced sessions (identity-context-actions) must allow it as well",
	}},
	{"access-undenied", nil, "no policy of {caller} may deny {action} on {resource}", []string{"take away or narrow the denying statement: {decidedBy}"}},
	{"signature", []string{"InvalidSignature", "SignatureDoesNotMatch"},
		"the signature must be the one of the request as it arrived, with the secret of its access key, at this time and for this service", []string{
			"check the secret access key and the clock of the client; the reason says what differs",
			"behind a proxy: it must pass Host, path, query and body on unchanged, and add no x-amz-* header",
		}},
	{"signed", []string{"MissingAuthenticationToken", "IncompleteSignature"}, "the request must be signed with AWS Signature Version 4", []string{
		"sign it: the SDKs do with credentials, region and the endpoint set (`symbolon env` prints them for development)",
	}},
	{"access-key", []string{"UnrecognizedClient", "InvalidClientTokenId"}, "the access key must exist, be active, and its user or role session must stand", []string{
		"use another key; a role session that has ended is assumed anew",
		"organization file, if the key of a user was made inactive: iam: { users: [{ name: <its user>, accessKeys: [{ id: {accessKey}, status: Active }] }] }",
	}},
	{"session-time", []string{"ExpiredToken", "RequestExpired"}, "the credentials or the signature must not have expired", []string{"get new role credentials, or set the client's clock right"}},
	{"region", []string{"InvalidRequestRegion"}, "the signature must be for one of the server's regions (setting regions)", []string{"have the client sign for such a region"}},
	{"allowed", []string{"AccessDenied", "AccessDeniedException", "Forbidden"}, "a policy must allow the request, and none deny it", []string{
		"the reason names the policy or the record; change it, or use another principal",
	}},
	{"rate", []string{"SlowDown", "Throttling", "TooManyRequests"}, "requests must stay below the limits (settings limit-…)", []string{
		"retry after the time in Retry-After, as the SDKs do; or raise the limit that the reason names",
	}},
	{"input", []string{"Validation", "ValidationError", "InvalidRequest", "Serialization", "MalformedInput", "InvalidParameterValue", "MissingParameter", "InvalidParameterCombination", "InvalidInput",
		"InvalidToken", "RequestEntityTooLarge", "UnsupportedMediaType", "RequestTimeout", "IncompleteBody", "MalformedPolicyDocument", "PackedPolicyTooLarge"},
		"the request must be as the service's model has it", []string{"send what the message asks for"}},
	{"operation", []string{"UnknownOperation", "InvalidAction", "MissingAction", "MethodNotAllowed", "NotFound"}, "the request must name an operation of the service", []string{
		"see that the client's endpoint is this server's address without a path of its own, and docs/divergences.md for what is served",
	}},
	{"existing", []string{"ResourceNotFound", "NoSuchEntity"}, "what the request names must exist", []string{"list what there is, and name that"}},
	{"conflict", []string{"Conflict", "EntityAlreadyExists", "DeleteConflict", "ConcurrentModification", "ResourceInUse"}, "the request must not contradict what there is", []string{"see the message; retry if somebody else changed the same"}},
	{"quota", []string{"ServiceQuotaExceeded", "LimitExceeded"}, "there is a most of everything", []string{"delete what is not needed"}},
	{"sign-in", []string{"Failure"}, "the sign-in on the pages must succeed", []string{
		"the reason says whether it was the password, the user, the application or the form; after many wrong passwords a user waits a while",
	}},
	{"fault", []string{"InternalServer", "InternalFailure", "ServiceUnavailable", "ServiceFailure"}, "the server must be able to answer", []string{
		"nothing was changed unless the reason says so; run `symbolon doctor`, see the server's log of this time, and retry",
	}},
}
