package policy

import (
	"strings"
	"unicode/utf8"
)

// tokenKind is what one token of a pattern matches.
type tokenKind uint8

const (
	literal       tokenKind = iota
	anyChar                 // ?: one character
	anyCharInside           // ? before the fifth colon of an ARN: one character, not ':'
	star                    // *: any characters
	starInside              // * inside a section before the fifth colon of an ARN: any characters but ':'
	variable                // ${...}: text is the condition key
)

type token struct {
	kind tokenKind
	text string // of literals and variables
	// fallback is a variable's default.
	fallback    string
	hasFallback bool
}

// syntax says how a text of a policy is read as a pattern.
type syntax struct {
	wildcards bool // * and ? are special
	variables bool // ${...} is special: Version 2012-10-17
	fold      bool // compares ASCII letters without case
	arn       arnMode
}

// arnMode says how wildcards treat the colons between an ARN's first five sections.
type arnMode uint8

const (
	// noARN: a plain text, wildcards match anything.
	noARN arnMode = iota
	// resourceARN: a wildcard stays inside its section, but a * that ends its section runs on across colons
	// (IAM User Guide, "IAM JSON policy elements: Resource").
	resourceARN
	// conditionARN: each section is compared by itself (IAM User Guide, "ARN condition operators").
	conditionARN
)

// pattern is a compiled text of a policy. Its form is the fastest that fits.
type pattern struct {
	source string // as the document has it
	syntax
	form   patternForm
	fixed  string
	tokens []token
}

type patternForm uint8

const (
	formTokens     patternForm = iota
	formTable                  // tokens that need globTable
	formExact                  // equals fixed
	formPrefix                 // begins with fixed; the empty prefix is "*"
	formUnresolved             // tokens with variables, to be substituted first
)

// newPattern compiles text, or says what is wrong with its variables.
func newPattern(text string, sx syntax) (pattern, error) {
	tokens, err := tokenize(text, sx)
	if err != nil {
		return pattern{}, err
	}
	p := pattern{source: text, syntax: sx, tokens: tokens}
	for _, t := range tokens {
		if t.kind == variable {
			p.form = formUnresolved
			return p, nil
		}
	}
	p.settle()
	return p, nil
}

// settle binds wildcards to their ARN sections and picks the form. The tokens must be free of variables.
func (p *pattern) settle() {
	if p.arn != noARN {
		bindSections(p.tokens, p.arn)
	}
	switch t := p.tokens; {
	case len(t) == 0:
		p.form, p.fixed = formExact, ""
	case len(t) == 1 && t[0].kind == literal:
		p.form, p.fixed = formExact, t[0].text
	case len(t) == 1 && t[0].kind == star:
		p.form, p.fixed = formPrefix, ""
	case len(t) == 2 && t[0].kind == literal && t[1].kind == star:
		p.form, p.fixed = formPrefix, t[0].text
	case crossing(t):
		p.form = formTable
	default:
		p.form = formTokens
	}
}

// bindSections narrows the wildcards that stand before the fifth colon.
func bindSections(tokens []token, mode arnMode) {
	if len(tokens) == 1 {
		return // "*" alone is any ARN
	}
	colons := 0
	for i := range tokens {
		if colons >= 5 {
			return
		}
		switch t := &tokens[i]; t.kind {
		case literal:
			colons += strings.Count(t.text, ":")
		case anyChar:
			t.kind = anyCharInside
		case star:
			endsSection := i+1 == len(tokens) || tokens[i+1].kind == literal && tokens[i+1].text[0] == ':'
			if mode == conditionARN || !endsSection {
				t.kind = starInside
			}
		}
	}
}

// match says whether s fits: yes or no; absent when a variable has no value, unknown when the pattern makes no sense with
// the variables' values.
func (p *pattern) match(e *env, s string) truth {
	switch p.form {
	case formExact:
		if p.fold {
			return truthOf(len(s) == len(p.fixed) && hasPrefixFold(s, p.fixed))
		}
		return truthOf(s == p.fixed)
	case formPrefix:
		if p.fold {
			return truthOf(hasPrefixFold(s, p.fixed))
		}
		return truthOf(strings.HasPrefix(s, p.fixed))
	case formUnresolved:
		tokens, t := resolve(p.tokens, e)
		if t != yes {
			return t
		}
		settled := pattern{source: p.source, syntax: p.syntax, tokens: tokens}
		if p.arn == conditionARN && !arnShaped(tokens) {
			return unknown
		}
		settled.settle()
		return settled.match(e, s)
	}
	if p.form == formTable {
		return truthOf(globTable(p.tokens, s, p.fold))
	}
	return truthOf(glob(p.tokens, s, p.fold))
}

