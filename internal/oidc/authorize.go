package oidc

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
)

// AuthorizeRequest is a validated authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3, OpenID Connect Core §3.1.2.1).
type AuthorizeRequest struct {
	Application   ssoadmin.Application
	RedirectURI   string
	State         string
	Scopes        []string // nil = none asked for
	CodeChallenge string
	Nonce         string
	LoginHint     string
	// PromptNone and PromptLogin are the prompt values honoured; MaxAge is max_age, negative when not given.
	PromptNone, PromptLogin bool
	MaxAge                  time.Duration
	IdentityStoreID         string
}

// AuthorizeError is a refused authorization request. Before the client and its redirect URI are known to be good, RedirectTo is
// empty and the error belongs on a page of ours with status 400 (RFC 6749 §4.1.2.1); afterwards RedirectTo is where it goes.
type AuthorizeError struct {
	Code, Description string
	RedirectTo        string
	// Details are those of the refusal, for the audit event; nil where the description says all.
	Details map[string]any
}

func (e *AuthorizeError) Error() string { return e.Code + ": " + e.Description }

// SignedIn is the browser's sign-in session.
type SignedIn struct {
	SessionID, UserID string
	AuthTime, EndsAt  time.Time
}

// known parameters of an authorization request; each may stand once.
var authorizeParameters = []string{
	"response_type", "response_mode", "client_id", "redirect_uri", "state", "scope", "scopes", "code_challenge",
	"code_challenge_method", "nonce", "prompt", "max_age", "login_hint", "acr_values", "request", "request_uri",
}

// ParseAuthorize validates the query of an authorization request. The error, if any, is an *AuthorizeError or a fault of the store.
func (s *Server) ParseAuthorize(ctx context.Context, query url.Values) (*AuthorizeRequest, error) {
	q, repeated := singleValues(query)
	for _, name := range []string{"client_id", "redirect_uri"} {
		if slices.Contains(repeated, name) {
			return nil, mustStandOnce(name)
		}
	}
	a := &AuthorizeRequest{State: q["state"], Nonce: q["nonce"], LoginHint: q["login_hint"], CodeChallenge: q["code_challenge"], MaxAge: -1}
	var available []string
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		if err = s.authorizeClient(tx, q, a); err != nil {
			return err
		}
		available, err = availableScopes(tx, a.Application.ARN)
		return err
	})
	if err != nil {
		return nil, err
	}
	fault := checkAuthorize(q, a, available)
	if len(repeated) > 0 {
		fault = mustStandOnce(repeated[0])
	}
	if fault != nil {
		fault.RedirectTo = s.Refuse(a, fault.Code, fault.Description)
		return nil, fault
	}
	return a, nil
}

// singleValues reads the known parameters. One that stands twice, also in another case (RFC 6749 §3.1), has no value but is among the
// repeated, which are in the order of authorizeParameters: what a check reads and what is used must be the same.
func singleValues(query url.Values) (q map[string]string, repeated []string) {
	q = map[string]string{}
	again := map[string]bool{}
	for name, values := range query {
		folded := strings.ToLower(name)
		if folded != name || len(values) != 1 {
			again[folded] = true
			continue
		}
		q[name] = values[0]
	}
	for _, name := range authorizeParameters { // unknown parameters are ignored (RFC 6749 §3.1)
		if again[name] {
			delete(q, name)
			repeated = append(repeated, name)
		}
	}
	return q, repeated
}

func mustStandOnce(parameter string) *AuthorizeError {
	return &AuthorizeError{Code: "invalid_request", Description: "parameter " + parameter + " must stand once, in lower case"}
}

