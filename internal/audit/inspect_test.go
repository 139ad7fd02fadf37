package audit

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// logOf makes a log of one line for each name and returns its lines.
func logOf(t *testing.T, path string, names ...string) [][]byte {
	t.Helper()
	l := open(t, path)
	write(t, l, names...)
	fatal(t, l.Close())
	text, err := os.ReadFile(path)
	fatal(t, err)
	return bytes.SplitAfter(text, []byte("\n"))[:len(names)]
}

func put(t *testing.T, path string, lines ...[]byte) {
	t.Helper()
	fatal(t, os.WriteFile(path, bytes.Join(lines, nil), 0o600))
}

func inspected(t *testing.T, path string) Inspection {
	t.Helper()
	i, err := Inspect(t.Context(), path)
	fatal(t, err)
	return i
}

// TestInspectNamesTheLine: a changed, missing, repeated or moved line is found and told of as what it is.
func TestInspectNamesTheLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := logOf(t, path, "A", "B", "C", "D", "E")
	changed := bytes.Replace(l[2], []byte(`"eventName":"C"`), []byte(`"eventName":"X"`), 1)
	const touched, moved = "it is not as it was written, or lines before it are missing", "lines are out of order"
	for name, c := range map[string]struct {
		lines [][]byte
		want  []string
	}{
		"whole":         {l, nil},
		"changed":       {[][]byte{l[0], l[1], changed, l[3], l[4]}, []string{"line 3 (event ", touched}},
		"missing":       {[][]byte{l[0], l[1], l[3], l[4]}, []string{"line 3 (event ", touched}},
		"first missing": {[][]byte{l[1], l[2], l[3]}, []string{"line 1 (event ", touched}},
		"swapped":       {[][]byte{l[0], l[2], l[1], l[3], l[4]}, []string{"line 2 (event ", "belongs behind line 3", "line 3", moved, "line 4", "belongs behind line 2"}},
		"moved":         {[][]byte{l[0], l[3], l[1], l[2], l[4]}, []string{"line 2 (event ", "belongs behind line 4", "belongs behind line 1", "line 5"}},
		"twice":         {[][]byte{l[0], l[1], l[1], l[2]}, []string{"line 3", "belongs behind line 1"}},
		"another text":  {[][]byte{l[0], []byte("hello\n"), l[1]}, []string{"line 2: it is no line of an audit log"}},
	} {
		put(t, path, c.lines...)
		i := inspected(t, path)
		var told strings.Builder
		for _, b := range i.Breaks {
			told.WriteString(b.String() + "\n")
		}
		for _, want := range c.want {
			if !strings.Contains(told.String(), want) {
				t.Errorf("%s: %q, want %q", name, told.String(), want)
			}
		}
		if (len(c.want) == 0) != (len(i.Breaks) == 0) {
			t.Errorf("%s: %q", name, told.String())
		}
	}
}

// rotated makes a log of three files: two that were renamed, the older one compressed, and the one that is written.
func rotated(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "audit.jsonl")
	l := open(t, path)
	for _, name := range []string{"A", "B"} {
		write(t, l, name+"1", name+"2")
		fatal(t, os.Rename(path, path+"."+name))
		fatal(t, l.Reopen())
	}
	write(t, l, "C1", "C2")
	fatal(t, l.Close())
	text, err := os.ReadFile(path + ".A")
	fatal(t, err)
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, err = w.Write(text)
	fatal(t, errors.Join(err, w.Close()))
	put(t, path+".A.gz", z.Bytes())
	fatal(t, os.Remove(path+".A"))
	put(t, path+".torn-20260101T000000Z", []byte("{"))
	put(t, filepath.Join(filepath.Dir(path), "auditor.jsonl"), []byte("another log\n"))
	return path
}

