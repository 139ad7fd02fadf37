// Package symbolon is an open, self-hosted AWS IAM Identity Center token service.
//
// New builds a server from a Config; Serve answers on a listener, Handler inside any other server. Unmodified AWS SDKs, the AWS CLI
// and Terraform talk to it by an endpoint override.
//
// Inside a Go test use package symbolontest, which starts a server in the same process with a clock the test can move. From the
// shell use cmd/symbolon. Both run this same server: there is no second code path for tests.
//
// The rooms are under internal/, each with a package comment that says what it guarantees; this package only builds
// them, introduces them to each other and hangs them on a listener. The way of one request is
//
//	wire (route, read) → sigv4 (who calls) → wire (decode) → policy (may they) → oidc (the grant) → token (mint) → store (commit)
//	→ audit → wire (encode)
package symbolon
