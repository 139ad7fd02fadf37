package identitystore

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/symbolon/symbolon/internal/store"
)

// pathUserStatus is our own: through AWS's API a user can be seen to be disabled, but not be disabled.
const pathUserStatus = "userStatus"

// edit applies attribute operations, in order, to a user or group that is a copy of the record. A value that is absent
// or null removes the attribute. The member names inside of values begin with a lower-case letter, unlike those of
// CreateUser, as AWS wants it. Paths are matched in any case, as SCIM's attribute names are.
type edit struct {
	check
	path  string
	value jsontext.Value // nil removes
}

// editUser applies the operations to u and its attributes, whose values are then still to be checked (PutUser does).
func editUser(ctx context.Context, u *User, a *UserAttributes, operations []AttributeOperation) error {
	e := edit{check: check{ctx: ctx}}
	for _, o := range operations {
		e.begin(o)
		e.user(u, a)
		if e.err != nil {
			return e.err
		}
	}
	return nil
}

// editGroup does the same for a group.
func editGroup(ctx context.Context, g *Group, operations []AttributeOperation) error {
	e := edit{check: check{ctx: ctx}}
	for _, o := range operations {
		e.begin(o)
		switch {
		case e.is(pathDisplayName):
			e.required(&g.DisplayName)
		case e.is("description"):
			var d *string
			e.text(&d)
			g.Description = ""
			if d != nil {
				g.Description = *d
			}
		case e.is("externalIds"):
			g.ExternalIDs = e.externalIDs()
		default:
			e.unknown()
		}
		if e.err != nil {
			return e.err
		}
	}
	return nil
}

func (e *edit) begin(o AttributeOperation) {
	e.path, e.value = o.AttributePath, o.AttributeValue
	if e.value.Kind() == 'n' {
		e.value = nil
	}
}

func (e *edit) is(path string) bool { return strings.EqualFold(e.path, path) }

func (e *edit) unknown() { e.fail("The attribute path %s is not supported.", e.path) }

func (e *edit) user(u *User, a *UserAttributes) {
	switch {
	case e.is(pathUserName):
		e.required(&u.UserName)
	case e.is(pathUserStatus):
		e.status(&u.Enabled)
	case e.is("externalIds"):
		u.ExternalIDs = store.LazyOf(e.externalIDs())
	case e.is("name"):
		e.name(a)
	case e.is("emails"):
		a.Emails = editList(e, func(d emailDocument) Email { return Email(d) })
	case e.is("addresses"):
		a.Addresses = editList(e, func(d addressDocument) Address { return Address(d) })
	case e.is("phoneNumbers"):
		a.PhoneNumbers = editList(e, func(d phoneNumberDocument) PhoneNumber { return PhoneNumber(d) })
	case e.is("photos"):
		a.Photos = editList(e, func(d photoDocument) Photo { return Photo(d) })
	case e.is("roles"):
		a.Roles = editList(e, func(d roleDocument) Role { return Role(d) })
	case strings.Contains(e.path, ":"):
		e.extension(a)
	default:
		e.userText(a)
	}
}

// userText is the rest of the paths: single strings.
func (e *edit) userText(a *UserAttributes) {
	for _, t := range userTexts {
		if e.is(t.path) {
			e.text(t.field(a))
			return
		}
	}
	for _, t := range nameTexts {
		if e.is(t.path) {
			n := Name{}
			if a.Name != nil {
				n = *a.Name
			}
			e.text(t.field(&n))
			if a.Name = nil; n != (Name{}) {
				a.Name = &n
			}
			return
		}
	}
	e.unknown()
}

// text takes the value as a string into an optional field.
func (e *edit) text(field **string) {
	*field = nil
	if e.value == nil {
		return
	}
	var s string
	if e.value.Kind() != '"' || json.Unmarshal(e.value, &s) != nil {
		e.fail("The value at %s must be a string.", e.path)
		return
	}
	e.check.text(e.path, &s)
	*field = &s
}

// required takes the value as a string into a field that cannot be removed.
func (e *edit) required(field *string) {
	var s *string
	e.text(&s)
	if s == nil {
		e.fail("The attribute %s is required and cannot be removed.", e.path)
		return
	}
	*field = *s
}

func (e *edit) status(enabled *bool) {
	var s string
	e.required(&s)
	switch s {
	case statusEnabled:
		*enabled = true
	case statusDisabled:
		*enabled = false
	default:
		e.fail("The value at %s must be one of: %s, %s.", e.path, statusEnabled, statusDisabled)
	}
}

