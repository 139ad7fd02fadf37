package proof

import (
	"bytes"
	"database/sql"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver under which a rebuilt store is checked

	"github.com/symbolon/symbolon/internal/audit"
)

var (
	runs  = flag.Int("runs", 1, "recorded runs, each with a seed of its own")
	cuts  = flag.Int("cuts", 12, "moments of every recorded run at which the power is lost")
	every = flag.Bool("every", false, "lose the power at every answer that acknowledges a write instead, and keep nothing that was not flushed")
	keep  = flag.String("keep", "", "a folder for the rebuilt disk on which the first proof fails, as it was before the start")
	busy  = flag.Int("busy", 700, "deeds under load in every recorded run")
)

// Power loss, which a killed process does not show: a run is recorded system call by system call. For many moments of it the disk
// is rebuilt as it may be after the power went: what was flushed, and any part of the rest. The server starts on it by itself,
// everything that had been answered holds, and what had not is whole or absent.
func TestPowerLost(t *testing.T) {
	for i := range *runs {
		setting := []string{"refresh-grace=300s", "refresh-grace=0s"}[i%2]
		t.Run(fmt.Sprintf("%s/seed=%d", setting, *seed+uint64(i)), func(t *testing.T) {
			r := newRound(*seed + uint64(i))
			p := recordRun(t, setting)
			acknowledged := p.checkFlushes(t)
			lines, asked := p.chooseCuts(r.Rand, *cuts), 80
			if *every {
				lines, asked = acknowledged, 12
			}
			for j, line := range lines {
				f := fates[j%len(fates)]
				if *every {
					f = fates[0]
				}
				t.Run(fmt.Sprintf("line=%d/%s", line, f.name), func(t *testing.T) {
					p.lose(t, line, f.of(r.Rand, line), r.Rand, asked)
				})
				if t.Failed() {
					return
				}
			}
		})
	}
}

// powered is a recorded run.
type powered struct {
	*recorder
	s      *server
	l      *load
	shm    *snapshots
	seeded int64 // when the organization was there
}

// recordRun is a first start, three spells of load, and between them a stop as asked and a kill.
func recordRun(t *testing.T, setting string) *powered {
	t.Helper()
	if *store != "sqlite" {
		t.Skip("the disk is " + *store + "'s, whose flushes are its own to prove")
	}
	s := newServer(t, 1, "--"+setting, "--code-ttl=10m")
	n := s.nodes[0]
	p := &powered{recorder: newRecorder(t, filepath.Dir(n.data)), s: s, l: &load{t: t, s: s, grace: setting != "refresh-grace=0s", heavy: true}}
	n.launch = p.command
	p.shm = takeSnapshots(filepath.Join(n.data, "symbolon.db-shm"))
	defer p.shm.stop()
	s.start(t)
	s.seed(t)
	p.seeded = moment()
	p.l.run(p.l.atLeast(*busy/3), nil)
	n.end(syscall.SIGTERM)
	s.start(t)
	p.l.run(p.l.atLeast(*busy*2/3), s.kill)
	s.start(t)
	p.l.run(func() bool { return p.l.atLeast(*busy)() && p.logs.Load() > 2 }, s.kill)
	p.finish(t)
	n.launch = plainly
	if t.Failed() {
		t.FailNow()
	}
	return p
}

// snapshots are the content of a file at many moments.
type snapshots struct {
	moments  []int64
	contents [][]byte
	stop     func() // and wait until no more is taken
}

func takeSnapshots(path string) *snapshots {
	s := &snapshots{}
	end, ended := make(chan struct{}), make(chan struct{})
	s.stop = func() {
		close(end)
		<-ended
	}
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			case <-time.After(20 * time.Millisecond):
			}
			if content, err := os.ReadFile(path); err == nil {
				s.moments, s.contents = append(s.moments, moment()), append(s.contents, content)
			}
		}
	}()
	return s
}

