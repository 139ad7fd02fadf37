package policy

import (
	"errors"
	"fmt"
	"strings"
)

// tokenize cuts a text of a policy into tokens: neighbouring literals joined, runs of * made one.
func tokenize(text string, sx syntax) ([]token, error) {
	var tokens []token
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			tokens = append(tokens, token{kind: literal, text: lit.String()})
			lit.Reset()
		}
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case sx.wildcards && c == '*':
			flush()
			if n := len(tokens); n == 0 || tokens[n-1].kind != star {
				tokens = append(tokens, token{kind: star})
			}
		case sx.wildcards && c == '?':
			flush()
			tokens = append(tokens, token{kind: anyChar})
		case sx.variables && strings.HasPrefix(text[i:], "${"):
			inner, n, err := variableAt(text[i:])
			if err != nil {
				return nil, err
			}
			i += n - 1
			if inner == "*" || inner == "?" || inner == "$" {
				lit.WriteString(inner)
				continue
			}
			t, err := newVariable(inner)
			if err != nil {
				return nil, err
			}
			flush()
			tokens = append(tokens, t)
		default:
			if sx.fold && 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			lit.WriteByte(c)
		}
	}
	flush()
	return tokens, nil
}

// variableAt gives what stands between the braces at the start of text, and how long the whole is.
func variableAt(text string) (inner string, n int, err error) {
	end := strings.IndexByte(text, '}')
	if end < 0 {
		return "", 0, errors.New("a policy variable begins with ${ but has no closing brace")
	}
	return text[2:end], end + 1, nil
}

// newVariable reads "key" or "key, 'default'" (IAM User Guide, "Specifying default values").
func newVariable(inner string) (token, error) {
	key, rest, hasFallback := strings.Cut(inner, ",")
	t := token{kind: variable, text: strings.ToLower(strings.TrimSpace(key)), hasFallback: hasFallback}
	if err := checkConditionKey(t.text); err != nil || strings.ContainsAny(t.text, "${'") {
		return token{}, fmt.Errorf("%s is not a policy variable", quote("${"+inner+"}"))
	}
	if hasFallback {
		rest = strings.TrimSpace(rest)
		if len(rest) < 2 || rest[0] != '\'' || rest[len(rest)-1] != '\'' || strings.Contains(rest[1:len(rest)-1], "'") {
			return token{}, fmt.Errorf("the default in %s must stand in single quotes", quote("${"+inner+"}"))
		}
		t.fallback = rest[1 : len(rest)-1]
	}
	return t, nil
}

// resolve substitutes variables. What they stand for is literal: a * in a user name is no wildcard. A variable whose key has
// no value, or only an empty one, takes its default, else the answer is absent (IAM User Guide, "Policy variables with no
// value"); a key with several values cannot be substituted: unknown.
func resolve(tokens []token, e *env) ([]token, truth) {
	out := make([]token, 0, len(tokens))
	for _, t := range tokens {
		if t.kind == variable {
			text, got := e.substitute(&t)
			if got != yes {
				return nil, got
			}
			t = token{kind: literal, text: text}
		}
		n := len(out)
		switch {
		case t.kind == literal && t.text == "":
		case t.kind == literal && n > 0 && out[n-1].kind == literal:
			out[n-1].text += t.text
		case t.kind == star && n > 0 && out[n-1].kind == star:
		default:
			out = append(out, t)
		}
	}
	return out, yes
}

func (e *env) substitute(t *token) (string, truth) {
	values, ok := e.lookup(t.text)
	switch {
	case !ok || len(values) > 1:
		return "", unknown
	case len(values) == 1 && values[0] != "":
		return values[0], yes
	case t.hasFallback:
		return t.fallback, yes
	}
	return "", absent
}
