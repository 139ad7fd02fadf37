package policy

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// oracle is the pattern as a regular expression: slow, but plainly right.
func oracle(text string, mode arnMode) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	colons := 0
	for i, r := range text {
		inside := mode != noARN && colons < 5
		ends := i+1 == len(text) || text[i+1] == ':'
		for j := i + 1; j < len(text) && text[j] == '*'; j++ {
			ends = j+1 == len(text) || text[j+1] == ':'
		}
		switch {
		case r == '*' && inside && (mode == conditionARN || !ends) && text != "*":
			b.WriteString("[^:]*")
		case r == '*':
			b.WriteString(".*")
		case r == '?' && inside && len(text) > 1:
			b.WriteString("[^:]")
		case r == '?':
			b.WriteString(".")
		default:
			if r == ':' {
				colons++
			}
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	b.WriteString(`\z`)
	return regexp.MustCompile(b.String())
}

func TestPatternsAgainstRegexps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mode := rapid.SampledFrom([]arnMode{noARN, resourceARN, conditionARN}).Draw(t, "mode")
		text := rapid.StringOfN(rapid.SampledFrom([]rune("ab:*?/é")), 0, 14, -1).Draw(t, "pattern")
		s := rapid.StringOfN(rapid.SampledFrom([]rune("ab:/é")), 0, 14, -1).Draw(t, "text")
		for strings.Contains(text, "**") {
			text = strings.ReplaceAll(text, "**", "*")
		}
		p, err := newPattern(text, syntax{wildcards: true, arn: mode})
		if err != nil {
			t.Fatal(err)
		}
		want := oracle(text, mode).MatchString(s)
		if got := p.match(&env{}, s) == yes; got != want {
			t.Fatalf("%q against %q: %v, want %v", s, text, got, want)
		}
		if glob(p.tokens, s, false) != want || globTable(p.tokens, s, false) != want {
			t.Fatalf("%q against %q: matchers differ from %v", s, text, want)
		}
		fold, _ := newPattern(strings.ToUpper(text), syntax{wildcards: true, fold: true})
		plain, _ := newPattern(text, syntax{wildcards: true})
		if !strings.Contains(text, "é") && fold.match(nil, strings.ToUpper(s)) != plain.match(nil, s) {
			t.Fatalf("%q against %q: case matters", s, text)
		}
	})
}

// TestPatternsAreNotExponential: patterns that make backtracking matchers run for ages.
func TestPatternsAreNotExponential(t *testing.T) {
	long := strings.Repeat("a", 2000)
	start := time.Now()
	for _, text := range []string{
		strings.Repeat("*a", 500) + "b",
		strings.Repeat("a*", 500) + "b",
		"arn:*:" + strings.Repeat("*a", 500) + "b:x",
		"arn:*:" + strings.Repeat("?*", 500) + "b:x",
		"*" + strings.Repeat("a", 1000) + "b",
	} {
		for _, mode := range []arnMode{noARN, resourceARN, conditionARN} {
			p, err := newPattern(text, syntax{wildcards: true, arn: mode})
			if err != nil {
				t.Fatal(err)
			}
			if p.match(&env{}, "arn:"+long+":"+long) == yes {
				t.Errorf("%.20s matches", text)
			}
		}
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Error("took", took)
	}
}
