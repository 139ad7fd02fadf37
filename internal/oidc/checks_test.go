package oidc

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/symbolon/symbolon/internal/wire"
)

// explained wants an explanation of a refusal, with every fact that it speaks of. Every refusal of this room's tests comes by here, the
// whole matrix among them.
func explained(t testing.TB, refusal *wire.Error) {
	t.Helper()
	if _, ours := exceptions[refusal.Code]; !ours || refusal.Details == nil && refusal.Code == "InvalidRequestException" {
		return // of a wrong signature, or of what wire could not read
	}
	e, ok := Explain(refusal.Details, nil)
	if !ok {
		t.Errorf("nothing explains %v, of %v", refusal, refusal.Details)
		return
	}
	if e.Asks == "" || len(e.Allow) == 0 {
		t.Errorf("%s is explained as %+v", e.Check, e)
	}
	for _, c := range allChecks() {
		if c.name != e.Check {
			continue
		}
		for _, braced := range factName.FindAllString(c.asks+strings.Join(c.allow, " "), -1) {
			if name := braced[1 : len(braced)-1]; refusal.Details[name] == nil {
				t.Errorf("%s speaks of %s, and the refusal has only %v", e.Check, braced, refusal.Details)
			}
		}
	}
}

// TestChecksAreListed finds every check in the source, and none twice: those that are not in the list could not be explained.
func TestChecksAreListed(t *testing.T) {
	files := token.NewFileSet()
	found := 0
	for _, name := range []string{"checks_client.go", "checks_user.go", "checks_evidence.go"} {
		f, err := parser.ParseFile(files, name, nil, 0)
		must(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			if c, ok := n.(*ast.CompositeLit); ok {
				if i, ok := c.Type.(*ast.Ident); ok && i.Name == "check" {
					found++
				}
			}
			return true
		})
	}
	names := map[string]bool{}
	for _, c := range allChecks() {
		if c == nil || names[c.name] || c.name == "" || c.asks == "" || len(c.allow) == 0 {
			t.Fatalf("the check %+v is empty, or stands twice", c)
		}
		names[c.name] = true
	}
	if found != len(names) {
		t.Errorf("%d checks in the source, %d in the list", found, len(names))
	}
}

// TestExplainIsSafeToCopy: what a client chose does not become a command, or a line of a file, by being shown.
func TestExplainIsSafeToCopy(t *testing.T) {
	for _, hostile := range []string{"$(id)", "`id`", "a;id", "a'b", `a"b`, "a\nb", "a|b", "a&b", "a>b", "a#b", "a{b}", "a\\b", "!1"} {
		e, ok := Explain(map[string]any{refusalCheck: scopeConfigured.name, "scope": hostile, "application": "arn:aws:sso::1:application/i/a"}, nil)
		if !ok || strings.Contains(strings.Join(e.Allow, ""), hostile) || !strings.Contains(e.Asks, hostile) {
			t.Errorf("%q: %+v", hostile, e)
		}
	}
}

func TestExplainUnknown(t *testing.T) {
	for _, details := range []map[string]any{nil, {}, {refusalCheck: 7}, {refusalCheck: "of a newer program"}} {
		if e, ok := Explain(details, nil); ok {
			t.Errorf("%v is explained as %v", details, e)
		}
	}
	e, ok := Explain(map[string]any{refusalCheck: "user-enabled"}, map[string]string{"user": "U"})
	if !ok || !strings.Contains(e.Asks, "U") {
		t.Errorf("a fact of the event: %v", e)
	}
}

// TestFactsCanBeWritten: what a client sends is cut where it is too long, in the middle of a character, too, and its event can be written.
func TestFactsCanBeWritten(t *testing.T) {
	w := newHousedWorld(t)
	for n := range 4 {
		a := w.present(w.assertion(params{"iss": "https://" + strings.Repeat("x", n) + strings.Repeat("€", 60)}))
		a.refused(t, "InvalidGrantException", "is not a trusted token issuer")
		for name, fact := range a.event.err.Details {
			if text, ok := fact.(string); ok && !utf8.ValidString(text) {
				t.Errorf("%s is %q", name, text)
			}
		}
	}
}
