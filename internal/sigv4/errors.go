package sigv4

import "net/http"

// Error is a refusal: Code is AWS's code (InvalidSignatureException, UnrecognizedClientException,
// MissingAuthenticationTokenException, IncompleteSignatureException, ExpiredTokenException), Status 403 (400 for
// IncompleteSignatureException), Message goes to the client, Reason only to audit. None of them holds a secret.
type Error struct {
	Code, Message, Reason string
	Status                int
	// AccessKeyID is the key that was claimed, where the claim was judged. Nobody has proved to hold it; for audit only.
	AccessKeyID string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

const (
	codeMismatch     = "InvalidSignatureException"
	codeUnrecognized = "UnrecognizedClientException"
	codeMissing      = "MissingAuthenticationTokenException"
	codeIncomplete   = "IncompleteSignatureException"
	codeExpired      = "ExpiredTokenException"
)

// QueryCode is the code by which services of the query protocol (STS, IAM) name the same refusal.
func (e *Error) QueryCode() string {
	switch e.Code {
	case codeMismatch:
		return "SignatureDoesNotMatch"
	case codeUnrecognized:
		return "InvalidClientTokenId"
	case codeMissing:
		return "MissingAuthenticationToken"
	case codeIncomplete:
		return "IncompleteSignature"
	case codeExpired:
		return "ExpiredToken"
	}
	return e.Code
}

// errMismatch is the answer to a signature that is not the one expected.
func errMismatch(reason string) *Error {
	return &Error{
		Code:   codeMismatch,
		Status: http.StatusForbidden,
		Message: "The request signature we calculated does not match the signature you provided. " +
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
		Reason: reason,
	}
}

// errInvalid is a signature that cannot hold, whatever the key; message names the fault.
func errInvalid(message string) *Error {
	return &Error{Code: codeMismatch, Status: http.StatusForbidden, Message: message, Reason: message}
}

func errUnrecognized(reason string) *Error {
	return &Error{
		Code:    codeUnrecognized,
		Status:  http.StatusForbidden,
		Message: "The security token included in the request is invalid.",
		Reason:  reason,
	}
}

func errExpired(reason string) *Error {
	return &Error{
		Code:    codeExpired,
		Status:  http.StatusForbidden,
		Message: "The security token included in the request is expired",
		Reason:  reason,
	}
}

func errMissing(reason string) *Error {
	return &Error{
		Code:    codeMissing,
		Status:  http.StatusForbidden,
		Message: "Missing Authentication Token",
		Reason:  reason,
	}
}

// errIncomplete is authentication that cannot be read.
func errIncomplete(message string) *Error {
	return &Error{Code: codeIncomplete, Status: http.StatusBadRequest, Message: message, Reason: message}
}
