package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/symbolon/symbolon"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"symbolon": func() { os.Exit(run()) }})
}

// TestScripts runs the sessions in testdata: what a person types, and what they see.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			// The settings of whoever runs the tests are not those of the sessions.
			e.Vars = slicesWithout(e.Vars, symbolon.EnvironmentPrefix)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"ready": ready, "running": running, "keep": keep, "refused": refused, "idof": idof},
	})
}

func slicesWithout(vars []string, prefix string) (kept []string) {
	for _, v := range vars {
		if !strings.HasPrefix(v, prefix) {
			kept = append(kept, v)
		}
	}
	return kept
}

// ready waits until the development server of a folder answers: ready DIR. It sets ISSUER.
func ready(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: ready DIR")
	}
	var last error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		d, err := symbolon.ReadDevelopment(ts.MkAbs(args[0]))
		if last = err; err != nil || d.Issuer == "" {
			continue
		}
		if last = healthy(d.Issuer); last == nil {
			ts.Setenv("ISSUER", d.Issuer)
			ts.Setenv("ADDRESS", d.Address)
			return
		}
	}
	ts.Fatalf("%s is not ready: %v", args[0], last)
}

// running waits until a server of any kind runs on a folder: running DIR.
func running(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: running DIR")
	}
	var last error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		// An organization that declares nothing: the server refuses or accepts it, but it answers.
		if _, last = symbolon.ApplyThrough(context.Background(), ts.MkAbs(args[0]), []byte("users: []")); !errors.Is(last, symbolon.ErrNoServer) {
			return
		}
	}
	ts.Fatalf("%s is not ready: %v", args[0], last)
}

func healthy(issuer string) error {
	response, err := http.Get(issuer + "/healthz")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP %d", response.StatusCode)
	}
	return nil
}

// keep copies the last output to a file: keep FILE.
func keep(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: keep FILE")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(ts.ReadFile("stdout")), 0o600))
}

// idof sets ID to the id of the key in that state and of that kind in a kept listing: idof FILE STATE KIND.
func idof(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: idof FILE STATE KIND")
	}
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		if f := strings.Fields(line); len(f) == 7 && f[0] == args[2] && f[2] == args[1] {
			ts.Setenv("ID", f[3])
			return
		}
	}
	ts.Fatalf("no %s %s key in %s", args[1], args[2], args[0])
}

// refused posts nothing to a URL, wants a refusal, and sets REQUEST_ID: refused URL.
func refused(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: refused URL")
	}
	response, err := http.Post(args[0], "application/json", strings.NewReader("{}"))
	ts.Check(err)
	defer response.Body.Close()
	if response.StatusCode < 400 || response.Header.Get("x-amzn-RequestId") == "" {
		ts.Fatalf("%s answers %s", args[0], response.Status)
	}
	ts.Setenv("REQUEST_ID", response.Header.Get("x-amzn-RequestId"))
}
