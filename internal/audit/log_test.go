package audit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

func open(t testing.TB, path string) *Log {
	t.Helper()
	l, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func write(t testing.TB, l *Log, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := l.Write(t.Context(), &Event{EventName: name}); err != nil {
			t.Fatal(err)
		}
	}
}

// whole asserts that the files are one unbroken chain of these events.
func whole(t testing.TB, want []string, paths ...string) {
	t.Helper()
	if path, line, err := VerifyAll(paths...); err != nil || line != 0 {
		t.Fatalf("%s line %d: %v", path, line, err)
	}
	var got []string
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var e Event
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatalf("%v in %s", err, line)
			}
			got = append(got, e.EventName)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("events %v, want %v", got, want)
	}
}

// killed writes as a process does that is killed afterwards.
func killed(t *testing.T, path string, names ...string) {
	t.Helper()
	l := open(t, path)
	write(t, l, names...)
	if err := l.file.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestReopenedByAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := open(t, path)
	write(t, l, "A", "B") // on the way to the disk without Close, as after kill -9
	whole(t, []string{"A", "B"}, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := Open(path); !errors.Is(err, ErrInUse) {
		t.Errorf("a second log on the file: %v", err)
	}
	if err := l.file.Close(); err != nil { // as the system does for a process that was killed
		t.Fatal(err)
	}
	killed(t, path, "C")
	whole(t, []string{"A", "B", "C"}, path)
}

func TestClosed(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "audit.jsonl"))
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Write(t.Context(), &Event{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Write: %v", err)
	}
	if err := l.Reopen(); !errors.Is(err, ErrClosed) {
		t.Errorf("Reopen: %v", err)
	}
}

