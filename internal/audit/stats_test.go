package audit

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestStats(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l, f := openFaulty(t, path)
	write(t, l, "A", "B")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if s := l.Stats(); s.Events != 2 || s.Batches != 2 || s.Failures != 0 || s.Bytes != uint64(info.Size()) || s.Waiting != 0 {
		t.Errorf("%+v of %d bytes", s, info.Size())
	}
	f.write = func([]byte) (int, error) { return 0, syscall.ENOSPC }
	if l.Write(t.Context(), &Event{EventName: "lost"}) == nil {
		t.Fatal("written to a full disk")
	}
	if s := l.Stats(); s.Events != 2 || s.Failures != 1 || s.Bytes != uint64(info.Size()) {
		t.Errorf("after a failure: %+v", s)
	}
}

// TestFailing: from the first failure on, until Check has found room; a short event that fits a gap ends nothing.
func TestFailing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l, f := openFaulty(t, path)
	write(t, l, "A")
	if l.Failing() {
		t.Error("failing from the start")
	}
	gap := func(p []byte) (int, error) {
		if len(p) > 4096 {
			return 0, syscall.ENOSPC
		}
		return f.File.Write(p)
	}
	f.write = func([]byte) (int, error) { return 0, syscall.ENOSPC }
	_ = l.Write(t.Context(), &Event{EventName: "lost"})
	f.write = gap
	write(t, l, "B")
	if !l.Failing() || l.Check(t.Context()) == nil || !l.Failing() {
		t.Error("a gap was taken for room")
	}
	f.write = nil
	if err := l.Check(t.Context()); err != nil || l.Failing() {
		t.Errorf("with room: %v", err)
	}
	write(t, l, "C")

	f.sync = func() error { return syscall.EIO }
	l.sync()
	if !l.Failing() {
		t.Error("a sync failed and nobody knows")
	}
	f.sync = nil
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := l.Reopen(); err != nil || l.Failing() {
		t.Errorf("in a new file: %v", err)
	}
	write(t, l, "D")
	whole(t, []string{"A", "B", "C"}, path+".1")
}
