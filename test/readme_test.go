package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// readmeExample is the README's block in a language that contains a text; what the README shows must run.
func readmeExample(t *testing.T, language, containing string) string {
	t.Helper()
	for _, block := range regexp.MustCompile("(?s)```(\\w+)\n(.*?)```").FindAllStringSubmatch(readFile(t, "../README.md"), -1) {
		if block[1] == language && strings.Contains(block[2], containing) {
			return block[2]
		}
	}
	t.Fatalf("the README has no %s example with %q", language, containing)
	return ""
}

// runExample runs a program with the environment that `symbolon env` prints, and returns what it says.
func (s *server) runExample(t *testing.T, folder, program string, arguments ...string) string {
	t.Helper()
	c := s.child(t.Context(), nil, program, arguments...)
	c.Dir = folder
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
	return string(out)
}

const refusedRefresh = "Invalid refresh token provided"

func TestReadmeAWSCLI(t *testing.T) {
	t.Parallel()
	tool(t, "aws", "the README's commands remain untried")
	out := startServer(t).runExample(t, t.TempDir(), "sh", "-ec", readmeExample(t, "sh", "aws sts"))
	for _, want := range []string{"analytics", "alice", "symbolon-administrator"} {
		if !strings.Contains(out, want) {
			t.Errorf("the README's commands do not show %s:\n%s", want, out)
		}
	}
}

func TestReadmePython(t *testing.T) {
	t.Parallel()
	python := tool(t, "python3", "the README's Python remains untried")
	if exec.Command(python, "-c", "import boto3").Run() != nil {
		t.Skip("MISSING: python3 cannot import boto3, so the README's Python remains untried")
	}
	out := startServer(t).runExample(t, t.TempDir(), python, "-c", readmeExample(t, "python", "boto3"))
	if !strings.Contains(out, refusedRefresh) {
		t.Errorf("the README's Python says %q", out)
	}
}

// The Go example is built inside this module, whose requirements hold the SDK.
func TestReadmeGo(t *testing.T) {
	t.Parallel()
	folder, err := os.MkdirTemp(".", "readme-example-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if err := os.WriteFile(filepath.Join(folder, "main.go"), []byte(readmeExample(t, "go", "package main")), 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "example")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./"+folder).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	if out := startServer(t).runExample(t, t.TempDir(), program); !strings.Contains(out, refusedRefresh) {
		t.Errorf("the README's Go says %q", out)
	}
}

func TestReadmeJavaScript(t *testing.T) {
	t.Parallel()
	node := tool(t, "node", "the README's JavaScript remains untried")
	if _, err := os.Stat("js/node_modules/@aws-sdk/client-sso-oidc"); err != nil {
		t.Skip("MISSING: js/node_modules, which TestJavaScriptJourney installs; the README's JavaScript remains untried this time")
	}
	file := filepath.Join("js", "readme-example.mjs")
	if err := os.WriteFile(file, []byte(readmeExample(t, "js", "client-sso-oidc")), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(file) })
	if out := startServer(t).runExample(t, "js", node, "readme-example.mjs"); !strings.Contains(out, refusedRefresh) {
		t.Errorf("the README's JavaScript says %q", out)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
