package identitystore

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/symbolon/symbolon/internal/wire"
)

// UserAttributes are a user's attributes but UserName, ExternalIds and UserStatus, in the API's own types. Absent is nil.
type UserAttributes struct {
	Name              *Name         `json:",omitempty"`
	DisplayName       *string       `json:",omitempty"`
	NickName          *string       `json:",omitempty"`
	ProfileUrl        *string       `json:",omitempty"`
	Emails            []Email       `json:",omitempty"`
	Addresses         []Address     `json:",omitempty"`
	PhoneNumbers      []PhoneNumber `json:",omitempty"`
	UserType          *string       `json:",omitempty"`
	Title             *string       `json:",omitempty"`
	PreferredLanguage *string       `json:",omitempty"`
	Locale            *string       `json:",omitempty"`
	Timezone          *string       `json:",omitempty"`
	Photos            []Photo       `json:",omitempty"`
	Website           *string       `json:",omitempty"`
	Birthdate         *string       `json:",omitempty"`
	Roles             []Role        `json:",omitempty"`
	// Extensions are JSON objects by extension name; aws:identitystore:enterprise is the only one.
	Extensions map[string]jsontext.Value `json:",omitempty"`
}

// The limits of the API's model.
const (
	maxText      = 1024
	maxUserName  = 128
	maxExternal  = 256
	maxExternals = 10
	maxPhotos    = 3
	// maxExtension bounds one extension's document in bytes, which the model leaves open.
	maxExtension = 16 << 10
)

// enterprise is the one extension there is.
const enterprise = "aws:identitystore:enterprise"

var (
	word = wire.NewPattern(`^[\p{L}\p{M}\p{S}\p{N}\p{P}]+$`)
	text = wire.NewPattern(`^[\p{L}\p{M}\p{S}\p{N}\p{P}\t\n\r \x{a0}\x{3000}]+$`)
	// groupName is text without the ideographic space.
	groupName = wire.NewPattern(`^[\p{L}\p{M}\p{S}\p{N}\p{P}\t\n\r \x{a0}]+$`)
)

// textAttribute is a plain string attribute under its attribute path.
type textAttribute[T any] struct {
	path  string
	field func(*T) **string
}

var userTexts = []textAttribute[UserAttributes]{
	{"displayName", func(a *UserAttributes) **string { return &a.DisplayName }},
	{"nickName", func(a *UserAttributes) **string { return &a.NickName }},
	{"profileUrl", func(a *UserAttributes) **string { return &a.ProfileUrl }},
	{"userType", func(a *UserAttributes) **string { return &a.UserType }},
	{"title", func(a *UserAttributes) **string { return &a.Title }},
	{"preferredLanguage", func(a *UserAttributes) **string { return &a.PreferredLanguage }},
	{"locale", func(a *UserAttributes) **string { return &a.Locale }},
	{"timezone", func(a *UserAttributes) **string { return &a.Timezone }},
	{"website", func(a *UserAttributes) **string { return &a.Website }},
	{"birthdate", func(a *UserAttributes) **string { return &a.Birthdate }},
}

var nameTexts = []textAttribute[Name]{
	{"name.formatted", func(n *Name) **string { return &n.Formatted }},
	{"name.familyName", func(n *Name) **string { return &n.FamilyName }},
	{"name.givenName", func(n *Name) **string { return &n.GivenName }},
	{"name.middleName", func(n *Name) **string { return &n.MiddleName }},
	{"name.honorificPrefix", func(n *Name) **string { return &n.HonorificPrefix }},
	{"name.honorificSuffix", func(n *Name) **string { return &n.HonorificSuffix }},
}

// check collects the first thing that is wrong with attributes. Its messages name paths and never values.
type check struct {
	ctx context.Context
	err error
}

func (c *check) fail(format string, args ...any) {
	if c.err == nil {
		c.err = invalid(c.ctx, format, args...)
	}
}

// pattern checks a value that is there.
func (c *check) pattern(path, value string, most int, p *wire.Pattern) {
	if n := utf8.RuneCountInString(value); n < 1 || n > most {
		c.fail("The value at %s must have between 1 and %d characters.", path, most)
	} else if !utf8.ValidString(value) || !p.MatchString(value) {
		c.fail("The value at %s contains characters that are not allowed.", path)
	}
}

