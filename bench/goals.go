package main

import (
	"cmp"
	"fmt"
	"io"
	"time"
)

// verdict is one of the project's performance goals and what this run says of it.
type verdict struct {
	number, what, goal, figure string
	reached                    bool
	untried                    string // why there is no figure
}

const mib = 1 << 20

// printGoals is the table that a run is for.
func (r *report) printGoals(w io.Writer) {
	fmt.Fprintf(w, "\nGoals\n%-4s %-52s %-26s %s\n", "", "", "goal", "this run")
	for _, v := range r.goals() {
		result := v.figure
		switch {
		case v.untried != "":
			result = "not tried: " + v.untried
		case !v.reached:
			result += "   MISSED"
		}
		fmt.Fprintf(w, "%-4s %-52s %-26s %s\n", v.number, v.what, v.goal, result)
	}
}

func (r *report) goals() (list []verdict) {
	list = append(list,
		r.rateGoal("P1", refreshName, 0.25), r.rateGoal("P2", refreshIDName, 0.17), r.rateGoal("P3", bearerName, 0.11), r.bearerCPU(),
		r.rateGoal("P4", exchangeName, 0.17), r.rateGoal("P5", codeName, 0.15), r.rateGoal("P6", introspecting, 0.5),
		verdict{number: "P7", what: "GetRoleCredentials", goal: "≥ 0.40 of bare", untried: "the access portal's API is not served yet"},
		r.aloneGoal())
	for _, name := range []string{refreshName, refreshIDName, bearerName, exchangeName, codeName} {
		list = append(list, r.tailGoal(name))
	}
	list = append(list, r.databaseGoals()...)
	list = append(list, r.crowdGoals()...)
	return append(list, r.memoryGoals()...)
}

// passesOf are the passes of a case; nil if it was not run.
func (r *report) passesOf(name string, connections int) []figures {
	return r.passes[sample{"", name, connections}]
}

const leftOut = "left out of this run"

func (r *report) rateGoal(number, name string, goal float64) verdict {
	v := verdict{number: number, what: name, goal: fmt.Sprintf("≥ %.2f of bare", goal), untried: leftOut}
	if passes := r.passesOf(name, 64); passes != nil {
		ratio := median(passes, func(f figures) float64 { return f.ratio })
		v.figure, v.reached, v.untried = fmt.Sprintf("%.3f", ratio), ratio >= goal, ""
	}
	return v
}

func (r *report) bearerCPU() verdict {
	const goal = 2.2
	v := verdict{number: "", what: "  its CPU, in terms of its cryptography's", goal: fmt.Sprintf("≤ %.1f", goal), untried: leftOut}
	if passes := r.passesOf(bearerName, 64); passes != nil {
		ratio := float64(median(passes, func(f figures) time.Duration { return f.cpu })) / float64(r.primitives())
		v.figure, v.reached, v.untried = fmt.Sprintf("%.2f", ratio), ratio <= goal, ""
	}
	return v
}

func (r *report) aloneGoal() verdict {
	v := verdict{number: "P8", what: "one client alone, refresh: p50", goal: "≤ one flush + 300 µs", untried: leftOut}
	if passes := r.passesOf(refreshName, 1); passes != nil {
		p50 := median(passes, func(f figures) time.Duration { return f.p50 })
		flush := middle(r.flushes)
		v.figure = fmt.Sprintf("%v, flush %v", p50.Round(time.Microsecond), flush.Round(time.Microsecond))
		v.reached, v.untried = p50 <= flush+300*time.Microsecond, ""
	}
	return v
}

func (r *report) tailGoal(name string) verdict {
	v := verdict{number: "P9", what: name + ", 16 connections: p99", goal: "≤ 8 × p50", untried: leftOut}
	if passes := r.passesOf(name, 16); passes != nil {
		times := median(passes, func(f figures) float64 { return float64(f.p99) / float64(f.p50) })
		v.figure, v.reached, v.untried = fmt.Sprintf("%.1f × p50", times), times <= 8, ""
	}
	return v
}

