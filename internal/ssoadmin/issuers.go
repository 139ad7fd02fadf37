package ssoadmin

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/wire"
)

// TrustedTokenIssuer vouches for users by JWT.
type TrustedTokenIssuer struct {
	ARN                        string `store:"trusted_token_issuer_arn,key"`
	InstanceARN                string `store:"instance_arn"`
	Name                       string `store:"name"`       // unique within the instance
	IssuerURL                  string `store:"issuer_url"` // iss, exactly; unique within the instance
	ClaimAttributePath         string `store:"claim_attribute_path"`
	IdentityStoreAttributePath string `store:"identity_store_attribute_path"`
	// Algorithms is the allow-list set by the organization file; empty = RS256, ES256, widened by the tag symbolon:additional-algorithms.
	Algorithms []string          `store:"algorithms"`
	Tags       map[string]string `store:"tags"`
	CreatedAt  time.Time         `store:"created_at"`
}

var trustedTokenIssuers = store.NewTable[TrustedTokenIssuer](store.Spec{
	Name:   "ssoadmin_trusted_token_issuers",
	Cached: true,
	Indexes: []store.Index{
		{Name: "instance", Columns: []string{"instance_arn"}},
		{Name: "name", Columns: []string{"instance_arn", "name"}, Unique: true},
		{Name: "issuer_url", Columns: []string{"instance_arn", "issuer_url"}, Unique: true},
	},
})

// ForeignAlgorithms are the signature algorithms that assertions may use at all (RFC 7518, RFC 8037).
func ForeignAlgorithms() []string {
	return []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA"}
}

// defaultAlgorithms are what an issuer may use that says nothing else. AWS accepts RS256 alone.
func defaultAlgorithms() []string { return []string{"RS256", "ES256"} }

var (
	issuerARN     = wire.NewPattern(`^arn:aws(-[a-z]{1,5}){0,3}:sso::\d{12}:trustedTokenIssuer/(sso)?ins-[a-zA-Z0-9-.]{16}/tti-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}$`)
	issuerName    = wire.NewPattern(`^[\w+=,.@-]+$`)
	issuerURL     = wire.NewPattern(`^https?://[-a-zA-Z0-9+&@/%=~_|!:,.;]*[-a-zA-Z0-9+&@/%=~_|]$`)
	attributePath = wire.NewPattern(`^\p{L}+(?:[._]\p{L}+){0,2}$`)
)

// AllowedAlgorithms is the effective allow-list: Algorithms or the default, and what the reserved tag adds.
func (t TrustedTokenIssuer) AllowedAlgorithms() []string {
	allowed := defaultAlgorithms()
	if len(t.Algorithms) > 0 {
		allowed = slices.Clone(t.Algorithms)
	}
	for _, more := range strings.Fields(t.Tags[tagAdditionalAlgorithms]) {
		if !slices.Contains(allowed, more) {
			allowed = append(allowed, more)
		}
	}
	return allowed
}

// GetTrustedTokenIssuer returns an issuer by its ARN; store.ErrNotFound.
//
// It is not inlined: in another room the compiler would put its arguments on the heap.
//
//go:noinline
func GetTrustedTokenIssuer(tx *store.Tx, arn string) (TrustedTokenIssuer, error) {
	return trustedTokenIssuers.Get(tx, arn)
}

// TrustedTokenIssuerByName returns an issuer by its name; store.ErrNotFound.
func TrustedTokenIssuerByName(tx *store.Tx, instanceARN, name string) (TrustedTokenIssuer, error) {
	return trustedTokenIssuers.GetBy(tx, "name", instanceARN, name)
}

// TrustedTokenIssuerByURL returns the one issuer of an instance with that iss; store.ErrNotFound.
func TrustedTokenIssuerByURL(tx *store.Tx, instanceARN, issuerURL string) (TrustedTokenIssuer, error) {
	return trustedTokenIssuers.GetBy(tx, "issuer_url", instanceARN, issuerURL)
}

// ListTrustedTokenIssuers returns the issuers of an instance, in the order of their ARNs.
func ListTrustedTokenIssuers(tx *store.Tx, instanceARN string) ([]TrustedTokenIssuer, error) {
	return trustedTokenIssuers.List(tx, store.Query{Index: "instance", Values: []string{instanceARN}})
}

