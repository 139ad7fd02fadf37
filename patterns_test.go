package symbolon_test

import (
	"go/ast"
	"reflect"
	"regexp"
	"strconv"
	"testing"
)

// Patterns are compiled when they first see a value; here all of them are.
func TestPatternsCompile(t *testing.T) {
	found := map[string]int{}
	compile := func(s source, kind, text string) {
		found[kind]++
		if _, err := regexp.Compile(text); err != nil {
			t.Errorf("%s: %v", s.path, err)
		}
	}
	for _, s := range mustSources(t) {
		if s.test() {
			continue
		}
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Field:
				if n.Tag == nil {
					break
				}
				tag, _ := strconv.Unquote(n.Tag.Value)
				for _, name := range []string{"pattern", "each-pattern"} {
					if text, ok := reflect.StructTag(tag).Lookup(name); ok {
						compile(s, "tag", text)
					}
				}
			case *ast.CallExpr:
				if lastName(n.Fun) != "NewPattern" || s.path == "internal/wire/limits.go" {
					break
				}
				text, ok := n.Args[0].(*ast.BasicLit)
				if !ok {
					t.Errorf("%s: a pattern that is no literal cannot be seen to compile", s.path)
					break
				}
				value, _ := strconv.Unquote(text.Value)
				compile(s, "call", value)
			}
			return true
		})
	}
	if found["tag"] < 100 || found["call"] < 20 {
		t.Errorf("only %v patterns were found", found)
	}
}
