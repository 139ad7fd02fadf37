package wire

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// limits are the constraints on one member, or on each of its elements.
type limits struct {
	lenMin, lenMax int64 // lenMax < 0: none
	hasLen         bool
	min, max       int64
	hasRange       bool
	pattern        *Pattern
	patternText    string
	enum           []string
}

// parseLimits reads the constraint tags whose names have the given prefix ("" or "each-"); nil when there are none.
func parseLimits(tag reflect.StructTag, prefix string) (*limits, error) {
	var l limits
	var any bool
	var err error
	if text, ok := tag.Lookup(prefix + "len"); ok {
		any, l.hasLen = true, true
		if l.lenMin, l.lenMax, err = parseRange(text); err != nil {
			return nil, err
		}
		l.lenMin = max(l.lenMin, 0)
	}
	if text, ok := tag.Lookup(prefix + "range"); ok {
		any, l.hasRange = true, true
		if l.min, l.max, err = parseRange(text); err != nil {
			return nil, err
		}
	}
	if text, ok := tag.Lookup(prefix + "pattern"); ok {
		any = true
		l.pattern, l.patternText = tagPattern(text), text
	}
	if text, ok := tag.Lookup(prefix + "enum"); ok {
		any = true
		l.enum = strings.Split(text, "|")
	}
	if !any {
		return nil, nil
	}
	return &l, nil
}

// patterns remembers the patterns of all tags by their text, as encoding/json remembers types: the same few recur on
// hundreds of members, and struct tags are a bounded set.
var patterns sync.Map

func tagPattern(text string) *Pattern {
	if p, ok := patterns.Load(text); ok {
		return p.(*Pattern)
	}
	// Grouped, so that an alternative in the pattern cannot escape the anchors.
	p, _ := patterns.LoadOrStore(text, NewPattern(`^(?:`+text+`)$`))
	return p.(*Pattern)
}

// parseRange reads "1..100"; either side may be missing.
func parseRange(text string) (lo, hi int64, err error) {
	low, high, ok := strings.Cut(text, "..")
	if !ok {
		return 0, 0, fmt.Errorf("%q is not of the form 1..100", text)
	}
	lo, hi = math.MinInt64, math.MaxInt64
	if low != "" {
		if lo, err = strconv.ParseInt(low, 10, 64); err != nil {
			return 0, 0, err
		}
	}
	if high != "" {
		if hi, err = strconv.ParseInt(high, 10, 64); err != nil {
			return 0, 0, err
		}
	}
	return lo, hi, nil
}

// broken lists the constraints a value breaks, in AWS's words.
func (l *limits) broken(s *shape, v reflect.Value) []string {
	var out []string
	tooLong := false
	if l.hasLen {
		n := length(s, v)
		if n < l.lenMin {
			out = append(out, fmt.Sprintf("Member must have length greater than or equal to %d", l.lenMin))
		}
		if tooLong = n > l.lenMax; tooLong {
			out = append(out, fmt.Sprintf("Member must have length less than or equal to %d", l.lenMax))
		}
	}
	if l.hasRange && s.kind == kindInt {
		if v.Int() < l.min {
			out = append(out, fmt.Sprintf("Member must have value greater than or equal to %d", l.min))
		}
		if v.Int() > l.max {
			out = append(out, fmt.Sprintf("Member must have value less than or equal to %d", l.max))
		}
	}
	if s.kind != kindString {
		return out
	}
	if l.enum != nil && !slices.Contains(l.enum, v.String()) {
		out = append(out, "Member must satisfy enum value set: ["+strings.Join(l.enum, ", ")+"]")
	}
	// A text that is too long is not matched as well: the refusal is certain, the match is work.
	if l.pattern != nil && !tooLong && !l.pattern.MatchString(v.String()) {
		out = append(out, "Member must satisfy regular expression pattern: "+l.patternText)
	}
	return out
}

func length(s *shape, v reflect.Value) int64 {
	switch s.kind {
	case kindString:
		return int64(utf8.RuneCountInString(v.String()))
	case kindList, kindMap:
		return int64(v.Len())
	case kindDocument:
		return int64(v.Len())
	}
	return 0
}
