package symbolon_test

import (
	"flag"
	"fmt"
	"go/ast"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/symbolon/symbolon"
)

var update = flag.Bool("update", false, "rewrite docs/config.md from the comments of Config")

// TestConfigPage keeps docs/config.md equal to what the comments of Config print.
func TestConfigPage(t *testing.T) {
	want := configPage(t)
	if *update {
		if err := os.WriteFile("docs/config.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/config.md is not what the comments of Config say; run: go test -run TestConfigPage . -update")
	}
}

func configPage(t *testing.T) string {
	var b strings.Builder
	b.WriteString("# Settings\n\n" +
		"Printed from the comments of the Go type `symbolon.Config` (`go test -run TestConfigPage . -update`).\n\n" +
		"Every setting works in three places: in the file given with `--config`, as an environment variable, and as a flag of the commands\n" +
		"that run a server or work on its store (`serve`, `dev`, `apply`, `key`, ...). A flag wins over the environment, and that over the file. Unknown names are refused, and so are values out of range\n" +
		"and a second document in the file. In flags and variables the items of a list are separated by commas; the file may have a YAML list.\n\n" +
		"```yaml\nlisten: 127.0.0.1:8080        # SYMBOLON_CONFIG_LISTEN    --listen\nrefresh-grace: 30s            # SYMBOLON_CONFIG_REFRESH_GRACE    --refresh-grace\n" +
		"regions: [us-east-1]          # SYMBOLON_CONFIG_REGIONS=us-east-1,eu-west-1\n```\n\n" +
		"| setting | value | meaning |\n|---|---|---|\n")
	meaning := ""
	settings := 0
	for _, field := range configFields(t) {
		f, ok := reflect.TypeFor[symbolon.Config]().FieldByName(field.Names[0].Name)
		if !ok || f.Tag.Get("config") == "-" {
			continue
		}
		if field.Doc != nil {
			meaning = strings.ReplaceAll(strings.Join(strings.Fields(field.Doc.Text()), " "), "|", `\|`)
		}
		if meaning == "" {
			t.Errorf("Config.%s has no comment", f.Name)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Tag.Get("config"), kindOf(t, f.Type), meaning)
		settings++
	}
	if settings != len(symbolon.Settings()) {
		t.Errorf("%d settings on the page, %d in the program", settings, len(symbolon.Settings()))
	}
	return b.String()
}

func configFields(t *testing.T) (fields []*ast.Field) {
	for _, s := range mustSources(t) {
		if s.path != "config.go" {
			continue
		}
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.Name == "Config" {
				fields = spec.Type.(*ast.StructType).Fields.List
			}
			return true
		})
	}
	return fields
}

// kindOf is a setting's type for people.
func kindOf(t *testing.T, typ reflect.Type) string {
	name, ok := map[string]string{
		"string": "text", "bool": "true or false", "int": "number", "[]string": "list", "time.Duration": "duration", "*time.Duration": "duration",
	}[typ.String()]
	if !ok {
		t.Errorf("no word for %s", typ)
	}
	return name
}
