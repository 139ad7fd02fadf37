package main

import (
	"fmt"
	"os"
	"regexp"
	"testing"
	"time"
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
	s := settings{users: 40, starts: 1, unreleased: true, postgres: "off", requests: 30, rounds: 1, connections: []int{4}, only: regexp.MustCompile(""), folder: t.TempDir()}
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

// BenchmarkFirstToken is the released program's start on an empty folder, to the first token, and what it rests at.
func BenchmarkFirstToken(b *testing.B) {
	l, err := newLab(settings{starts: 1}, b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer l.close()
	program, err := l.buildProgram(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	var idle []int64
	for n := 0; b.Loop(); n++ {
		t, resident, err := l.firstToken(b.Context(), program, fmt.Sprint(n))
		if err != nil {
			b.Fatal(err)
		}
		took, idle = append(took, t), append(idle, resident)
	}
	b.ReportMetric(middle(took).Seconds()*1000, "ms-median")
	b.ReportMetric(float64(middle(idle))/mib, "MiB-idle")
}
