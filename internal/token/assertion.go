package token

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ClockSkew is how far an issuer's clock may be from ours; applied once to each of exp, nbf and iat.
const ClockSkew = 60 * time.Second

const (
	maxAssertion = 16 << 10 // characters of a JWT
	maxKeyID     = 256
)

// AssertionError is a refusal of an assertion with the reason the client may see.
type AssertionError struct{ Reason string }

func (e *AssertionError) Error() string { return e.Reason }

func refuse(format string, args ...any) error {
	return &AssertionError{Reason: fmt.Sprintf(format, args...)}
}

// foreignAlgorithms are those an allow-list may name. HMAC and none are not among them and never will be: an issuer's
// published key must not serve as a secret.
var foreignAlgorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512, jose.PS256, jose.PS384, jose.PS512, jose.EdDSA,
}

// Presented is an assertion as somebody presents it: read, and not believed before Issuers.Verify has verified it.
type Presented struct {
	// Issuer is its iss, which says which trusted token issuer to ask.
	Issuer string

	header    joseHeader
	signed    string // what the signature covers
	signature []byte
	claims    claimSet
}

// joseHeader holds the header parameters we act upon (RFC 7515 §4.1). jku, jwk, x5u and x5c are ignored: keys come from
// the issuer's set alone.
type joseHeader struct {
	Algorithm   string         `json:"alg"`
	Type        *string        `json:"typ"`
	KeyID       *string        `json:"kid"`
	Critical    jsontext.Value `json:"crit"`
	B64         jsontext.Value `json:"b64"`
	Encryption  jsontext.Value `json:"enc"`
	Compression jsontext.Value `json:"zip"`
}

// ReadAssertion takes a compact JWT apart. Work is bounded: size and dots are counted before anything else is done (E13). Its refusals are
// *AssertionError.
func ReadAssertion(jwt string) (*Presented, error) {
	if len(jwt) > maxAssertion {
		return nil, refuse("the assertion is longer than %d characters", maxAssertion)
	}
	if strings.Count(jwt, ".") != 2 {
		return nil, refuse("the assertion is not a JWT in compact form with three parts")
	}
	end := strings.LastIndexByte(jwt, '.')
	first, second, _ := strings.Cut(jwt[:end], ".")
	header, errHeader := decodeBase64URL(first)
	payload, errPayload := decodeBase64URL(second)
	signature, errSignature := decodeBase64URL(jwt[end+1:])
	if errHeader != nil || errPayload != nil || errSignature != nil || len(signature) == 0 {
		return nil, refuse("a part of the assertion is not canonical base64url")
	}
	p := &Presented{signed: jwt[:end], signature: signature}
	if err := json.Unmarshal(header, &p.header); err != nil {
		return nil, refuse("the assertion's header is not a JSON object with unique, well-typed members")
	}
	var err error
	if p.claims, err = parseClaims(payload); err == nil {
		p.Issuer, err = p.claims.text("iss", 0)
	}
	return p, err
}

// check refuses headers that ask for what we do not do.
func (h joseHeader) check(algorithms []string) (jose.SignatureAlgorithm, error) {
	alg := jose.SignatureAlgorithm(h.Algorithm)
	switch {
	case h.Encryption != nil || h.Compression != nil:
		return "", refuse("encrypted or compressed assertions are not accepted")
	case h.Critical != nil || h.B64 != nil:
		return "", refuse("the assertion's header has a crit or b64 parameter, which is not supported")
	case !slices.Contains(foreignAlgorithms, alg) || !slices.Contains(algorithms, h.Algorithm):
		return "", refuse("the assertion's alg %.40q is not allowed for this issuer", h.Algorithm)
	case h.Type != nil && *h.Type != "JWT" && *h.Type != typAccessToken:
		return "", refuse("the assertion's typ %.40q is neither JWT nor at+jwt", *h.Type)
	case h.KeyID != nil && len(*h.KeyID) > maxKeyID:
		return "", refuse("the assertion's kid is longer than %d bytes", maxKeyID)
	}
	return alg, nil
}

// Verify verifies an assertion against the keys of issuerURL: compact form, ≤ 16 KiB, algorithm allow-list bound to key type, iss exact, exp
// required and within MaxLifetime, nbf/iat skew ≤ 60 s, jti and sub required non-empty strings, duplicate claims refused.
// The audience, the claim mapping and single use are the caller's. Every refusal is an *AssertionError or wraps ErrIssuerUnavailable.
//
// MaxLifetime bounds exp from now and, where there is an iat, from iat. The signature is judged before what any claim says.
func (i *Issuers) Verify(ctx context.Context, issuerURL string, algorithms []string, p *Presented, at time.Time) (Assertion, error) {
	alg, err := p.header.check(algorithms)
	if err != nil {
		return Assertion{}, err
	}
	err = i.withKeys(ctx, issuerURL, func(keys []foreignKey) error {
		key, err := chooseKey(keys, alg, p.header.KeyID)
		if err == nil && !key.verifies(alg, p.signed, p.signature) {
			err = errBadSignature
		}
		return err
	})
	switch {
	case errors.Is(err, ErrIssuerUnavailable):
		return Assertion{}, err
	case err != nil:
		return Assertion{}, refuse("%v", err)
	}
	return p.claims.assertion(issuerURL, at, orDefault(i.MaxLifetime, 24*time.Hour))
}
