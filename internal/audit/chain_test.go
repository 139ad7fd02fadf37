package audit

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Whatever one changes in a log shows, and at the first line concerned.
func TestVerifyFindsEveryChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := open(t, path)
	write(t, l, "A", "B", "C")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))[:3]
	broken := func(name string, want int, content ...[]byte) {
		t.Helper()
		if err := os.WriteFile(path, bytes.Join(content, nil), 0o600); err != nil {
			t.Fatal(err)
		}
		if line, err := Verify(path); line != want || !errors.Is(err, ErrBroken) {
			t.Errorf("%s: line %d, %v; want line %d", name, line, err, want)
		}
	}
	for i := range text {
		for _, flip := range []byte{1, 0x20, 0x80} {
			changed := bytes.Clone(text)
			changed[i] ^= flip
			broken("byte", 1+bytes.Count(text[:i], []byte("\n")), changed)
		}
	}
	broken("first line gone", 1, lines[1], lines[2])
	broken("middle line gone", 2, lines[0], lines[2])
	broken("lines swapped", 1, lines[1], lines[0], lines[2])
	broken("line twice", 2, lines[0], lines[0], lines[1])
	broken("line added", 4, text, []byte("{\"eventName\":\"X\"}\n"))
	broken("empty line", 2, lines[0], []byte("\n"), lines[1])
	broken("no line break at the end", 3, text[:len(text)-1])

	if _, err := Verify(filepath.Join(t.TempDir(), "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if line, err := Verify(path); line != 0 || err != nil {
		t.Errorf("empty: %d, %v", line, err)
	}
}
