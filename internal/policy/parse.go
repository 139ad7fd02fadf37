package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxDocument is the greatest size of a policy document in bytes; the services that store policies set lower limits.
const MaxDocument = 64 << 10

// Parse compiles a document, or says what is wrong with it and where. Unknown elements, duplicate keys, wrong types and
// unknown operators are errors. name labels the policy in reasons.
func Parse(kind Kind, name string, document []byte) (*Policy, error) {
	if kind < Identity || kind > Trust {
		return nil, errors.New("unknown kind of policy")
	}
	if len(document) > MaxDocument {
		return nil, fmt.Errorf("the policy is longer than %d bytes", MaxDocument)
	}
	r := &reader{json: jsontext.NewDecoder(bytes.NewReader(document))}
	var raw rawPolicy
	if err := r.policy(&raw); err != nil {
		return nil, readable(err)
	}
	if _, err := r.json.ReadToken(); err != io.EOF {
		return nil, errors.New("something follows the end of the policy")
	}
	return compile(kind, name, &raw)
}

// rawPolicy and rawStatement are a document as read, before its parts are compiled: the version, which may come last,
// decides how the others are.
type rawPolicy struct {
	version    *string
	id         *string
	statements []rawStatement
}

type rawStatement struct {
	sid, effect             *string
	principal, notPrincipal *principals
	action, notAction       []string
	resource, notResource   []string
	conditions              []rawCondition
}

type rawCondition struct {
	operator, key string
	values        []string
}

// reader reads the language's JSON: exact names, no duplicates, nothing unknown. Since only known elements are entered, the
// depth is bounded by the language.
type reader struct{ json *jsontext.Decoder }

// at adds where an error happened, from the outside in: "statement 2: Action: ...".
func at(where string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return err // knows its place better
	}
	return fmt.Errorf("%s: %w", where, err)
}

// readable rewords a JSON error.
func readable(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("not valid JSON: it ends too early")
	}
	se, ok := errors.AsType[*jsontext.SyntacticError](err)
	if !ok {
		return err
	}
	if errors.Is(se, jsontext.ErrDuplicateName) {
		return fmt.Errorf("the key %s appears twice at %s", quote(se.JSONPointer.LastToken()), quote(string(se.JSONPointer)))
	}
	return fmt.Errorf("not valid JSON: byte %d: %w", se.ByteOffset, se.Err)
}

// object reads an object, calling member for each name, which must read the value and say in errors where it was.
func (r *reader) object(member func(name string) error) error {
	if k := r.json.PeekKind(); k != '{' {
		return r.wrongType("an object", k)
	}
	if _, err := r.json.ReadToken(); err != nil {
		return err
	}
	for r.json.PeekKind() == '"' {
		t, err := r.json.ReadToken()
		if err != nil {
			return err
		}
		if err := member(t.String()); err != nil {
			return err
		}
	}
	_, err := r.json.ReadToken()
	return err
}

// list reads an array, calling element for each, or calls it once for a value that stands alone.
func (r *reader) list(element func() error) error {
	if r.json.PeekKind() != '[' {
		return element()
	}
	if _, err := r.json.ReadToken(); err != nil {
		return err
	}
	n := 0
	for k := r.json.PeekKind(); k != ']' && k != 0; k = r.json.PeekKind() {
		if err := element(); err != nil {
			return err
		}
		n++
	}
	if _, err := r.json.ReadToken(); err != nil {
		return err
	}
	if n == 0 {
		return errEmpty
	}
	return nil
}

func (r *reader) text() (string, error) {
	if k := r.json.PeekKind(); k != '"' {
		return "", r.wrongType("a string", k)
	}
	t, err := r.json.ReadToken()
	return t.String(), err
}

func (r *reader) texts() (all []string, err error) {
	err = r.list(func() error {
		s, err := r.text()
		all = append(all, s)
		return err
	})
	return all, err
}

// scalar reads a condition value: a string, or a number or boolean taken as it is written.
func (r *reader) scalar() (string, error) {
	switch k := r.json.PeekKind(); k {
	case '"', 't', 'f', '0':
		t, err := r.json.ReadToken()
		return t.String(), err
	default:
		return "", r.wrongType("a string, number or boolean", k)
	}
}

// wrongType reports what stands where something else should; where that is no JSON at all, the JSON error.
func (r *reader) wrongType(want string, got jsontext.Kind) error {
	names := map[jsontext.Kind]string{
		'n': "null", 't': "a boolean", 'f': "a boolean", '"': "a string", '0': "a number", '{': "an object", '[': "an array",
	}
	if name, ok := names[got]; ok {
		return fmt.Errorf("must be %s, not %s", want, name)
	}
	_, err := r.json.ReadToken()
	if err == io.EOF || err == nil {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func (r *reader) policy(raw *rawPolicy) error {
	return r.object(func(name string) (err error) {
		switch name {
		case "Version":
			raw.version, err = pointer(r.text())
		case "Id":
			raw.id, err = pointer(r.text())
		case "Statement":
			raw.statements, err = r.statements()
			if len(raw.statements) > 0 {
				return err // says which
			}
		default:
			err = errUnknownElement
		}
		return at(label(name), err)
	})
}

func (r *reader) statements() (all []rawStatement, err error) {
	err = r.list(func() error {
		all = append(all, rawStatement{})
		n := len(all)
		return at("Statement "+strconv.Itoa(n), r.statement(&all[n-1]))
	})
	return all, err
}

var (
	errUnknownElement = errors.New("unknown element (names are case-sensitive)")
	errEmpty          = errors.New("must not be empty")
)

func (r *reader) statement(s *rawStatement) error {
	return r.object(func(name string) (err error) {
		switch name {
		case "Sid":
			s.sid, err = pointer(r.text())
		case "Effect":
			s.effect, err = pointer(r.text())
		case "Principal":
			s.principal, err = r.principals(false)
		case "NotPrincipal":
			s.notPrincipal, err = r.principals(true)
		case "Action":
			s.action, err = r.texts()
		case "NotAction":
			s.notAction, err = r.texts()
		case "Resource":
			s.resource, err = r.texts()
		case "NotResource":
			s.notResource, err = r.texts()
		case "Condition":
			s.conditions, err = r.conditions()
		default:
			err = errUnknownElement
		}
		return at(label(name), err)
	})
}

// principals reads "*" or an object of lists.
func (r *reader) principals(inverted bool) (*principals, error) {
	ps := &principals{inverted: inverted}
	if r.json.PeekKind() == '"' {
		s, err := r.text()
		if err == nil && s != "*" {
			err = fmt.Errorf("%s: must be \"*\" or an object such as {\"AWS\": ...}", quote(s))
		}
		ps.everyone = true
		return ps, err
	}
	n := 0
	err := r.object(func(sort string) error {
		n++
		values, err := r.texts()
		for _, v := range values {
			if err == nil {
				err = ps.add(sort, v)
			}
		}
		return at(label(sort), err)
	})
	if err == nil && n == 0 {
		err = errEmpty
	}
	return ps, err
}

func (r *reader) conditions() (all []rawCondition, err error) {
	err = r.object(func(operator string) error {
		before := len(all)
		err := r.object(func(key string) error {
			c := rawCondition{operator: operator, key: key}
			err := r.list(func() error {
				v, err := r.scalar()
				c.values = append(c.values, v)
				return err
			})
			all = append(all, c)
			return at(label(key), err)
		})
		if err == nil && len(all) == before {
			err = errEmpty
		}
		return at(label(operator), err)
	})
	return all, err
}

func pointer(s string, err error) (*string, error) { return &s, err }
