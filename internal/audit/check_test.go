package audit

import (
	"context"
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

// TestCheck: a log that cannot be written says so, and recovers although nobody writes; what was tried for is not in it.
func TestCheck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l, f := openFaulty(t, path)
	write(t, l, "A")
	calls := 0
	f.write = func(p []byte) (int, error) {
		calls++
		return f.File.Write(p)
	}
	if err := l.Check(t.Context()); err != nil || calls > 0 {
		t.Fatalf("%v after %d writes", err, calls)
	}
	f.write = func(p []byte) (int, error) {
		n, _ := f.File.Write(p[:len(p)/2])
		return n, syscall.ENOSPC
	}
	if err := l.Write(t.Context(), &Event{EventName: "lost"}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	for range 2 {
		if err := l.Check(t.Context()); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("a full disk: %v", err)
		}
	}
	stuck := errors.New("stuck")
	f.truncate = func() error { return stuck }
	if err := l.Check(t.Context()); !errors.Is(err, stuck) {
		t.Fatalf("a torn line that cannot be removed: %v", err)
	}
	f.write = nil
	if err := l.Check(t.Context()); !errors.Is(err, stuck) {
		t.Fatalf("a torn line that cannot be removed, with room: %v", err)
	}
	f.truncate = nil
	if err := l.Check(t.Context()); err != nil {
		t.Fatalf("room again: %v", err)
	}
	whole(t, []string{"A"}, path)
	write(t, l, "B")
	whole(t, []string{"A", "B"}, path)

	l.turn <- struct{}{} // somebody is at the file and does not come back
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Check(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("a file that hangs: %v", err)
	}
	<-l.turn
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Check(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// TestCheckAfterFailedSync: what the disk has is unknown, and only another file helps.
func TestCheckAfterFailedSync(t *testing.T) {
	l, f := openFaulty(t, filepath.Join(t.TempDir(), "audit.jsonl"))
	f.sync = func() error { return syscall.EIO }
	write(t, l, "A")
	l.sync()
	if err := l.Check(t.Context()); !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v", err)
	}
	f.sync = nil
	l.failed = nil
}