// text is the literal that a pattern without wildcards stands for.
func (p *pattern) text(e *env) (string, truth) {
	if p.form != formUnresolved {
		return p.fixed, yes
	}
	tokens, t := resolve(p.tokens, e)
	if t != yes || len(tokens) == 0 {
		return "", t
	}
	return tokens[0].text, yes
}

// crossing says whether a star that stops at colons follows one that does not: only then does backtracking take more than
// the two loops of glob, and globTable is used instead.
func crossing(tokens []token) bool {
	free := false
	for i := range tokens {
		switch tokens[i].kind {
		case star:
			free = true
		case starInside:
			if free {
				return true
			}
		}
	}
	return false
}

// glob matches greedily from left to right. On a mismatch only the last star needs to take more: whatever an earlier star
// could take, the last one can take as well. A star that stops at a colon and one that does not are kept apart, since the
// first may be unable to where the second is not. Time is O(len(s) × longest literal).
func glob(tokens []token, s string, fold bool) bool {
	ti, si := 0, 0
	starT, starS := -1, 0
	insideT, insideS := -1, 0
	for {
		if ti == len(tokens) {
			if si == len(s) {
				return true
			}
		} else {
			switch t := &tokens[ti]; t.kind {
			case star:
				if ti+1 == len(tokens) {
					return true
				}
				ti++
				starT, starS, insideT = ti, si, -1
				continue
			case starInside:
				ti++
				insideT, insideS = ti, si
				continue
			default:
				if n := t.width(s[si:], fold); n >= 0 {
					ti, si = ti+1, si+n
					continue
				}
			}
		}
		switch {
		case insideT >= 0 && insideS < len(s) && s[insideS] != ':':
			insideS += runeWidth(s[insideS:])
			ti, si = insideT, insideS
		case starT >= 0 && starS < len(s):
			starS += runeWidth(s[starS:])
			ti, si, insideT = starT, starS, -1
		default:
			return false
		}
	}
}

// globTable is glob for any mixture of stars: it keeps the set of positions reachable by the tokens so far. Time is
// O(len(s) × pattern length).
func globTable(tokens []token, s string, fold bool) bool {
	reach := make([]bool, len(s)+1)
	reach[0] = true
	for i := range tokens {
		next := make([]bool, len(s)+1)
		for at := 0; at <= len(s); at++ {
			if !reach[at] {
				continue
			}
			switch t := &tokens[i]; t.kind {
			case star, starInside:
				next[at] = true
				if at < len(s) && (t.kind == star || s[at] != ':') {
					reach[at+runeWidth(s[at:])] = true
				}
			default:
				if n := t.width(s[at:], fold); n >= 0 {
					next[at+n] = true
				}
			}
		}
		reach = next
	}
	return reach[len(s)]
}

// width is how many bytes at the start of s a literal or a ? matches, or -1.
func (t *token) width(s string, fold bool) int {
	if t.kind == literal {
		if fold && hasPrefixFold(s, t.text) || !fold && strings.HasPrefix(s, t.text) {
			return len(t.text)
		}
		return -1
	}
	if s == "" || t.kind == anyCharInside && s[0] == ':' {
		return -1
	}
	return runeWidth(s)
}

func runeWidth(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}

// hasPrefixFold compares ASCII letters without case; prefix is lower-case already.
func hasPrefixFold(s, prefix string) bool {
	if len(s) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != prefix[i] {
			return false
		}
	}
	return true
}

// arnShaped says whether tokens without variables have an ARN's six sections, or are "*".
func arnShaped(tokens []token) bool {
	if len(tokens) == 1 && tokens[0].kind == star {
		return true
	}
	colons := 0
	for _, t := range tokens {
		if t.kind == literal {
			colons += strings.Count(t.text, ":")
		}
	}
	return colons >= 5 && tokens[0].kind == literal && strings.HasPrefix(tokens[0].text, "arn:")
}

func sources(patterns []pattern) []string {
	var all []string
	for i := range patterns {
		all = append(all, patterns[i].source)
	}
	return all
}
