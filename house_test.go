package symbolon_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The house rules of design.md, kept by machine: whoever breaks one learns it here and not in a review.

const modulePath = "github.com/symbolon/symbolon"

// ladder is the order of the rooms, top first: a room uses rooms of lower rungs and leaves, none above it or beside it.
var ladder = [][]string{
	{"cmd/symbolon", "symbolontest"},
	{"."},
	{"internal/web"},
	{"internal/portal"},
	{"internal/oidc"},
	{"internal/ssoadmin"},
	{"internal/identitystore", "internal/iam"},
	{"internal/token"},
}

// leaves use nothing of ours. Each could be a project of its own.
var leaves = []string{"internal/wire", "internal/sigv4", "internal/policy", "internal/audit", "internal/store"}

// backends stand on store and are chosen by the root alone; storetest is the suite they pass, postgrestest the servers for it. Any test may
// open one.
var backends = []string{
	"internal/store/sqlite", "internal/store/postgres", "internal/store/postgres/postgrestest", "internal/store/storetest",
}

// dependencies are the modules we import, each with its reason. A new one is a decision, and its place is here.
var dependencies = map[string]string{
	"github.com/go-jose/go-jose/v4":       "the demo issuer's JWTs and the names of the algorithms; the counterpart of our own JWTs in tests; it has no dependencies",
	"github.com/go-json-experiment/json":  "exact, case-sensitive JSON that refuses duplicate names, which encoding/json does not",
	"github.com/goccy/go-yaml":            "strict YAML: unknown and repeated keys are errors that show their line",
	"github.com/prometheus/client_golang": "metrics in the format that everybody scrapes, with the runtime's and the process's own",
	"github.com/jackc/pgx/v5":             "PostgreSQL's protocol: connecting, authentication, messages",
	"github.com/spf13/cobra":              "commands, flags, help and completions as people of this ecosystem expect them",
	"golang.org/x/crypto":                 "argon2id",
	"golang.org/x/time":                   "token buckets of the rate limits",
	"modernc.org/libc":                    "hands memory to the embedded store's C interface",
	"modernc.org/sqlite":                  "the embedded store in pure Go, so that one static binary builds without cgo",
}

// testDependencies are imported by tests only.
var testDependencies = map[string]string{
	"github.com/google/go-cmp":        "differences that people can read",
	"github.com/rogpeppe/go-internal": "testscript: command-line sessions as files",
	"pgregory.net/rapid":              "property tests that shrink",
}

// tooLong are files and functions that may pass the limits, each with its reason.
var tooLong = map[string]string{
	"internal/ssoadmin/ssoadmin.go operations": "a table: one row for each operation of the room",
}

// What files and functions end before. Tests may be longer: a table of cases is easier to read whole.
const (
	maxFileLines     = 400
	maxFunctionLines = 50
)

// source is one Go file of the module.
type source struct {
	path   string // from the module's root, with slashes
	text   []byte
	syntax *ast.File
}

func (s source) folder() string { return path.Dir(s.path) }

// test says that a file is a test, or of the suite that backends pass in their tests, or of the servers these start.
func (s source) test() bool {
	return strings.HasSuffix(s.path, "_test.go") || s.folder() == "internal/store/storetest" || path.Base(s.folder()) == "postgrestest"
}

var files = token.NewFileSet()

// sources are all Go files of this module, read once.
var sources = sync.OnceValues(func() ([]source, error) {
	var all []source
	err := walk(func(name string) error {
		if path.Ext(name) != ".go" {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		syntax, err := parser.ParseFile(files, name, text, parser.ParseComments)
		all = append(all, source{name, text, syntax})
		return err
	})
	return all, err
})

// walk visits the files of this module: not those of modules inside it, nor test data, nor what hides.
func walk(visit func(name string) error) error {
	return filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		if !d.IsDir() {
			return visit(filepath.ToSlash(name))
		}
		_, err = os.Stat(filepath.Join(name, "go.mod"))
		if err == nil || strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules" {
			return fs.SkipDir
		}
		return nil
	})
}

func mustSources(t *testing.T) []source {
	t.Helper()
	all, err := sources()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Fatalf("only %d Go files found: the walk misses most of the house", len(all))
	}
	return all
}