// authorizeClient finds the application and checks the redirect URI; its refusals must never redirect.
func (s *Server) authorizeClient(tx *store.Tx, q map[string]string, a *AuthorizeRequest) error {
	app, err := ssoadmin.ResolveClient(tx, q["client_id"])
	if err != nil {
		if errors.Is(err, store.ErrNotFound) {
			return &AuthorizeError{Code: "invalid_client", Description: "client_id names no application"}
		}
		return err
	}
	grant, err := ssoadmin.GetGrant(tx, app.ARN, ssoadmin.GrantAuthorizationCode)
	if errors.Is(err, store.ErrNotFound) {
		return &AuthorizeError{Code: "unauthorized_client", Description: "the application does not have the authorization_code grant"}
	}
	if err != nil {
		return err
	}
	if q["redirect_uri"] == "" {
		return &AuthorizeError{Code: "invalid_request", Description: "redirect_uri is required"}
	}
	if ssoadmin.ValidateRedirectURI(q["redirect_uri"]) != nil || !registered(grant.RedirectURIs, q["redirect_uri"]) {
		return &AuthorizeError{Code: "invalid_request", Description: "redirect_uri is not one of the application's"}
	}
	if !app.Enabled {
		return &AuthorizeError{Code: "unauthorized_client", Description: "the application is disabled"}
	}
	instance, err := ssoadmin.GetInstance(tx, app.InstanceARN)
	a.Application, a.RedirectURI, a.IdentityStoreID = app, q["redirect_uri"], instance.IdentityStoreID
	return err
}

// checkAuthorize judges what may be answered by redirect.
func checkAuthorize(q map[string]string, a *AuthorizeRequest, available []string) *AuthorizeError {
	for _, check := range []func(map[string]string, *AuthorizeRequest) *AuthorizeError{checkResponse, checkChallenge, checkPrompt} {
		if fault := check(q, a); fault != nil {
			return fault
		}
	}
	asked := q["scope"]
	if asked != "" && q["scopes"] != "" && asked != q["scopes"] {
		return &AuthorizeError{Code: "invalid_request", Description: "scope and scopes differ"}
	}
	if asked == "" {
		asked = q["scopes"] // what the AWS CLI sends
	}
	for _, sc := range strings.Fields(asked) {
		if !slices.Contains(available, sc) {
			return &AuthorizeError{Code: "invalid_scope", Description: "scope " + strconv.QuoteToASCII(clip(sc)) + " is not configured for the application"}
		}
		if !slices.Contains(a.Scopes, sc) {
			a.Scopes = append(a.Scopes, sc)
		}
	}
	return nil
}

func checkResponse(q map[string]string, _ *AuthorizeRequest) *AuthorizeError {
	switch {
	case q["request"] != "":
		return &AuthorizeError{Code: "request_not_supported", Description: "request objects are not supported"}
	case q["request_uri"] != "":
		return &AuthorizeError{Code: "request_uri_not_supported", Description: "request_uri is not supported"}
	case q["response_type"] == "":
		return &AuthorizeError{Code: "invalid_request", Description: "response_type is required"}
	case q["response_type"] != "code":
		return &AuthorizeError{Code: "unsupported_response_type", Description: "response_type must be code"}
	case q["response_mode"] != "" && q["response_mode"] != "query":
		return &AuthorizeError{Code: "invalid_request", Description: "response_mode must be query"}
	case len(q["state"]) > 4096 || len(q["nonce"]) > 1024:
		return &AuthorizeError{Code: "invalid_request", Description: "state or nonce is too long"}
	case !printable(q["state"]) || !printable(q["nonce"]):
		return &AuthorizeError{Code: "invalid_request", Description: "state and nonce must be UTF-8 without control characters"}
	}
	return nil
}

// printable text can be stored, signed and sent back as it is.
func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// checkChallenge: PKCE with S256 is required of every client (RFC 9700 §2.1.1).
func checkChallenge(q map[string]string, _ *AuthorizeRequest) *AuthorizeError {
	switch challenge := q["code_challenge"]; {
	case challenge == "":
		return &AuthorizeError{Code: "invalid_request", Description: "code_challenge is required (PKCE)"}
	case q["code_challenge_method"] != "S256":
		return &AuthorizeError{Code: "invalid_request", Description: "code_challenge_method must be S256"}
	case len(challenge) != 43 || !validVerifier(challenge) || strings.ContainsAny(challenge, ".~"):
		return &AuthorizeError{Code: "invalid_request", Description: "code_challenge must be 43 base64url characters"}
	}
	return nil
}

