package test

import (
	"os/exec"
	"strings"
	"testing"
)

// The whole journey with boto3; the pages are visited with urllib and, where it can be imported, with requests, which never sends
// Secure cookies over http.
func TestBoto3Journey(t *testing.T) {
	t.Parallel()
	python := tool(t, "python3", "boto3 remains untried")
	if out, err := exec.Command(python, "-c", "import boto3").CombinedOutput(); err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		t.Skipf("MISSING: python3 cannot import boto3 (%s), so boto3 remains untried", lines[len(lines)-1])
	}
	startServer(t).journey(t, "python", python, "-B", "journey.py")
}
