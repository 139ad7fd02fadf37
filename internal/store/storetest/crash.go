package storetest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

// CrashWriter writes to the backend until the process is killed, and a line to out for every write that was
// acknowledged: "made ID" for a row made, "used ID" for one marked as used, in a hot and in a cached table.
func CrashWriter(b store.Backend, out io.Writer) {
	ctx := context.Background()
	db, err := store.Open(ctx, b, tables, store.Options{})
	if err != nil {
		panic(err)
	}
	var mu sync.Mutex
	say := func(what, id string) {
		mu.Lock()
		defer mu.Unlock()
		if _, err := fmt.Fprintln(out, what, id); err != nil {
			panic(err)
		}
	}
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			table := hot
			if worker == 0 {
				table = cold
			}
			for {
				id := fmt.Sprintf("%d-%x", worker, rand.Uint64())
				must(db.Update(ctx, func(tx *store.Tx) error { return table.Insert(tx, row{Realm: "crash", ID: id, Count: 1}) }))
				say("made", id)
				must(db.Update(ctx, func(tx *store.Tx) error {
					r, err := table.Get(tx, "crash", id)
					r.Count++
					return errors.Join(err, table.Put(tx, r), table.Put(tx, row{Realm: "twin", ID: id}))
				}))
				say("used", id)
			}
		})
	}
	wg.Wait()
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// Crash starts a process that runs CrashWriter, kills it at a random moment and checks that everything it acknowledged
// is there and that no transaction is there in part; cycles times on the same data.
func Crash(t *testing.T, cycles int, start func() *exec.Cmd, reopen func(*testing.T) store.Backend) {
	acknowledged := map[string]string{}
	for n := range cycles {
		collect(t, start(), acknowledged, n%2 == 1)
		db, err := store.Open(t.Context(), reopen(t), tables, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		err = db.View(t.Context(), func(tx *store.Tx) error {
			for id, what := range acknowledged {
				if err := checkCrashed(tx, id, what); err != nil {
					t.Error(err)
				}
			}
			return nil
		})
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d rows acknowledged in %d cycles, all there", len(acknowledged), cycles)
	if len(acknowledged) == 0 {
		t.Error("nothing was acknowledged: the test shows nothing")
	}
}

// collect runs a writer for a while, kills it and reads what it acknowledged. The while counts from its start, early, or from its first
// acknowledgement.
func collect(t *testing.T, c *exec.Cmd, acknowledged map[string]string, early bool) {
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	while := 50*time.Millisecond + rand.N(300*time.Millisecond)
	before := while
	if !early {
		before = time.Minute
	}
	kill := time.AfterFunc(before, func() { _ = c.Process.Kill() })
	defer kill.Stop()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if !early {
			early = true
			kill.Reset(while)
		}
		what, id, ok := strings.Cut(lines.Text(), " ")
		if ok && (what == "made" || what == "used") && len(id) > 2 {
			acknowledged[id] = what
		}
	}
	_ = c.Wait() // killed, as intended
}

func checkCrashed(tx *store.Tx, id, what string) error {
	table := hot
	if strings.HasPrefix(id, "0-") {
		table = cold
	}
	r, err := table.Get(tx, "crash", id)
	if err != nil {
		return fmt.Errorf("acknowledged row %s: %w", id, err)
	}
	_, err = table.Get(tx, "twin", id)
	switch {
	case what == "used" && r.Count != 2:
		return fmt.Errorf("row %s was used and is as new", id)
	case (err == nil) != (r.Count == 2):
		return fmt.Errorf("row %s: half a transaction: %+v, twin: %v", id, r, err)
	}
	return nil
}
