package wire

import (
	"regexp"
	"sync"
)

// Pattern is a regular expression for values. It is compiled when a value is first matched: the patterns of all rooms, with their classes of
// letters and counts up to 255, would take a fifth of a server's start and of the memory it rests at, and most of them never see a value.
// One that is malformed panics then; a test of the house compiles all there are.
type Pattern struct{ compiled func() *regexp.Regexp }

// NewPattern is the pattern of a regular expression in RE2's syntax.
func NewPattern(text string) *Pattern {
	return &Pattern{sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })}
}

// MatchString says whether s contains a match, as regexp.Regexp does.
func (p *Pattern) MatchString(s string) bool { return p.compiled().MatchString(s) }
