package oidc

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// metadata is the server's description of itself (OpenID Connect Discovery §3, RFC 8414 §2).
type metadata struct {
	Issuer                            string   `json:"issuer"`
	AuthorizationEndpoint             string   `json:"authorization_endpoint"`
	TokenEndpoint                     string   `json:"token_endpoint"`
	JWKSURI                           string   `json:"jwks_uri"`
	IntrospectionEndpoint             string   `json:"introspection_endpoint"`
	RevocationEndpoint                string   `json:"revocation_endpoint"`
	ScopesSupported                   []string `json:"scopes_supported"`
	ResponseTypesSupported            []string `json:"response_types_supported"`
	ResponseModesSupported            []string `json:"response_modes_supported"`
	GrantTypesSupported               []string `json:"grant_types_supported"`
	SubjectTypesSupported             []string `json:"subject_types_supported"`
	IDTokenSigningAlgValuesSupported  []string `json:"id_token_signing_alg_values_supported"`
	TokenEndpointAuthMethodsSupported []string `json:"token_endpoint_auth_methods_supported"`
	CodeChallengeMethodsSupported     []string `json:"code_challenge_methods_supported"`
	PromptValuesSupported             []string `json:"prompt_values_supported"`
	ClaimsSupported                   []string `json:"claims_supported"`
	AuthorizationResponseISS          bool     `json:"authorization_response_iss_parameter_supported"`
	RequestParameterSupported         bool     `json:"request_parameter_supported"`
	RequestURIParameterSupported      bool     `json:"request_uri_parameter_supported"`
}

// metadata describes the endpoints below the issuer.
func (s *Server) metadata() metadata {
	base := strings.TrimSuffix(s.Minter.Issuer, "/")
	m := metadata{
		Issuer: s.Minter.Issuer, AuthorizationEndpoint: base + "/authorize", TokenEndpoint: base + "/token?aws_iam=t",
		JWKSURI: base + "/.well-known/jwks.json", IntrospectionEndpoint: base + "/oauth2/introspect",
		RevocationEndpoint: base + "/oauth2/revoke", ScopesSupported: defaultScopes,
		ResponseTypesSupported: []string{"code"}, ResponseModesSupported: []string{"query"},
		SubjectTypesSupported: []string{"public"}, IDTokenSigningAlgValuesSupported: []string{"ES256", "RS256"},
		TokenEndpointAuthMethodsSupported: []string{"aws_sigv4"}, CodeChallengeMethodsSupported: []string{"S256"},
		PromptValuesSupported: []string{"none", "login", "select_account"}, AuthorizationResponseISS: true,
		ClaimsSupported: []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "act", "aws:identity_store_id",
			"aws:identity_store_arn", "aws:instance_arn", "aws:instance_account", "aws:application_arn", "aws:credential_id", "sts:identity_context"},
	}
	for _, g := range grantTypes {
		m.GrantTypesSupported = append(m.GrantTypesSupported, g.name)
	}
	return m
}

// Discovery serves the documents strangers may read: the key set and the metadata, at OpenID Connect's path below the issuer and at
// RFC 8414 §3.1's path before it.
func (s *Server) Discovery() *http.ServeMux {
	mux := http.NewServeMux()
	path := ""
	if u, err := url.Parse(s.Minter.Issuer); err == nil {
		path = strings.TrimSuffix(u.EscapedPath(), "/")
	}
	mux.HandleFunc("GET "+path+"/.well-known/jwks.json", s.serveKeySet)
	mux.HandleFunc("GET "+path+"/.well-known/openid-configuration", s.serveMetadata)
	mux.HandleFunc("GET /.well-known/oauth-authorization-server"+path, s.serveMetadata)
	return mux
}

func (s *Server) serveMetadata(w http.ResponseWriter, r *http.Request) {
	body, err := json.Marshal(s.metadata())
	if err != nil {
		http.Error(w, "{}", http.StatusInternalServerError)
		return
	}
	publicJSON(w)
	_, _ = w.Write(body) // the client is gone: nothing to do
}

func (s *Server) serveKeySet(w http.ResponseWriter, r *http.Request) {
	body, etag := s.Minter.Keys.JWKS()
	publicJSON(w)
	w.Header().Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(body) // as above
}

// publicJSON marks a public document: cacheable for less than a new key's lead, readable from any origin, never with credentials.
func publicJSON(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("X-Content-Type-Options", "nosniff")
}