// imports are the packages of ours, by folder, and of others, by path, that a file imports.
func (s source) imports() (ours, others []string) {
	for _, i := range s.syntax.Imports {
		name := strings.Trim(i.Path.Value, `"`)
		switch inside, ok := strings.CutPrefix(name, modulePath+"/"); {
		case ok:
			ours = append(ours, inside)
		case name == modulePath:
			ours = append(ours, ".")
		case strings.Contains(strings.Split(name, "/")[0], "."):
			others = append(others, name)
		}
	}
	return ours, others
}

func rung(folder string) int {
	return slices.IndexFunc(ladder, func(rooms []string) bool { return slices.Contains(rooms, folder) })
}

func TestImportsPointDownward(t *testing.T) {
	for _, s := range mustSources(t) {
		ours, _ := s.imports()
		for _, used := range ours {
			if why := mayNotImport(s.folder(), used, s.test()); why != "" {
				t.Errorf("%s imports %s: %s", s.path, used, why)
			}
		}
		if rung(s.folder()) < 0 && !slices.Contains(leaves, s.folder()) && !slices.Contains(backends, s.folder()) {
			t.Errorf("%s: the folder has no place on the ladder; give it one here and in the floor plan", s.path)
		}
	}
}

// mayNotImport says why folder may not use used; "" if it may.
func mayNotImport(folder, used string, test bool) string {
	switch {
	case folder == used:
		return "" // an external test
	case slices.Contains(backends, used):
		if test || folder == "." || slices.Contains(backends, folder) {
			return ""
		}
		return "only the root chooses a backend"
	case slices.Contains(backends, folder):
		if used == "internal/store" {
			return ""
		}
		return "a backend knows the store alone"
	case slices.Contains(leaves, folder):
		return "a leaf imports nothing of ours"
	case slices.Contains(leaves, used):
		return ""
	case rung(used) > rung(folder):
		return ""
	}
	return "imports point downward"
}

// TestLadderRefuses makes sure the rule above can fail.
func TestLadderRefuses(t *testing.T) {
	for _, c := range []struct {
		folder, used string
		test, may    bool
	}{
		{"internal/oidc", "internal/ssoadmin", false, true},
		{"internal/ssoadmin", "internal/oidc", false, false},
		{"internal/iam", "internal/identitystore", false, false},
		{"internal/identitystore", "internal/iam", false, false},
		{"internal/wire", "internal/sigv4", false, false},
		{"internal/store", "internal/store/sqlite", false, false},
		{"internal/store", "internal/store/sqlite", true, true},
		{"internal/oidc", "internal/store/sqlite", false, false},
		{"internal/oidc", "internal/nowhere", false, false},
		{"internal/oidc", ".", true, false},
		{".", "internal/store/sqlite", false, true},
		{"cmd/symbolon", "symbolontest", false, false},
		{"internal/store/sqlite", "internal/token", true, false},
	} {
		if got := mayNotImport(c.folder, c.used, c.test) == ""; got != c.may {
			t.Errorf("%s imports %s: may %v, want %v", c.folder, c.used, got, c.may)
		}
	}
}

func TestPackagesHaveDocs(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range mustSources(t) {
		if strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		want := "Package " + s.syntax.Name.Name + " "
		if s.syntax.Name.Name == "main" {
			want = "Command " + path.Base(s.folder()) + " "
		}
		documented[s.folder()] = documented[s.folder()] || strings.HasPrefix(s.syntax.Doc.Text(), want)
		if s.syntax.Doc != nil && !strings.HasPrefix(s.syntax.Doc.Text(), want) {
			t.Errorf("%s: the package comment does not begin with %q", s.path, want)
		}
	}
	for folder, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment: what is it for, and what does it guarantee?", folder)
		}
	}
}

// moduleLine is a requirement in go.mod.
var moduleLine = regexp.MustCompile(`(?m)^\s*(?:require\s+)?([\w.-]+\.[\w.-]+/\S+)\s+v\S+(\s*// indirect)?$`)