// checkFlushes sees in the trace that no answer that says something was written left before a flush of the store's log which began after
// a write to it that began after the call, and that the run had in it what the cuts are to fall on: the log beginning anew after its
// pages went to the database. It returns the lines after which such answers had left.
func (p *powered) checkFlushes(t *testing.T) (acknowledged []int) {
	t.Helper()
	var writes, flushes []*systemCall
	pages, logs := 0, -1 // the first log begins, and does not begin anew
	for i := range p.calls {
		c := &p.calls[i]
		log := c.isStore() && strings.Contains(c.arguments[0], hexText("-wal"))
		switch {
		case log && c.name == "pwrite64":
			writes = append(writes, c)
		case log && (c.name == "fsync" || c.name == "fdatasync"):
			flushes = append(flushes, c)
		case log && c.name == "unlink":
			logs-- // the server was stopped as asked, and the next one will begin
		case c.isCheckpoint() && c.name == "pwrite64":
			pages++
		}
		if c.beginsLog() {
			logs++
		}
	}
	for _, th := range p.l.things {
		for _, d := range th.deeds {
			line, left := p.answers[d.id]
			if !left || d.status != 200 || !d.writes() || th.shared {
				continue
			}
			acknowledged = append(acknowledged, line+1)
			if d.call > p.at[line] {
				t.Fatalf("the clocks of histories and of the trace disagree by %v", time.Duration(d.call-p.at[line]))
			}
			if !covered(writes, flushes, d.call, line) {
				t.Errorf("%s: the answer of %v (request %s) left at line %d, and nothing written since it was called had been flushed", th.what, d.kind, d.id, line)
			}
		}
	}
	t.Logf("%d system calls on files, %d flushes of the log, %d pages written back, the log begun anew %d times; %d of %d answers acknowledge a write, each after a flush",
		len(p.calls), len(flushes), pages, logs, len(acknowledged), len(p.answers))
	if len(acknowledged) == 0 || logs == 0 || pages < 10 {
		t.Error("the run shows nothing: it has no writes to cut, or no checkpoint")
	}
	slices.Sort(acknowledged)
	return acknowledged
}

// covered says whether something was written after the moment, and flushed before the line.
func covered(writes, flushes []*systemCall, since int64, line int) bool {
	earliest := line
	for _, w := range writes {
		if w.at >= since {
			earliest = min(earliest, w.ended)
		}
	}
	return slices.ContainsFunc(flushes, func(f *systemCall) bool { return f.began > earliest && f.ended < line })
}

// writes says whether an answer of 200 means that something was written.
func (d *deed) writes() bool {
	switch d.kind {
	case introspectAccess, introspectRefresh, find, read:
		return false
	case exchange:
		return d.tokens().RefreshToken != ""
	}
	return true
}

// chooseCuts are lines of the trace: when an answer leaves, just before and after a flush is done, around the calls of a checkpoint and
// of the log's new beginning, while the server starts for the first time, and anywhere.
func (p *powered) chooseCuts(dice *rand.Rand, n int) []int {
	answers := slices.Sorted(maps.Values(p.answers))
	var flushed, carried []int
	for i := range p.calls {
		c := &p.calls[i]
		flush := c.name == "fsync" || c.name == "fdatasync"
		if flush {
			flushed = append(flushed, c.ended)
		}
		if c.isCheckpoint() {
			carried = append(carried, c.began, c.ended)
		}
	}
	first, _ := slices.BinarySearch(p.at, p.seeded)
	some := func(lines []int) int { return lines[dice.IntN(len(lines))] }
	var lines []int
	for i := range n {
		switch i % 8 {
		case 0, 3:
			lines = append(lines, some(answers)+1)
		case 1:
			lines = append(lines, some(flushed))
		case 2:
			lines = append(lines, some(flushed)+1)
		case 4:
			lines = append(lines, dice.IntN(len(p.at)))
		case 5, 7:
			lines = append(lines, some(carried)+dice.IntN(3))
		case 6:
			lines = append(lines, dice.IntN(first))
		}
	}
	for i := range lines {
		lines[i] = min(lines[i], len(p.at)-1)
	}
	return lines
}