func TestTornLineIsSetAside(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "audit.jsonl")
	killed(t, path, "A", "B")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first := bytes.IndexByte(text, '\n') + 1
	for _, cut := range []int{1, first - 1, first + 1, len(text) - 1} {
		if err := os.WriteFile(path, text[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if line, err := Verify(path); line == 0 || !errors.Is(err, ErrBroken) {
			t.Errorf("cut at %d: a torn line verifies: %d, %v", cut, line, err)
		}
		killed(t, path, "C")
		want := []string{"A", "SetTornLineAside", "C"}
		whole(t, want[min(1, max(0, first-cut)):], path)
		aside, err := filepath.Glob(path + ".torn-*")
		if err != nil || len(aside) != 1 {
			t.Fatalf("cut at %d: set aside %v, %v", cut, aside, err)
		}
		torn, err := os.ReadFile(aside[0])
		if keep := text[:cut]; err != nil || !bytes.HasSuffix(keep, torn) || len(torn) == 0 {
			t.Errorf("cut at %d: set aside %q, %v", cut, torn, err)
		}
		if err := os.Remove(aside[0]); err != nil {
			t.Fatal(err)
		}
	}
}

// A loss of power leaves any of what was not flushed: the length, later lines, zeros for those before. What was flushed stays, the rest
// is set aside, and the log goes on.
func TestHoleIsSetAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := open(t, path)
	names := []string{"A", "B", "C", "D", "E", "F"}
	write(t, l, names...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for from := 0; from < len(text); from += 97 {
		for _, until := range []int{from + 1, min(len(text), from+512), len(text)} {
			damaged := bytes.Clone(text)
			clear(damaged[from:until])
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			l := open(t, path)
			write(t, l, "after")
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			sound := bytes.Count(text[:from], []byte("\n"))
			whole(t, append(append(names[:sound:sound], "SetTornLineAside"), "after"), path)
			aside, _ := filepath.Glob(path + ".torn-*")
			if len(aside) != 1 {
				t.Fatalf("set aside: %v", aside)
			}
			kept, err := os.ReadFile(aside[0])
			if err != nil || !bytes.HasSuffix(damaged, kept) || len(kept) != len(text)-bytes.LastIndexByte(text[:from], '\n')-1 {
				t.Errorf("hole %d to %d: %d bytes set aside, %v", from, until, len(kept), err)
			}
			if err := os.Remove(aside[0]); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestOpenRefusesWhatIsNoLog(t *testing.T) {
	folder := t.TempDir()
	for name, content := range map[string]string{
		"text":   "not a log\n",
		"json":   "{}\n",
		"word":   "no line",
		"binary": "\x7fELF" + strings.Repeat("\x00", 3*maxLine),
	} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if l, err := Open(path); err == nil {
			t.Errorf("%s: opened", name)
			_ = l.Close()
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != content {
			t.Errorf("%s: changed", name)
		}
	}
	for _, path := range []string{folder, "/dev/null", filepath.Join(folder, "absent", "audit.jsonl")} {
		if _, err := Open(path); err == nil {
			t.Errorf("%s: opened", path)
		}
	}
}

func TestRotation(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "audit.jsonl")
	old := filepath.Join(folder, "audit.1.jsonl")
	l := open(t, path)
	write(t, l, "A")
	if err := l.Reopen(); err != nil { // nothing was renamed
		t.Fatal(err)
	}
	write(t, l, "B")
	if err := os.Rename(path, old); err != nil {
		t.Fatal(err)
	}
	write(t, l, "C") // still into the renamed file
	if err := l.Reopen(); err != nil {
		t.Fatal(err)
	}
	write(t, l, "D", "E")
	whole(t, []string{"A", "B", "C"}, old)
	whole(t, []string{"D", "E"}, path)
	whole(t, []string{"A", "B", "C", "D", "E"}, old, path)
	if _, _, err := VerifyAll(path, old); !errors.Is(err, ErrBroken) {
		t.Errorf("the files in the wrong order: %v", err)
	}

	text, _ := os.ReadFile(old)
	if err := os.WriteFile(old, text[:bytes.LastIndexByte(text[:len(text)-1], '\n')+1], 0o600); err != nil {
		t.Fatal(err)
	}
	if broken, line, err := VerifyAll(old, path); broken != path || line != 1 || !errors.Is(err, ErrBroken) {
		t.Errorf("the old file cut at its end: %s %d %v", broken, line, err)
	}

	if err := os.Rename(path, old); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("another's\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.Reopen(); err == nil {
		t.Error("continued in a file that is not empty")
	}
	write(t, l, "F")
	whole(t, []string{"D", "E", "F"}, old)
}

// While one write is with the operating system, all others gather for the next.
func TestBatching(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l, f := openFaulty(t, path)
	started, release := make(chan struct{}), make(chan struct{})
	var calls atomic.Int32
	f.write = func(p []byte) (int, error) {
		if calls.Add(1) == 1 {
			close(started)
			<-release
		}
		return f.File.Write(p)
	}
	const writers = 50
	var group sync.WaitGroup
	add := func(name string) {
		group.Go(func() {
			if err := l.Write(t.Context(), &Event{EventName: name}); err != nil {
				t.Error(err)
			}
		})
	}
	add("first")
	<-started
	for range writers {
		add("other")
	}
	for waiting := 0; waiting < writers; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		if l.pending != nil {
			waiting = len(l.pending.ends)
		}
		l.mu.Unlock()
	}
	close(release)
	group.Wait()
	if n := calls.Load(); n != 2 {
		t.Errorf("%d calls for %d writes, want 2", n, writers+1)
	}
	want := []string{"first"}
	for range writers {
		want = append(want, "other")
	}
	whole(t, want, path)
}

// Writers, a rotation, faults and the end at once: every event acknowledged is in the files, no other is, in a chain.
func TestConcurrentUse(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "audit.jsonl")
	l, f := openFaulty(t, path)
	var calls atomic.Int32
	f.write = func(p []byte) (int, error) {
		if calls.Add(1)%3 == 0 {
			n, _ := f.File.Write(p[:len(p)/2])
			return n, syscall.ENOSPC
		}
		return f.File.Write(p)
	}
	var acknowledged sync.Map
	var group sync.WaitGroup
	for w := range 8 {
		group.Go(func() {
			for i := range 50 {
				name := fmt.Sprintf("%d/%d", w, i)
				if l.Write(t.Context(), &Event{EventName: name}) == nil {
					acknowledged.Store(name, true)
				}
				if w == 0 && i == 25 {
					if err := errors.Join(os.Rename(path, path+".1"), l.Reopen()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	group.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if broken, line, err := VerifyAll(path+".1", path); err != nil {
		t.Fatal(broken, line, err)
	}
	for _, p := range []string{path + ".1", path} {
		text, _ := os.ReadFile(p)
		for line := range strings.Lines(string(text)) {
			var e Event
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			if _, ok := acknowledged.LoadAndDelete(e.EventName); !ok {
				t.Errorf("%s is in the log, but was refused or is there twice", e.EventName)
			}
		}
	}
	acknowledged.Range(func(name, _ any) bool { t.Errorf("%s is not in the log", name); return true })
}