// PutTrustedTokenIssuer writes an issuer. A new one (no ARN, or an ARN that has no row) gets its ARN and CreatedAt; of
// an existing one the instance and the issuer URL stay. It returns a *wire.Error for what is wrong.
func (s *Server) PutTrustedTokenIssuer(tx *store.Tx, t TrustedTokenIssuer) (TrustedTokenIssuer, error) {
	i, err := GetInstance(tx, t.InstanceARN)
	if err != nil {
		return TrustedTokenIssuer{}, orMissing(err, "Instance", t.InstanceARN)
	}
	old, err := trustedTokenIssuers.Get(tx, t.ARN)
	switch {
	case errors.Is(err, store.ErrNotFound):
		t, err = newIssuer(tx, i, t)
	case err == nil && (t.InstanceARN != old.InstanceARN || t.IssuerURL != old.IssuerURL):
		err = validation("The instance and the issuer URL of trusted token issuer %s cannot change", t.ARN)
	case err == nil:
		t.CreatedAt = old.CreatedAt
	}
	if err != nil {
		return TrustedTokenIssuer{}, err
	}
	if err := t.check(old.Tags); err != nil {
		return TrustedTokenIssuer{}, err
	}
	if err := t.checkUnique(tx); err != nil {
		return TrustedTokenIssuer{}, err
	}
	return t, orConflict(trustedTokenIssuers.Put(tx, t), "Another trusted token issuer of the instance has this name or issuer URL")
}

func newIssuer(tx *store.Tx, i Instance, t TrustedTokenIssuer) (TrustedTokenIssuer, error) {
	own := fmt.Sprintf("arn:%s:sso::%s:trustedTokenIssuer/%s/tti-", i.partition(), i.OwnerAccountID, i.id())
	if t.ARN == "" {
		t.ARN = own + randomUUID()
	}
	if !strings.HasPrefix(t.ARN, own) || !issuerARN.MatchString(t.ARN) {
		return t, validation("%q is not the ARN of a trusted token issuer of instance %s", t.ARN, i.ARN)
	}
	if t.CreatedAt.IsZero() {
		t.CreatedAt = tx.Now()
	}
	return t, nil
}

// check judges all but what cannot change; tagsWere are those of the row it replaces.
func (t TrustedTokenIssuer) check(tagsWere map[string]string) error {
	switch {
	case len(t.Name) > 255 || !issuerName.MatchString(t.Name):
		return validation("Name must have 1 to 255 letters, digits and _+=,.@-")
	case len(t.ClaimAttributePath) > 255 || !attributePath.MatchString(t.ClaimAttributePath):
		return validation("ClaimAttributePath %q must be one to three words joined by dots or underscores", t.ClaimAttributePath)
	case !slices.Contains(identitystore.LookupPaths(), t.IdentityStoreAttributePath):
		return validation("IdentityStoreAttributePath %q is not supported: it must be one of %s",
			t.IdentityStoreAttributePath, strings.Join(identitystore.LookupPaths(), ", "))
	}
	for _, a := range t.Algorithms {
		if !slices.Contains(ForeignAlgorithms(), a) {
			return validation("Algorithm %q is not one of %s", a, strings.Join(ForeignAlgorithms(), ", "))
		}
	}
	if err := checkIssuerURL(t.IssuerURL); err != nil {
		return err
	}
	return checkTags(t.Tags, tagsWere, issuerTags)
}

// checkIssuerURL: the text is compared with iss byte for byte, and discovery appends its own path to it. Whether http or
// a private address may be asked for keys is judged when they are fetched.
func checkIssuerURL(text string) error {
	if len(text) > 512 || !issuerURL.MatchString(text) {
		return validation("IssuerUrl must be an http or https URL of at most 512 characters, without query and fragment")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "":
		return validation("IssuerUrl %q is not a valid URL", text)
	case u.User != nil:
		return validation("IssuerUrl must not hold user information")
	case strings.Contains(u.Path, "/.well-known"):
		return validation("IssuerUrl is given without /.well-known/openid-configuration: the service appends it")
	}
	if _, port, found := cutPort(u.Host); found && !validPort(port) {
		return validation("IssuerUrl %q has no valid port", text)
	}
	return nil
}

// checkUnique keeps names and issuer URLs apart within an instance, so that an assertion's iss names one issuer.
func (t TrustedTokenIssuer) checkUnique(tx *store.Tx) error {
	other, err := TrustedTokenIssuerByName(tx, t.InstanceARN, t.Name)
	if err == nil && other.ARN != t.ARN {
		return conflict("Another trusted token issuer of the instance is named %s", t.Name)
	}
	if err := ignoreMissing(err); err != nil {
		return err
	}
	other, err = TrustedTokenIssuerByURL(tx, t.InstanceARN, t.IssuerURL)
	if err == nil && other.ARN != t.ARN {
		return conflict("Another trusted token issuer of the instance has the issuer URL %s", t.IssuerURL)
	}
	if err := ignoreMissing(err); err != nil {
		return err
	}
	return nil
}

// DeleteTrustedTokenIssuer deletes an issuer. Grants that name it stay as they are: an assertion of an issuer that is
// not there any more is refused.
func (s *Server) DeleteTrustedTokenIssuer(tx *store.Tx, arn string) error {
	return orMissing(trustedTokenIssuers.Delete(tx, arn), "Trusted token issuer", arn)
}
