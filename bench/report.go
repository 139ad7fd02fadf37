package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"
)

// sample is what figures are medians of: one case over so many connections, with a store other than the embedded one if named.
type sample struct {
	store       string
	name        string
	connections int
}

// figures of one pass.
type figures struct {
	rate, ratio float64 // requests per second, and as a part of what it is compared with in the same round
	p50, p99    time.Duration
	cpu         time.Duration // of the server, per request
	gc          float64       // the collector's part of it
	allocations float64       // objects, per request
	database    time.Duration // the database's processor time, per request
	failures    int
	first       string
}

// report collects passes in the order they first came.
type report struct {
	machine
	sizes
	noDatabase string // why there is none
	order      []sample
	passes     map[sample][]figures
	crowd      *crowd
	loaded     int64 // bytes resident in the server, at most, after a pass
}

func (r *report) add(s sample, p, against *pass) {
	if r.passes[s] == nil {
		r.order = append(r.order, s)
	}
	r.passes[s] = append(r.passes[s], figuresOf(p, against))
}

func figuresOf(p, against *pass) figures {
	f := figures{rate: p.rate(), ratio: p.rate() / against.rate(), failures: p.failures, first: p.firstFailure}
	if n := len(p.latencies); n > 0 {
		f.p50, f.p99, f.cpu = p.latencies[n/2], p.latencies[n*99/100], p.cpu/time.Duration(n)
		f.allocations = float64(p.allocations) / float64(n)
		f.database = p.database / time.Duration(n)
		f.gc = p.gc.Seconds() / max(p.cpu.Seconds(), 1e-9)
	}
	return f
}

func (p *pass) rate() float64 { return float64(len(p.latencies)) / p.elapsed.Seconds() }

// print writes the medians, each of its own column.
func (r *report) print(to io.Writer) error {
	var w bytes.Buffer
	slices.SortStableFunc(r.order, func(a, b sample) int {
		return cmp.Or(cmp.Compare(b.connections, a.connections), cmp.Compare(a.store, b.store))
	})
	connections, store := 0, ""
	for _, s := range r.order {
		if s.connections != connections || s.store != store {
			connections, store = s.connections, s.store
			r.printHead(&w, s)
		}
		passes := r.passes[s]
		failures, first := 0, ""
		for _, f := range passes {
			if f.failures > 0 {
				failures, first = failures+f.failures, f.first
			}
		}
		fmt.Fprintf(&w, "%-32s %10.0f %8.3f %10v %10v %8v %8v %9d\n", s.name,
			median(passes, func(f figures) float64 { return f.rate }), median(passes, func(f figures) float64 { return f.ratio }),
			median(passes, func(f figures) time.Duration { return f.p50 }).Round(time.Microsecond),
			median(passes, func(f figures) time.Duration { return f.p99 }).Round(time.Microsecond),
			median(passes, func(f figures) time.Duration { return f.cpu }).Round(time.Microsecond),
			median(passes, func(f figures) time.Duration { return f.database }).Round(time.Microsecond), failures)
		if first != "" {
			fmt.Fprintf(&w, "    a failure: %s\n", first)
		}
	}
	r.printGoals(&w)
	_, err := to.Write(w.Bytes())
	return err
}

func (r *report) printHead(w io.Writer, s sample) {
	title, ratio := fmt.Sprintf("%d connections", s.connections), "of bare"
	if s.store != "" {
		title, ratio = title+", "+s.store, "of emb."
	}
	fmt.Fprintf(w, "\n%-32s %10s %8s %10s %10s %8s %8s %9s\n", title, "requests/s", ratio, "p50", "p99", "CPU/req", "DB CPU", "failures")
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
