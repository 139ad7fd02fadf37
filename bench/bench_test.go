package main

import (
	"os"
	"regexp"
	"testing"
)

// The test's own program is the servers, too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == childArgument {
		exit(runChild(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// A run as small as can be: every case prepares, drives and counts, and nothing fails.
func TestSmallRun(t *testing.T) {
	s := settings{users: 40, starts: 1, noProgram: true, postgres: "off", requests: 30, rounds: 1, connections: []int{4}, only: regexp.MustCompile(""), folder: t.TempDir()}
	r, err := measure(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.order) != 1+len((&world{lab: &lab{settings: s}}).selectCases())+2 {
		t.Errorf("%d samples: %v", len(r.order), r.order)
	}
	for sample, passes := range r.passes {
		for _, f := range passes {
			if f.failures > 0 || f.rate <= 0 || f.p50 <= 0 || f.p99 < f.p50 {
				t.Errorf("%v: %+v", sample, f)
			}
		}
	}
}
