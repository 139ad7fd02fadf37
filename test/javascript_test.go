package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The whole journey with the SDK for JavaScript v3, in node.
func TestJavaScriptJourney(t *testing.T) {
	t.Parallel()
	node := tool(t, "node", "the SDK for JavaScript remains untried")
	version := strings.TrimSpace(string(must(exec.Command(node, "--version").Output())(t)))
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < 18 {
		t.Skipf("MISSING: node is %s, the SDK for JavaScript needs 18 or later and remains untried", version)
	}
	if _, err := os.Stat(filepath.Join("js", "node_modules", "@aws-sdk", "client-sso-oidc")); err != nil {
		install := exec.CommandContext(t.Context(), tool(t, "npm", "the SDK for JavaScript cannot be installed"), "ci", "--ignore-scripts")
		install.Dir = "js"
		if out, err := install.CombinedOutput(); err != nil {
			t.Skipf("MISSING: npm ci does not succeed, so the SDK for JavaScript remains untried: %v\n%s", err, out)
		}
	}
	startServer(t).journey(t, "js", node, "journey.mjs")
}