func (e *edit) name(a *UserAttributes) {
	a.Name = nil
	if e.value == nil {
		return
	}
	var d nameDocument
	if e.object(&d) {
		n := Name(d)
		a.Name = &n
	}
}

func (e *edit) externalIDs() []ExternalId {
	return editList(e, func(d externalIDDocument) ExternalId { return ExternalId(d) })
}

// object reads the value as an object with exactly d's member names.
func (e *edit) object(d any) bool {
	if e.value.Kind() != '{' || json.Unmarshal(e.value, d, json.RejectUnknownMembers(true)) != nil {
		e.fail("The value at %s must be an object with the members of the attribute, in lower camel case.", e.path)
		return false
	}
	return true
}

// editList reads the value as a list of such objects; absent or null it is no list.
func editList[D, T any](e *edit, convert func(D) T) []T {
	if e.value == nil {
		return nil
	}
	var documents []D
	err := json.Unmarshal(e.value, &documents, json.RejectUnknownMembers(true))
	if e.value.Kind() != '[' || err != nil || len(documents) == 0 {
		e.fail("The value at %s must be a list of objects with the members of the attribute, in lower camel case, or null.", e.path)
		return nil
	}
	list := make([]T, len(documents))
	for i, d := range documents {
		list[i] = convert(d)
	}
	return list
}

// extension sets an extension's whole document, or the value at a path inside: aws:identitystore:enterprise.manager.value.
func (e *edit) extension(a *UserAttributes) {
	name, inner, deep := strings.Cut(e.path, ".")
	if name != enterprise {
		e.unknown()
		return
	}
	document := e.value
	if deep {
		var err error
		if document, err = setMember(a.Extensions[name], strings.Split(inner, "."), e.value); err != nil {
			e.fail("The value at %s is inside of something that is not an object.", e.path)
			return
		}
	}
	extensions := map[string]jsontext.Value{}
	for other, d := range a.Extensions {
		extensions[other] = d
	}
	delete(extensions, name)
	if document != nil {
		extensions[name] = document
	}
	a.Extensions = extensions
}

// setMember is the object with the member at path set, or removed when value is nil; an object left empty is removed too.
func setMember(object jsontext.Value, path []string, value jsontext.Value) (jsontext.Value, error) {
	members := map[string]jsontext.Value{}
	if object != nil {
		if err := json.Unmarshal(object, &members); err != nil {
			return nil, err
		}
	}
	if len(path) > 1 {
		var err error
		if value, err = setMember(members[path[0]], path[1:], value); err != nil {
			return nil, err
		}
	}
	if value == nil {
		delete(members, path[0])
	} else {
		members[path[0]] = value
	}
	if len(members) == 0 {
		return nil, nil
	}
	return json.Marshal(members, json.Deterministic(true))
}

// The documents of attribute values: the API's types with the member names that UpdateUser wants.
type (
	nameDocument struct {
		Formatted       *string `json:"formatted"`
		FamilyName      *string `json:"familyName"`
		GivenName       *string `json:"givenName"`
		MiddleName      *string `json:"middleName"`
		HonorificPrefix *string `json:"honorificPrefix"`
		HonorificSuffix *string `json:"honorificSuffix"`
	}
	emailDocument struct {
		Value   *string `json:"value"`
		Type    *string `json:"type"`
		Primary *bool   `json:"primary"`
	}
	phoneNumberDocument struct {
		Value   *string `json:"value"`
		Type    *string `json:"type"`
		Primary *bool   `json:"primary"`
	}
	roleDocument struct {
		Value   *string `json:"value"`
		Type    *string `json:"type"`
		Primary *bool   `json:"primary"`
	}
	photoDocument struct {
		Value   string  `json:"value"`
		Type    *string `json:"type"`
		Display *string `json:"display"`
		Primary *bool   `json:"primary"`
	}
	addressDocument struct {
		StreetAddress *string `json:"streetAddress"`
		Locality      *string `json:"locality"`
		Region        *string `json:"region"`
		PostalCode    *string `json:"postalCode"`
		Country       *string `json:"country"`
		Formatted     *string `json:"formatted"`
		Type          *string `json:"type"`
		Primary       *bool   `json:"primary"`
	}
	externalIDDocument struct {
		Issuer string `json:"issuer"`
		Id     string `json:"id"`
	}
)
