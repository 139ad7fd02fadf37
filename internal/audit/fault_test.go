package audit

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// faulty is a file whose calls a test can spoil.
type faulty struct {
	*os.File
	write    func(p []byte) (int, error)
	truncate func() error
	sync     func() error
}

func (f *faulty) Write(p []byte) (int, error) {
	if f.write != nil {
		return f.write(p)
	}
	return f.File.Write(p)
}

func (f *faulty) Truncate(size int64) error {
	if f.truncate != nil {
		if err := f.truncate(); err != nil {
			return err
		}
	}
	return f.File.Truncate(size)
}

func (f *faulty) Sync() error {
	if f.sync != nil {
		return f.sync()
	}
	return f.File.Sync()
}

func openFaulty(t testing.TB, path string) (*Log, *faulty) {
	t.Helper()
	l := open(t, path)
	f := &faulty{File: l.file.(*os.File)}
	l.file = f
	return l, f
}

func TestDiskFull(t *testing.T) {
	for _, part := range []int{0, 1, 300} { // bytes that still fitted
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		l, f := openFaulty(t, path)
		write(t, l, "A")
		f.write = func(p []byte) (int, error) {
			n, _ := f.File.Write(p[:min(part, len(p))])
			return n, syscall.ENOSPC
		}
		stuck := errors.New("stuck")
		f.truncate = func() error { return stuck }
		if err := l.Write(t.Context(), &Event{EventName: "lost"}); !errors.Is(err, syscall.ENOSPC) || !errors.Is(err, stuck) {
			t.Fatalf("got %v", err)
		}
		f.write = nil // space again, but the torn line cannot be removed: nothing may follow it
		if err := l.Write(t.Context(), &Event{EventName: "lost"}); !errors.Is(err, stuck) {
			t.Fatalf("got %v", err)
		}
		f.truncate = nil
		write(t, l, "B")
		whole(t, []string{"A", "B"}, path)
	}
}

func TestSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		l, f := openFaulty(t, path)
		var syncs atomic.Int32
		f.sync = func() error { syncs.Add(1); return nil }
		time.Sleep(time.Minute)
		if n := syncs.Load(); n != 0 {
			t.Errorf("%d syncs of an idle log", n)
		}
		for range 3 {
			write(t, l, "A", "B", "C")
			before := syncs.Load()
			time.Sleep(syncEvery)
			synctest.Wait()
			if n := syncs.Load() - before; n != 1 {
				t.Errorf("%d syncs within the second, want 1", n)
			}
		}
		f.sync = func() error { return syscall.EIO }
		write(t, l, "D")
		time.Sleep(syncEvery)
		synctest.Wait()
		if err := l.Write(t.Context(), &Event{}); !errors.Is(err, syscall.EIO) {
			t.Errorf("after a failed sync: %v", err)
		}
		f.sync = nil
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
		if err := l.Reopen(); err != nil {
			t.Fatal(err)
		}
		write(t, l, "E")
		whole(t, []string{"E"}, path)
	})
}

func TestCloseReportsAFailedSync(t *testing.T) {
	l, f := openFaulty(t, filepath.Join(t.TempDir(), "audit.jsonl"))
	f.sync = func() error { return syscall.EIO }
	write(t, l, "A")
	if err := l.Close(); !errors.Is(err, syscall.EIO) {
		t.Errorf("Close: %v", err)
	}
}