// lose rebuilds the disk as it may be when the power goes at the line, starts the server on it and asks.
func (p *powered) lose(t *testing.T, line int, f fate, dice *rand.Rand, asked int) {
	d, err := p.replay(line)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(p.root); err != nil {
		t.Fatal(err)
	}
	if err := d.write(p.root, f); err != nil {
		t.Fatal(err)
	}
	c := cut{at: p.at[line] + int64(time.Millisecond), answered: func(a answer) bool {
		left, ok := p.answers[a.id]
		return ok && left < line
	}}
	n := p.s.nodes[0]
	if _, err := os.Stat(n.data); err == nil {
		if content, exists := p.shm.after(dice, c.at); exists {
			if err := os.WriteFile(filepath.Join(n.data, "symbolon.db-shm"), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.keepIfFailed(t, line)
	p.s.start(t)
	if c.at < p.seeded { // there may be no organization yet, and the one it gets now has other names
		apps, instance, identityStore := maps.Clone(p.s.apps), p.s.instance, p.s.identityStore
		defer func() { p.s.apps, p.s.instance, p.s.identityStore = apps, instance, identityStore }()
		p.s.seed(t)
	}
	l := &load{t: t, s: p.s, grace: p.l.grace}
	if _, ok := l.begin(); !ok {
		t.Error("no token after the power loss")
	}
	l.verify(c, p.closest(c, dice, asked))
	n.end(syscall.SIGTERM)
	p.checkFolder(t, d)
}

// keepIfFailed copies the disk, and a list of the calls that made it, to where it was asked for, unless the test passes.
func (p *powered) keepIfFailed(t *testing.T, line int) {
	t.Helper()
	if _, err := os.Stat(*keep); *keep == "" || err == nil {
		return
	}
	if err := os.CopyFS(*keep, os.DirFS(p.root)); err != nil {
		t.Fatal(err)
	}
	var calls strings.Builder
	for _, c := range p.calls {
		if c.began < line {
			fmt.Fprintf(&calls, "%d %d process %d %s %d bytes", c.began, c.ended, c.process, c.name, len(c.data))
			for _, a := range c.arguments {
				if text, err := unhex([]byte(strings.Trim(a, `"`))); err == nil {
					a = string(text)
				} else if fd, path, err := descriptor(a); err == nil {
					a = fmt.Sprintf("%d<%s>", fd, path)
				}
				fmt.Fprintf(&calls, " %s", a)
			}
			fmt.Fprintln(&calls)
		}
	}
	if err := os.WriteFile(filepath.Join(*keep, "calls"), []byte(calls.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			os.RemoveAll(*keep)
		}
	})
}

// closest are things that were in use around the cut, and some others.
func (p *powered) closest(c cut, dice *rand.Rand, n int) []*thing {
	var known []*thing
	distance := map[*thing]int64{}
	for _, th := range p.l.things {
		for _, d := range th.deeds {
			if d.sent && d.call <= c.at {
				distance[th] = c.at - d.call
			}
		}
		if _, ok := distance[th]; ok || th.born != nil && c.answered(*th.born) {
			known = append(known, th)
		}
	}
	slices.SortStableFunc(known, func(a, b *thing) int { return int(distance[a] - distance[b]) })
	near := min(n/2, len(known))
	dice.Shuffle(len(known)-near, func(i, j int) { known[near+i], known[near+j] = known[near+j], known[near+i] })
	return known[:min(n, len(known))]
}

// checkFolder: the database is sound, and the audit log whole, with everything that was flushed of it.
func (p *powered) checkFolder(t *testing.T, d *disk) {
	t.Helper()
	data := p.s.nodes[0].data
	db, err := sql.Open("sqlite", "file:"+filepath.Join(data, "symbolon.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("the database: %s, %v", verdict, err)
	}
	log := filepath.Join(data, "audit.jsonl")
	if line, err := audit.Verify(log); err != nil {
		t.Errorf("the audit log: line %d: %v", line, err)
	}
	content, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if _, n, _ := d.find(log); n != nil && !bytes.HasPrefix(content, n.durable) {
		t.Errorf("of the %d bytes of the audit log that had been flushed not all are there", len(n.durable))
	}
}
