package test

import (
	"os"
	"strings"
	"testing"
)

// TestTerraform: the unmodified AWS provider makes users, groups, an application with what hangs on it and a trusted token issuer; a
// second plan finds nothing to change; destroy removes it all. The provider comes from the registry, or from the mirror folder that
// TERRAFORM_PLUGIN_DIR names.
func TestTerraform(t *testing.T) {
	t.Parallel()
	program := tool(t, "terraform", "Terraform remains untried")
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("terraform")); err != nil {
		t.Fatal(err)
	}
	s := startServer(t)
	run := func(arguments ...string) (string, error) {
		c := s.child(t.Context(), map[string]string{"CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.DevNull}, program, arguments...)
		c.Dir = folder
		out, err := c.CombinedOutput()
		return string(out), err
	}
	initialize := []string{"init", "-no-color", "-input=false"}
	if mirror := os.Getenv("TERRAFORM_PLUGIN_DIR"); mirror != "" {
		initialize = append(initialize, "-plugin-dir="+mirror)
	}
	if out, err := run(initialize...); err != nil {
		t.Skipf("MISSING: terraform init cannot get the AWS provider, so Terraform remains untried: %v\n%s", err, out)
	}
	if out, err := run("apply", "-auto-approve", "-no-color", "-input=false"); err != nil || !strings.Contains(out, "8 added") {
		t.Fatalf("apply: %v\n%s", err, out)
	}
	if out, err := run("plan", "-detailed-exitcode", "-no-color", "-input=false"); err != nil {
		t.Errorf("the second plan is not empty: %v\n%s", err, out)
	}
	if out, err := run("destroy", "-auto-approve", "-no-color", "-input=false"); err != nil || !strings.Contains(out, "8 destroyed") {
		t.Errorf("destroy: %v\n%s", err, out)
	}
}
