package audit

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// File is one file of a log as Inspect found it.
type File struct {
	Path  string
	Lines int
	// First and Last are the times of its first and last event.
	First, Last time.Time
	// Unfinished says that the last line has no end: it is being written, or a process died over it. The next start sets it aside.
	Unfinished bool

	last, previous link
	continues      bool
}

// Break is a place where the chain does not hold.
type Break struct {
	Path   string
	Line   int // from 1; 0 for the file as a whole
	Event  string
	Detail string // what must have happened to it
}

// String is the place and what happened.
func (b Break) String() string {
	if b.Line == 0 {
		return b.Path + ": " + b.Detail
	}
	s := fmt.Sprintf("%s line %d", b.Path, b.Line)
	if b.Event != "" {
		s += " (event " + b.Event + ")"
	}
	return s + ": " + b.Detail
}

// Inspection is what Inspect found: the files in the order of their chain, the newest last, the places where it breaks, and those where
// it begins although there is something before it, or before it there should be.
type Inspection struct {
	Files  []File
	Breaks []Break
	Starts []Break
}

// maxBreaks is how many breaks of one file are told.
const maxBreaks = 10

// Files lists the files of the log at path: itself and those that rotation has renamed, compressed by gzip or not, in no particular
// order. A rotated file has the log's name with something behind it (audit.jsonl.1.gz, audit.jsonl-20260728) or before the ending
// (audit-20260728.jsonl).
func Files(path string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	ending := filepath.Ext(path)
	stem := strings.TrimSuffix(filepath.Base(path), ending)
	var files []string
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), stem)
		if !ok || !e.Type().IsRegular() || strings.Contains(rest, ".torn-") || !strings.Contains(rest, ending) {
			continue
		}
		if between, _, _ := strings.Cut(rest, ending); between == "" || strings.ContainsAny(between[:1], "-._") {
			files = append(files, filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
	return files, nil
}

// Inspect reads all files of the log at path, puts them in the order of their chain, and names every line that was changed, is out of
// order, or has lost those before it. A log that is being written may be inspected. The error is one of reading, such as fs.ErrNotExist.
func Inspect(ctx context.Context, path string) (Inspection, error) {
	var found Inspection
	paths, err := Files(path)
	if err != nil {
		return found, err
	}
	for _, p := range paths {
		f, breaks, err := inspectFile(ctx, p)
		if err != nil {
			return found, fmt.Errorf("audit: %s: %w", p, err)
		}
		found.Files, found.Breaks = append(found.Files, f), append(found.Breaks, breaks...)
	}
	if !slices.Contains(paths, path) {
		return found, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	found.order(path)
	return found, nil
}

// order puts the files in the order of their chain, and tells of seams that do not fit.
func (i *Inspection) order(path string) {
	// Oldest first where times tell; the file that is written comes last.
	slices.SortStableFunc(i.Files, func(a, b File) int {
		if (a.Path == path) != (b.Path == path) {
			return map[bool]int{true: 1, false: -1}[a.Path == path]
		}
		return a.First.Compare(b.First)
	})
	var sorted []File
	rest := slices.Clone(i.Files)
	for len(rest) > 0 {
		// The first whose predecessor is not among the rest begins a run.
		n := max(0, slices.IndexFunc(rest, func(f File) bool {
			return !f.continues || !slices.ContainsFunc(rest, func(g File) bool { return g.Path != f.Path && g.last == f.previous })
		}))
		for n >= 0 {
			f := rest[n]
			sorted, rest = append(sorted, f), slices.Delete(rest, n, n+1)
			n = slices.IndexFunc(rest, func(g File) bool { return g.continues && g.previous == f.last })
		}
	}
	i.Files = sorted
	for n, f := range sorted {
		switch {
		case n == 0 && f.continues:
			i.Starts = append(i.Starts, Break{Path: f.Path, Detail: "it continues a file that is not here"})
		case n > 0 && !f.continues && f.Lines > 0:
			i.Starts = append(i.Starts, Break{Path: f.Path, Detail: "it begins a chain of its own: the file before it was taken away from the server, not renamed"})
		case n > 0 && f.continues && f.previous != sorted[n-1].last:
			i.Breaks = append(i.Breaks, Break{Path: f.Path, Line: 1, Detail: fmt.Sprintf(
				"it continues a line that no file ends with: a file between %s and it is missing, or lines at the end of one", filepath.Base(sorted[n-1].Path))})
		}
	}
}

// inspectFile reads one file by itself.
func inspectFile(ctx context.Context, path string) (File, []Break, error) {
	f := File{Path: path}
	var breaks []Break
	var previous link
	err := lines(ctx, path, func(n int, text []byte, whole bool) bool {
		if !whole {
			f.Unfinished = true
			return false
		}
		f.Lines = n
		event, after, ok := parseLine(text)
		if !ok {
			breaks = append(breaks, Break{Path: path, Line: n, Detail: "it is no line of an audit log"})
			return len(breaks) < maxBreaks
		}
		if n == 1 {
			f.previous, f.continues = continues(event)
			previous, f.First = f.previous, timeOf(event)
		}
		if next(previous, event) != after {
			breaks = append(breaks, Break{Path: path, Line: n, Event: textOf(event, "eventID")})
		}
		previous, f.last, f.Last = after, after, timeOf(event)
		return len(breaks) < maxBreaks
	})
	if err == nil && len(breaks) > 0 {
		err = explainBreaks(ctx, path, breaks)
	}
	return f, breaks, err
}

// nearby is how far away a line that was moved is looked for.
const nearby = 5000

// explainBreaks says what must have happened at each break: the line stands where it does not belong, or it is not what was written, or
// others are missing before it.
func explainBreaks(ctx context.Context, path string, breaks []Break) error {
	var all []link
	events := map[int][]byte{}
	err := lines(ctx, path, func(n int, text []byte, whole bool) bool {
		event, after, _ := parseLine(text)
		all = append(all, after)
		if slices.ContainsFunc(breaks, func(b Break) bool { return b.Line == n }) {
			events[n] = bytes.Clone(event)
		}
		return whole
	})
	for i, b := range breaks {
		if b.Detail != "" || b.Line > len(all) {
			continue
		}
		breaks[i].Detail = "it is not as it was written, or lines before it are missing"
		for n := max(1, b.Line-nearby); n <= min(len(all), b.Line+nearby); n++ {
			if next(all[n-1], events[b.Line]) == all[b.Line-1] {
				breaks[i].Detail = fmt.Sprintf("it belongs behind line %d: lines are out of order", n)
				break
			}
		}
	}
	return err
}

// lines calls fn for each line without its end, until fn says no. whole is false for a last line that has no end.
func lines(ctx context.Context, path string, fn func(n int, text []byte, whole bool) bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<16)
	if magic, err := r.Peek(2); err == nil && bytes.Equal(magic, []byte{0x1f, 0x8b}) { // RFC 1952 §2.3.1
		z, err := gzip.NewReader(r)
		if err != nil {
			return err
		}
		defer z.Close()
		r = bufio.NewReaderSize(z, 1<<16)
	}
	for n := 1; ; n++ {
		if n%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		text, err := r.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(text) == 0 {
			return nil
		}
		text, whole := bytes.CutSuffix(text, []byte("\n"))
		if !fn(n, text, whole) || !whole {
			return nil
		}
	}
}

// Found is an event that Find found.
type Found struct {
	Path string
	Line int
	JSON []byte
}

// Find finds the events of a request in all files of the log at path.
func Find(ctx context.Context, path, requestID string) ([]Found, error) {
	paths, err := Files(path)
	if err != nil {
		return nil, err
	}
	var found []Found
	for _, p := range paths {
		err := lines(ctx, p, func(n int, text []byte, whole bool) bool {
			if whole && bytes.Contains(text, []byte(requestID)) && textOf(text, "requestID") == requestID {
				found = append(found, Found{p, n, bytes.Clone(text)})
			}
			return true
		})
		if err != nil {
			return found, fmt.Errorf("audit: %s: %w", p, err)
		}
	}
	return found, nil
}

// textOf is a member of an event that is a text; "" if there is none.
func textOf(event []byte, name string) string {
	var members map[string]any
	if json.Unmarshal(event, &members) != nil {
		return ""
	}
	text, _ := members[name].(string)
	return text
}

// timeOf is when the event was; zero if it does not say. It is asked of every line, and reads no more than it must.
func timeOf(event []byte) time.Time {
	const start = `"eventTime":"`
	i := bytes.Index(event, []byte(start))
	if i < 0 {
		return time.Time{}
	}
	text, _, _ := bytes.Cut(event[i+len(start):], []byte(`"`))
	at, _ := time.Parse(time.RFC3339, string(text)) // zero where it is none
	return at
}
