package oidc

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/symbolon/symbolon/internal/wire"
)

// check is one thing that a request must hold. Every refusal is made with the check that it failed, so that none is without an
// explanation; the audit event has the check's name and the facts.
type check struct {
	// name stands in audit logs and in people's searches: it stays as it is.
	name string
	// asks is what was asked, as a sentence.
	asks string
	// allow is what would let the request pass: calls of sso-admin, lines of the organization file, or what the client must do. A
	// {fact} in braces is filled in.
	allow []string
}

// Explanation is what a check asks and what would let a refused request pass.
type Explanation struct {
	Check string   `json:"check"`
	Asks  string   `json:"asks"`
	Allow []string `json:"allow"`
}

// refusalCheck is the member of a refusal's details that names the check; the other members are facts.
const refusalCheck = "check"

// Explain explains the check that the details of a refusal name, with their facts filled in, and with more facts that the event has by
// itself. It is false for a check that this program does not know.
func Explain(details map[string]any, more map[string]string) (Explanation, bool) {
	name := CheckOf(details)
	for _, c := range allChecks() {
		if c.name != name {
			continue
		}
		e := Explanation{Check: c.name, Asks: Fill(c.asks, details, more)}
		for _, text := range c.allow {
			e.Allow = append(e.Allow, Fill(text, details, more))
		}
		return e, true
	}
	return Explanation{}, false
}

// CheckOf is the name of the check that the details of a refusal name; "" if they name none.
func CheckOf(details map[string]any) string {
	name, _ := details[refusalCheck].(string)
	return name
}

var (
	factName   = regexp.MustCompile(`\{[a-zA-Z]+\}`)
	factInText = regexp.MustCompile(`"?` + factName.String() + `"?`)
)

// Fill puts facts in the place of their names; a name without a fact stays, for the reader to fill in. In what a reader may copy into a
// shell or a file, a fact that could mean more there than itself stays a name, too: some come from whoever sent the request. A lone * is
// what operations without resources are on, and means no more than that where it stands in quotes; within an ARN it would mean others, too.
func Fill(text string, details map[string]any, more map[string]string) string {
	copied := strings.HasPrefix(text, "aws ") || strings.HasPrefix(text, "organization file")
	return factInText.ReplaceAllStringFunc(text, func(found string) string {
		braced := strings.Trim(found, `"`)
		name := braced[1 : len(braced)-1]
		fact, ok := more[name]
		if value, found := details[name]; found {
			fact, ok = fmt.Sprint(value), true
		}
		if !ok || copied && !plainFact.MatchString(fact) && !(fact == "*" && len(found) == len(braced)+2) {
			fact = "<" + name + ">"
		}
		return strings.Replace(found, braced, fact, 1)
	})
}

// plainFact is a text that is itself in a shell, quoted or not, and in YAML.
var plainFact = regexp.MustCompile(`^[A-Za-z0-9:/._@%+=,~ -]*$`)

// knowing adds facts to a refusal, as name and value by turns; a fact that is there stays. What a client sent may have been cut in the
// middle of a character, and no such thing may keep the event from being written.
func knowing(e *wire.Error, facts ...string) *wire.Error {
	for i := 0; i+1 < len(facts); i += 2 {
		if _, ok := e.Details[facts[i]]; !ok && facts[i+1] != "" {
			e.Details[facts[i]] = strings.ToValidUTF8(facts[i+1], "\uFFFD")
		}
	}
	return e
}

// describe adds what is known of the request to its refusal.
func (r *request) describe(err error) {
	e := refusalOf(err)
	if e == nil || e.Details == nil {
		return
	}
	describeClient(err, r.app)
	if r.grant != nil {
		knowing(e, "grantType", r.grant.name)
	}
	if r.caller != nil {
		knowing(e, "caller", r.caller.ARN)
	}
}
