package postgres

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPlainText: no way to a remote host may be plain text unless the URL or the environment says that it shall be.
func TestPlainText(t *testing.T) {
	for at, want := range map[string]error{
		"postgres://u@10.0.0.1/db":                                            errPlain,
		"postgres://u@10.0.0.1/db?sslmode=":                                   errPlain,
		"postgres://u@10.0.0.1/db?sslmode=prefer":                             errPlain,
		"postgres://u@10.0.0.1/db?sslmode=allow":                              errPlain,
		"postgres://u:xsslmode=x@10.0.0.1/db":                                 errPlain,
		"postgres://u:p@10.0.0.1/sslmode=require":                             errPlain,
		"postgres://u@10.0.0.1/db?application_name=sslmode%3Drequire":         errPlain,
		"postgres://u@db1:5432,db2:5432/db":                                   errPlain,
		"postgres://u@127.0.0.1:5432,db2:5432/db?sslmode=prefer":              errPlain,
		"postgres://u@db2:5432,localhost:5432/db?sslmode=allow":               errPlain,
		"postgres://u@127.0.0.1/db?host=db1":                                  errPlain,
		"postgres://u@[2001:db8::1]/db":                                       errPlain,
		"postgres://u@localhost.example.com/db":                               errPlain,
		"postgres://u@10.0.0.1/db?sslmode=disable":                            nil,
		"postgres://u@10.0.0.1/db?sslmode=require":                            nil,
		"postgres://u@10.0.0.1/db?sslmode=verify-ca":                          nil,
		"postgres://u@db1:5432,db2:5432/db?sslmode=verify-full":               nil,
		"postgres://u@127.0.0.1:5432,db2:5432/db?sslmode=verify-full":         nil,
		"postgres://u@/db?host=/run/postgresql,db1&sslmode=verify-full":       nil, // a socket has no other way
		"postgres://u@/db?host=/run/postgresql":                               nil,
		"postgres://u@127.0.0.1/db":                                           nil,
		"postgres://u@[::1]/db?sslmode=prefer":                                nil,
		"postgres://u@localhost/db?sslmode=allow":                             nil,
		"postgres://u@10.0.0.1/db?sslmode=disable&sslmode=prefer":             errPlain, // the last one counts
		"postgres://u@10.0.0.1/db?sslmode=none":                               errNotURL,
		"postgres://u@10.0.0.1/db?sslmode=verify-full&sslrootcert=/not/there": errNotURL,
	} {
		if err := CheckURL(at); !errors.Is(err, want) || (err != nil) != (want != nil) {
			t.Errorf("%s: %v, want %v", at, err, want)
		}
	}
}

// TestPlainTextEnvironment: what the environment and a service file say counts as what the URL says.
func TestPlainTextEnvironment(t *testing.T) {
	service := filepath.Join(t.TempDir(), "services")
	if err := os.WriteFile(service, []byte("[falls]\nsslmode=prefer\n[plain]\nsslmode=disable\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PGSERVICEFILE", service)
	for mode, want := range map[string]error{"prefer": errPlain, "allow": errPlain, "disable": nil, "require": nil, "verify-full": nil} {
		t.Setenv("PGSSLMODE", mode)
		if err := CheckURL("postgres://u@10.0.0.1/db"); !errors.Is(err, want) || (err != nil) != (want != nil) {
			t.Errorf("PGSSLMODE=%s: %v, want %v", mode, err, want)
		}
	}
	t.Setenv("PGSSLMODE", "verify-full")
	for query, want := range map[string]error{"service=falls": errPlain, "service=plain": nil, "sslmode=allow": errPlain} {
		if err := CheckURL("postgres://u@10.0.0.1/db?" + query); !errors.Is(err, want) || (err != nil) != (want != nil) {
			t.Errorf("%s: %v, want %v", query, err, want)
		}
	}
	if !strings.Contains(errPlain.Error(), "sslmode=verify-full") {
		t.Errorf("says %v", errPlain)
	}
}