func TestDependenciesAreReviewed(t *testing.T) {
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	required := map[string]bool{} // and whether directly
	for _, m := range moduleLine.FindAllStringSubmatch(string(text), -1) {
		required[m[1]] = m[2] == ""
	}
	used, usedByTests := map[string]bool{}, map[string]bool{}
	for _, s := range mustSources(t) {
		_, others := s.imports()
		for _, name := range others {
			module := moduleOf(name, required)
			if module == "" {
				t.Errorf("%s imports %s, of no module in go.mod", s.path, name)
			}
			if s.test() {
				usedByTests[module] = true
			} else {
				used[module] = true
			}
		}
	}
	for module := range used {
		delete(usedByTests, module)
		if dependencies[module] == "" {
			t.Errorf("%s is not on the reviewed list of dependencies", module)
		}
	}
	for module := range usedByTests {
		if testDependencies[module] == "" {
			t.Errorf("%s is not on the reviewed list of test dependencies", module)
		}
	}
	for module, direct := range required {
		if direct && !used[module] && !usedByTests[module] {
			t.Errorf("go.mod requires %s directly, and nothing imports it", module)
		}
	}
	for module := range dependencies {
		if !used[module] {
			t.Errorf("%s is on the list and nothing imports it", module)
		}
	}
	for module := range testDependencies {
		if !usedByTests[module] {
			t.Errorf("%s is on the list of test dependencies and no test imports it", module)
		}
	}
}

// moduleOf is the required module that a package belongs to.
func moduleOf(name string, required map[string]bool) string {
	for ; name != "."; name = path.Dir(name) {
		if _, ok := required[name]; ok {
			return name
		}
	}
	return ""
}

func TestSizes(t *testing.T) {
	met := map[string]bool{}
	judge := func(name string, lines, limit int) {
		if lines < limit {
			return
		}
		if met[name] = true; tooLong[name] == "" {
			t.Errorf("%s has %d lines, and ends before %d", name, lines, limit)
		}
	}
	for _, s := range mustSources(t) {
		if s.test() {
			continue
		}
		if path.Base(s.path) != "types.go" {
			judge(s.path, strings.Count(string(s.text), "\n"), maxFileLines)
		}
		for _, d := range s.syntax.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				lines := files.Position(f.End()).Line - files.Position(f.Pos()).Line + 1
				judge(s.path+" "+f.Name.Name, lines, maxFunctionLines)
			}
		}
	}
	for name := range tooLong {
		if !met[name] {
			t.Errorf("%s is excused and need not be", name)
		}
	}
}

