package policy

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// This is the language a second time, naively: it walks the document with encoding/json for each request, in three-valued
// logic on strings ("yes", "no", "unknown"), with regular expressions for wildcards. The differential test holds the two
// against one another. It reads valid documents only.

type naiveRequest struct {
	caller          Principal
	action          string
	resource        string
	resourceAccount string
	context         map[string][]string // lower-case keys, those derived from the caller included
}

func (r *naiveRequest) values(key string) []string { return r.context[strings.ToLower(key)] }

func newNaiveRequest(r *Request) *naiveRequest {
	n := &naiveRequest{r.Principal, r.Action, r.Resource, r.ResourceAccount, map[string][]string{}}
	p := r.Principal
	put := func(k, v string) {
		if v != "" {
			n.context[k] = []string{v}
		}
	}
	arn := p.ARN
	if p.RoleARN != "" {
		arn = p.RoleARN
	}
	put("aws:principalarn", arn)
	put("aws:principalaccount", p.Account)
	put("aws:userid", p.ID)
	put("aws:principalservicename", p.Service)
	put("aws:principalisawsservice", strconv.FormatBool(p.Service != ""))
	for k, v := range r.Context {
		if len(v) > 0 {
			n.context[strings.ToLower(k)] = v
		}
	}
	return n
}

func and(all ...string) string {
	switch {
	case slices.Contains(all, "no"):
		return "no"
	case slices.Contains(all, "unknown"):
		return "unknown"
	}
	return "yes"
}

func or(all ...string) string {
	switch {
	case slices.Contains(all, "yes"):
		return "yes"
	case slices.Contains(all, "unknown"):
		return "unknown"
	}
	return "no"
}

