package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"
)

// sample is what figures are medians of: one case over so many connections.
type sample struct {
	name        string
	connections int
}

// figures of one pass.
type figures struct {
	rate, ratio float64 // requests per second, and as a part of the bare server's in the same round
	p50, p99    time.Duration
	cpu         time.Duration // of the server, per request
	gc          float64       // the collector's part of it
	allocations float64       // objects, per request
	failures    int
	first       string
}

// report collects passes in the order they first came.
type report struct {
	machine
	sizes
	order  []sample
	passes map[sample][]figures
	loaded int64 // bytes resident in the server, at most, after a pass
}

func (r *report) add(s sample, p, bare *pass) {
	if r.passes[s] == nil {
		r.order = append(r.order, s)
	}
	f := figures{rate: p.rate(), ratio: p.rate() / bare.rate(), failures: p.failures, first: p.firstFailure}
	if n := len(p.latencies); n > 0 {
		f.p50, f.p99, f.cpu = p.latencies[n/2], p.latencies[n*99/100], p.cpu/time.Duration(n)
		f.allocations = float64(p.allocations) / float64(n)
		f.gc = p.gc.Seconds() / max(p.cpu.Seconds(), 1e-9)
	}
	r.passes[s] = append(r.passes[s], f)
}

func (p *pass) rate() float64 { return float64(len(p.latencies)) / p.elapsed.Seconds() }

// print writes the medians, each of its own column.
func (r *report) print(to io.Writer) error {
	var w bytes.Buffer
	slices.SortStableFunc(r.order, func(a, b sample) int { return cmp.Compare(b.connections, a.connections) })
	connections := 0
	for _, s := range r.order {
		if s.connections != connections {
			connections = s.connections
			fmt.Fprintf(&w, "\n%-32s %10s %8s %10s %10s %8s %9s\n", fmt.Sprintf("%d connections", connections),
				"requests/s", "of bare", "p50", "p99", "CPU/req", "failures")
		}
		passes := r.passes[s]
		failures, first := 0, ""
		for _, f := range passes {
			if f.failures > 0 {
				failures, first = failures+f.failures, f.first
			}
		}
		fmt.Fprintf(&w, "%-32s %10.0f %8.3f %10v %10v %8v %9d\n", s.name,
			median(passes, func(f figures) float64 { return f.rate }), median(passes, func(f figures) float64 { return f.ratio }),
			median(passes, func(f figures) time.Duration { return f.p50 }).Round(time.Microsecond),
			median(passes, func(f figures) time.Duration { return f.p99 }).Round(time.Microsecond),
			median(passes, func(f figures) time.Duration { return f.cpu }).Round(time.Microsecond), failures)
		if first != "" {
			fmt.Fprintf(&w, "    a failure: %s\n", first)
		}
	}
	r.printGoals(&w)
	_, err := to.Write(w.Bytes())
	return err
}

func median[T cmp.Ordered](passes []figures, of func(figures) T) T {
	values := make([]T, len(passes))
	for i, f := range passes {
		values[i] = of(f)
	}
	return middle(values)
}

// middle is the median.
func middle[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
