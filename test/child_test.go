package test

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// childLimit ends a client that hangs; they take seconds.
const childLimit = 3 * time.Minute

// tool finds a program, or skips the test naming what is missing.
func tool(t *testing.T, name, why string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("MISSING: %s is not on this machine, so %s", name, why)
	}
	return path
}

// child prepares a client's process, with the environment that `symbolon env` prints and more.
func (s *server) child(ctx context.Context, more map[string]string, name string, arguments ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, arguments...)
	c.Env = cleanEnvironment()
	for _, variables := range []map[string]string{s.clientVariables(), more} {
		for key, value := range variables {
			c.Env = append(c.Env, key+"="+value)
		}
	}
	return c
}

// journey runs a journey written in another language. It ends with status 0 and the line "journey complete", or the test fails
// with all it printed.
func (s *server) journey(t *testing.T, folder, name string, arguments ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), childLimit)
	defer cancel()
	issuer := startIssuer(t)
	c := s.child(ctx, map[string]string{"JOURNEY_ISSUER": issuer.url}, name, arguments...)
	c.Dir = folder
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil || !strings.HasSuffix(out.String(), "journey complete\n") {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(arguments, " "), err, &out)
	}
	t.Logf("\n%s", &out)
}