func not(v string) string {
	return map[string]string{"yes": "no", "no": "yes", "unknown": "unknown"}[v]
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func asList(v any) []string {
	var all []string
	switch v := v.(type) {
	case nil:
	case []any:
		for _, x := range v {
			all = append(all, asList(x)...)
		}
	case string:
		all = append(all, v)
	case bool:
		all = append(all, strconv.FormatBool(v))
	case json.Number:
		all = append(all, v.String())
	}
	return all
}

var naiveVariable = regexp.MustCompile(`\$\{[^}]*\}`)

// naiveExpand replaces variables by private-use characters, so that what they stand for is quoted later.
func naiveExpand(text string, r *naiveRequest, version string) (out string, outcome string) {
	if version != Version2012 {
		return text, "yes"
	}
	outcome = "yes"
	hide := strings.NewReplacer("*", "\ue000", "?", "\ue001")
	out = naiveVariable.ReplaceAllStringFunc(text, func(v string) string {
		inner := v[2 : len(v)-1]
		if inner == "*" || inner == "?" || inner == "$" {
			return hide.Replace(inner)
		}
		key, fallback, has := strings.Cut(inner, ", ")
		values := r.values(key)
		switch {
		case len(values) > 1:
			outcome = "unknown"
		case len(values) == 1 && values[0] != "":
			return hide.Replace(values[0])
		case has:
			return hide.Replace(strings.Trim(fallback, "'"))
		case outcome == "yes":
			outcome = "absent"
		}
		return ""
	})
	return out, outcome
}

var unhide = strings.NewReplacer("\ue000", "*", "\ue001", "?")

func naiveGlob(pattern, s string, mode arnMode) string {
	for strings.Contains(pattern, "**") {
		pattern = strings.ReplaceAll(pattern, "**", "*")
	}
	source := strings.NewReplacer("\ue000", `\*`, "\ue001", `\?`).Replace(oracle(pattern, mode).String())
	return yesNo(regexp.MustCompile(source).MatchString(s))
}

// naiveAny is whether s matches any of the patterns; a variable without value is no match, or unknown where it is negated.
func naiveAny(patterns []string, s string, r *naiveRequest, version string, negated bool, match func(pattern, s string) string) string {
	result := "no"
	for _, p := range patterns {
		expanded, outcome := naiveExpand(p, r, version)
		switch {
		case outcome == "yes":
			result = or(result, match(expanded, s))
		case outcome == "unknown" || negated:
			result = or(result, "unknown")
		}
	}
	if negated {
		return not(result)
	}
	return result
}

func naiveComparison(operator string, order int) string {
	switch {
	case strings.HasSuffix(operator, "LessThanEquals"):
		return yesNo(order <= 0)
	case strings.HasSuffix(operator, "LessThan"):
		return yesNo(order < 0)
	case strings.HasSuffix(operator, "GreaterThanEquals"):
		return yesNo(order >= 0)
	case strings.HasSuffix(operator, "GreaterThan"):
		return yesNo(order > 0)
	}
	return yesNo(order == 0)
}

func naiveOperator(operator string) func(pattern, s string) string {
	return func(want, got string) string {
		switch {
		case strings.HasSuffix(operator, "IgnoreCase"):
			return yesNo(strings.EqualFold(unhide.Replace(want), got))
		case strings.HasSuffix(operator, "Like") && strings.HasPrefix(operator, "String"):
			return naiveGlob(want, got, noARN)
		case strings.HasPrefix(operator, "String"):
			return yesNo(unhide.Replace(want) == got)
		case strings.HasPrefix(operator, "Arn"):
			if want != "*" && (strings.Count(want, ":") < 5 || !strings.HasPrefix(want, "arn:")) {
				return "unknown"
			}
			return naiveGlob(want, got, conditionARN)
		case operator == "Bool":
			return yesNo(strings.EqualFold(want, got))
		case strings.HasPrefix(operator, "Numeric"):
			w, _ := strconv.ParseFloat(want, 64)
			g, err := strconv.ParseFloat(got, 64)
			if err != nil {
				return "unknown"
			}
			return naiveComparison(operator, map[bool]int{true: 1, false: -1}[g > w]*map[bool]int{true: 0, false: 1}[g == w])
		}
		w, _ := time.Parse(time.RFC3339, want)
		g, err := time.Parse(time.RFC3339, got)
		if err != nil {
			return "unknown"
		}
		return naiveComparison(operator, g.Compare(w))
	}
}

func naiveCondition(name, key string, wanted []string, r *naiveRequest, version string) string {
	values := r.values(key)
	if name == "Null" {
		return yesNo(slices.Contains(wanted, strconv.FormatBool(len(values) == 0)))
	}
	set, operator, found := strings.Cut(name, ":")
	if !found {
		set, operator = "", name
	}
	operator, ifExists := strings.CutSuffix(operator, "IfExists")
	negated := strings.Contains(operator, "Not")
	one := func(v string) string {
		isARN := strings.Count(v, ":") >= 5 && strings.HasPrefix(v, "arn:")
		if strings.HasPrefix(operator, "Arn") && !isARN || operator == "Bool" && !strings.EqualFold(v, "true") && !strings.EqualFold(v, "false") {
			return "unknown"
		}
		return naiveAny(wanted, v, r, version, negated, naiveOperator(operator))
	}
	if set != "" && strings.Join(values, "") == "" {
		values = nil
	}
	var each []string
	for _, v := range values {
		each = append(each, one(v))
	}
	switch {
	case len(values) == 0 && ifExists:
		return "yes"
	case len(values) == 0 && set == "ForAnyValue":
		return "no"
	case len(values) == 0 && negated:
		for _, w := range wanted {
			if _, outcome := naiveExpand(w, r, version); outcome != "yes" {
				return "unknown"
			}
		}
		return "yes"
	case len(values) == 0:
		return yesNo(set == "ForAllValues")
	case set == "ForAllValues":
		return and(each...)
	case set == "ForAnyValue":
		return or(each...)
	case len(values) > 1:
		return "unknown"
	}
	return each[0]
}

// naivePrincipal gives "", "account" or "direct".
func naivePrincipal(v any, c Principal) string {
	if v == nil || v == "*" {
		return "direct"
	}
	level := ""
	for sort, list := range v.(map[string]any) {
		for _, name := range asList(list) {
			switch {
			case name == "*", sort == "Service" && name == c.Service,
				sort == "AWS" && c.Service == "" && !strings.HasSuffix(name, ":root") && (name == c.ARN || c.RoleARN != "" && name == c.RoleARN):
				level = "direct"
			case sort == "AWS" && c.Service == "" && strings.Contains(name, c.Account) &&
				(len(name) == 12 || strings.HasSuffix(name, ":root")) && level == "":
				level = "account"
			}
		}
	}
	return level
}

func naiveExempt(v any, c Principal, bounded bool) bool {
	listed := func(sort string, names ...string) bool {
		return slices.ContainsFunc(asList(v.(map[string]any)[sort]), func(s string) bool { return s != "" && slices.Contains(names, s) })
	}
	if c.Service != "" {
		return listed("Service", c.Service)
	}
	root := "arn:aws:iam::" + c.Account + ":root"
	return !bounded && listed("AWS", c.Account, root) && (c.ARN == root || listed("AWS", c.ARN)) &&
		(c.RoleARN == "" || listed("AWS", c.RoleARN))
}

// naivePolicy gives whether the policy denies, and how closely its allows name the caller.
func naivePolicy(document string, r *naiveRequest, bounded bool) (deny bool, allow string) {
	var doc map[string]any
	decoder := json.NewDecoder(strings.NewReader(document))
	decoder.UseNumber()
	if err := decoder.Decode(&doc); err != nil {
		panic(err)
	}
	version, _ := doc["Version"].(string)
	for _, raw := range doc["Statement"].([]any) {
		s := raw.(map[string]any)
		action := func(p, a string) string { return naiveGlob(strings.ToLower(p), strings.ToLower(a), noARN) }
		resource := func(p, a string) string { return naiveGlob(p, a, resourceARN) }
		var parts []string
		if v, ok := s["Action"]; ok {
			parts = append(parts, naiveAny(asList(v), r.action, r, "", false, action))
		} else {
			parts = append(parts, naiveAny(asList(s["NotAction"]), r.action, r, "", true, action))
		}
		if v, ok := s["Resource"]; ok {
			parts = append(parts, naiveAny(asList(v), r.resource, r, version, false, resource))
		} else {
			parts = append(parts, naiveAny(asList(s["NotResource"]), r.resource, r, version, true, resource))
		}
		level := "direct"
		if v, ok := s["NotPrincipal"]; ok {
			parts = append(parts, yesNo(!naiveExempt(v, r.caller, bounded)))
		} else {
			level = naivePrincipal(s["Principal"], r.caller)
			parts = append(parts, yesNo(level != ""))
		}
		conditions, _ := s["Condition"].(map[string]any)
		for name, keys := range conditions {
			for key, values := range keys.(map[string]any) {
				parts = append(parts, naiveCondition(name, key, asList(values), r, version))
			}
		}
		switch result := and(parts...); {
		case s["Effect"] == "Deny":
			deny = deny || result != "no"
		case result == "yes" && allow != "direct":
			allow = level
		}
	}
	return deny, allow
}

// naiveDocuments are the policies of a request as texts; "" is none.
type naiveDocuments struct {
	identity, session, guards []string
	boundary, resource        string
	hasSession, required      bool
}

func (d *naiveDocuments) decide(request *Request) (allowed, explicit bool) {
	r := newNaiveRequest(request)
	all := func(documents ...string) string {
		best := ""
		for _, doc := range documents {
			if doc == "" {
				continue
			}
			deny, allow := naivePolicy(doc, r, d.boundary != "")
			explicit = explicit || deny
			if best != "direct" && allow != "" {
				best = allow
			}
		}
		return best
	}
	identity, session, boundary, resource := all(d.identity...), all(d.session...), all(d.boundary), all(d.resource)
	all(d.guards...)
	may := identity != "" || len(d.identity) == 0 && strings.HasSuffix(r.caller.ARN, ":root")
	same := r.resourceAccount == "" || r.resourceAccount == r.caller.Account
	granted := false
	switch {
	case r.caller.Service != "":
		granted = resource == "direct"
	case d.required:
		granted = resource == "direct" && same || resource != "" && may
	case same:
		granted = may || resource == "direct"
	default:
		granted = may && resource != ""
	}
	limited := d.boundary != "" && boundary == "" || d.hasSession && session == ""
	return granted && !limited && !explicit, explicit
}
