package wire

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// Notes are members of the audit event's additionalEventData, in the order of their names. A slice, because most requests have a few of
// them and nobody looks one up. The zero value is empty; a clone made by slices.Clone is independent.
type Notes []note

type note struct {
	name, text string
	value      any // nil: text is the value
}

// Text sets a member to a string. Never a secret.
func (n *Notes) Text(name, text string) { n.set(note{name: name, text: text}) }

// Set sets a member to whatever encodes as JSON.
func (n *Notes) Set(name string, value any) { n.set(note{name: name, value: value}) }

func (n *Notes) set(new note) {
	i, found := slices.BinarySearchFunc(*n, new.name, func(old note, name string) int { return strings.Compare(old.name, name) })
	switch {
	case found:
		(*n)[i] = new
	case *n == nil:
		*n = append(make(Notes, 0, 6), new) // room for what an issued token has
	default:
		*n = slices.Insert(*n, i, new)
	}
}

// Get is a member's value, nil if it is not set.
func (n Notes) Get(name string) any {
	for _, m := range n {
		switch {
		case m.name != name:
		case m.value == nil:
			return m.text
		default:
			return m.value
		}
	}
	return nil
}

// AppendJSON appends the notes as a JSON object; nothing where there are none.
func (n Notes) AppendJSON(b []byte) ([]byte, error) {
	if len(n) == 0 {
		return b, nil
	}
	b = append(b, '{')
	for i, m := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, m.name), ':')
		if m.value == nil {
			b = appendText(b, m.text)
			continue
		}
		value, err := json.Marshal(m.value, json.Deterministic(true))
		if err != nil {
			return nil, err
		}
		b = append(b, value...)
	}
	return append(b, '}'), nil
}
