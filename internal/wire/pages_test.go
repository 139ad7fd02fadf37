package wire

import (
	"bytes"
	"encoding/base64"
	"slices"
	"testing"
)

func TestPages(t *testing.T) {
	p := &Pages{Keys: func() [][]byte { return [][]byte{bytes.Repeat([]byte{7}, 32)} }}
	for _, after := range [][]string{{"a"}, {"a", "", "ü"}, {}} {
		got, err := p.Open("List", "scope", p.Seal("List", "scope", after))
		if err != nil || !slices.Equal(got, after) || got == nil {
			t.Errorf("%v: %v %v", after, got, err)
		}
	}
	if p.Seal("List", "scope", nil) != nil {
		t.Error("no further page has a token")
	}
	for _, none := range []*string{nil, new("")} {
		if got, err := p.Open("List", "scope", none); got != nil || err != nil {
			t.Errorf("%v %v", got, err)
		}
	}
}

// A list that is being paged goes on when the key is replaced, and ends when the key does.
func TestPagesOverAChangeOfKey(t *testing.T) {
	older, newer := bytes.Repeat([]byte{7}, 32), bytes.Repeat([]byte{8}, 32)
	before := &Pages{Keys: func() [][]byte { return [][]byte{older} }}
	beside := &Pages{Keys: func() [][]byte { return [][]byte{newer, older} }}
	after := &Pages{Keys: func() [][]byte { return [][]byte{newer} }}
	token := before.Seal("List", "scope", []string{"a"})
	if _, err := beside.Open("List", "scope", token); err != nil {
		t.Error(err)
	}
	if _, err := after.Open("List", "scope", token); err == nil {
		t.Error("a token of a key that has ended is taken")
	}
	if _, err := after.Open("List", "scope", beside.Seal("List", "scope", []string{"a"})); err != nil {
		t.Error("the newest key does not seal:", err)
	}
}

func TestPagesRefuse(t *testing.T) {
	p := &Pages{Keys: func() [][]byte { return [][]byte{bytes.Repeat([]byte{7}, 32)} }}
	other := &Pages{Keys: func() [][]byte { return [][]byte{bytes.Repeat([]byte{8}, 32)} }}
	good := *p.Seal("List", "scope", []string{"a", "b"})
	raw, _ := base64.RawURLEncoding.DecodeString(good)
	refused := func(name string, p *Pages, operation, scope, token string) {
		t.Helper()
		if got, err := p.Open(operation, scope, &token); err == nil || err.(*Error).Code != "ValidationException" {
			t.Errorf("%s: opened as %v, %v", name, got, err)
		}
	}
	refused("another operation", p, "ListX", "scope", good)
	refused("another scope", p, "List", "scopes", good)
	refused("the border moved", p, "Lists", "cope", good)
	refused("another key", other, "List", "scope", good)
	refused("rubbish", p, "List", "scope", "!")
	refused("short", p, "List", "scope", good[:20])
	refused("padded", p, "List", "scope", good+"==")
	for i := range raw {
		bad := bytes.Clone(raw)
		bad[i] ^= 1
		refused("a bit flipped", p, "List", "scope", base64.RawURLEncoding.EncodeToString(bad))
	}
}