// databaseGoals are those of PostgreSQL in the embedded store's place.
func (r *report) databaseGoals() (list []verdict) {
	for _, name := range []string{refreshName, refreshIDName, bearerName, exchangeName, codeName} {
		rate := verdict{number: "P10", what: "PostgreSQL, " + name, goal: "≥ 0.50 of embedded", untried: cmp.Or(r.noDatabase, leftOut)}
		cpu := verdict{number: "P10", what: "  database's CPU per grant", goal: "≤ 60 µs", untried: cmp.Or(r.noDatabase, leftOut)}
		if passes := r.passes[sample{"PostgreSQL", name, 64}]; passes != nil {
			ratio := median(passes, func(f figures) float64 { return f.ratio })
			used := median(passes, func(f figures) time.Duration { return f.database })
			rate.figure, rate.reached, rate.untried = fmt.Sprintf("%.2f", ratio), ratio >= 0.5, ""
			cpu.figure, cpu.reached, cpu.untried = fmt.Sprint(used.Round(time.Microsecond)), used <= 60*time.Microsecond, ""
		}
		list = append(list, rate, cpu)
	}
	return list
}

func (r *report) crowdGoals() []verdict {
	c, untried := r.crowd, ""
	if c == nil {
		c, untried = &crowd{few: []figures{{}}, many: []figures{{}}, swept: []figures{{}}}, "ask for it with -families 10000000"
	}
	cpu := func(f figures) float64 { return float64(f.cpu) }
	p99 := func(f figures) float64 { return float64(f.p99) }
	times := func(what, goal string, limit float64, of func(figures) float64, more, than []figures) verdict {
		ratio := median(more, of) / median(than, of)
		return verdict{number: "P11", what: what, goal: goal, figure: fmt.Sprintf("× %.2f", ratio), reached: ratio <= limit, untried: untried}
	}
	crowded := fmt.Sprintf("%d families: ", c.families)
	return []verdict{
		times(crowded+"CPU per refresh", "≤ × 1.3", 1.3, cpu, c.many, c.few),
		times(crowded+"p99", "≤ × 2", 2, p99, c.many, c.few),
		times(fmt.Sprintf("sweeping %d rows (%d left at the end): p99", c.expired, c.left), "≤ × 1.5", 1.5, p99, c.swept, c.many),
		{number: "P12", what: crowded + "memory", goal: "≤ 100 MiB", figure: megabytes(c.resident), reached: c.resident <= 100*mib, untried: untried},
		{number: "P13", what: crowded + "start to the first token", goal: "≤ 1 s", figure: fmt.Sprint(c.start.Round(time.Millisecond)),
			reached: c.start <= time.Second, untried: untried},
	}
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/mib) }

func (r *report) memoryGoals() []verdict {
	list := []verdict{
		{number: "P12", what: "memory, idle", goal: "≤ 30 MiB", figure: megabytes(r.idle), reached: r.idle <= 30*mib},
		{number: "P12", what: "memory, under load", goal: "≤ 60 MiB", figure: megabytes(r.loaded), reached: r.loaded <= 60*mib},
		{number: "P13", what: "start on an empty folder to the first token", goal: "≤ 50 ms", figure: fmt.Sprint(r.start.Round(time.Millisecond)),
			reached: r.start <= 50*time.Millisecond},
		{number: "P14", what: "stripped static binary", goal: "≤ 35 MiB", figure: megabytes(r.binary), reached: r.binary <= 35*mib},
	}
	allocations := verdict{number: "P15", what: "allocations per refresh", goal: "≤ 100", untried: leftOut}
	gc := verdict{number: "P15", what: "the collector's part of a refresh's CPU", goal: "≤ 10 %", untried: leftOut}
	if passes := r.passesOf(refreshName, 64); passes != nil {
		n := median(passes, func(f figures) float64 { return f.allocations })
		part := median(passes, func(f figures) float64 { return f.gc })
		allocations.figure, allocations.reached, allocations.untried = fmt.Sprintf("%.0f", n), n <= 100, ""
		gc.figure, gc.reached, gc.untried = fmt.Sprintf("%.1f %%", 100*part), part <= 0.1, ""
	}
	return append(list, allocations, gc, r.failureGoal())
}

func (r *report) failureGoal() verdict {
	v := verdict{number: "P16", what: "failed grants at 64 connections, many users and one", goal: "0", untried: leftOut}
	failures := 0
	for s, passes := range r.passes {
		if s.connections != 64 {
			continue
		}
		v.untried = ""
		for _, f := range passes {
			failures += f.failures
		}
	}
	v.figure, v.reached = fmt.Sprint(failures), failures == 0
	return v
}