// text checks an optional text.
func (c *check) text(path string, value *string) {
	if value != nil {
		c.pattern(path, *value, maxText, text)
	}
}

// list checks a list's length and that at most one element is the primary one.
func (c *check) list(path string, n, most int, primary func(i int) *bool) {
	if n > most {
		c.fail("The list at %s must have at most %d elements.", path, most)
		return
	}
	found := 0
	for i := range n {
		if p := primary(i); p != nil && *p {
			found++
		}
	}
	if found > 1 {
		c.fail("Only one element at %s can be the primary one.", path)
	}
}

// attributes checks everything that CreateUser would.
func (c *check) attributes(a *UserAttributes) {
	for _, t := range userTexts {
		c.text(t.path, *t.field(a))
	}
	if a.Name != nil {
		for _, t := range nameTexts {
			c.text(t.path, *t.field(a.Name))
		}
	}
	c.list("emails", len(a.Emails), 1, func(i int) *bool { return a.Emails[i].Primary })
	for _, e := range a.Emails {
		c.text("emails.value", e.Value)
		c.text("emails.type", e.Type)
	}
	c.list("phoneNumbers", len(a.PhoneNumbers), 1, func(i int) *bool { return a.PhoneNumbers[i].Primary })
	for _, p := range a.PhoneNumbers {
		c.text("phoneNumbers.value", p.Value)
		c.text("phoneNumbers.type", p.Type)
	}
	c.list("roles", len(a.Roles), 1, func(i int) *bool { return a.Roles[i].Primary })
	for _, r := range a.Roles {
		c.text("roles.value", r.Value)
		c.text("roles.type", r.Type)
	}
	c.list("photos", len(a.Photos), maxPhotos, func(i int) *bool { return a.Photos[i].Primary })
	for _, p := range a.Photos {
		c.text("photos.value", &p.Value)
		c.text("photos.type", p.Type)
		c.text("photos.display", p.Display)
	}
	c.addresses(a.Addresses)
	c.extensions(a.Extensions)
}

func (c *check) addresses(list []Address) {
	c.list("addresses", len(list), 1, func(i int) *bool { return list[i].Primary })
	for _, a := range list {
		c.text("addresses.streetAddress", a.StreetAddress)
		c.text("addresses.locality", a.Locality)
		c.text("addresses.region", a.Region)
		c.text("addresses.postalCode", a.PostalCode)
		c.text("addresses.country", a.Country)
		c.text("addresses.formatted", a.Formatted)
		c.text("addresses.type", a.Type)
	}
}

func (c *check) extensions(byName map[string]jsontext.Value) {
	for name, document := range byName {
		if name != enterprise {
			c.fail("The extension name must be %s.", enterprise)
		}
		if len(document) > maxExtension {
			c.fail("The extension %s must not be longer than %d bytes.", name, maxExtension)
		}
		if document.Kind() != '{' || !document.IsValid() {
			c.fail("The extension %s must be a JSON object.", name)
		}
	}
}

func (c *check) externalIDs(list []ExternalId) {
	if len(list) > maxExternals {
		c.fail("The list at externalIds must have at most %d elements.", maxExternals)
	}
	seen := map[ExternalId]bool{}
	for _, e := range list {
		c.pattern("externalIds.issuer", e.Issuer, maxExternal, word)
		c.pattern("externalIds.id", e.Id, maxExternal, word)
		if seen[e] {
			c.fail("The list at externalIds holds the same element twice.")
		}
		seen[e] = true
	}
}

// reserved refuses the names that neither users nor groups can have.
func (c *check) reserved(path, name string) {
	for _, r := range []string{"Administrator", "AWSAdministrators"} {
		if strings.EqualFold(name, r) {
			c.fail("The value at %s is a reserved name.", path)
		}
	}
}

// extensionNames checks which extensions a caller asks to see.
func (c *check) extensionNames(names []string) {
	for i, name := range names {
		if name != enterprise {
			c.fail("%s", fmt.Sprintf("The extension name at extensions.%d must be %s.", i+1, enterprise))
		}
	}
}