func TestInspectFollowsRotation(t *testing.T) {
	path := rotated(t)
	i := inspected(t, path)
	if len(i.Breaks)+len(i.Starts) > 0 || len(i.Files) != 3 || i.Files[0].Path != path+".A.gz" || i.Files[1].Path != path+".B" || i.Files[2].Path != path || i.Files[2].Lines != 2 {
		t.Errorf("%+v", i)
	}
	found, err := Find(t.Context(), path, "nobody's")
	if err != nil || len(found) != 0 {
		t.Errorf("found %v, %v", found, err)
	}
	b, err := os.ReadFile(path + ".B")
	fatal(t, err)
	lines := bytes.SplitAfter(b, []byte("\n"))
	put(t, path+".B", lines[0]) // its last line is gone
	if i := inspected(t, path); len(i.Breaks) != 1 || !strings.Contains(i.Breaks[0].String(), "a line that no file ends with") || i.Breaks[0].Path != path {
		t.Errorf("%+v", i.Breaks)
	}
	fatal(t, os.Remove(path+".B"))
	if i := inspected(t, path); len(i.Breaks) != 1 || i.Breaks[0].Path != path {
		t.Errorf("%+v", i.Breaks)
	}
	fatal(t, os.Remove(path+".A.gz"))
	if i := inspected(t, path); len(i.Breaks) != 0 || len(i.Starts) != 1 || !strings.Contains(i.Starts[0].Detail, "not here") {
		t.Errorf("%+v", i)
	}
}

func TestInspectTellsOfANewChain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	logOf(t, path, "A")
	fatal(t, os.Rename(path, path+".1"))
	logOf(t, path, "B")
	if i := inspected(t, path); len(i.Breaks) != 0 || len(i.Starts) != 1 || i.Starts[0].Path != path {
		t.Errorf("%+v", i)
	}
}

// TestInspectBesideAWriter: a last line without its end is no break, and an empty log is whole.
func TestInspectBesideAWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := logOf(t, path, "A", "B")
	put(t, path, l[0], l[1][:20])
	if i := inspected(t, path); len(i.Breaks) != 0 || !i.Files[0].Unfinished || i.Files[0].Lines != 1 {
		t.Errorf("%+v", i)
	}
	put(t, path)
	if i := inspected(t, path); len(i.Breaks) != 0 || i.Files[0].Lines != 0 {
		t.Errorf("%+v", i)
	}
	fatal(t, os.Remove(path))
	if _, err := Inspect(t.Context(), path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var names []string
	for range 300 {
		names = append(names, "A")
	}
	logOf(t, path, names...)
	if _, err := Inspect(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}

func TestFind(t *testing.T) {
	path := rotated(t)
	l := open(t, path)
	e := sample()
	e.RequestID, e.UserAgent = "11111111-2222-3333-4444-555555555555", "22222222-3333-4444-5555-666666666666"
	fatal(t, l.Write(t.Context(), e))
	fatal(t, os.Rename(path, path+".C"))
	fatal(t, l.Reopen())
	fatal(t, l.Close())
	found, err := Find(t.Context(), path, e.RequestID)
	if err != nil || len(found) != 1 || found[0].Path != path+".C" || found[0].Line != 3 {
		t.Errorf("%v, %v", found, err)
	}
	if found, err := Find(t.Context(), path, e.UserAgent); err != nil || len(found) != 0 {
		t.Errorf("what stands elsewhere in the event is taken for its request id: %v, %v", found, err)
	}
}

func TestStanding(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := open(t, path)
	write(t, l, "A", "B")
	fatal(t, l.Standing())
	fatal(t, os.Truncate(path, 10))
	if err := l.Standing(); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("cut: %v", err)
	}
	fatal(t, os.Rename(path, path+".1"))
	if err := l.Standing(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("renamed: %v", err)
	}
	put(t, path, []byte("x"))
	if err := l.Standing(); err == nil || !strings.Contains(err.Error(), "is another") {
		t.Errorf("another: %v", err)
	}
	fatal(t, l.Close())
	if err := l.Standing(); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}