func checkPrompt(q map[string]string, a *AuthorizeRequest) *AuthorizeError {
	prompts := strings.Fields(q["prompt"])
	a.PromptNone = slices.Contains(prompts, "none")
	// Another account is chosen by signing in with it.
	a.PromptLogin = slices.Contains(prompts, "login") || slices.Contains(prompts, "select_account")
	if a.PromptNone && len(prompts) > 1 {
		return &AuthorizeError{Code: "invalid_request", Description: "prompt none stands alone"}
	}
	if q["max_age"] == "" {
		return nil
	}
	seconds, err := strconv.Atoi(q["max_age"])
	if err != nil || seconds < 0 || seconds > 1<<31 {
		return &AuthorizeError{Code: "invalid_request", Description: "max_age must be a number of seconds"}
	}
	a.MaxAge = time.Duration(seconds) * time.Second
	return nil
}

// NeedsSignIn says whether the user must prove itself (again): there is no session, the client asks for a fresh one, or the last
// proof is older than max_age.
func (a *AuthorizeRequest) NeedsSignIn(in *SignedIn, now time.Time) bool {
	return in == nil || a.PromptLogin || a.MaxAge >= 0 && now.Sub(in.AuthTime) > a.MaxAge
}

// Refuse is where the browser goes with an error (RFC 6749 §4.1.2.1, RFC 9207).
func (s *Server) Refuse(a *AuthorizeRequest, code, description string) string {
	return s.answerURL(a, url.Values{"error": {code}, "error_description": {describable.Replace(description)}})
}

// describable leaves out the two printable characters that an error_description may not hold (RFC 6749 §4.1.2.1).
var describable = strings.NewReplacer(`"`, "'", `\`, "/")

// IssueCode gives a signed-in user's browser its code: the URL to redirect to, with code, state and iss. For a user who may not use
// the application, or whose session has ended, the error is an *AuthorizeError, access_denied, with its redirect.
func (s *Server) IssueCode(ctx context.Context, a *AuthorizeRequest, in SignedIn) (string, error) {
	var location string
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		code, hash := newCode()
		location = s.answerURL(a, url.Values{"code": {code}})
		_, err := s.stands(tx, &standing{
			app: a.Application, identityStoreID: a.IdentityStoreID, userID: in.UserID, session: token.Session{ID: in.SessionID},
			authTime: in.AuthTime,
		})
		if err != nil {
			return err
		}
		epoch, _ := s.Minter.Keys.Epoch()
		expires := tx.Now().Add(s.CodeTTL)
		return codes.Insert(tx, authorizationCode{
			Hash: hash, ApplicationARN: a.Application.ARN, RedirectURI: a.RedirectURI, CodeChallenge: a.CodeChallenge,
			IdentityStoreID: a.IdentityStoreID, UserID: in.UserID, Scopes: a.Scopes, Nonce: a.Nonce,
			SignInSessionID: in.SessionID, SignInSessionEndsAt: in.EndsAt, AuthTime: in.AuthTime.Truncate(time.Second),
			Epoch: int64(epoch), ExpiresAt: expires, RetainedUntil: expires,
		})
	})
	if refused := refusalOf(err); refused != nil {
		fault := &AuthorizeError{Code: "access_denied", Description: refused.Message, Details: refused.Details}
		describeClient(refused, a.Application)
		fault.RedirectTo = s.Refuse(a, fault.Code, fault.Description)
		return "", fault
	}
	return location, err
}

// EndSession ends a sign-in session: everything that was issued in it is dead with the next request, and stays so for as long as
// the session itself or anything derived from it could have lived.
func (s *Server) EndSession(tx *store.Tx, in SignedIn, reason string) error {
	return token.Revoke(tx, in.SessionID, reason, s.derivedEnd(tx, in.EndsAt))
}

// answerURL adds the answer's parameters, state and iss to the redirect URI, whose own query stays as registered.
func (s *Server) answerURL(a *AuthorizeRequest, values url.Values) string {
	if a.State != "" {
		values.Set("state", a.State)
	}
	values.Set("iss", s.Minter.Issuer)
	separator := "?"
	if strings.Contains(a.RedirectURI, "?") {
		separator = "&"
	}
	return a.RedirectURI + separator + values.Encode()
}
