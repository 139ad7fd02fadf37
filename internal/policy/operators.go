package policy

import (
	"bytes"
	"encoding/base64"
	"errors"
	"math/big"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// operand is one compiled value of a condition, to be compared with one value of the request. It answers absent or unknown
// like a pattern; unknown also when the request's value is not of the operator's type.
type operand interface {
	match(e *env, value string) truth
}

// operator is a condition operator without its set qualifier and IfExists suffix (IAM User Guide, "IAM JSON policy elements:
// Condition operators").
type operator struct {
	// negated operators hold when none of their values matches, and when the key is absent.
	negated bool
	// compile reads a value of the policy.
	compile func(text string, version string) (operand, error)
}

// operators is the whole list. Null is apart, in condition.go: it looks at the key and not at its values.
var operators = map[string]operator{
	"StringEquals":              {false, compileText},
	"StringNotEquals":           {true, compileText},
	"StringEqualsIgnoreCase":    {false, compileFoldedText},
	"StringNotEqualsIgnoreCase": {true, compileFoldedText},
	"StringLike":                {false, compileLike},
	"StringNotLike":             {true, compileLike},

	"NumericEquals":            {false, numeric(func(order int) bool { return order == 0 })},
	"NumericNotEquals":         {true, numeric(func(order int) bool { return order == 0 })},
	"NumericLessThan":          {false, numeric(func(order int) bool { return order < 0 })},
	"NumericLessThanEquals":    {false, numeric(func(order int) bool { return order <= 0 })},
	"NumericGreaterThan":       {false, numeric(func(order int) bool { return order > 0 })},
	"NumericGreaterThanEquals": {false, numeric(func(order int) bool { return order >= 0 })},

	"DateEquals":            {false, date(func(order int) bool { return order == 0 })},
	"DateNotEquals":         {true, date(func(order int) bool { return order == 0 })},
	"DateLessThan":          {false, date(func(order int) bool { return order < 0 })},
	"DateLessThanEquals":    {false, date(func(order int) bool { return order <= 0 })},
	"DateGreaterThan":       {false, date(func(order int) bool { return order > 0 })},
	"DateGreaterThanEquals": {false, date(func(order int) bool { return order >= 0 })},

	"Bool":         {false, compileBool},
	"BinaryEquals": {false, compileBinary},
	"IpAddress":    {false, compileAddress},
	"NotIpAddress": {true, compileAddress},

	"ArnEquals":    {false, compileARN},
	"ArnLike":      {false, compileARN},
	"ArnNotEquals": {true, compileARN},
	"ArnNotLike":   {true, compileARN},
}

func compileText(text, version string) (operand, error) {
	p, err := newPattern(text, syntax{variables: version == Version2012})
	return &p, err
}

func compileLike(text, version string) (operand, error) {
	p, err := newPattern(text, syntax{variables: version == Version2012, wildcards: true})
	return &p, err
}

// arnOperand compares ARNs section by section; a request value that is no ARN cannot be compared.
type arnOperand struct{ pattern }

func compileARN(text, version string) (operand, error) {
	p, err := newPattern(text, syntax{variables: version == Version2012, wildcards: true, arn: conditionARN})
	if err == nil && p.form != formUnresolved && !arnShaped(p.tokens) {
		err = errors.New("not an ARN of six sections, nor \"*\"")
	}
	return &arnOperand{p}, err
}

func (o *arnOperand) match(e *env, value string) truth {
	if _, ok := parseARN(value); !ok {
		return unknown
	}
	return o.pattern.match(e, value)
}

// foldedText compares without case. Its pattern has no wildcards, so that it resolves to one literal.
type foldedText struct{ pattern }

func compileFoldedText(text, version string) (operand, error) {
	p, err := newPattern(text, syntax{variables: version == Version2012})
	return &foldedText{p}, err
}

func (o *foldedText) match(e *env, value string) truth {
	text, t := o.text(e)
	if t != yes {
		return t
	}
	return truthOf(strings.EqualFold(text, value))
}

// number is an operand of the Numeric operators. Numbers are decimals of any length that fits a policy, compared exactly.
type number struct {
	limit *big.Rat
	holds func(order int) bool
}

func numeric(holds func(order int) bool) func(text, version string) (operand, error) {
	return func(text, _ string) (operand, error) {
		n, ok := parseNumber(text)
		if !ok {
			return nil, errors.New("not a number: use digits with an optional sign and fraction")
		}
		return &number{limit: n, holds: holds}, nil
	}
}

func (o *number) match(_ *env, value string) truth {
	n, ok := parseNumber(value)
	if !ok {
		return unknown
	}
	return truthOf(o.holds(n.Cmp(o.limit)))
}

// parseNumber admits neither exponents, which could name numbers too big to hold, nor big.Rat's other notations.
func parseNumber(s string) (*big.Rat, bool) {
	digits := strings.TrimLeft(s, "+-")
	whole, fraction, point := strings.Cut(digits, ".")
	if len(s)-len(digits) > 1 || len(s) > 128 || whole == "" || point && fraction == "" ||
		!allOf(whole, isDigit) || !allOf(fraction, isDigit) {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// instant is an operand of the Date operators.
type instant struct {
	limit time.Time
	holds func(order int) bool
}

func date(holds func(order int) bool) func(text, version string) (operand, error) {
	return func(text, _ string) (operand, error) {
		t, ok := parseDate(text)
		if !ok {
			return nil, errors.New("not a date: use ISO 8601 such as \"2026-01-31T12:00:00Z\", or seconds since 1970")
		}
		return &instant{limit: t, holds: holds}, nil
	}
}

func (o *instant) match(_ *env, value string) truth {
	t, ok := parseDate(value)
	if !ok {
		return unknown
	}
	return truthOf(o.holds(t.Compare(o.limit)))
}

// dateShapes are the forms of the W3C note on ISO 8601, a 0 standing for any digit, with the layouts that read them.
// time.Parse alone would be too kind to misshapen text.
var dateShapes = []struct{ shape, layout string }{
	{"0000", "2006"},
	{"0000-00", "2006-01"},
	{"0000-00-00", "2006-01-02"},
	{"0000-00-00T00:00", "2006-01-02T15:04Z07:00"},
	{"0000-00-00T00:00:00", "2006-01-02T15:04:05Z07:00"},
}

// parseDate reads a date, or seconds since 1970. Four digits are a year.
func parseDate(s string) (time.Time, bool) {
	if len(s) != 4 && len(s) <= 12 && s != "" && allOf(s, isDigit) {
		n, err := strconv.ParseInt(s, 10, 64)
		return time.Unix(n, 0), err == nil
	}
	body, rest := s, ""
	if t := strings.IndexByte(s, 'T'); t >= 0 {
		if zone := strings.IndexAny(s[t:], ".Z+-"); zone >= 0 {
			body, rest = s[:t+zone], s[t+zone:]
		}
	}
	if len(rest) > 32 {
		return time.Time{}, false
	}
	for _, d := range dateShapes {
		if hasShape(body, d.shape) && (rest == "" || hasZoneShape(rest)) {
			t, err := time.Parse(d.layout, s)
			return t, err == nil
		}
	}
	return time.Time{}, false
}

func hasShape(s, shape string) bool {
	if len(s) != len(shape) {
		return false
	}
	for i := range len(s) {
		if shape[i] == '0' && !isDigit(s[i]) || shape[i] != '0' && s[i] != shape[i] {
			return false
		}
	}
	return true
}

// hasZoneShape: an optional fraction, then Z or ±hh:mm.
func hasZoneShape(s string) bool {
	if fraction, ok := strings.CutPrefix(s, "."); ok {
		s = strings.TrimLeft(fraction, "0123456789")
		if len(s) == len(fraction) {
			return false
		}
	}
	return s == "Z" || hasShape(s, "+00:00") || hasShape(s, "-00:00")
}

// boolean is an operand of Bool; its pattern, without wildcards, resolves to one literal.
type boolean struct{ pattern }

func compileBool(text, version string) (operand, error) {
	p, err := newPattern(text, syntax{variables: version == Version2012})
	if err == nil && p.form != formUnresolved {
		if _, ok := parseBool(text); !ok {
			err = errors.New("not a truth value: use true or false")
		}
	}
	return &boolean{p}, err
}

func (o *boolean) match(e *env, value string) truth {
	got, ok := parseBool(value)
	if !ok {
		return unknown
	}
	text, t := o.text(e)
	if t != yes {
		return t
	}
	want, ok := parseBool(text)
	if !ok {
		return unknown
	}
	return truthOf(want == got)
}

func parseBool(s string) (value, ok bool) {
	return strings.EqualFold(s, "true"), strings.EqualFold(s, "true") || strings.EqualFold(s, "false")
}

// binary is an operand of BinaryEquals: both sides are base64, the bytes are compared.
type binary struct{ want []byte }

func compileBinary(text, _ string) (operand, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, errors.New("not base64")
	}
	return &binary{b}, nil
}

func (o *binary) match(_ *env, value string) truth {
	got, err := base64.StdEncoding.Strict().DecodeString(value)
	if err != nil {
		return unknown
	}
	return truthOf(bytes.Equal(got, o.want))
}

// network is an operand of IpAddress and NotIpAddress.
type network struct{ prefix netip.Prefix }

func compileAddress(text, _ string) (operand, error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			return nil, errors.New("not an IP address or CIDR block")
		}
		addr = addr.Unmap()
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	if prefix.Addr().Is4In6() {
		return nil, errors.New("not an IP address or CIDR block: write IPv4 blocks as IPv4")
	}
	return &network{prefix.Masked()}, nil
}

func (o *network) match(_ *env, value string) truth {
	addr, err := netip.ParseAddr(value)
	if err != nil || addr.Zone() != "" {
		return unknown
	}
	return truthOf(o.prefix.Contains(addr.Unmap()))
}
