package ssoadmin

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
	"github.com/symbolon/symbolon/internal/wire"
)

// Application is an OAuth customer managed application.
type Application struct {
	ARN                string            `store:"application_arn,key"`
	InstanceARN        string            `store:"instance_arn"`
	AccountID          string            `store:"account_id"`
	ProviderARN        string            `store:"provider_arn"`
	ClientID           string            `store:"client_id"` // opaque: base64url(16 random bytes + region)
	Name               string            `store:"name"`
	Description        string            `store:"description"`
	Enabled            bool              `store:"enabled"`
	Portal             *PortalOptions    `store:"portal_options"`
	AssignmentRequired bool              `store:"assignment_required"`
	BackgroundSessions bool              `store:"background_sessions"`
	Tags               map[string]string `store:"tags"`
	CreatedAt          time.Time         `store:"created_at"`
}

var applications = store.NewTable[Application](store.Spec{
	Name:   "ssoadmin_applications",
	Cached: true,
	Indexes: []store.Index{
		{Name: "instance", Columns: []string{"instance_arn"}},
		{Name: "name", Columns: []string{"instance_arn", "name"}},
		{Name: "client_id", Columns: []string{"client_id"}, Unique: true},
	},
})

var (
	applicationARN = wire.NewPattern(`^arn:aws(-[a-z]{1,5}){0,3}:sso::\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}$`)
	httpURL        = wire.NewPattern(`^https?://[-a-zA-Z0-9+&@#/%?=~_|!:,.;]*[-a-zA-Z0-9+&@#/%=~_|]$`)
)

// AccessTokenFormat is what the reserved tag symbolon:access-token-format says; opaque without it.
func (a Application) AccessTokenFormat() token.Format {
	if a.Tags[tagAccessTokenFormat] == string(token.JWT) {
		return token.JWT
	}
	return token.Opaque
}

// SigningAlgorithm is what the reserved tag symbolon:signing-algorithm says; ES256 without it.
func (a Application) SigningAlgorithm() token.Algorithm {
	if a.Tags[tagSigningAlgorithm] == string(token.RS256) {
		return token.RS256
	}
	return token.ES256
}

// GetApplication returns an application by its ARN; store.ErrNotFound.
//
// It is not inlined: in another room the compiler would put its arguments on the heap.
//
//go:noinline
func GetApplication(tx *store.Tx, arn string) (Application, error) { return applications.Get(tx, arn) }

// ListApplications returns the applications of an instance, in the order of their ARNs.
func ListApplications(tx *store.Tx, instanceARN string) ([]Application, error) {
	return applications.List(tx, store.Query{Index: "instance", Values: []string{instanceARN}})
}

// ResolveClient finds an application by client id: its ARN or its opaque client id. store.ErrNotFound for unknown and
// malformed ones.
func ResolveClient(tx *store.Tx, clientID string) (Application, error) {
	if strings.HasPrefix(clientID, "arn:") {
		return applications.Get(tx, clientID)
	}
	return applications.GetBy(tx, "client_id", clientID)
}

// ApplicationByName: names are not unique at AWS; the organization file needs them to be. ErrNotFound, or an error when
// two share it.
func ApplicationByName(tx *store.Tx, instanceARN, name string) (Application, error) {
	rows, err := applications.List(tx, store.Query{Index: "name", Values: []string{instanceARN, name}, Limit: 2})
	switch {
	case err != nil:
		return Application{}, err
	case len(rows) == 0:
		return Application{}, store.ErrNotFound
	case len(rows) > 1:
		return Application{}, fmt.Errorf("ssoadmin: more than one application of %s is named %q", instanceARN, name)
	}
	return rows[0], nil
}

// PutApplication writes an application. A new one (no ARN, or an ARN that has no row) gets its ARN, ClientID and
// CreatedAt, and the account of its instance where AccountID is empty; of an existing one these, the instance and the
// provider stay. It returns a *wire.Error for what is wrong.
func (s *Server) PutApplication(tx *store.Tx, a Application) (Application, error) {
	i, err := GetInstance(tx, a.InstanceARN)
	if err != nil {
		return Application{}, orMissing(err, "Instance", a.InstanceARN)
	}
	old, err := applications.Get(tx, a.ARN)
	switch {
	case errors.Is(err, store.ErrNotFound):
		a, err = newApplication(tx, i, a)
	case err == nil:
		a, err = a.succeeding(old)
	}
	if err != nil {
		return Application{}, err
	}
	if err := a.check(old.Tags); err != nil {
		return Application{}, err
	}
	if a.AccessTokenFormat() != old.AccessTokenFormat() {
		now, err := Scopes(tx, a.ARN)
		if err != nil {
			return Application{}, err
		}
		if err := a.checkTokenTargets(nil, now); err != nil {
			return Application{}, err
		}
	}
	return a, orConflict(applications.Put(tx, a), "Client id %s belongs to another application", a.ClientID)
}