// openPromise finds what a change leaves for later. (It is put together so that it does not find itself.)
var openPromise = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b|panic\("con` + `tract"\)`)

func TestNothingIsLeftForLater(t *testing.T) {
	err := walk(func(name string) error {
		if !slices.Contains([]string{".go", ".md", ".sh", ".yaml", ".html", ".css"}, path.Ext(name)) {
			return nil
		}
		text, err := os.ReadFile(name)
		for i, line := range strings.Split(string(text), "\n") {
			if found := openPromise.FindString(line); found != "" {
				t.Errorf("%s:%d: %s", name, i+1, found)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNoHiddenStart(t *testing.T) {
	for _, s := range mustSources(t) {
		for _, d := range s.syntax.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: init runs unasked; build what is needed in a constructor", s.path)
			}
		}
		if name := s.syntax.Name.Name; slices.Contains([]string{"util", "utils", "common", "helpers", "manager", "pkg"}, name) {
			t.Errorf("%s: package %s says nothing of what it is for", s.path, name)
		}
	}
}

func TestPapersAreThere(t *testing.T) {
	for _, name := range []string{
		"README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/config.md", "docs/organization.md", "docs/divergences.md",
	} {
		if info, err := os.Stat(name); err != nil || info.Size() == 0 {
			t.Errorf("%s is missing or empty", name)
		}
	}
}

// link finds where a page leads to.
var link = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)

func TestLinksLeadSomewhere(t *testing.T) {
	err := walk(func(name string) error {
		if path.Ext(name) != ".md" {
			return nil
		}
		text, err := os.ReadFile(name)
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(name), filepath.FromSlash(m[1]))); err != nil {
				t.Errorf("%s leads to %s, which is not there", name, m[1])
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// secretName matches what holds a secret or a value only the holder of one can make, by the last word of its name.
var secretName = regexp.MustCompile(`(?:^|[a-z0-9])(?i:mac|hmac|secret|signature|password|verifier|challenge|digest|sum|hash|cookie|csrf)$`)

// comparedOpenly are comparisons of such names that no stranger can time, each with its reason.
var comparedOpenly = map[string]string{
	"internal/identitystore/passwords.go p.Hash == a.hash":        "two readings of one stored row: has it changed since the attempt began?",
	"internal/sigv4/claim.go strings.ToLower() == f.signature":    "the form of the claim, with itself",
	"internal/sigv4/query.go p.name == querySignature":            "the name of a parameter",
	"internal/ssoadmin/idempotency.go before.RequestHash == hash": "hashes of the caller's own requests",
	"internal/store/slots.go l.all[].hash() == hash":              "where a row of a table in memory stands, under a seed of this process",
}

// TestSecretsAreComparedInConstantTime refuses ==, bytes.Equal and the like on names of secrets: the time they take tells how much
// of a guess is right. hmac.Equal and subtle.ConstantTimeCompare do not tell.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	met := map[string]bool{}
	for _, s := range mustSources(t) {
		if s.test() {
			continue
		}
		for _, found := range openComparisons(s.syntax) {
			at := s.path + " " + found.text
			if met[at] = true; comparedOpenly[at] == "" {
				t.Errorf("%s:%d: %s compares a secret in the open", s.path, files.Position(found.at).Line, found.text)
			}
		}
	}
	for at := range comparedOpenly {
		if !met[at] {
			t.Errorf("%q is excused and need not be", at)
		}
	}
}

type openComparison struct {
	at   token.Pos
	text string
}

func openComparisons(root ast.Node) (found []openComparison) {
	ast.Inspect(root, func(n ast.Node) bool {
		var x, y ast.Expr
		how := "=="
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if n.Op == token.EQL || n.Op == token.NEQ {
				x, y = n.X, n.Y
			}
		case *ast.CallExpr:
			how = spelled(n.Fun)
			if len(n.Args) == 2 && slices.Contains([]string{"bytes.Equal", "bytes.Compare", "slices.Equal", "strings.EqualFold", "reflect.DeepEqual"}, how) {
				x, y = n.Args[0], n.Args[1]
			}
		}
		if x != nil && !fixed(x) && !fixed(y) && (secretName.MatchString(lastName(x)) || secretName.MatchString(lastName(y))) {
			found = append(found, openComparison{n.Pos(), fmt.Sprintf("%s %s %s", spelled(x), how, spelled(y))})
		}
		return true
	})
	return found
}

// fixed says that an operand is a literal, nil, a boolean or a length: comparing with it tells nothing of a secret.
func fixed(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return e.Name == "nil" || e.Name == "true" || e.Name == "false"
	case *ast.CallExpr:
		return spelled(e.Fun) == "len"
	}
	return false
}

// lastName is the name an operand goes by: its own, its field's, or its function's.
func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.CallExpr:
		if len(e.Args) == 1 && lastName(e.Fun) != "len" && secretName.MatchString(lastName(e.Args[0])) {
			return lastName(e.Args[0]) // a conversion, such as string(mac)
		}
		return lastName(e.Fun)
	case *ast.StarExpr:
		return lastName(e.X)
	case *ast.ParenExpr:
		return lastName(e.X)
	case *ast.SliceExpr:
		return lastName(e.X)
	case *ast.IndexExpr:
		return lastName(e.X)
	}
	return ""
}

// spelled is an operand as the source has it, as far as this test needs.
func spelled(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return spelled(e.X) + "." + e.Sel.Name
	case *ast.CallExpr:
		return spelled(e.Fun) + "()"
	case *ast.StarExpr:
		return "*" + spelled(e.X)
	case *ast.ParenExpr:
		return spelled(e.X)
	case *ast.SliceExpr:
		return spelled(e.X) + "[:]"
	case *ast.IndexExpr:
		return spelled(e.X) + "[]"
	}
	return "…"
}

func TestOpenComparisonsAreFound(t *testing.T) {
	for code, want := range map[string]bool{
		`mac == want`:                           true,
		`bytes.Equal(got, t.MAC)`:               true,
		`string(signature) != x`:                true,
		`bytes.Equal(sum[:], stored)`:           true,
		`clientSecret == r.Secret`:              true,
		`secret == ""`:                          false,
		`len(mac) != size`:                      false,
		`hmac.Equal(mac, want)`:                 false,
		`password == nil`:                       false,
		`subtle.ConstantTimeCompare(a, b) == 1`: false,
		`tokenType == wanted`:                   false,
	} {
		e, err := parser.ParseExpr(code)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(openComparisons(e)) > 0; got != want {
			t.Errorf("%s: found %v, want %v", code, got, want)
		}
	}
}