func newApplication(tx *store.Tx, i Instance, a Application) (Application, error) {
	if a.AccountID == "" {
		a.AccountID = i.OwnerAccountID
	}
	if !accountID.MatchString(a.AccountID) {
		return a, validation("ApplicationAccount %q is not an account id of 12 digits", a.AccountID)
	}
	own := fmt.Sprintf("arn:%s:sso::%s:application/%s/apl-", i.partition(), a.AccountID, i.id())
	if a.ARN == "" {
		a.ARN = own + randomHex(8)
	}
	if !strings.HasPrefix(a.ARN, own) || !applicationARN.MatchString(a.ARN) {
		return a, validation("%q is not the ARN of an application of account %s in instance %s", a.ARN, a.AccountID, i.ARN)
	}
	if a.ProviderARN == "" {
		a.ProviderARN = CustomProvider
	}
	if a.ClientID == "" {
		a.ClientID = newClientID(i.Region)
	}
	if a.CreatedAt.IsZero() {
		a.CreatedAt = tx.Now()
	}
	return a, nil
}

// succeeding is a as the new version of old: what cannot change must be equal or left out.
func (a Application) succeeding(old Application) (Application, error) {
	same := func(now *string, was string) bool {
		if *now == "" {
			*now = was
		}
		return *now == was
	}
	if !same(&a.InstanceARN, old.InstanceARN) || !same(&a.AccountID, old.AccountID) ||
		!same(&a.ProviderARN, old.ProviderARN) || !same(&a.ClientID, old.ClientID) {
		return a, validation("The instance, the account, the provider and the client id of application %s cannot change", a.ARN)
	}
	a.CreatedAt = old.CreatedAt
	return a, nil
}

// check judges all but what cannot change; tagsWere are those of the row it replaces.
func (a Application) check(tagsWere map[string]string) error {
	if a.ProviderARN != CustomProvider {
		return validation("ApplicationProviderArn %s is not supported: applications are made from %s", a.ProviderARN, CustomProvider)
	}
	if err := checkText("Name", a.Name, 1, 100); err != nil {
		return err
	}
	if err := checkText("Description", a.Description, 0, 128); err != nil {
		return err
	}
	if err := a.Portal.check(); err != nil {
		return err
	}
	return checkTags(a.Tags, tagsWere, applicationTags)
}

// checkText bounds a free text, in characters. NUL is refused because not every database can keep it.
func checkText(member, text string, least, most int) error {
	if n := utf8.RuneCountInString(text); n < least || n > most {
		return validation("%s must have %d to %d characters, not %d", member, least, most, n)
	}
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return validation("%s must be valid UTF-8 without NUL", member)
	}
	return nil
}

func (p *PortalOptions) check() error {
	if p == nil {
		return nil
	}
	if v := value(p.Visibility); v != "" && v != enabled && v != disabled {
		return validation("PortalOptions.Visibility must be %s or %s", enabled, disabled)
	}
	sign := p.SignInOptions
	switch {
	case sign == nil:
		return nil
	case sign.Origin != "IDENTITY_CENTER" && sign.Origin != "APPLICATION":
		return validation("PortalOptions.SignInOptions.Origin must be IDENTITY_CENTER or APPLICATION")
	case sign.Origin == "APPLICATION" && sign.ApplicationUrl == nil:
		return validation("PortalOptions.SignInOptions.ApplicationUrl is required when Origin is APPLICATION")
	case sign.ApplicationUrl == nil:
		return nil
	case len(*sign.ApplicationUrl) > 512 || !httpURL.MatchString(*sign.ApplicationUrl):
		return validation("PortalOptions.SignInOptions.ApplicationUrl must be an http or https URL of at most 512 characters")
	}
	return nil
}

// DeleteApplication deletes an application with its grants, scopes, authentication methods and assignments. Scopes of
// other applications that target it stay as they are; nobody can be issued a token for it any more.
func (s *Server) DeleteApplication(tx *store.Tx, arn string) error {
	if err := applications.Delete(tx, arn); err != nil {
		return orMissing(err, "Application", arn)
	}
	if err := deleteAll(tx, grants, arn, func(g ApplicationGrant) []string { return []string{g.ApplicationARN, g.GrantType} }); err != nil {
		return err
	}
	if err := deleteAll(tx, scopes, arn, func(sc ApplicationScope) []string { return []string{sc.ApplicationARN, sc.Scope} }); err != nil {
		return err
	}
	if err := deleteAll(tx, authenticationMethods, arn, func(m authenticationMethod) []string { return []string{m.ApplicationARN, m.Type} }); err != nil {
		return err
	}
	return deleteAll(tx, assignments, arn, Assignment.key)
}

// deleteAll deletes the rows of a table whose primary key begins with the application's ARN.
func deleteAll[T any](tx *store.Tx, t *store.Table[T], applicationARN string, key func(T) []string) error {
	rows, err := t.List(tx, store.Query{Values: []string{applicationARN}})
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := t.Delete(tx, key(row)...); err != nil {
			return err
		}
	}
	return nil
}
